import { SimulatedExecutor } from '../../../runtime/agents/adapters/simulated.js';
import type { Execution } from '../../../runtime/agents/port.js';
import { Random } from '../../../runtime/kernel/random.js';
import { SECOND } from '../../../runtime/kernel/units.js';
import { VirtualClock } from '../../../runtime/kernel/virtual-clock.js';
import type { Lease } from '../../../runtime/queue/port.js';
import type { AttemptResult } from '../../../runtime/queue/task.js';
import { experiment, type ExperimentParts } from '../../support/experiment.js';
import { mean, quantile, variance } from '../../support/statistics.js';

const TYPES = [
  { name: 'code_generation', share: 0.5, meanMs: 45 * SECOND, tokens: { input: 0, output: 0 } },
  { name: 'light', share: 0.5, meanMs: 5 * SECOND, tokens: { input: 0, output: 0 } },
];
const TASKS = 40_000;

function lease(index: number, attempt = 1, type = 0): Lease {
  return { attemptId: `x${index}.${attempt}`, attempt, task: { index, type, priority: 2, scheduledAt: 0 } };
}

function stage(parts: ExperimentParts = {}) {
  const spec = experiment({ ...parts, tasks: { types: TYPES, ...parts.tasks } });
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const executor = new SimulatedExecutor(clock, spec);
  const agent = { id: 'a', slowdown: 1 };
  const results: Array<AttemptResult & { readonly at: number; readonly index: number }> = [];
  const start = (given: Lease): Execution =>
    executor.start(given, agent, (execution, result) => {
      results.push({ ...result, at: clock.now(), index: execution.lease.task.index });
    });
  return { clock, executor, agent, results, start };
}

/** Results of the first attempts of many tasks. */
async function attempts(parts: ExperimentParts, count = TASKS, extraRateLimit = 0) {
  const { clock, executor, results, start } = stage(parts);
  executor.extraRateLimit = extraRateLimit;
  for (let index = 0; index < count; index += 1) start(lease(index));
  await clock.run();
  expect(results).toHaveLength(count);
  return results;
}

function expectShare(actual: number, share: number, count: number): void {
  expect(Math.abs(actual / count - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / count));
}

describe('simulated executor', () => {
  it.each([
    ['fixed', 0, 0],
    ['exponential', 1, 1],
    ['lognormal', 0.5, 0.5],
    ['lognormal', 1.5, 1.5],
  ] as const)('draws %s service times (cv %d) with the mean of the task type', (distribution, cv, expected) => {
    const { executor } = stage({ tasks: { serviceTime: { distribution, cv } } });
    for (const [type, meanMs] of [
      [0, 45_000],
      [1, 5_000],
    ] as const) {
      const times = Array.from({ length: TASKS }, (_, index) => executor.serviceMs(type, index, 1));
      expect(Math.abs(mean(times) / meanMs - 1)).toBeLessThanOrEqual((4 * expected) / Math.sqrt(TASKS));
      // A heavy tail makes the sample's own spread uncertain.
      expect(Math.abs(Math.sqrt(variance(times)) / meanMs - expected)).toBeLessThanOrEqual(0.03 * (1 + expected) ** 2);
      expect(Math.min(...times)).toBeGreaterThan(0);
    }
  });

  it('draws lognormal times whose median is the mean over √(1 + cv²)', () => {
    const { executor } = stage({ tasks: { serviceTime: { distribution: 'lognormal', cv: 0.5 } } });
    const times = Array.from({ length: TASKS }, (_, index) => executor.serviceMs(1, index, 1));
    expect(quantile(times, 0.5) / (5_000 / Math.sqrt(1.25))).toBeCloseTo(1, 1);
  });

  it('lets a task take as long wherever and whenever it runs, and another time at another attempt', () => {
    const { executor } = stage();
    expect(stage().executor.serviceMs(0, 17, 1)).toBe(executor.serviceMs(0, 17, 1));
    expect(executor.serviceMs(0, 17, 2)).not.toBe(executor.serviceMs(0, 17, 1));
    expect(stage({ seed: 2 }).executor.serviceMs(0, 17, 1)).not.toBe(executor.serviceMs(0, 17, 1));
  });

  it('ends an attempt after its service time, never synchronously', async () => {
    const { clock, executor, results, start } = stage();
    start(lease(3));
    expect(results).toEqual([]);
    await clock.run();
    expect(results).toEqual([
      { status: 'success', error: null, retryAfterMs: 0, at: executor.serviceMs(0, 3, 1), index: 3 },
    ]);
  });

  it('fails as many attempts as the spec says', async () => {
    const results = await attempts({ simulation: { failureRate: 0.05 } });
    const failed = results.filter(({ status }) => status === 'failed');
    expectShare(failed.length, 0.05, TASKS);
    expect(new Set(failed.map(({ error }) => error))).toEqual(new Set(['executor_failed']));
  });

  it('is refused by the rate limit as often as the spec and a fault together say, quickly, with a time to come back', async () => {
    const results = await attempts({ simulation: { rateLimitRate: 0.02 } }, TASKS, 0.1);
    const refused = results.filter(({ error }) => error === 'rate_limited');
    expectShare(refused.length, 0.12, TASKS);
    expect(refused[0]).toMatchObject({ status: 'failed', retryAfterMs: 1_000, at: 200 });
  });

  it('gives up at the timeout of the task', async () => {
    const parts = { tasks: { timeoutMs: 30 * SECOND, serviceTime: { distribution: 'exponential', cv: 1 } } } as const;
    const results = await attempts(parts);
    const late = results.filter(({ error }) => error === 'timeout');
    expectShare(late.length, Math.exp(-30 / 45), TASKS);
    expect(Math.max(...results.map(({ at }) => at))).toBe(30 * SECOND);
  });

  it('takes longer in a slow agent, and says by how much', async () => {
    const { clock, executor, agent, results, start } = stage();
    agent.slowdown = 4;
    expect(start(lease(1)).stretch).toBe(4);
    await clock.run();
    expect(results[0]!.at).toBeCloseTo(4 * executor.serviceMs(0, 1, 1), 6);
  });

  it('does not get on while frozen, however often', async () => {
    const { clock, executor, results, start } = stage();
    const service = executor.serviceMs(1, 5, 1);
    const execution = start(lease(5, 1, 1));
    clock.at(service / 4, () => {
      execution.freeze();
      execution.freeze();
    });
    clock.at(service / 4 + 60_000, () => {
      execution.thaw();
      execution.thaw();
    });
    clock.at(service / 2 + 60_000, () => {
      execution.freeze();
    });
    clock.at(service / 2 + 90_000, () => {
      execution.thaw();
    });
    await clock.run();
    expect(results.map(({ at }) => at)).toEqual([expect.closeTo(service + 90_000, 3)]);
  });

  it('never ends an attempt that was aborted, frozen or not', async () => {
    const { clock, results, start } = stage();
    start(lease(1)).abort();
    const frozen = start(lease(2));
    frozen.freeze();
    frozen.abort();
    const thawed = start(lease(3));
    thawed.freeze();
    thawed.thaw();
    thawed.abort();
    await clock.run();
    expect(results).toEqual([]);
  });
});
