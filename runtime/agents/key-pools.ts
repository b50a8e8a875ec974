import type { Clock, Eventually } from '../kernel/clock.js';
import { andThen } from '../kernel/eventually.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { ProviderRules } from '../spec/executor-rules.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { bucketSize, LONGEST_QUEUE_MS, OwnKeyTokens, WHEN_ONE_ENDS_MS } from './key-tokens.js';
import type { CallLimiter, CallVerdict, KeyToken, KeyTokens, NoToken, Permit, Refusal } from './port.js';

/** Put aside for this long when a key was refused without a word how long. */
const ASIDE_MS = 5 * SECOND;

interface Pool {
  readonly name: string;
  readonly tokens: KeyTokens;
  readonly breaker: CircuitBreaker;
}

/** Why a provider does not take a call, and until when. */
type Closed = Pick<NoToken, 'retryAfterMs' | 'book'> & { readonly reason: Refusal['reason'] };

/**
 * The limits of all providers: requests a minute per key and calls under way, which the agents of this process may
 * share with all others, and a circuit breaker per provider, which is this process' own: what it cannot reach may be
 * reached by others. Whoever asks gets the key with most room of the first provider that has any, then of the next
 * provider; if there is none, the time to come back, each a little later than the one before, so that those sent away
 * do not all return for one token.
 */
export class KeyPools implements CallLimiter {
  private readonly pools: readonly Pool[];
  /** Between those sent away, ms: as fast as tokens come. */
  private readonly spacingMs: number;
  /** When the one sent away last was told to come back. */
  private promisedAt = -Infinity;

  /** @param tokensOf where the tokens of a provider are kept. @default in this process */
  constructor(
    private readonly clock: Clock,
    providers: readonly ProviderRules[],
    tokensOf: (rules: ProviderRules) => KeyTokens = (rules) => new OwnKeyTokens(clock, rules),
  ) {
    this.pools = providers.map((rules) => ({
      name: rules.name,
      tokens: tokensOf(rules),
      breaker: new CircuitBreaker(clock, rules.breaker),
    }));
    const perMs = providers
      .flatMap(({ keys }) => keys)
      .reduce((sum, key) => sum + 1 / bucketSize(key, MINUTE).intervalMs, 0);
    this.spacingMs = perMs > 0 ? 1 / perMs : 0;
  }

  take(signal?: AbortSignal): Eventually<Permit | Refusal> {
    return this.ask(0, null, signal);
  }

  close(): void {
    for (const { tokens } of this.pools) tokens.close();
  }

  private ask(index: number, soonest: Closed | null, signal?: AbortSignal): Eventually<Permit | Refusal> {
    const pool = this.pools[index];
    if (pool === undefined) return this.refuse(soonest);
    const opensInMs = pool.breaker.opensAt() - this.clock.now();
    if (opensInMs > 0) {
      const retryAfterMs = Math.min(opensInMs, LONGEST_QUEUE_MS);
      return this.ask(index + 1, sooner(soonest, { reason: 'circuit_open', retryAfterMs, book: ignore }), signal);
    }
    // Before there is a token: of a provider that is to be tried, only one may be under way.
    const trial = pool.breaker.enter();
    const leave = (): void => {
      pool.breaker.left(trial, 'unknown');
    };
    const taken = andThen(pool.tokens.take(signal), (answer) => {
      if (answer.granted) return this.grant(pool, answer, trial);
      leave();
      return this.ask(index + 1, sooner(soonest, answer), signal);
    });
    if (!(taken instanceof Promise)) return taken;
    return taken.catch((error: unknown) => {
      leave();
      throw error;
    });
  }

  private grant(pool: Pool, token: KeyToken, trial: object): Permit {
    let ended = false;
    return {
      granted: true,
      provider: pool.name,
      key: token.key,
      end: (verdict: CallVerdict, retryAfterMs: number): void => {
        if (ended) return;
        ended = true;
        // A provider that says "not so fast" is alive.
        pool.breaker.left(trial, verdict === 'limited' ? 'ok' : verdict);
        if (verdict !== 'limited') token.end(0);
        else token.end(retryAfterMs > 0 ? retryAfterMs : ASIDE_MS);
      },
    };
  }

  private refuse(soonest: Closed | null): Refusal {
    const { reason, retryAfterMs, book } = soonest ?? NOBODY;
    book();
    const now = this.clock.now();
    const at = now + retryAfterMs;
    this.promisedAt = Math.min(Math.max(at, this.promisedAt + this.spacingMs), at + LONGEST_QUEUE_MS);
    return { granted: false, reason, retryAfterMs: Math.max(this.promisedAt - now, 1) };
  }
}

const NOBODY: Closed = { reason: 'rate_limited', retryAfterMs: WHEN_ONE_ENDS_MS, book: ignore };

function sooner(a: Closed | null, b: Closed): Closed {
  return a === null || b.retryAfterMs < a.retryAfterMs ? b : a;
}

function ignore(): void {
  // Nobody has to know.
}
