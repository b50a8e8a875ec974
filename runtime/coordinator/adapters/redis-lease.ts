import type { Clock } from '../../kernel/clock.js';
import type { LeaderLease } from '../port.js';

/** Who asks for a lease. The incarnation tells a process from the one of the same name before it. */
export interface LeaseHolder {
  readonly replica: string;
  readonly incarnation: number;
}

/** What the server says to an acquisition. */
export interface LeaseAnswer {
  /** The lease is the asker's, on this server. */
  readonly granted: boolean;
  readonly term: number;
  /** Replicas that follow this server: in step, and heard within 10 s. */
  readonly replicas: number;
  /** Replicas that have the acquisition; 0 when not waited for. */
  readonly confirmed: number;
}

/** What is known of the one who holds a lease. */
export interface HeldLease {
  readonly replica: string;
  /** Until it runs out, ms. */
  readonly remainingMs: number;
}

/** The lease's key in Redis: each call is one script, on the server's own time. */
export interface LeaseServer {
  /**
   * Takes or renews the lease for `ttlMs`.
   *
   * @param waitMs how long to wait for a replica to have it; 0 = not at all.
   */
  acquire(holder: LeaseHolder, ttlMs: number, waitMs: number): Promise<LeaseAnswer>;
  holder(): Promise<HeldLease | null>;
  release(holder: LeaseHolder): Promise<void>;
}

export interface RedisLeaseOptions {
  readonly server: LeaseServer;
  readonly clock: Clock;
  /** Different for every start of this process. */
  readonly incarnation: number;
}

/** What the server's lease lasts longer than the holder believes: clocks run at slightly different speeds. */
const MARGIN = 0.05;

/** A server that seems to have no replicas is asked again after this: one that was replaced learns it meanwhile, ms. */
const ALONE_MS = 250;

/** Shares of the lease: for a replica to confirm, and for the whole acquisition. Of a usual 1.5 s both waits fit in. */
const CONFIRM_SHARE = 0.2;
const LIMIT_SHARE = 0.5;

/**
 * The leader's lease in Redis. It is the holder's only once a replica has it: otherwise the next primary may give it to
 * somebody else at once. Where no replica is connected there is nobody to confirm, nor to be promoted; the primary's
 * word then counts once it has been without replicas for a moment, so that a primary that slept and was replaced in
 * the meantime has learnt of it.
 *
 * The server keeps the lease a little longer than was asked for, and from a later instant on than the holder counts
 * from (before it asked). So a holder that stops renewing, for whatever reason, knows by its own monotonic clock that
 * it may no longer lead before another one can.
 */
export class RedisLease implements LeaderLease {
  /** At the last look the server had replicas, who can be waited for. */
  private followed = false;
  /** Since when it has been without at every look, own clock; null = it has some, or has not been looked at. */
  private aloneSince: number | null = null;

  constructor(private readonly options: RedisLeaseOptions) {}

  /** Rejects when there is no answer within half the lease, or when no replica confirms it. */
  async acquire(replica: string, ttlMs: number): Promise<{ term: number } | null> {
    const limitMs = ttlMs * LIMIT_SHARE;
    return this.within(limitMs, `leadership was not granted within ${limitMs} ms`, (over) =>
      this.tryAcquire(replica, ttlMs, over),
    );
  }

  async holder(): Promise<{ replica: string; until: number } | null> {
    const { server, clock } = this.options;
    const limitMs = 1_000;
    const held = await this.within(limitMs, `who leads was not answered within ${limitMs} ms`, () => server.holder());
    return held === null ? null : { replica: held.replica, until: clock.now() + held.remainingMs };
  }

  async release(replica: string): Promise<void> {
    const { server, incarnation } = this.options;
    const limitMs = 1_000;
    await this.within(limitMs, `the lease was not handed back within ${limitMs} ms`, () =>
      server.release({ replica, incarnation }),
    );
  }

  private async tryAcquire(replica: string, ttlMs: number, over: () => boolean): Promise<{ term: number } | null> {
    const { server, clock, incarnation } = this.options;
    const askedMs = ttlMs * (1 + MARGIN);
    for (;;) {
      const waitMs = this.followed ? ttlMs * CONFIRM_SHARE : 0;
      const answer = await server.acquire({ replica, incarnation }, askedMs, waitMs);
      this.followed = answer.replicas > 0;
      if (!answer.granted) return null;
      if (answer.confirmed > 0) {
        this.aloneSince = null;
        return { term: answer.term };
      }
      if (answer.replicas > 0) {
        this.aloneSince = null;
        if (waitMs > 0) throw new Error('no replica has confirmed the leadership, so it may be lost with the primary');
      } else {
        this.aloneSince ??= clock.now();
        const aloneMs = clock.now() - this.aloneSince;
        if (aloneMs >= ALONE_MS) return { term: answer.term };
        await clock.sleep(ALONE_MS - aloneMs);
      }
      // Nobody waits for the answer any more: no further question either.
      if (over()) return null;
    }
  }

  /** A connection that hangs must not hold up the next try. */
  private within<T>(limitMs: number, message: string, run: (over: () => boolean) => Promise<T>): Promise<T> {
    const { clock } = this.options;
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (): void => {
        over = true;
        timer.cancel();
      };
      const timer = clock.after(limitMs, () => {
        over = true;
        this.aloneSince = null;
        reject(new Error(message));
      });
      run(() => over).then(
        (value) => {
          end();
          resolve(value);
        },
        (error: unknown) => {
          if (!over) this.aloneSince = null;
          end();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
