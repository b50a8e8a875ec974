import type { Clock, Timer } from '../kernel/clock.js';
import { whenSettled } from '../kernel/eventually.js';
import { hashUniform } from '../kernel/random.js';
import { redact } from '../kernel/redact.js';
import type { Lease } from '../queue/port.js';
import type { AttemptResult, ModelUsage } from '../queue/task.js';
import type { Experiment } from '../spec/experiment.js';
import type {
  CallLimiter,
  CallVerdict,
  Ending,
  ExecutingAgent,
  Execution,
  Executor,
  Permit,
  RateLimitSwitch,
  Refusal,
  ReportedUsage,
  Runner,
  Running,
} from './port.js';
import type { TaskWriter, WrittenTask } from './wire-task.js';

/** Salt of the draw whether a rate_limit fault hits an attempt. */
const SALT_RATE_LIMIT = 21;

/** What a rate_limit fault answers, as the simulated agents do. */
const FAULT_RETRY_AFTER_MS = 1_000;

/** Keys tried in one attempt when one after the other answers 429. */
const MOST_KEYS = 8;

export interface RealExecutorOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly writer: TaskWriter;
  /** Null = calls are not limited. */
  readonly limiter: CallLimiter | null;
  /** Told of every attempt that failed, with what the agent said; bounded and without secrets. */
  readonly onFailure: (reason: string, detail: string | null) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Runs attempts on real agents. Around the runner that reaches them it keeps what holds for all: a permit of the
 * limiter first, the task's timeout, standing still while frozen, and one answer, whatever the runner does.
 */
export class RealExecutor implements Executor, RateLimitSwitch {
  extraRateLimit = 0;

  constructor(private readonly options: RealExecutorOptions) {}

  start(lease: Lease, agent: ExecutingAgent, done: (execution: Execution, result: AttemptResult) => void): Execution {
    const { seed } = this.options.experiment;
    const salt = SALT_RATE_LIMIT + lease.attempt * 64;
    const refused = this.extraRateLimit > 0 && hashUniform(seed, lease.task.index, salt) < this.extraRateLimit;
    return new Attempt(this.options, lease, agent, done, refused);
  }
}

/** One attempt on a real agent. */
class Attempt implements Execution {
  readonly stretch: number;
  private readonly startedAt: number;
  private over = false;
  private timedOut = false;
  private timer: Timer | null = null;
  private remainingMs: number;
  private armedAt = NaN;
  private frozenAt: number | null = null;
  /** What happened while it stood still. */
  private readonly waiting: Array<() => void> = [];
  private pending: Timer | null = null;
  /** The limiter has been asked and has not answered. */
  private asking: AbortController | null = null;
  private permit: Permit | null = null;
  private running: Running | null = null;
  private keysTried = 0;
  private usage: ModelUsage | null = null;
  private readonly written: WrittenTask;

  constructor(
    private readonly options: RealExecutorOptions,
    readonly lease: Lease,
    private readonly agent: ExecutingAgent,
    private readonly done: (execution: Execution, result: AttemptResult) => void,
    refused: boolean,
  ) {
    const { clock, experiment, writer } = options;
    this.stretch = agent.slowdown;
    this.startedAt = clock.now();
    this.remainingMs = experiment.tasks.timeoutMs;
    this.written = writer.write(lease);
    this.arm();
    // Nothing is answered before start() has returned.
    this.pending = clock.after(0, () => {
      this.whenThawed(() => {
        if (refused) this.fail('rate_limited', { retryAfterMs: FAULT_RETRY_AFTER_MS });
        else this.ask();
      });
    });
  }

  abort(): void {
    if (this.over) return;
    this.close();
    this.running?.abort();
    this.endCall('unknown');
  }

  freeze(): void {
    if (this.over || this.frozenAt !== null) return;
    const now = this.options.clock.now();
    this.frozenAt = now;
    this.disarm(now);
    this.running?.freeze();
  }

  thaw(): void {
    if (this.over || this.frozenAt === null) return;
    this.frozenAt = null;
    this.running?.thaw();
    this.arm();
    const happened = this.waiting.splice(0);
    if (happened.length === 0) return;
    this.pending = this.options.clock.after(0, () => {
      for (const one of happened) this.whenThawed(one);
    });
  }

  // ---- permit ----------------------------------------------------------------------------------------------------

  private ask(): void {
    const { limiter } = this.options;
    if (limiter === null) {
      this.call(null);
      return;
    }
    const asking = new AbortController();
    this.asking = asking;
    whenSettled(
      limiter.take(asking.signal),
      (taken) => {
        this.asking = null;
        if (taken.granted && (this.over || this.timedOut)) taken.end('unknown', 0);
        else this.whenThawed(() => (taken.granted ? this.call(taken) : this.putOff(taken)));
      },
      (error) => {
        this.asking = null;
        if (this.over) return;
        this.options.onError(error);
        this.whenThawed(() => {
          this.failUnlimited(null);
        });
      },
    );
  }

  /** Without the limiter's word no call is made. */
  private failUnlimited(detail: string | null): void {
    this.fail('limiter_unavailable', { deferred: this.keysTried === 0, detail });
  }

  private putOff({ reason, retryAfterMs }: Refusal): void {
    // Refused before anything was tried, the task loses no attempt; refused by a server, it has made one.
    this.fail(reason, { retryAfterMs, deferred: this.keysTried === 0 });
  }

  // ---- call ------------------------------------------------------------------------------------------------------

  private call(permit: Permit | null): void {
    this.permit = permit;
    this.keysTried += 1;
    const order = {
      ...this.written,
      attemptId: this.lease.attemptId,
      agentId: this.agent.id,
      key: permit === null ? null : { provider: permit.provider, key: permit.key },
    };
    try {
      const running = this.options.runner.start(order, (ending) => {
        if (this.running === running) this.ended(ending);
      });
      this.running = running;
    } catch (error) {
      this.endCall('unknown');
      const detail = redact(error instanceof Error ? error.message : String(error));
      this.fail('not_started', { detail });
    }
  }

  private ended(ending: Ending): void {
    this.running = null;
    if (ending.usage !== null) this.add(ending.usage);
    this.endCall(this.timedOut ? 'failed' : ending.verdict, ending.retryAfterMs);
    if (this.over) return;
    this.whenThawed(() => {
      this.conclude(ending);
    });
  }

  private conclude(ending: Ending): void {
    if (this.timedOut) {
      this.fail('timeout', { detail: ending.detail });
      return;
    }
    if (ending.verdict === 'limited' && this.options.limiter !== null && this.keysTried < MOST_KEYS) {
      // Another key, another provider; if none has room, the limiter says when to come back.
      this.options.onFailure(ending.error ?? 'rate_limited', ending.detail);
      this.ask();
      return;
    }
    this.held(() => {
      if (ending.status === 'success') this.finish({ status: 'success', error: null, retryAfterMs: 0 });
      else this.fail(ending.error ?? 'executor_failed', ending);
    });
  }

  /** A slow_agents fault holds results back, so that the attempt takes that much longer; not beyond its timeout. */
  private held(finish: () => void): void {
    const now = this.options.clock.now();
    const holdMs = Math.min((now - this.startedAt) * (this.stretch - 1), this.leftMs(now) - 1);
    if (!(holdMs > 0)) {
      finish();
      return;
    }
    this.pending = this.options.clock.after(holdMs, () => {
      this.whenThawed(finish);
    });
  }

  private endCall(verdict: CallVerdict, retryAfterMs = 0): void {
    this.permit?.end(verdict, retryAfterMs);
    this.permit = null;
  }

  // ---- timeout ---------------------------------------------------------------------------------------------------

  private arm(): void {
    this.armedAt = this.options.clock.now();
    this.timer = this.options.clock.after(this.remainingMs, () => {
      this.timer = null;
      if (this.timedOut) this.giveUp();
      else this.timeOut();
    });
  }

  private disarm(now: number): void {
    this.remainingMs = this.leftMs(now);
    this.timer?.cancel();
    this.timer = null;
  }

  private leftMs(now: number): number {
    return Math.max(0, this.remainingMs - (now - this.armedAt));
  }

  private timeOut(): void {
    this.timedOut = true;
    this.pending?.cancel();
    const { running } = this;
    if (running === null) {
      if (this.asking === null) this.fail('timeout', {});
      else this.failUnlimited('nobody said within the time for the task whether a call may be made');
      return;
    }
    this.remainingMs = this.options.runner.stopMs;
    this.arm();
    running.stop();
  }

  /** What was stopped has not ended: the slot is not held up by it any longer. */
  private giveUp(): void {
    const { running } = this;
    this.running = null;
    running?.abort();
    this.endCall('failed');
    this.fail('timeout', { detail: 'it did not end when it was stopped' });
  }

  // ---- the one answer --------------------------------------------------------------------------------------------

  private fail(
    reason: string,
    why: Partial<Pick<Ending, 'retryAfterMs' | 'final' | 'detail'>> & { readonly deferred?: boolean },
  ): void {
    if (this.over) return;
    this.options.onFailure(reason, why.detail ?? null);
    this.finish({
      status: 'failed',
      error: reason,
      retryAfterMs: why.retryAfterMs ?? 0,
      ...(why.final === true ? { final: true } : {}),
      ...(why.deferred === true ? { deferred: true } : {}),
    });
  }

  private finish(result: AttemptResult): void {
    if (this.over) return;
    this.close();
    this.done(this, this.usage === null ? result : { ...result, usage: this.usage });
  }

  private close(): void {
    this.over = true;
    this.asking?.abort();
    this.timer?.cancel();
    this.pending?.cancel();
    this.waiting.length = 0;
  }

  private whenThawed(happens: () => void): void {
    if (this.over) return;
    if (this.frozenAt === null) happens();
    else this.waiting.push(happens);
  }

  private add({ inputTokens, outputTokens, usd }: ReportedUsage): void {
    const { input, output } = this.options.experiment.budget.modelUsdPerMillionTokens;
    const before = this.usage ?? { inputTokens: 0, outputTokens: 0, usd: 0 };
    this.usage = {
      inputTokens: before.inputTokens + inputTokens,
      outputTokens: before.outputTokens + outputTokens,
      usd: before.usd + (usd ?? (inputTokens * input + outputTokens * output) / 1e6),
    };
  }
}
