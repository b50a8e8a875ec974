import type { Eventually } from '../kernel/clock.js';

/**
 * A lease that at most one coordinator holds. Whoever holds it leads; its `term` rises with every change of holder
 * and fences what an old leader still tries to do.
 */
export interface LeaderLease {
  /** Takes or renews the lease for `ttlMs`; null when somebody else holds it. */
  acquire(replica: string, ttlMs: number): Eventually<{ readonly term: number } | null>;
  /** Who holds it, and until when (epoch ms). */
  holder(): Eventually<{ readonly replica: string; readonly until: number } | null>;
  /** Gives it back at once (orderly shutdown). */
  release(replica: string): Eventually<void>;
}

/** What the leader does, over and over; each at its own interval. */
export interface Duty {
  readonly everyMs: number;
  run(): void;
}
