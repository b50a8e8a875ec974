import type { Clock } from '../../kernel/clock.js';
import type { LeaderLease } from '../port.js';

/** The leader's lease among coordinators of one process. */
export class MemoryLease implements LeaderLease {
  private held: { replica: string; until: number } | null = null;
  private term = 0;

  constructor(private readonly clock: Clock) {}

  acquire(replica: string, ttlMs: number): { term: number } | null {
    const now = this.clock.now();
    if (this.held !== null && this.held.replica !== replica && this.held.until > now) return null;
    if (this.held?.replica !== replica) this.term += 1;
    this.held = { replica, until: now + ttlMs };
    return { term: this.term };
  }

  holder(): { replica: string; until: number } | null {
    return this.held !== null && this.held.until > this.clock.now() ? this.held : null;
  }

  release(replica: string): void {
    if (this.held?.replica === replica) this.held = null;
  }
}
