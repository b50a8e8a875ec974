import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { RedisLease } from '../../runtime/coordinator/adapters/redis-lease.js';
import { RedisLeaseServer } from '../../runtime/coordinator/adapters/redis-lease-server.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { bundled } from '../roles/bundled.js';
import { RedisCluster } from './harness/cluster.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';

const TTL = 1_500;
const KEY = 'run:{leader}';

function leaseOn(redis: Redis | Cluster, incarnation: number): RedisLease {
  return new RedisLease({ server: new RedisLeaseServer(redis, KEY), clock: new RealClock(), incarnation });
}

describe('RedisLease on a single server', () => {
  let single: SingleRedis;
  let redis: Redis;
  let other: Redis;

  beforeAll(async () => {
    single = await startSingleRedis();
    redis = new Redis({ port: single.server.port });
    other = new Redis({ port: single.server.port });
  });

  afterAll(async () => {
    redis?.disconnect();
    other?.disconnect();
    await single?.dispose();
  });

  beforeEach(async () => {
    await redis.flushall();
  });

  test('is one holder’s at a time; the term rises with the holder and never falls, not even when all is lost', async () => {
    const [a, b] = [leaseOn(redis, 1), leaseOn(other, 2)];
    const first = await a.acquire('a', TTL);
    expect(await b.acquire('b', TTL)).toBeNull();
    expect(await a.acquire('a', TTL)).toEqual(first);
    const held = await b.holder();
    expect(held?.replica).toBe('a');
    expect(held!.until - new RealClock().now()).toBeGreaterThan(0);
    expect(held!.until - new RealClock().now()).toBeLessThan(TTL * 1.1);
    await a.release('a');
    expect(await b.holder()).toBeNull();
    const second = await b.acquire('b', TTL);
    expect(second!.term).toBeGreaterThan(first!.term);
    await redis.flushall();
    await sleep(2);
    expect((await a.acquire('a', TTL))!.term).toBeGreaterThan(second!.term);
  });

  test('runs out by itself, and is then another’s', async () => {
    const [a, b] = [leaseOn(redis, 1), leaseOn(other, 2)];
    await a.acquire('a', TTL);
    await until('the lease is free', 10_000, () => b.acquire('b', TTL));
    expect(await a.acquire('a', TTL)).toBeNull();
  });
});

describe('RedisLease on a cluster', () => {
  let cluster: RedisCluster;
  let clients: Cluster[];

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    clients = [1, 2].map(() => new Cluster([...cluster.addresses]));
    for (const client of clients) client.on('error', () => undefined);
  });

  afterAll(async () => {
    for (const client of clients ?? []) client.disconnect();
    await cluster?.dispose();
  });

  test('is no leadership while a replica is connected and does not confirm; survives the loss of its primary', async () => {
    const [a, b] = clients.map((client, i) => leaseOn(client, i)) as [RedisLease, RedisLease];
    const first = await until('a first leader', 10_000, () => a.acquire('a', TTL));
    const slot = await cluster.slotOf(KEY);
    const primary = await cluster.primaryOf(slot);
    const replica = await cluster.replicaOf(primary);
    cluster.stall(replica);
    await expect(a.acquire('a', TTL)).rejects.toThrow('no replica has confirmed');
    cluster.resume(replica);
    await until('the replica confirms again', 10_000, async () => (await a.acquire('a', TTL)) ?? false);

    await cluster.kill(primary);
    await cluster.waitPromoted(slot, primary);
    // The next primary knows who led. It has no replica yet, and is believed all the same.
    const next = await until('a leader after the promotion', 20_000, () => b.acquire('b', TTL));
    expect(next.term).toBeGreaterThan(first.term);
    expect(await a.acquire('a', TTL)).toBeNull();
    await cluster.restart(primary);
    await cluster.waitHealthy();
  });
});

describe('coordinators as processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lease-'));
  let single: SingleRedis;
  let program: string;
  const children: ChildProcess[] = [];
  const told: Array<{ readonly replica: string; readonly leads: boolean; readonly at: number }> = [];

  beforeAll(async () => {
    program = bundled('test/redis/lease-program.ts', join(folder, 'coordinator.cjs'));
    single = await startSingleRedis();
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await single?.dispose();
    rmSync(folder, { recursive: true });
  });

  const start = (replica: string): ChildProcess => {
    const child = spawn(process.execPath, [program, String(single.server.port), replica], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    createInterface(child.stdout).on('line', (line) => told.push(JSON.parse(line) as (typeof told)[number]));
    return child;
  };
  const leader = (): string | undefined => told.findLast(({ leads }) => leads)?.replica;

  test('have a new leader soon after kill -9 of the old one, and one that was stopped leads no more when it goes on', async () => {
    const all = new Map(['a', 'b', 'c'].map((replica) => [replica, start(replica)]));
    const first = await until('a leader', 20_000, async () => leader());
    const killedAt = Date.now();
    all.get(first)!.kill('SIGKILL');
    const second = await until('the next leader', 20_000, async () => leader() !== first && leader());
    const takeoverMs = told.findLast(({ leads }) => leads)!.at - killedAt;
    process.stdout.write(`${JSON.stringify({ takeoverMs: Math.round(takeoverMs) })}\n`);
    expect(takeoverMs).toBeLessThanOrEqual(3_000);

    all.get(second)!.kill('SIGSTOP');
    const third = await until('the third leader', 20_000, async () => leader() !== second && leader());
    const since = told.length;
    all.get(second)!.kill('SIGCONT');
    await until('the stopped one has looked', 20_000, async () =>
      told.slice(since).some((one) => one.replica === second),
    );
    expect(told.slice(since).find((one) => one.replica === second)).toMatchObject({ leads: false });
    expect(leader()).toBe(third);

    for (const child of all.values()) child.kill('SIGKILL');
    for (const child of all.values())
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
});
