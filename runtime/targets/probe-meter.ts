import { SECOND } from '../kernel/units.js';
import type { AgentIdentity, FinishOutcome, Lease, QueueObserver } from '../queue/port.js';
import type { AttemptResult } from '../queue/task.js';

/** Attempts of this long are looked at. */
const WINDOW_S = 5;

/** Measures what probes of faults ask for, from what agents and queue really do. */
export class ProbeMeter implements QueueObserver {
  private readonly attempts = new Array<number>(WINDOW_S).fill(0);
  private readonly refused = new Array<number>(WINDOW_S).fill(0);
  private second = 0;
  private roundTrip: { readonly ms: number; readonly at: number } | null = null;

  /** A canary has come back. */
  canaryAnswered(sentAt: number, at: number): void {
    this.roundTrip = { ms: at - sentAt, at };
  }

  /** Of the newest canary, ms; null when none has come back lately. */
  linkRoundTripMs(now: number): number | null {
    return this.roundTrip !== null && now - this.roundTrip.at <= WINDOW_S * SECOND ? this.roundTrip.ms : null;
  }

  /** Share of the attempts of the last seconds that were answered with 429; null when there were none. */
  rateLimitedShare(now: number): number | null {
    this.turn(now);
    const total = this.attempts.reduce((sum, n) => sum + n, 0);
    return total === 0 ? null : this.refused.reduce((sum, n) => sum + n, 0) / total;
  }

  submitted(): void {
    // Nothing to measure yet.
  }

  started(): void {
    // Nothing to measure yet.
  }

  finished(_lease: Lease, _agent: AgentIdentity, result: AttemptResult, _outcome: FinishOutcome, at: number): void {
    this.turn(at);
    const slot = this.second % WINDOW_S;
    this.attempts[slot] = (this.attempts[slot] as number) + 1;
    if (result.error === 'rate_limited') this.refused[slot] = (this.refused[slot] as number) + 1;
  }

  requeued(): void {
    // An expired attempt says nothing about limits.
  }

  private turn(at: number): void {
    const second = Math.floor(at / SECOND);
    for (let next = Math.max(this.second + 1, second - WINDOW_S + 1); next <= second; next += 1) {
      this.attempts[next % WINDOW_S] = 0;
      this.refused[next % WINDOW_S] = 0;
    }
    this.second = Math.max(this.second, second);
  }
}
