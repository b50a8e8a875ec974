import { setTimeout as sleep } from 'node:timers/promises';
import { SharedKeyTokens } from '../../runtime/agents/adapters/shared-key-tokens.js';
import { KeyPools } from '../../runtime/agents/key-pools.js';
import type { Permit, Refusal } from '../../runtime/agents/port.js';
import { Aborted } from '../../runtime/kernel/clock.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { RedisStore } from '../../runtime/queue/adapters/redis/redis-store.js';
import type { KeyRules, ProviderRules } from '../../runtime/spec/executor-rules.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { openStore } from './store-stage.js';

const key = (name: string, ratePerMin: number, burst = 1): KeyRules => ({ name, env: null, ratePerMin, burst });

function provider(name: string, keys: KeyRules[], rest: Partial<ProviderRules> = {}): ProviderRules {
  return { name, keys, sendAs: null, concurrency: null, breaker: { failures: 3, openMs: 10 * SECOND }, ...rest };
}

const clock = new RealClock();

/** What the agents of one process have. */
interface Process {
  readonly store: RedisStore;
  readonly pools: KeyPools;
  readonly errors: unknown[];
}

let redis: SingleRedis;
const processes: Process[] = [];
let runs = 0;

beforeAll(async () => {
  redis = await startSingleRedis();
});

beforeEach(() => {
  runs += 1;
});

afterEach(async () => {
  redis.server.resume();
  for (const { pools, store } of processes.splice(0)) {
    pools.close();
    await store.close();
  }
});

afterAll(async () => {
  await redis?.dispose();
});

/** One more process of the test's run. */
async function open(...providers: ProviderRules[]): Promise<Process> {
  const store = await openStore(`redis://${redis.server.address}`, `keys-${runs}`);
  const errors: unknown[] = [];
  const tokensOf = (rules: ProviderRules): SharedKeyTokens =>
    new SharedKeyTokens({
      ...{ rules, clock, keys: store.sideKeys, holder: `process-${processes.length}` },
      onError: (error) => errors.push(error),
    });
  const opened = { store, errors, pools: new KeyPools(clock, providers, tokensOf) };
  processes.push(opened);
  return opened;
}

const several = (count: number, ...providers: ProviderRules[]): Promise<Process[]> =>
  Promise.all(Array.from({ length: count }, () => open(...providers)));

async function granted({ pools }: Process): Promise<Permit> {
  const answer = await pools.take();
  if (!answer.granted) throw new Error(`refused: ${answer.reason}`);
  return answer;
}

async function refused({ pools }: Process): Promise<Refusal> {
  const answer = await pools.take();
  if (answer.granted) throw new Error(`granted: ${answer.provider}/${answer.key}`);
  return answer;
}

const nameOf = ({ provider: name, key: keyName }: Permit): string => `${name}/${keyName}`;

test('however many processes ask at once, all of them together stay below the limit of the key, and use it up', async () => {
  const [rate, burst] = [1_200, 100];
  const fleet = await several(5, provider('p', [key('k', rate, burst)]));
  const times: number[] = [];
  const until = clock.now() + 6 * SECOND;
  const ask = async ({ pools }: Process): Promise<void> => {
    while (clock.now() < until) {
      const answer = await pools.take();
      if (answer.granted) times.push(clock.now());
      else await sleep(Math.min(answer.retryAfterMs, 20));
    }
  };
  // As many slots at a time as they have.
  await Promise.all(fleet.flatMap((process) => Array.from({ length: 4 }, () => ask(process))));
  times.sort((a, b) => a - b);
  // No minute can see more than the limit when no shorter time sees more than its part of it and the burst.
  const perMs = (rate - burst) / MINUTE;
  for (const [first, from] of times.entries()) {
    for (let last = first + 1; last < times.length; last += 1) {
      const within = last - first + 1;
      const ms = times[last]! - from;
      // An answer may be on its way a little longer than the one before.
      expect(within).toBeLessThanOrEqual(burst + 1 + perMs * (ms + 500));
    }
  }
  const allowed = burst + perMs * 6 * SECOND;
  process.stdout.write(`${JSON.stringify({ keyLimits: { granted: times.length, allowed } })}\n`);
  expect(times.length).toBeGreaterThan(allowed * 0.7);
});

test('processes turn to another key, then to another provider, then back to the queue, each a little later', async () => {
  const providers = [provider('first', [key('a', 6), key('b', 6)]), provider('second', [key('c', 6)])];
  const [one, two, three, four, five] = await several(5, ...providers);
  expect(nameOf(await granted(one!))).toBe('first/a');
  expect(nameOf(await granted(two!))).toBe('first/b');
  expect(nameOf(await granted(three!))).toBe('second/c');
  const sentAway: Refusal[] = [];
  for (const process of [four!, five!, one!]) {
    sentAway.push(await refused(process));
    await sleep(100);
  }
  expect(sentAway.map(({ reason }) => reason)).toEqual(['rate_limited', 'rate_limited', 'rate_limited']);
  const waits = sentAway.map(({ retryAfterMs }) => retryAfterMs);
  expect(waits[0]).toBeGreaterThan(5_000);
  // Two providers, three keys of six a minute: nobody is told the time of somebody else.
  expect(new Set(waits.map((wait, i) => Math.round((wait + i * 100) / 500))).size).toBeGreaterThan(1);
});

test('a key that one process was refused with is put aside for all', async () => {
  const [one, two] = await several(2, provider('p', [key('a', 60_000), key('b', 60_000)]));
  const first = await granted(one!);
  first.end('limited', 30 * SECOND);
  await sleep(300);
  for (let call = 0; call < 5; call += 1) {
    expect((await granted(two!)).key).not.toBe(first.key);
    await sleep(20);
  }
});

test('calls under way are counted over all processes; those of a process that is gone end by themselves', async () => {
  const rules = provider('p', [key('k', 60_000, 100)], { concurrency: 2 });
  const [one, two] = await several(2, rules);
  const call = await granted(one!);
  await granted(two!);
  expect((await refused(one!)).reason).toBe('concurrency_cap');
  call.end('ok', 0);
  await sleep(300);
  await granted(one!);
  expect((await refused(two!)).reason).toBe('concurrency_cap');
  const [calls] = (await redis.server.call('KEYS', `ae:keys-${runs}:*:calls:p`)) as string[];
  const held = (await redis.server.call('ZRANGE', calls!, 0, -1)) as string[];
  // As if it had last been heard of a lease ago.
  await redis.server.call('ZADD', calls!, Date.now() - 1, held[0]!);
  await granted(two!);
});

test('while Redis does not answer nobody gets a token, and whoever waits goes on when it does', async () => {
  const process = await open(provider('p', [key('k', 60_000, 100)]));
  await granted(process);
  redis.server.stall();
  const patience = new AbortController();
  let answered = 0;
  const impatient = process.pools.take(patience.signal);
  const patient = process.pools.take();
  Promise.resolve(patient).then(
    () => (answered += 1),
    () => undefined,
  );
  await sleep(2_500);
  expect(answered).toBe(0);
  expect(process.errors.map(String)).toEqual([expect.stringContaining('whose turn it is at p')]);
  patience.abort();
  await expect(impatient).rejects.toThrow(Aborted);
  redis.server.resume();
  expect(await patient).toMatchObject({ granted: true, provider: 'p', key: 'k' });
});

test('a server that is another one now may have lost what was taken: nobody gets a burst from it', async () => {
  const process = await open(provider('p', [key('k', 60, 50)]));
  await granted(process);
  await redis.server.kill();
  await redis.server.start();
  // As if the burst had just been used up.
  const refusal = await refused(process);
  expect(refusal.retryAfterMs).toBeGreaterThan(1_000);
});
