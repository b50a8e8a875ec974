import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import { removeRun } from '../../runtime/queue/adapters/redis/remove-run.js';
import { BOARD_START, Outranked, type RunNote } from '../../runtime/roles/board/board.js';
import { RedisBoard } from '../../runtime/roles/board/redis-board.js';
import { RedisCluster } from './harness/cluster.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';

const RUN = 'board-test-1';
const clock = new RealClock();

const runNote = (reason: string): RunNote => ({
  ...{ state: 'running', reason, startedAt: 1.5, experimentMode: true, drained: false },
});
const event = (n: number): ExperimentEvent => ({
  ...{ type: 'control', at: n, command: 'pause', by: 'somebody', detail: String(n) },
});

describe('RedisBoard on a single server', () => {
  let single: SingleRedis;
  let direct: Redis;
  const boards: RedisBoard[] = [];
  const errors: unknown[] = [];
  let writers = 0;

  const board = (run = RUN): RedisBoard => {
    const redis = new Redis({
      ...{ port: single.server.port, maxRetriesPerRequest: 1, retryStrategy: () => 50, socketTimeout: 1_000 },
    });
    redis.on('error', () => undefined);
    writers += 1;
    const made = new RedisBoard({
      ...{ redis, run, writer: `w${writers}`, clock },
      onError: (error) => errors.push(error),
    });
    boards.push(made);
    return made;
  };

  beforeAll(async () => {
    single = await startSingleRedis();
    direct = new Redis({ port: single.server.port });
    direct.on('error', () => undefined);
  });

  beforeEach(async () => {
    await direct.flushall();
    errors.length = 0;
  });

  afterEach(async () => {
    await Promise.all(boards.splice(0).map((made) => made.close(0)));
  });

  afterAll(async () => {
    direct?.disconnect();
    await single?.dispose();
  });

  test('shows each note whole and with its age, also what nobody measured; none is null', async () => {
    const [writer, reader] = [board(), board()];
    expect(await reader.read('measures')).toBeNull();
    const scaling = {
      ...{ queueDepth: 1, avgWaitMs: 2, cpu: 0.5, errorRate: 0, offeredPerMin: 60, refusedPerMin: 0 },
      ...{ agents: 3, readyAgents: 3, meanServiceMs: 500 },
    };
    const note = { scaling, p99RecentMs: NaN, samples: 0, errorRate: NaN, costUsd: 0.25 };
    await writer.write('measures', note);
    expect((await reader.read('measures'))?.note).toEqual(note);
    await sleep(60);
    expect((await reader.read('measures'))?.ageMs).toBeGreaterThanOrEqual(50);
    await writer.write('measures', { ...note, costUsd: 0.5 });
    expect((await reader.read('measures'))?.note.costUsd).toBe(0.5);
  });

  test('a leader of an earlier term does not replace what a later one has written', async () => {
    const [old, young] = [board(), board()];
    await old.write('run', runNote('first'), 7);
    await young.write('run', runNote('second'), 8);
    await expect(old.write('run', runNote('late'), 7)).rejects.toThrow(Outranked);
    await young.write('run', runNote('third'), 8);
    expect((await old.read('run'))?.note.reason).toBe('third');
  });

  test('says what it found where there is no note of ours', async () => {
    await direct.hset(`ae:{board:${RUN}}:note:run`, { note: '{"state":"asleep"}', at: '0' });
    await expect(board().read('run')).rejects.toThrow('note "run" is none of this version\'s: {"state":"asleep"}');
  });

  test('follows a note, through a time without Redis, until it is told to stop', async () => {
    const [writer, reader] = [board(), board()];
    const seen: Array<string | null> = [];
    const following = reader.follow('run', 20, (found) => seen.push(found?.note.reason ?? null));
    await until('nothing yet is told', 5_000, async () => seen.includes(null));
    await writer.write('run', runNote('there'));
    await until('the note is told', 5_000, async () => seen.includes('there'));
    await single.server.kill();
    await until('its absence is told of', 5_000, async () => errors.length > 0);
    await single.server.start();
    seen.length = 0;
    await until('the note is told again', 10_000, async () => seen.includes('there'));
    following.cancel();
    await sleep(50);
    seen.length = 0;
    await sleep(80);
    expect(seen).toEqual([]);
  });

  test('tells commands in order, from where a reader stands', async () => {
    const [one, other, reader] = [board(), board(), board()];
    await one.command({ name: 'pause', by: 'a' });
    await other.command({ name: 'drain', by: 'b', timeoutMs: 5, thenStop: true });
    const first = await reader.commandsAfter(BOARD_START);
    expect(first.commands).toEqual([
      { name: 'pause', by: 'a' },
      { name: 'drain', by: 'b', timeoutMs: 5, thenStop: true },
    ]);
    expect(await reader.commandsAfter(first.position)).toEqual({ commands: [], position: first.position });
    await one.command({ name: 'chaos', by: 'a', on: false });
    expect((await reader.commandsAfter(first.position)).commands).toEqual([{ name: 'chaos', by: 'a', on: false }]);
  });

  test('keeps events while Redis is away and connections break, and each is there once, in order', async () => {
    const [writer, reader] = [board(), board()];
    const total = 2_000;
    for (let n = 0; n < total; n += 1) {
      writer.event(event(n));
      if (n % 50 === 0 && (n < 700 || n > 900))
        await direct.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => undefined);
      if (n === 700) await single.server.kill();
      if (n === 900) await single.server.start();
    }
    const seen: number[] = [];
    let position = BOARD_START;
    await until('all are there', 20_000, async () => {
      const read = await reader.eventsAfter(position);
      position = read.position;
      seen.push(...read.events.map(({ at }) => at));
      return seen.length >= total;
    });
    expect(seen).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  test('an entry that was lost and written again is not read twice, and one of no known form holds up nothing', async () => {
    const [writer, reader] = [board(), board()];
    writer.event(event(1));
    writer.event(event(2));
    const first = await until('both are there', 5_000, async () => {
      const read = await reader.eventsAfter(BOARD_START);
      return read.events.length === 2 && read;
    });
    const stream = `ae:{board:${RUN}}:events`;
    await direct.xadd(stream, '*', 'w', `w${writers - 1}`, 'n', '2', 'v', JSON.stringify(event(2)));
    await direct.xadd(stream, '*', 'w', 'x', 'n', '1', 'v', 'garbage');
    writer.event(event(3));
    const later = await until('the third is there', 5_000, async () => {
      const read = await reader.eventsAfter(first.position);
      return read.events.length > 0 && read;
    });
    expect(later.events).toEqual([event(3)]);
    expect(String(errors[0])).toContain("is none of this version's: garbage");
  });

  test('sends what is still to be sent when it is closed', async () => {
    const writer = board();
    writer.event(event(1));
    await writer.close(5_000);
    expect((await board().eventsAfter(BOARD_START)).events).toEqual([event(1)]);
  });

  test('its keys go with the run, and no other run’s do', async () => {
    for (const run of [RUN, `${RUN}1`]) {
      const made = board(run);
      await made.write('run', runNote('x'));
      await made.command({ name: 'pause', by: 'a' });
      await direct.set(`ae:${run}:something`, 1);
      await direct.set(`ae:{keys:${run}:pool}`, 1);
    }
    const redis = {
      nodes: [{ host: '127.0.0.1', port: single.server.port }],
      username: null,
      password: null,
      tls: false,
    };
    await removeRun({ redis, run: RUN, cluster: false });
    const left = await direct.keys('*');
    expect(left.filter((key) => !key.includes(`${RUN}1`))).toEqual([]);
    expect(left).toHaveLength(5);
  });
});

describe('RedisBoard on a cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });

  afterAll(async () => {
    await cluster?.dispose();
  });

  test('what it has said is written survives the loss of its primary', async () => {
    const redis = new Cluster([...cluster.addresses], {
      redisOptions: { maxRetriesPerRequest: 1, socketTimeout: 1_000 },
      clusterRetryStrategy: () => 100,
    });
    redis.on('error', () => undefined);
    const made = new RedisBoard({ redis, run: RUN, writer: 'w', clock, onError: () => undefined });
    await made.write('run', runNote('before'), 1);
    await made.command({ name: 'pause', by: 'a' });
    await cluster.kill(await cluster.primaryOf(await cluster.slotOf(`ae:{board:${RUN}}:note:run`)));
    await until('it can be written to again', 30_000, async () => {
      await made.write('run', runNote('after'), 2);
      return true;
    });
    expect((await made.commandsAfter(BOARD_START)).commands).toEqual([{ name: 'pause', by: 'a' }]);
    await made.close(1_000);
  });
});
