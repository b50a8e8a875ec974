import { constantCurve, floorCurve, piecesOf, worstCaseCurve } from '../../runtime/cost/agent-curve.js';
import { sampleExperiment } from '../spec/sample-experiment.js';

describe('An agent curve', () => {
  it('is cut into pieces that cover the run', () => {
    const curve = [
      { atMs: 0, agents: 50 },
      { atMs: 400, agents: 60 },
      { atMs: 2_000, agents: 70 },
    ];
    expect([...piecesOf(curve, 1_000)]).toEqual([
      { agents: 50, spanMs: 400 },
      { agents: 60, spanMs: 600 },
    ]);
    expect([...piecesOf(constantCurve(7), 10)]).toEqual([{ agents: 7, spanMs: 10 }]);
  });

  it('must begin at 0, go forwards, and have no negative agents', () => {
    expect(() => [...piecesOf([], 10)]).toThrow('must start at 0 ms');
    expect(() => [...piecesOf([{ atMs: 5, agents: 1 }], 10)]).toThrow('must start at 0 ms');
    const backwards = [
      { atMs: 0, agents: 1 },
      { atMs: 8, agents: 1 },
      { atMs: 5, agents: 1 },
    ];
    expect(() => [...piecesOf(backwards, 10)]).toThrow('in order of time');
    expect(() => [...piecesOf(constantCurve(-1), 10)]).toThrow('-1 agents');
  });

  it('is the most agents the whole run in the worst case, the floor and the reserve in the best', () => {
    const experiment = sampleExperiment();
    expect(worstCaseCurve(experiment)).toEqual([{ atMs: 0, agents: 250 }]);
    expect(floorCurve(experiment)).toEqual([{ atMs: 0, agents: 204 }]);
    const large = sampleExperiment({ fleet: { agents: 300 } });
    expect(worstCaseCurve(large)).toEqual([{ atMs: 0, agents: 304 }]);
  });

  it('follows the stages of a stepped fleet', () => {
    const stages = [
      { startMs: 0, endMs: 10, agents: 50 },
      { startMs: 10, endMs: 20, agents: 100 },
    ];
    expect(floorCurve(sampleExperiment({ fleet: { stages, reserve: 4 } }))).toEqual([
      { atMs: 0, agents: 54 },
      { atMs: 10, agents: 104 },
    ]);
  });
});
