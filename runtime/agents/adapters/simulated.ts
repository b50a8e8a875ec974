import type { Clock, Due, Timer } from '../../kernel/clock.js';
import { hashNormal, hashUniform } from '../../kernel/random.js';
import type { Lease } from '../../queue/port.js';
import type { AttemptResult } from '../../queue/task.js';
import type { Experiment } from '../../spec/experiment.js';
import type { ExecutingAgent, Execution, Executor, RateLimitSwitch } from '../port.js';

const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };
const TIMEOUT: AttemptResult = { status: 'failed', error: 'timeout', retryAfterMs: 0 };
const FAILED: AttemptResult = { status: 'failed', error: 'executor_failed', retryAfterMs: 0 };
const RATE_LIMITED: AttemptResult = { status: 'failed', error: 'rate_limited', retryAfterMs: 1_000 };

/** A refusal by a rate limit comes back quickly. */
const REFUSAL_MS = 200;

/** Salts of the hashed draws, one per question asked of a task. */
const SALT = { service: 11, failure: 12, rateLimit: 13 } as const;

/**
 * Agents that wait instead of working: service times by task type and distribution, failures and 429s by chance.
 * All of it follows from seed, task and attempt, so a task takes as long wherever and whenever it runs.
 */
export class SimulatedExecutor implements Executor, RateLimitSwitch {
  /** Share of the attempts answered with 429 on top of the spec's; a rate_limit fault sets it. */
  extraRateLimit = 0;

  constructor(
    private readonly clock: Clock,
    private readonly experiment: Experiment,
  ) {}

  start(lease: Lease, agent: ExecutingAgent, done: (execution: Execution, result: AttemptResult) => void): Execution {
    const { seed, simulation, tasks } = this.experiment;
    const { index, type } = lease.task;
    const salt = lease.attempt * 64;
    const refused = simulation.rateLimitRate + this.extraRateLimit;
    if (refused > 0 && hashUniform(seed, index, SALT.rateLimit + salt) < refused) {
      return new Waiting(this.clock, REFUSAL_MS, lease, RATE_LIMITED, null, done);
    }
    const serviceMs = this.serviceMs(type, index, lease.attempt) * agent.slowdown;
    if (serviceMs > tasks.timeoutMs)
      return new Waiting(this.clock, tasks.timeoutMs, lease, TIMEOUT, agent.slowdown, done);
    const fails = hashUniform(seed, index, SALT.failure + salt) < simulation.failureRate;
    return new Waiting(this.clock, serviceMs, lease, fails ? FAILED : SUCCESS, agent.slowdown, done);
  }

  /** Service time of an attempt, ms. Lognormal: σ² = ln(1 + cv²), μ = ln(mean) − σ²/2. */
  serviceMs(type: number, index: number, attempt: number): number {
    const { seed, tasks } = this.experiment;
    const { meanMs } = tasks.types[type] as { meanMs: number };
    const salt = SALT.service + attempt * 64;
    switch (tasks.serviceTime.distribution) {
      case 'fixed':
        return meanMs;
      case 'exponential':
        return -meanMs * Math.log(hashUniform(seed, index, salt));
      case 'lognormal': {
        const variance = Math.log1p(tasks.serviceTime.cv ** 2);
        return meanMs * Math.exp(Math.sqrt(variance) * hashNormal(seed, index, salt) - variance / 2);
      }
    }
  }
}

/**
 * An attempt that ends after a while; frozen, it does not get on. It is its own timer: tens of thousands of these are
 * under way in a large fleet, and each further object per attempt is one more the garbage collector moves about.
 */
class Waiting implements Execution, Due {
  cancelled = false;
  /** Set while frozen. */
  private frozenAt: number | null = null;
  /** In place of the original schedule once it has been frozen. */
  private thawed: Timer | null = null;
  private endsAt: number;

  constructor(
    private readonly clock: Clock,
    delayMs: number,
    readonly lease: Lease,
    private readonly result: AttemptResult,
    readonly stretch: number | null,
    private readonly done: (execution: Execution, result: AttemptResult) => void,
  ) {
    this.endsAt = clock.now() + delayMs;
    clock.schedule(this.endsAt, this);
  }

  run(): void {
    this.done(this, this.result);
  }

  abort(): void {
    this.cancelled = true;
    this.thawed?.cancel();
  }

  freeze(): void {
    if (this.frozenAt !== null) return;
    this.frozenAt = this.clock.now();
    this.abort();
  }

  thaw(): void {
    if (this.frozenAt === null) return;
    this.endsAt = Math.max(this.endsAt, this.frozenAt) + this.clock.now() - this.frozenAt;
    this.frozenAt = null;
    this.thawed = this.clock.at(this.endsAt, () => {
      this.run();
    });
  }
}
