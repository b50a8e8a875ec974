import fc from 'fast-check';
import {
  decodeReply,
  encodeRequest,
  exchangeScript,
  partitionKeys,
} from '../../runtime/queue/adapters/redis/exchange.js';
import type { ExchangeReply, ExchangeRequest, TaskRecord } from '../../runtime/queue/adapters/redis/messages.js';
import type { PartitionRules } from '../../runtime/queue/adapters/redis/partition-rules.js';
import { Both, KEYS } from './exchange/both.js';
import { draw, RequestMaker } from './exchange/random-requests.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';

/** Each with 100 sequences; `EXCHANGE_SEEDS=4,5,6 EXCHANGE_RUNS=5000` tries more. */
const SEEDS = (process.env['EXCHANGE_SEEDS'] ?? '1,2,3,4').split(',').map(Number);
const RUNS = Number(process.env['EXCHANGE_RUNS'] ?? 100);

const START = 1_800_000_000_000;

const RULES: PartitionRules = {
  bound: 12,
  maxAttempts: 3,
  backoff: { firstMs: 80, factor: 1.7, maxMs: 150 },
  leaseMs: 300,
  beatMs: 100,
  massExpiryShare: 0.4,
  admission: null,
  partitions: 3,
};

const rulesDrawn = fc.constantFrom<PartitionRules>(
  RULES,
  { ...RULES, bound: 5, partitions: 1, maxAttempts: 1 },
  { ...RULES, maxAttempts: 2, leaseMs: 250, backoff: { firstMs: 0, factor: 2, maxMs: 0 } },
  { ...RULES, bound: 1_000, massExpiryShare: 0.9, leaseMs: 1_500, beatMs: 400 },
);

let redis: SingleRedis;

beforeAll(async () => {
  redis = await startSingleRedis();
});

afterAll(async () => {
  await redis?.dispose();
});

beforeEach(async () => {
  await redis.server.call('FLUSHALL');
});

const fetched = async (): Promise<string[]> => ((await redis.server.call('KEYS', '*')) as string[]).sort();

const task = (index: number): TaskRecord => [index % 4, 0, '1', ''];

const head = (seq: number): ExchangeRequest => ({
  driver: 'd',
  seq,
  nonce: `n${seq}`,
  owner: 'run-1',
  epoch: 0,
  known: '',
});

describe('the script of a partition', () => {
  /** What happened in all sequences. */
  const seen = new Map<string, number>();
  const see = (name: string, times = 1): void => {
    seen.set(name, (seen.get(name) ?? 0) + times);
  };

  const note = (reply: ExchangeReply): void => {
    for (const reason of reply.submitted) if (reason !== '') see(reason);
    for (const letter of reply.finished) see(`finished ${letter}`);
    for (const name of ['pushes', 'revoked', 'unknown', 'replaced', 'canaries'] as const) see(name, reply[name].length);
    for (const name of ['stale', 'holding'] as const) see(name, reply[name]);
    if (reply.sweep === 0) return;
    see('expiry held back', reply.sweep.held);
    see('expired agents', reply.sweep.agents.length);
    see('retries', reply.sweep.retries);
  };

  test.each(SEEDS)(
    'answers and writes down whatever it is asked as the partition in TypeScript does (seed %i)',
    async (seed) => {
      await fc.assert(
        fc.asyncProperty(
          rulesDrawn,
          fc.array(draw, { minLength: 1, maxLength: 60, size: 'max' }),
          async (rules, draws) => {
            await redis.server.call('FLUSHALL');
            const both = new Both(redis.server, rules);
            const maker = new RequestMaker(rules.partitions);
            let now = START;
            for (const drawn of draws) {
              now += drawn.afterMs;
              const reply = await both.exchange(maker.make(drawn), now);
              maker.learn(reply);
              note(reply);
            }
            const questions = { counts: 1, unfinished: 1, states: maker.indices } as const;
            await both.exchange({ ...head(1), driver: 'the-end', ...questions }, now);
            for (const [kind] of await both.compareLogs()) see(String(kind));
          },
        ),
        { seed, numRuns: RUNS },
      );
    },
  );

  test('has then been through everything that can happen', () => {
    const names = [
      ...['queue_full', 'expected_wait', 'finished c', 'finished r', 'finished d', 'finished s'],
      ...['pushes', 'revoked', 'unknown', 'replaced', 'canaries', 'stale', 'holding'],
      ...['expiry held back', 'expired agents', 'retries', 'submitted', 'started', 'finished', 'requeued'],
    ];
    expect(names.filter((name) => (seen.get(name) ?? 0) < 20)).toEqual([]);
  });

  test('does the same when a request has more in it than fits on the stack of Lua', async () => {
    const both = new Both(redis.server, { ...RULES, bound: 20_000, partitions: 1 });
    const indices = Array.from({ length: 9_500 }, (_, i) => i);
    const agents = Array.from({ length: 5_000 }, (_, i) => `agent-${i}`);
    await both.exchange({ ...head(1), submit: indices.map((i) => [i, task(i), '2', 1] as const) }, START);
    const attached = {
      attach: agents.map((agent) => [agent, 1, 'z'] as const),
      credit: agents.map((agent) => [agent, 2] as const),
    };
    const { leases } = await both.exchange({ ...head(2), ...attached }, START + 10);
    expect(leases).toHaveLength(9_500);
    const finish = leases.map(
      ([agent, index, id, attempt, generation, record]) =>
        [index, id, attempt, generation, agent, index % 2 === 0 ? 1 : 0, '', 0, '4', '3', record, 0] as const,
    );
    await both.exchange({ ...head(3), finish, counts: 1 }, START + 20);
    await both.exchange({ ...head(4), sweep: 1, unfinished: 1, states: indices }, START + 900);
    await both.exchange({ ...head(5), detach: agents, counts: 1 }, START + 910);
    await both.compareLogs();
  });

  test('gives out again after a promotion as soon as the last agent that was waited for has left', async () => {
    const both = new Both(redis.server, RULES);
    const attach = ['a', 'b'].map((agent) => [agent, 1, 'z'] as const);
    await both.exchange({ ...head(1), attach }, START);
    const promoted = { owner: 'run-2', epoch: 1, known: 'run-1' };
    await both.exchange({ ...head(2), ...promoted, resync: [['a', 1, 'z', 2, []]] }, START + 10);
    const later = START + 10 + 2 * RULES.beatMs;
    const submit = [[1, task(1), '2', 1]] as const;
    const { leases, holding } = await both.exchange({ ...head(3), ...promoted, submit, detach: ['b'] }, later);
    expect(leases).toHaveLength(1);
    expect(holding).toBe(0);
  });

  test('forgets a driver that has been silent for ten minutes, once it is swept', async () => {
    const both = new Both(redis.server, RULES);
    await both.exchange({ ...head(1), driver: 'old' }, START);
    await both.exchange({ ...head(1), sweep: 1 }, START + 599_000);
    // It is not looked for all the time.
    await both.exchange({ ...head(2), sweep: 1 }, START + 650_000);
    expect(await redis.server.call('HKEYS', `${KEYS.prefix}x`)).toEqual(['old', 'd']);
    await both.exchange({ ...head(3), sweep: 1 }, START + 660_000);
    expect(await redis.server.call('HKEYS', `${KEYS.prefix}x`)).toEqual(['d']);
  });

  test('keeps its keys in one slot, and no more than four bits of a finished task', async () => {
    const both = new Both(redis.server, RULES);
    const submit = [1, 4].map((index) => [index, task(index), '2', 1] as const);
    const { leases } = await both.exchange({ ...head(1), attach: [['a', 1, 'z']], credit: [['a', 1]], submit }, START);
    const [agent, index, id, attempt, generation, record] = leases[0]!;
    expect(index).toBe(4);
    expect(await fetched()).toEqual(['a', 'log:1', 'm', 'r1', 't', 'x'].map((name) => `ae:test:{p0}:${name}`).sort());
    const result = [index, id, attempt, generation, agent, 1, '', 0, '4', '3', record, 0] as const;
    await both.exchange({ ...head(2), finish: [result], credit: [['a', 2]] }, START + 10);
    expect(await redis.server.call('HKEYS', `${KEYS.prefix}t`)).toEqual(['1']);
    expect(await redis.server.call('STRLEN', `${KEYS.prefix}f:0`)).toBe(1);
  });

  test('writes something whatever it is asked, so that there is something to wait for', async () => {
    const offset = async (): Promise<number> =>
      Number((await redis.server.info('replication')).get('master_repl_offset'));
    const script = exchangeScript(RULES);
    const text = encodeRequest(head(2));
    const send = (request: string): Promise<unknown> => redis.server.call('EVAL', script, 1, KEYS.prefix, request);
    const changes = async (): Promise<number> =>
      Number(/rdb_changes_since_last_save:(\d+)/.exec(String(await redis.server.call('INFO', 'persistence')))?.[1]);
    expect(await offset()).toBeGreaterThanOrEqual(0);
    for (const request of [text, text, encodeRequest(head(1))]) {
      const before = await changes();
      await send(request);
      expect(await changes()).toBeGreaterThan(before);
    }
  });

  test('goes by the clock of Redis where it is given no time', async () => {
    const before = Date.now();
    const answer = await redis.server.call('EVAL', exchangeScript(RULES), 1, KEYS.prefix, encodeRequest(head(1)));
    const now = Number(decodeReply(answer, 'd').now);
    expect(now).toBeGreaterThanOrEqual(before - 1);
    expect(now).toBeLessThanOrEqual(Date.now() + 1);
    expect(Number.isInteger(now)).toBe(true);
  });

  test('changes nothing when the memory of Redis is full', async () => {
    const both = new Both(redis.server, RULES);
    const submit = [[1, task(1), '2', 1]] as const;
    await both.exchange({ ...head(1), submit, attach: [['a', 1, 'z']], credit: [['a', 1]] }, START);
    const state = async (): Promise<unknown> =>
      Promise.all((await fetched()).map(async (key) => [key, await redis.server.call('DUMP', key)]));
    const before = await state();
    await redis.server.call('CONFIG', 'SET', 'maxmemory', 1);
    try {
      const more = { ...head(2), submit: [[4, task(4), '2', 1]], credit: [['a', 2]] } as const;
      const send = redis.server.call('EVAL', exchangeScript(RULES), 1, KEYS.prefix, encodeRequest(more), START + 10);
      await expect(send).rejects.toThrow(/OOM/);
      expect(await state()).toEqual(before);
    } finally {
      await redis.server.call('CONFIG', 'SET', 'maxmemory', 0);
    }
  });

  test('takes half a character for an unknown one', async () => {
    const payload = 'cut \ud83d, whole 🚀, written \\ud83d';
    const submit = [[1, [0, 0, '1', payload], '2', 1]] as const;
    const text = encodeRequest({ ...head(1), submit, unfinished: 1 });
    const answer = await redis.server.call('EVAL', exchangeScript(RULES), 1, KEYS.prefix, text);
    const { unfinished } = decodeReply(answer, 'd');
    expect(unfinished[0]?.[3][3]).toBe('cut \ufffd, whole 🚀, written \\ud83d');
  });

  test('refuses rules that are no numbers', () => {
    expect(() => exchangeScript({ ...RULES, leaseMs: NaN })).toThrow("the queue's rule leaseMs is NaN");
  });
});

const FINE = '{"epoch":1,"now":"5","ready":0,"credit":0}';

describe('answers', () => {
  test.each([
    [null, 'answered with object, not with rows of text'],
    ['OK', 'answered with string, not with rows of text'],
    [[], 'not with rows of text'],
    [['{}', 'driver'], 'not with rows of text'],
    [['OK'], 'what is no JSON: OK'],
    [['[]'], 'an answer of another form: []'],
    [['{"epoch":1,"now":"5","ready":0,"credit":0,"revoked":{}}'], 'an answer of another form'],
    [['{"epoch":1,"now":5,"ready":0,"credit":0}'], 'an answer of another form'],
    [[FINE, 'd', '["agent"]'], 'leases must be a row of 9 texts each: ["agent"]'],
  ])('%p is none', (answer, message) => {
    expect(() => decodeReply(answer, 'd')).toThrow(message);
  });

  test("with another driver's leases leave them as they are", () => {
    expect(decodeReply([FINE, 'other', 'anything'], 'd')).toMatchObject({
      leases: [],
      pushes: [['other', 'anything']],
    });
  });
});

describe('keys', () => {
  test('of a partition share its hash tag', () => {
    const keys = partitionKeys('run-7', 'tag');
    expect(keys.prefix).toBe('ae:run-7:{tag}:');
    expect(keys.log(3)).toBe('ae:run-7:{tag}:log:3');
  });

  test.each([
    ['', 'tag'],
    ['run', ''],
    ['r{n', 'tag'],
    ['run', 't}g'],
  ])('of run %p and tag %p would not', (run, tag) => {
    expect(() => partitionKeys(run, tag)).toThrow(/must not be empty nor have braces/);
  });
});
