import { constantCurve } from '../../runtime/cost/agent-curve.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import { CostMeter } from '../../runtime/cost/meter.js';
import { HOUR } from '../../runtime/kernel/units.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { agentRules, httpRules } from '../agents/real-agents.js';
import { sampleExperiment } from '../spec/sample-experiment.js';

const sample = sampleExperiment({
  durationMs: HOUR,
  budget: { modelUsdPerMillionTokens: { input: 3, output: 15 } },
});
const simulated: Experiment = {
  ...sample,
  tasks: {
    ...sample.tasks,
    types: sample.tasks.types.map((type) => ({ ...type, tokens: { input: 1_000, output: 100 } })),
  },
};
const real: Experiment = {
  ...simulated,
  executor: { type: 'http', ...agentRules(), http: httpRules('http://agents.local/') },
};

const modelParts = ({ parts }: { parts: ReadonlyArray<{ part: string; usd: number }> }): Record<string, number> =>
  Object.fromEntries(parts.filter(({ part }) => part.startsWith('model')).map(({ part, usd }) => [part, usd]));

describe('What model calls cost', () => {
  it('is what was planned until an agent has reported anything, then what agents report', () => {
    const meter = new CostMeter({ experiment: real, startMs: 0, agents: 10 });
    meter.advance(HOUR / 2, 10);
    const planned = modelParts(meter.estimate());
    expect(planned['model input']).toBeGreaterThan(0);
    expect(planned['model calls']).toBe(0);
    const before = meter.totalUsd;
    meter.charge(1.5);
    meter.charge(2);
    expect(modelParts(meter.estimate())).toEqual({ 'model input': 0, 'model output': 0, 'model calls': 3.5 });
    expect(meter.totalUsd).toBeCloseTo(
      before - (planned['model input'] ?? 0) - (planned['model output'] ?? 0) + 3.5,
      9,
    );
  });

  it('is gone on with by the meter of another process', () => {
    const first = new CostMeter({ experiment: real, startMs: 0, agents: 10 });
    first.charge(4);
    const second = new CostMeter({ experiment: real, startMs: HOUR, agents: 10, used: first.used });
    second.charge(1);
    expect(modelParts(second.estimate())['model calls']).toBe(5);
  });

  it('is planned for real agents as for simulated ones, and nothing is said to be free that is not', () => {
    const bill = (experiment: Experiment) => estimateCost({ experiment, agentCurve: constantCurve(10) });
    expect(bill(real).totalUsd).toBeCloseTo(bill(simulated).totalUsd, 9);
    expect(modelParts(bill(simulated))['model calls']).toBeUndefined();
    const free = { ...real.budget, modelUsdPerMillionTokens: { input: 0, output: 0 } };
    expect(bill({ ...real, budget: free }).remarks.join()).toContain('what agents report');
  });
});
