import type { Clock } from '../kernel/clock.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { KeyRules, ProviderRules } from '../spec/executor-rules.js';
import type { KeyToken, KeyTokens, NoToken } from './port.js';

/** How soon to ask again where nobody can say: another call must end first. */
export const WHEN_ONE_ENDS_MS = SECOND;

/** However many wait, nobody is told to come back later than this after the first chance. */
export const LONGEST_QUEUE_MS = MINUTE;

/** A key's limit as a token bucket. */
export interface BucketSize {
  /** From one token to the next, ms. */
  readonly intervalMs: number;
  /** How far ahead of that pace the bucket's store lets one go, ms. */
  readonly toleranceMs: number;
}

/**
 * The bucket of a key, kept as the one instant at which it would be full again (GCRA). It is refilled so slowly that
 * bucket and refill together never let more than the limit through in any window: with a limit of N a window and a
 * burst of B, one token every window/(N − B + 1).
 */
export function bucketSize({ ratePerMin, burst }: KeyRules, windowMs: number): BucketSize {
  const intervalMs = windowMs / (burst > 1 ? ratePerMin - burst + 1 : ratePerMin);
  return { intervalMs, toleranceMs: (burst - 1) * intervalMs };
}

class KeyBucket {
  private readonly size: BucketSize;
  /** The bucket is full from here on. */
  private fullAt = -Infinity;
  private asideUntil = -Infinity;

  constructor(readonly rules: KeyRules) {
    this.size = bucketSize(rules, MINUTE);
  }

  /** When there is a token: now or earlier = at once. */
  tokenAt(): number {
    return Math.max(this.fullAt - this.size.toleranceMs, this.asideUntil);
  }

  take(now: number): void {
    this.fullAt = Math.max(now, this.fullAt) + this.size.intervalMs;
  }

  putAside(until: number): void {
    this.asideUntil = Math.max(this.asideUntil, until);
  }
}

/** The tokens of a provider whose only callers are in this process. */
export class OwnKeyTokens implements KeyTokens {
  private readonly buckets: readonly KeyBucket[];
  private underWay = 0;

  constructor(
    private readonly clock: Clock,
    private readonly rules: ProviderRules,
  ) {
    this.buckets = rules.keys.map((key) => new KeyBucket(key));
  }

  take(): KeyToken | NoToken {
    const now = this.clock.now();
    const { concurrency } = this.rules;
    if (concurrency !== null && this.underWay >= concurrency) return noToken('concurrency_cap', WHEN_ONE_ENDS_MS);
    const best = this.buckets.reduce<KeyBucket | null>(
      (found, bucket) => (found === null || bucket.tokenAt() < found.tokenAt() ? bucket : found),
      null,
    );
    if (best === null) return noToken('rate_limited', WHEN_ONE_ENDS_MS);
    const at = best.tokenAt();
    if (at > now) return noToken('rate_limited', at - now);
    best.take(now);
    this.underWay += 1;
    return {
      granted: true,
      key: best.rules.name,
      end: (asideMs) => {
        this.underWay -= 1;
        if (asideMs > 0) best.putAside(this.clock.now() + asideMs);
      },
    };
  }

  close(): void {
    // Nothing of it is anywhere else.
  }
}

/** Who is the only one to send people away knows whom it has told what. */
function noToken(reason: NoToken['reason'], retryAfterMs: number): NoToken {
  return { granted: false, reason, retryAfterMs, book: () => undefined };
}
