import { z } from 'zod';
import { Aborted, type Clock, type Timer } from '../../kernel/clock.js';
import { MINUTE, SECOND } from '../../kernel/units.js';
import type { SideKeys } from '../../queue/port.js';
import type { ProviderRules } from '../../spec/executor-rules.js';
import { bucketSize, LONGEST_QUEUE_MS, WHEN_ONE_ENDS_MS } from '../key-tokens.js';
import type { KeyToken, KeyTokens, NoToken } from '../port.js';

/** A provider counts requests as they arrive, and not all are on their way for the same time. */
const ON_THE_WAY_MS = SECOND;

/** A call whose process has not been heard of for so long is no longer under way. */
const CALL_LEASE_MS = 15 * SECOND;
const RENEW_MS = 5 * SECOND;

/** Between questions that have no answer, ms. */
const RETRY_MS = { first: 50, most: 1_000 } as const;

/** That a store does not answer is told this often. */
const TELL_MS = 10 * SECOND;

/** The end of a call is told again so often; then its lease ends it. */
const END_TRIES = 5;

const LOOK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(ms) return string.format('%.3f', ms) end
local function at(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end
`;

/**
 * KEYS: hash of the buckets, sorted set of the calls under way. ARGV: server, call, cap ('' = none), lease, then of each
 * key name, interval and tolerance. Another server than before may have lost what was taken last: every bucket is taken
 * for one that has just been emptied.
 */
const TAKE = `${LOOK}
local server, call, cap, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local before = redis.call('HGET', KEYS[1], 'server')
if before ~= server then
  for i = 5, before and #ARGV or 0, 3 do
    redis.call('HSET', KEYS[1], 'full:' .. ARGV[i], text(now + ARGV[i + 1] + ARGV[i + 2]))
  end
  redis.call('HSET', KEYS[1], 'server', server)
end
if cap then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
  redis.call('ZREM', KEYS[2], call)
  if redis.call('ZCARD', KEYS[2]) >= cap then return {0, 'concurrency_cap', '${WHEN_ONE_ENDS_MS}'} end
end
local best, bestAt
for i = 5, #ARGV, 3 do
  local tokenAt = math.max(at('full:' .. ARGV[i]) - ARGV[i + 2], at('aside:' .. ARGV[i]))
  if not best or tokenAt < bestAt then best, bestAt = i, tokenAt end
end
if not best then return {0, 'rate_limited', '${WHEN_ONE_ENDS_MS}'} end
if bestAt > now then
  local free = math.min(math.max(bestAt, at('promised')), bestAt + ${LONGEST_QUEUE_MS})
  return {0, 'rate_limited', text(free - now)}
end
local full = 'full:' .. ARGV[best]
redis.call('HSET', KEYS[1], full, text(math.max(now, at(full)) + ARGV[best + 1]))
if cap then redis.call('ZADD', KEYS[2], text(now + lease), call) end
return {1, ARGV[best]}
`;

/** ARGV: how soon somebody was told to come back, and how much later the next one is to come. */
const BOOK = `${LOOK}
local next = now + ARGV[1] + ARGV[2]
if next > at('promised') then redis.call('HSET', KEYS[1], 'promised', text(next)) end
return 1
`;

/** ARGV: call, its key, for how long that is put aside. */
const END = `${LOOK}
redis.call('ZREM', KEYS[2], ARGV[1])
local aside = 'aside:' .. ARGV[2]
local till = now + ARGV[3]
if tonumber(ARGV[3]) > 0 and till > at(aside) then redis.call('HSET', KEYS[1], aside, text(till)) end
return 1
`;

/** ARGV: lease, then the calls that are under way. */
const RENEW = `${LOOK}
for i = 2, #ARGV do redis.call('ZADD', KEYS[2], text(now + ARGV[1]), ARGV[i]) end
return 1
`;

const taken = z.union([
  z.tuple([z.literal(1), z.string()]),
  z.tuple([z.literal(0), z.enum(['rate_limited', 'concurrency_cap']), z.coerce.number()]),
]);

export interface SharedKeyTokensOptions {
  readonly rules: ProviderRules;
  readonly keys: SideKeys;
  readonly clock: Clock;
  /** Names this process among all that share the keys; different for every start. */
  readonly holder: string;
  readonly onError: (error: unknown) => void;
}

/**
 * The tokens of a provider for all agents of a run, kept in Redis on Redis' clock. A token counts once a replica knows
 * that it was taken; while Redis does not answer there is none, and whoever asks waits.
 */
export class SharedKeyTokens implements KeyTokens {
  /** As the script is told of them. */
  private readonly buckets: readonly string[];
  private readonly spacingMs: number;
  private readonly underWay = new Set<string>();
  private readonly closing = new AbortController();
  private renewal: Timer | null = null;
  private calls = 0;
  private toldAt = -Infinity;

  constructor(private readonly options: SharedKeyTokensOptions) {
    const sizes = options.rules.keys.map((key) => ({ key, ...bucketSize(key, MINUTE + ON_THE_WAY_MS) }));
    this.buckets = sizes.flatMap(({ key, intervalMs, toleranceMs }) => [
      key.name,
      String(intervalMs),
      String(toleranceMs),
    ]);
    const perMs = sizes.reduce((sum, { intervalMs }) => sum + 1 / intervalMs, 0);
    this.spacingMs = perMs > 0 ? 1 / perMs : 0;
  }

  async take(signal?: AbortSignal): Promise<KeyToken | NoToken> {
    this.calls += 1;
    const { holder, rules } = this.options;
    const { concurrency } = rules;
    const call = `${holder}.${this.calls}`;
    const told = [call, concurrency === null ? '' : String(concurrency), String(CALL_LEASE_MS), ...this.buckets];
    const answer = taken.parse(await this.insist(TAKE, (server) => [server, ...told], signal));
    if (answer[0] === 0) return this.refused(answer[1], answer[2]);
    const [, key] = answer;
    if (concurrency !== null) this.begin(call);
    return {
      granted: true,
      key,
      end: (asideMs) => {
        this.underWay.delete(call);
        if (concurrency !== null || asideMs > 0) this.tell(END, [call, key, String(asideMs)], END_TRIES);
      },
    };
  }

  close(): void {
    this.renewal?.cancel();
    this.closing.abort();
  }

  private refused(reason: NoToken['reason'], retryAfterMs: number): NoToken {
    const book = (): void => {
      if (reason === 'rate_limited') this.tell(BOOK, [String(retryAfterMs), String(this.spacingMs)], 1);
    };
    return { granted: false, reason, retryAfterMs, book };
  }

  private begin(call: string): void {
    this.underWay.add(call);
    this.renewal ??= this.options.clock.every(RENEW_MS, () => {
      if (this.underWay.size > 0) this.tell(RENEW, [String(CALL_LEASE_MS), ...this.underWay], 1);
    });
  }

  /** Nobody waits for the answer. */
  private tell(script: string, args: readonly string[], tries: number): void {
    this.options.clock.spawn(
      async () => {
        await this.insist(script, () => args, undefined, tries);
      },
      (error) => {
        this.complain(error);
      },
    );
  }

  /** Asks until there is an answer. @throws Aborted when nobody waits any more, or the last failure. */
  private async insist(
    script: string,
    args: (server: string) => readonly string[],
    signal: AbortSignal = this.closing.signal,
    tries = Infinity,
  ): Promise<unknown> {
    const { keys, rules, clock } = this.options;
    const names = [`keys:${rules.name}`, `calls:${rules.name}`];
    let pauseMs: number = RETRY_MS.first;
    for (let tried = 1; ; tried += 1) {
      if (signal.aborted || this.closing.signal.aborted) throw new Aborted('nobody waits for the API key any more');
      try {
        return await keys.run(script, `keys:${rules.name}`, names, args);
      } catch (error) {
        if (tried >= tries) throw error;
        this.complain(error);
      }
      await clock.sleep(pauseMs, signal);
      pauseMs = Math.min(RETRY_MS.most, pauseMs * 2);
    }
  }

  private complain(error: unknown): void {
    const { clock, onError, rules } = this.options;
    const now = clock.now();
    if (error instanceof Aborted || now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    onError(new Error(`Redis does not say whose turn it is at ${rules.name}`, { cause: error }));
  }
}
