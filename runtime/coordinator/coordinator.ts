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
  /** Until when it leads for certain, epoch ms: counted from before the lease was asked for. */
  private leadsUntil = -Infinity;
  private leadsIn = 0;
  private waiting: Timer | null = null;
  private timers: Timer[] = [];

  constructor(private readonly options: CoordinatorOptions) {}

  get replica(): string {
    return this.options.replica;
  }

  /** False as soon as its lease may be somebody else's, also while an answer is still out. */
  get isLeader(): boolean {
    return this.leading && this.options.clock.now() < this.leadsUntil;
  }

  /** Of its present leadership, or the latest; fences what it writes. */
  get term(): number {
    return this.leadsIn;
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
    if (wasLeading) whenSettled(this.options.lease.release(this.replica), () => undefined, this.options.onError);
  }

  private campaign(): void {
    const { clock, lease, replica, onError } = this.options;
    const askedAt = clock.now();
    whenSettled(
      lease.acquire(replica, LEASE_TTL_MS),
      (won) => {
        if (!this.alive) return;
        if (won === null) {
          if (this.leading) this.stepDown();
          this.watch();
          return;
        }
        this.leadsUntil = askedAt + LEASE_TTL_MS;
        this.leadsIn = won.term;
        if (!this.leading) this.lead();
        this.campaignIn(RENEW_MS);
      },
      (error) => {
        onError(error);
        if (!this.alive) return;
        // Without an answer the lease may be somebody else's by now.
        this.stepDown();
        this.campaignIn(RENEW_MS);
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
        this.campaignIn(Math.max(RENEW_MS / 5, (holder?.until ?? now) - now));
      },
      (error) => {
        onError(error);
        if (this.alive) this.campaignIn(RENEW_MS);
      },
    );
  }

  private campaignIn(delayMs: number): void {
    this.waiting = this.options.clock.after(delayMs, () => {
      this.campaign();
    });
  }

  private lead(): void {
    const { clock, events, duties, replica } = this.options;
    this.leading = true;
    events({ type: 'leader', at: clock.now(), replica, previous: null });
    this.timers = duties.map((duty) =>
      clock.every(duty.everyMs, () => {
        if (this.isLeader) duty.run();
      }),
    );
  }

  private stepDown(): void {
    this.leading = false;
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }
}
