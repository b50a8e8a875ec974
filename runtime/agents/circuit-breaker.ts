import type { Clock } from '../kernel/clock.js';
import type { BreakerRules } from '../spec/executor-rules.js';

type State = 'closed' | 'open' | 'half_open';

/**
 * Leaves a provider alone that fails: after so many failures in a row nobody is let through for a while (open), then a
 * single call tries it (half open), and its success lets everybody through again (closed).
 */
export class CircuitBreaker {
  private state: State = 'closed';
  private failuresInARow = 0;
  private openUntil = -Infinity;
  /** The one call that may try a half-open provider. */
  private trial: object | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly rules: BreakerRules,
  ) {}

  /** When a call may be let through: now or earlier = at once. Infinity while a trial is under way. */
  opensAt(): number {
    if (this.state === 'closed') return -Infinity;
    return this.state === 'open' ? this.openUntil : Infinity;
  }

  /** Lets a call through; only when {@link opensAt} has come. Its end must be told with the token. */
  enter(): object {
    const token = {};
    if (this.state === 'open') {
      this.state = 'half_open';
      this.trial = token;
    }
    return token;
  }

  /** The call has ended; `unknown` tells nothing about the provider. */
  left(token: object, verdict: 'ok' | 'failed' | 'unknown'): void {
    if (this.state === 'half_open') {
      // Calls from before it opened are old news.
      if (token !== this.trial) return;
      this.trial = null;
      if (verdict === 'ok') this.close();
      else if (verdict === 'failed') this.open();
      else this.reopenAtOnce();
      return;
    }
    if (this.state === 'open') return;
    if (verdict === 'ok') this.failuresInARow = 0;
    if (verdict !== 'failed') return;
    this.failuresInARow += 1;
    if (this.failuresInARow >= this.rules.failures) this.open();
  }

  private close(): void {
    this.state = 'closed';
    this.failuresInARow = 0;
  }

  private open(): void {
    this.state = 'open';
    this.openUntil = this.clock.now() + this.rules.openMs;
  }

  /** The trial was cut off: the next call tries. */
  private reopenAtOnce(): void {
    this.state = 'open';
    this.openUntil = this.clock.now();
  }
}
