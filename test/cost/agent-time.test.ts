import fc from 'fast-check';
import { AgentTimeCount, timedCurve } from '../../runtime/cost/agent-time.js';
import { defaultSizing, sizingOf } from '../../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import { CostMeter } from '../../runtime/cost/meter.js';
import { sizingSchema } from '../../runtime/cost/sizing-schema.js';
import type { Sizing } from '../../runtime/cost/sizing.js';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { sampleExperiment } from '../spec/sample-experiment.js';

const experiment = sampleExperiment({ durationMs: 2 * HOUR });
const small = compileDeployment(
  { project: 'some-project', pools: { agent: { min: 3, max: 40 } }, stores: { postgres: { instances: 1 } } },
  experiment,
);
const image = { repository: 'registry.example/x' };
const existing = compileDeployment({ platform: 'existing', image }, experiment);

describe('The time of agents', () => {
  it('is summed up by their number, whatever the order, and as a curve goes from the fewest to the most', () => {
    const count = new AgentTimeCount();
    for (const [agents, ms] of [
      [20, 5],
      [10, 7],
      [20, 3],
      [30, 0],
    ] as const)
      count.add(agents, ms);
    expect(count.times).toEqual([
      { agents: 10, ms: 7 },
      { agents: 20, ms: 8 },
    ]);
    expect(timedCurve(count.times)).toEqual({
      agentCurve: [
        { atMs: 0, agents: 10 },
        { atMs: 7, agents: 20 },
      ],
      elapsedMs: 15,
    });
  });

  it('gives the estimator what a meter has shown, on any sizing and however long the run took', () => {
    const look = fc.record({ ms: fc.integer({ min: 0, max: 10 * MINUTE }), agents: fc.integer({ min: 0, max: 300 }) });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1 }), fc.boolean(), (looks, own) => {
        const sizing = own ? sizingOf(small) : defaultSizing(experiment);
        const meter = new CostMeter({ experiment, sizing, startMs: 1_000, agents: 10 });
        let now = 1_000;
        for (const { ms, agents } of looks) meter.advance((now += ms), agents);
        fc.pre(now > 1_000);
        const estimate = estimateCost({ experiment, sizing, ...timedCurve(meter.agentTime ?? []) });
        expect(estimate.totalUsd).toBeCloseTo(meter.totalUsd, 9);
        expect(estimate.perHourUsd).toBeCloseTo(meter.estimate().perHourUsd, 9);
      }),
    );
  });

  it('is carried on by the meter of another process, unless the first part of it is not known', () => {
    const first = new CostMeter({ experiment, startMs: 0, agents: 10 });
    first.advance(HOUR, 12);
    const second = new CostMeter({ experiment, startMs: 9 * HOUR, agents: 12, used: first.used });
    second.advance(10 * HOUR, 12);
    expect(second.agentTime).toEqual([
      { agents: 10, ms: HOUR },
      { agents: 12, ms: HOUR },
    ]);
    const used = { elapsedMs: HOUR, agentNodeMs: HOUR };
    expect(new CostMeter({ experiment, startMs: 0, agents: 10, used }).agentTime).toBeNull();
  });
});

describe('A stored sizing', () => {
  it.each<[string, Sizing]>([
    ['the default', defaultSizing(experiment)],
    ['a deployment of its own', sizingOf(small)],
    ['an existing cluster, whose pool has no end', sizingOf(existing)],
  ])('is the same when it is read back: %s', (_what, sizing) => {
    expect(sizingSchema.parse(JSON.parse(JSON.stringify(sizing)))).toEqual(sizing);
  });

  it('is refused when something of it is missing', () => {
    const { volumes: _, ...rest } = defaultSizing(experiment);
    expect(sizingSchema.safeParse(rest).success).toBe(false);
  });
});
