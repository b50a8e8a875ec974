import type { Clock, Timer } from '../kernel/clock.js';
import { whenSettled } from '../kernel/eventually.js';
import type { EventSink } from '../observe/events.js';
import type { Duty, LeaderLease } from './port.js';

/** A leader that has not renewed its lease for this long is replaced… */
const LEASE_TTL_MS = 1_500;
/** …so it renews every third of it. With a look every RENEW_MS, a takeover takes at most TTL + RENEW = 2 s. */
const RENEW_MS = 500;

export interface CoordinatorOptions {
  /** `coordinator-1`, … */
  readonly replica: string;
  readonly clock: Clock;
  readonly lease: LeaderLease;
  readonly duties: readonly Duty[];
  readonly events: EventSink;
  readonly onError: (error: unknown) => void;
}

/**
 * One coordinator replica. The one that holds the lease leads and carries out the duties (sweeping leases,
 * admission, supervising the run); the others wait for the lease to run out.
 */
export class Coordinator {
  private leading = false;
  private alive = false;
  private waiting: Timer | null = null;
  private timers: Timer[] = [];

  constructor(private readonly options: CoordinatorOptions) {}

  get replica(): string {
    return this.options.replica;
  }

  get isLeader(): boolean {
    return this.leading;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  start(): void {
    this.alive = true;
    this.campaign();
  }

  /** Ends without a word: the lease runs out by itself. */
  kill(): void {
    this.alive = false;
    this.stepDown();
    this.waiting?.cancel();
  }

  /** Ends in order, handing the lease back. */
  stop(): void {
    const wasLeading = this.leading;
    this.kill();
    if (wasLeading) this.options.lease.release(this.replica);
  }

  private campaign(): void {
    const { clock, lease, replica, onError } = this.options;
    whenSettled(
      lease.acquire(replica, LEASE_TTL_MS),
      (won) => {
        if (!this.alive) return;
        if (won === null) {
          if (this.leading) this.stepDown();
          this.watch();
          return;
        }
        if (!this.leading) this.lead();
        this.waiting = clock.after(RENEW_MS, () => { this.campaign(); });
      },
      (error) => {
        onError(error);
        // Without an answer the lease may be somebody else's by now.
        this.stepDown();
        this.waiting = clock.after(RENEW_MS, () => { this.campaign(); });
      },
    );
  }

  /** Waits for the lease to run out instead of asking all the time. */
  private watch(): void {
    const { clock, lease, onError } = this.options;
    whenSettled(
      lease.holder(),
      (holder) => {
        if (!this.alive) return;
        const now = clock.now();
        const until = Math.max(now + RENEW_MS / 5, holder?.until ?? now);
        this.waiting = clock.at(until, () => { this.campaign(); });
      },
      onError,
    );
  }

  private lead(): void {
    const { clock, events, duties, replica } = this.options;
    this.leading = true;
    events({ type: 'leader', at: clock.now(), replica, previous: null });
    this.timers = duties.map((duty) => clock.every(duty.everyMs, () => { duty.run(); }));
  }

  private stepDown(): void {
    this.leading = false;
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }
}
