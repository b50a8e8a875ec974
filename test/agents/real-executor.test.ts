import { KeyPools } from '../../runtime/agents/key-pools.js';
import type { CallLimiter, Ending, Execution, Order, Runner, Running } from '../../runtime/agents/port.js';
import { RealExecutor } from '../../runtime/agents/real-executor.js';
import { TaskWriter } from '../../runtime/agents/wire-task.js';
import { Random } from '../../runtime/kernel/random.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { AttemptResult } from '../../runtime/queue/task.js';
import { experiment } from '../support/experiment.js';
import { agentRules, leaseOf, providerRules } from './real-agents.js';

const TIMEOUT_MS = 10 * SECOND;
const STOP_MS = 2 * SECOND;
const OK: Ending = {
  status: 'success',
  error: null,
  retryAfterMs: 0,
  final: false,
  verdict: 'ok',
  detail: null,
  usage: null,
};
const LIMITED: Ending = { ...OK, status: 'failed', error: 'rate_limited', verdict: 'limited', retryAfterMs: 30_000 };

/** What a call does: ends after a while, or never; and how it takes being stopped. */
interface Script {
  readonly afterMs?: number;
  readonly ending?: Ending;
  readonly whenStopped?: 'ends' | 'ignores';
}

class ScriptedRunner implements Runner {
  readonly stopMs = STOP_MS;
  readonly orders: Order[] = [];
  readonly calls: string[] = [];

  constructor(
    private readonly clock: VirtualClock,
    private readonly scripts: Script[],
  ) {}

  start(order: Order, ended: (ending: Ending) => void): Running {
    const script = this.scripts[this.orders.length] ?? {};
    this.orders.push(order);
    if (script.afterMs !== undefined) this.clock.after(script.afterMs, () => ended(script.ending ?? OK));
    return {
      stop: () => {
        this.calls.push('stop');
        if (script.whenStopped !== 'ignores') ended({ ...OK, status: 'failed', error: 'signal_sigterm' });
      },
      abort: () => this.calls.push('abort'),
      freeze: () => this.calls.push('freeze'),
      thaw: () => this.calls.push('thaw'),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function stage(scripts: Script[], options: { limiter?: (clock: VirtualClock) => CallLimiter; slowdown?: number } = {}) {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const spec = experiment({
    tasks: { timeoutMs: TIMEOUT_MS },
    rest: {
      budget: { maxUsd: 1, maxPerHourUsd: null, region: 'x', modelUsdPerMillionTokens: { input: 2, output: 10 } },
    },
  });
  const runner = new ScriptedRunner(clock, scripts);
  const failures: Array<readonly [string, string | null]> = [];
  const errors: unknown[] = [];
  const executor = new RealExecutor({
    experiment: spec,
    clock,
    runner,
    writer: new TaskWriter(spec, agentRules()),
    limiter: options.limiter?.(clock) ?? null,
    onFailure: (reason, detail) => failures.push([reason, detail]),
    onError: (error) => errors.push(error),
  });
  const results: Array<AttemptResult & { readonly at: number }> = [];
  const agent = { id: 'agent-1', slowdown: options.slowdown ?? 1 };
  const start = (index = 0): Execution =>
    executor.start(leaseOf(index), agent, (_, result) => results.push({ ...result, at: clock.now() }));
  return { clock, runner, executor, results, failures, errors, start };
}

const pools =
  (...providers: Parameters<typeof providerRules>[]) =>
  (clock: VirtualClock): CallLimiter =>
    new KeyPools(
      clock,
      providers.map((one) => providerRules(...one)),
    );

describe('executor of real agents', () => {
  it('answers when the runner has ended, and tells it whose attempt it is', async () => {
    const { clock, runner, results, start } = stage([{ afterMs: 300 }]);
    start(7);
    expect(results).toEqual([]);
    await clock.run();
    expect(results).toEqual([{ status: 'success', error: null, retryAfterMs: 0, at: 300 }]);
    expect(runner.orders[0]).toMatchObject({ attemptId: 'x7.1', agentId: 'agent-1', key: null });
  });

  it('stops what runs longer than the task’s timeout, and calls it a timeout', async () => {
    const { clock, runner, results, start } = stage([{}]);
    start();
    await clock.run();
    expect(runner.calls).toEqual(['stop']);
    expect(results).toEqual([{ status: 'failed', error: 'timeout', retryAfterMs: 0, at: TIMEOUT_MS }]);
  });

  it('gives the slot back even when what it has stopped does not end', async () => {
    const { clock, runner, results, start } = stage([{ whenStopped: 'ignores' }]);
    start();
    await clock.run();
    expect(runner.calls).toEqual(['stop', 'abort']);
    expect(results).toMatchObject([{ error: 'timeout', at: TIMEOUT_MS + STOP_MS }]);
  });

  it('answers once, whatever a runner tells after it was given up', async () => {
    const { clock, results, start } = stage([{ whenStopped: 'ignores', afterMs: TIMEOUT_MS + STOP_MS + 500 }]);
    start();
    await clock.run();
    expect(results).toHaveLength(1);
  });

  it('answers nothing after an abort', async () => {
    const { clock, runner, results, start } = stage([{ afterMs: 300 }]);
    const execution = start();
    clock.after(100, () => execution.abort());
    await clock.run();
    expect(runner.calls).toEqual(['abort']);
    expect(results).toEqual([]);
  });

  it('starts nothing when it is aborted at once', async () => {
    const { clock, runner, start } = stage([{ afterMs: 300 }]);
    start().abort();
    await clock.run();
    expect(runner.orders).toEqual([]);
  });

  it('keeps what is answered while it is frozen until it is thawed, and its timeout stands still', async () => {
    const { clock, runner, results, start } = stage([{ afterMs: 300 }, {}]);
    const [ending, hanging] = [start(1), start(2)];
    clock.after(100, () => [ending, hanging].forEach((one) => one.freeze()));
    clock.after(5_100, () => [ending, hanging].forEach((one) => one.thaw()));
    await clock.run();
    // The one that has ended has nothing to thaw.
    expect(runner.calls).toEqual(['freeze', 'freeze', 'thaw', 'stop']);
    expect(results.map(({ status, at }) => [status, at])).toEqual([
      ['success', 5_100],
      ['failed', TIMEOUT_MS + 5_000],
    ]);
  });

  it('says why a runner could not start', async () => {
    const { clock, runner, results, failures, start } = stage([]);
    runner.start = () => {
      throw new Error('no more processes, api_key=abcdefgh');
    };
    start();
    await clock.run();
    expect(results).toMatchObject([{ status: 'failed', error: 'not_started' }]);
    expect(failures).toEqual([['not_started', 'no more processes, api_key=[redacted]']]);
  });

  it('puts a task off, without an attempt lost, when no key has room', async () => {
    const one = { keys: [{ name: 'main', env: null, ratePerMin: 60, burst: 1 }] };
    const { clock, runner, results, start } = stage([{ afterMs: 10 }], { limiter: pools(['p', one]) });
    start(1);
    start(2);
    await clock.run();
    expect(runner.orders).toHaveLength(1);
    expect(results[0]).toMatchObject({ error: 'rate_limited', deferred: true, retryAfterMs: SECOND });
    expect(results[1]).toMatchObject({ status: 'success' });
  });

  it('goes on to another key when one is answered with 429, and back to the queue when there is none', async () => {
    const keys = ['a', 'b'].map((name) => ({ name, env: null, ratePerMin: 60_000, burst: 1 }));
    const { clock, runner, results, start } = stage(
      [{ afterMs: 10, ending: LIMITED }, { afterMs: 10 }, { afterMs: 10, ending: LIMITED }],
      { limiter: pools(['p', { keys }]) },
    );
    start(1);
    await clock.run();
    expect(runner.orders.map(({ key }) => key?.key)).toEqual(['a', 'b']);
    expect(results).toMatchObject([{ status: 'success', at: 20 }]);
    start(2);
    await clock.run();
    // Key a rests for 30 s by then, and so does b: a server was asked, so the attempt counts.
    expect(runner.orders.map(({ key }) => key?.key)).toEqual(['a', 'b', 'b']);
    expect(results[1]).toMatchObject({ status: 'failed', error: 'rate_limited' });
    expect(results[1]?.deferred).toBeUndefined();
    expect(results[1]?.retryAfterMs).toBeGreaterThan(29_000);
  });

  it('puts tasks off when the limiter itself cannot be asked', async () => {
    const { clock, results, errors, start } = stage([], {
      limiter: (virtual) => ({
        take: () => {
          const answer = virtual.deferred<never>();
          virtual.after(5, () => answer.reject(new Error('Redis is away')));
          return answer.promise;
        },
      }),
    });
    start();
    await clock.run();
    expect(results).toMatchObject([{ error: 'limiter_unavailable', deferred: true }]);
    expect(errors).toHaveLength(1);
  });

  it('makes no call while the limiter says nothing, and puts the task off when its time is over', async () => {
    let gaveUp = false;
    const { clock, runner, results, failures, start } = stage([], {
      limiter: (virtual) => ({
        take: (signal) => {
          signal?.addEventListener('abort', () => (gaveUp = true));
          return virtual.deferred<never>().promise;
        },
      }),
    });
    start();
    await clock.run();
    expect(results).toMatchObject([{ error: 'limiter_unavailable', deferred: true, at: TIMEOUT_MS }]);
    expect(failures).toEqual([['limiter_unavailable', expect.stringContaining('nobody said')]]);
    expect(runner.orders).toEqual([]);
    expect(gaveUp).toBe(true);
  });

  it('gives a permit back that comes when nobody waits for it any more', async () => {
    const ends: string[] = [];
    const permit = {
      granted: true as const,
      provider: 'p',
      key: 'k',
      end: (verdict: string) => ends.push(verdict),
    };
    const { clock, runner, start } = stage([], {
      limiter: (virtual) => ({
        take: () => {
          const answer = virtual.deferred<typeof permit>();
          virtual.after(500, () => answer.resolve(permit));
          return answer.promise;
        },
      }),
    });
    const execution = start();
    clock.after(100, () => execution.abort());
    await clock.run();
    expect(ends).toEqual(['unknown']);
    expect(runner.orders).toEqual([]);
  });

  it('works out dollars where the agent reports tokens only, and passes on what it says of itself', async () => {
    const used = { inputTokens: 1_000_000, outputTokens: 100_000 };
    const { clock, results, start } = stage([
      { afterMs: 1, ending: { ...OK, usage: { ...used, usd: null } } },
      { afterMs: 2, ending: { ...OK, usage: { ...used, usd: 0.5 } } },
      { afterMs: 3, ending: { ...OK, status: 'failed', error: 'exit_3', final: true } },
    ]);
    for (const index of [1, 2, 3]) start(index);
    await clock.run();
    expect(results[0]?.usage).toEqual({ ...used, usd: 3 });
    expect(results[1]?.usage).toEqual({ ...used, usd: 0.5 });
    expect(results[2]).toMatchObject({ error: 'exit_3', final: true });
  });

  it('holds results back under a slow_agents fault', async () => {
    const { clock, results, start } = stage([{ afterMs: 1_000 }], { slowdown: 3 });
    expect(start().stretch).toBe(3);
    await clock.run();
    expect(results).toMatchObject([{ status: 'success', at: 3_000 }]);
  });

  it('refuses the share of attempts a rate_limit fault asks for', async () => {
    const { clock, executor, runner, results, start } = stage([]);
    executor.extraRateLimit = 1;
    start();
    await clock.run();
    expect(runner.orders).toEqual([]);
    expect(results).toMatchObject([{ error: 'rate_limited', retryAfterMs: 1_000 }]);
  });
});
