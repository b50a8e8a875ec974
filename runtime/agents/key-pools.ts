import type { Clock } from '../kernel/clock.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { KeyRules, ProviderRules } from '../spec/executor-rules.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { CallLimiter, CallVerdict, Permit, Refusal } from './port.js';

/** Put aside for this long when a key was refused without a word how long. */
const ASIDE_MS = 5 * SECOND;

/** How soon to ask again where nobody can say: another call must end first. */
const WHEN_ONE_ENDS_MS = SECOND;

/** However many wait, nobody is told to come back later than this after the first chance. */
const LONGEST_QUEUE_MS = MINUTE;

/**
 * A key's limit as a token bucket, kept as the one instant at which the bucket would be full again (GCRA). It is
 * refilled so slowly that bucket and refill together never let more than the limit through in any minute: with a
 * limit of N a minute and a burst of B, one token every minute/(N − B + 1).
 */
class KeyBucket {
  private readonly intervalMs: number;
  private readonly toleranceMs: number;
  /** The bucket is full from here on. */
  private fullAt = -Infinity;
  private asideUntil = -Infinity;

  constructor(readonly rules: KeyRules) {
    this.intervalMs = MINUTE / (rules.burst > 1 ? rules.ratePerMin - rules.burst + 1 : rules.ratePerMin);
    this.toleranceMs = (rules.burst - 1) * this.intervalMs;
  }

  get perMs(): number {
    return 1 / this.intervalMs;
  }

  /** When there is a token: now or earlier = at once. */
  tokenAt(): number {
    return Math.max(this.fullAt - this.toleranceMs, this.asideUntil);
  }

  take(now: number): void {
    this.fullAt = Math.max(now, this.fullAt) + this.intervalMs;
  }

  putAside(until: number): void {
    this.asideUntil = Math.max(this.asideUntil, until);
  }
}

interface Pool {
  readonly rules: ProviderRules;
  readonly keys: readonly KeyBucket[];
  readonly breaker: CircuitBreaker;
  underWay: number;
}

/**
 * The limits of all providers for the agents of this process: requests a minute per key, calls under way and a
 * circuit breaker per provider. Whoever asks gets the key with most room of the first provider that has any, then of
 * the next provider; if there is none, the time to come back, each a little later than the one before, so that those
 * sent away do not all return for one token.
 */
export class KeyPools implements CallLimiter {
  private readonly pools: readonly Pool[];
  /** When the one sent away last was told to come back. */
  private promisedAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    providers: readonly ProviderRules[],
  ) {
    this.pools = providers.map((rules) => ({
      rules,
      keys: rules.keys.map((key) => new KeyBucket(key)),
      breaker: new CircuitBreaker(clock, rules.breaker),
      underWay: 0,
    }));
  }

  take(): Permit | Refusal {
    const now = this.clock.now();
    let soonest: { at: number; reason: Refusal['reason'] } | null = null;
    for (const pool of this.pools) {
      const found = this.ask(pool, now);
      if ('bucket' in found) return this.grant(pool, found.bucket, now);
      if (soonest === null || found.at < soonest.at) soonest = found;
    }
    const { at, reason } = soonest ?? { at: now + WHEN_ONE_ENDS_MS, reason: 'rate_limited' as const };
    return { granted: false, reason, retryAfterMs: this.promise(at, now) - now };
  }

  private ask(pool: Pool, now: number): { bucket: KeyBucket } | { at: number; reason: Refusal['reason'] } {
    const { concurrency } = pool.rules;
    const breakerAt = pool.breaker.opensAt();
    if (breakerAt > now) return { at: Math.min(breakerAt, now + LONGEST_QUEUE_MS), reason: 'circuit_open' };
    if (concurrency !== null && pool.underWay >= concurrency) {
      return { at: now + WHEN_ONE_ENDS_MS, reason: 'concurrency_cap' };
    }
    const best = pool.keys.reduce<KeyBucket | null>(
      (found, bucket) => (found === null || bucket.tokenAt() < found.tokenAt() ? bucket : found),
      null,
    );
    if (best === null) return { at: now + WHEN_ONE_ENDS_MS, reason: 'rate_limited' };
    const at = best.tokenAt();
    return at <= now ? { bucket: best } : { at, reason: 'rate_limited' };
  }

  private grant(pool: Pool, bucket: KeyBucket, now: number): Permit {
    bucket.take(now);
    pool.underWay += 1;
    const token = pool.breaker.enter();
    let ended = false;
    return {
      granted: true,
      provider: pool.rules.name,
      key: bucket.rules.name,
      end: (verdict: CallVerdict, retryAfterMs: number): void => {
        if (ended) return;
        ended = true;
        pool.underWay -= 1;
        // A provider that says "not so fast" is alive.
        pool.breaker.left(token, verdict === 'limited' ? 'ok' : verdict);
        if (verdict === 'limited') bucket.putAside(this.clock.now() + (retryAfterMs > 0 ? retryAfterMs : ASIDE_MS));
      },
    };
  }

  private promise(at: number, now: number): number {
    const perMs = this.pools.reduce((sum, { keys }) => sum + keys.reduce((all, key) => all + key.perMs, 0), 0);
    const next = this.promisedAt + (perMs > 0 ? 1 / perMs : 0);
    this.promisedAt = Math.min(Math.max(at, next), at + LONGEST_QUEUE_MS);
    return Math.max(this.promisedAt, now + 1);
  }
}
