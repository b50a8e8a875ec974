import type {
  HeldLease,
  LeaseAnswer,
  LeaseHolder,
  LeaseServer,
} from '../../runtime/coordinator/adapters/redis-lease.js';
import type { Clock } from '../../runtime/kernel/clock.js';

interface Kept {
  readonly holder: LeaseHolder | null;
  readonly term: number;
  readonly until: number;
  readonly ttl: number;
  readonly history: number;
}

/** What the scripts do, without Redis: a primary that may have a replica, and what goes wrong with them. */
export class LeaseModel {
  private primary: Kept | null = null;
  private copied: Kept | null = null;
  private history = 1;
  private primarySkew = 0;
  /** The replica is connected… */
  replica = true;
  /** …and takes in what the primary writes. */
  replicating = true;
  /** Nothing is answered, for ever. */
  silent = false;
  /** How long a question takes to the server, and an answer back, ms. */
  tripMs = 1;

  constructor(private readonly clock: Clock) {}

  /** The replica takes over with what it has; there is no replica from then on. */
  promote(clockSkewMs: number): void {
    this.primary = this.copied;
    this.history += 1;
    this.primarySkew = clockSkewMs;
    this.replica = false;
  }

  /** The replica is back and in step. */
  follow(): void {
    [this.replica, this.replicating, this.copied] = [true, true, this.primary];
  }

  /** A client's view of it. */
  client(): LeaseServer {
    return {
      acquire: (holder, ttlMs, waitMs) => this.answer(() => this.acquire(holder, ttlMs), waitMs),
      holder: () => this.answer(() => this.held(), 0),
      release: (holder) => this.answer(() => this.drop(holder), 0),
    };
  }

  private async answer<T>(run: () => T, waitMs: number): Promise<T> {
    const { clock } = this;
    await clock.sleep(this.tripMs);
    if (this.silent) return new Promise(() => undefined);
    const result = run();
    const confirmed = waitMs > 0 && this.replica && this.replicating;
    if (waitMs > 0 && !confirmed) await clock.sleep(waitMs);
    await clock.sleep(this.tripMs);
    return typeof result === 'object' && result !== null && 'confirmed' in result
      ? { ...result, confirmed: confirmed ? 1 : 0 }
      : result;
  }

  private acquire(holder: LeaseHolder, ttlMs: number): LeaseAnswer {
    const now = this.clock.now() + this.primarySkew;
    const held = this.primary;
    const replicas = this.replica ? 1 : 0;
    const mine = holds(held, holder);
    if (held?.holder !== undefined && held.holder !== null && !mine) {
      const promoted = held.history !== this.history;
      if (promoted) this.write({ ...held, until: now + held.ttl, history: this.history });
      if (promoted || held.until > now) return { granted: false, term: held.term, replicas, confirmed: 0 };
    }
    const term = mine && held !== null ? held.term : Math.max((held?.term ?? 0) + 1, Math.floor(now));
    this.write({ holder, term, until: now + ttlMs, ttl: ttlMs, history: this.history });
    return { granted: true, term, replicas, confirmed: 0 };
  }

  private held(): HeldLease | null {
    const held = this.primary;
    const holder = held?.holder ?? null;
    if (held === null || holder === null) return null;
    const left = Math.min(held.ttl, held.until - this.clock.now() - this.primarySkew);
    const remainingMs = held.history === this.history ? left : held.ttl;
    return remainingMs > 0 ? { replica: holder.replica, remainingMs } : null;
  }

  private drop(holder: LeaseHolder): void {
    if (this.primary !== null && holds(this.primary, holder)) this.write({ ...this.primary, holder: null });
  }

  private write(kept: Kept): void {
    this.primary = kept;
    if (this.replica && this.replicating) this.copied = kept;
  }
}

function holds(kept: Kept | null, { replica, incarnation }: LeaseHolder): boolean {
  return kept?.holder?.replica === replica && kept.holder.incarnation === incarnation;
}
