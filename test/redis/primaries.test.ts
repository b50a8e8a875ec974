import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseRedisProcesses,
  RedisPrimaries,
  type RedisProcesses,
} from '../../runtime/chaos/adapters/redis-primaries.js';
import { RedisCluster } from './harness/cluster.js';
import { until } from './harness/until.js';

describe('a Redis Cluster whose primaries may be killed', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });

  afterAll(async () => {
    await cluster?.dispose();
  });

  const primaries = (processes: RedisProcesses): RedisPrimaries =>
    new RedisPrimaries(
      // One start node, which may be the one that is gone.
      { nodes: [cluster.node(0)].map(({ host, port }) => ({ host, port })), cluster: true, ...ANYBODY },
      processes,
    );
  const ANYBODY = { username: null, password: null, tls: false };

  it('kills no process that is not named, or is not that of the node', async () => {
    const { address } = cluster.node(0);
    const killed = (processes: RedisProcesses): Promise<void> => primaries(processes).killStore(address);
    await expect(killed({})).rejects.toThrow(`REDIS_PROCESSES does not name the process of ${address}`);
    await expect(killed({ [address]: process.pid })).rejects.toThrow(`not ${process.pid} as REDIS_PROCESSES says`);
    const file = join(cluster.node(0).folder, 'garbage');
    writeFileSync(file, 'no number\n');
    await expect(killed({ [address]: file })).rejects.toThrow('holds no process id');
    await expect(primaries({ '127.0.0.1:1': 2 }).killStore('127.0.0.1:1')).rejects.toThrow('there is no node');
  });

  it('is not whole from the kill until a replica serves the slots, whoever of it is asked', async () => {
    const victim = cluster.node(0);
    const all = primaries({ [victim.address]: join(victim.folder, 'pid') });
    const before = await all.store();
    expect(before.whole).toBe(true);
    expect(before.primaries.map(({ name }) => name).sort()).toEqual(
      cluster.nodes.slice(0, 3).map(({ address }) => address),
    );
    await all.killStore(victim.address);
    await until('it is seen', 5_000, async () => {
      const { whole, primaries: left } = await all.store();
      return !whole && left.every(({ name }) => name !== victim.address);
    });
    await until('another serves its slots', 20_000, async () => (await all.store()).whole);
    const names = (await all.store()).primaries.map(({ name }) => name);
    expect(names).toContain(cluster.node(3).address);
    await cluster.restart(victim);
  });
});

describe('REDIS_PROCESSES', () => {
  it.each(['nonsense', '[]', '{"localhost": 5}', '{"localhost:6379": -1}', '{"localhost:6379": ""}'])(
    'is refused when it is %s',
    (text) => {
      expect(() => parseRedisProcesses(text)).toThrow(/REDIS_PROCESSES: must be JSON: \{"HOST:PORT"/);
    },
  );

  it('names processes by number or file', () => {
    expect(parseRedisProcesses('{"localhost:6379": 5, "[::1]:6380": "/run/redis.pid"}')).toEqual({
      'localhost:6379': 5,
      '[::1]:6380': '/run/redis.pid',
    });
  });
});
