import { agentBounds, agentsNeeded, mixMeanMs, slotsNeeded } from '../../runtime/scaling/need.js';
import { fleetRules, MEAN_SERVICE_MS, scalingRules } from './rules.js';

describe('agents needed', () => {
  test("500/min of the document's 38 s keep 316.7 slots busy (Little's law)", () => {
    expect(slotsNeeded(500, MEAN_SERVICE_MS)).toBeCloseTo(316.67, 2);
  });

  test.each([
    [100, 20],
    [500, 99],
    [1500, 297],
    [0, 0],
  ])('%d/min need %d agents of 4 slots planned at 80 %%', (rate, agents) => {
    expect(agentsNeeded(rate, MEAN_SERVICE_MS, 4, 0.8)).toBe(agents);
  });

  test('a need that comes out even is not rounded up by the last bit', () => {
    // 80 agents × 4 slots × 0.8 = 256 slots
    expect(agentsNeeded((256 * 60_000) / MEAN_SERVICE_MS, MEAN_SERVICE_MS, 4, 0.8)).toBe(80);
  });

  test('the mean of a mix weighs each type by its share', () => {
    const type = (share: number, meanMs: number) => ({ name: 'any', share, meanMs, tokens: { input: 0, output: 0 } });
    const types = [type(0.3, 45_000), type(0.2, 30_000), type(0.25, 60_000), type(0.15, 20_000), type(0.1, 5_000)];
    const mean = mixMeanMs({
      types,
      priorityShares: [0.1, 0.2, 0.5, 0.2],
      serviceTime: { distribution: 'fixed', cv: 0 },
      timeoutMs: 1,
    });
    expect(mean).toBeCloseTo(38_000, 6);
  });

  test("the narrower of the fleet's and the scaling rules' bounds holds", () => {
    expect(agentBounds(scalingRules(), fleetRules({ min: 60, max: 200 }))).toEqual({ min: 60, max: 200 });
    expect(agentBounds(scalingRules(), fleetRules({ min: 10, max: 1_000 }))).toEqual({ min: 50, max: 250 });
  });
});
