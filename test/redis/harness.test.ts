import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { REDIS_USERS } from '../../infra/redis-config.js';
import { RedisCluster } from './harness/cluster.js';
import { Proxies } from './harness/proxies.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';

const KEY = 'some-key';

describe('a cluster of the harness', () => {
  let cluster: RedisCluster;
  let client: Cluster;
  let slot: number;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = new Cluster([...cluster.addresses]);
    slot = await cluster.slotOf(KEY);
  });

  afterAll(async () => {
    client?.disconnect();
    await cluster?.dispose();
  });

  afterEach(async () => {
    for (const node of cluster.nodes) {
      if (node.stalled) cluster.resume(node);
      if (!node.running) await cluster.restart(node);
    }
    await cluster.waitHealthy();
  });

  const written = async (value: string): Promise<void> => {
    const connection = await cluster.primaryOf(slot);
    await client.set(KEY, value);
    expect(await connection.call('WAIT', 1, 1_000)).toBe(1);
  };

  test('has three primaries with a replica each, and the settings that are deployed', async () => {
    expect(await cluster.primaries()).toHaveLength(3);
    const primary = await cluster.primaryOf(slot);
    expect(await cluster.primaryOf(slot)).not.toBe(await cluster.replicaOf(primary));
    expect(await primary.call('CONFIG', 'GET', 'cluster-node-timeout')).toEqual(['cluster-node-timeout', '2000']);
    expect(await primary.call('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await primary.call('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    await written('first');
  });

  test('goes on at the replica when a primary is killed, and takes the killed one back as a replica', async () => {
    await written('before the kill');
    const lost = await cluster.primaryOf(slot);
    const replica = await cluster.replicaOf(lost);
    await cluster.kill(lost);
    expect(lost.running).toBe(false);
    expect(await cluster.waitPromoted(slot, lost)).toBe(replica);
    expect(await client.get(KEY)).toBe('before the kill');
    await cluster.restart(lost);
    await cluster.waitHealthy();
    expect(await cluster.replicaOf(replica)).toBe(lost);
    expect((await lost.info('replication')).get('role')).toBe('slave');
  });

  test('replaces a primary that is stopped, and takes it back when it is resumed', async () => {
    const stalled = await cluster.primaryOf(slot);
    cluster.stall(stalled);
    const promoted = await cluster.waitPromoted(slot, stalled);
    expect(promoted).not.toBe(stalled);
    cluster.resume(stalled);
    await cluster.waitHealthy();
    expect(await cluster.replicaOf(promoted)).toBe(stalled);
  });

  test('is not healthy while a node is down, nor while one is stopped', async () => {
    const replica = await cluster.replicaOf(await cluster.primaryOf(slot));
    await cluster.kill(replica);
    await expect(cluster.waitHealthy(200)).rejects.toThrow('the cluster is healthy: not within 200 ms');
    await cluster.restart(replica);
    await cluster.waitHealthy();
    cluster.stall(replica);
    await expect(cluster.waitHealthy(200)).rejects.toThrow('not within');
  });

  test('hands a primary over in order and moves a slot with its keys', async () => {
    await written('moving');
    const before = await cluster.primaryOf(slot);
    const replica = await cluster.replicaOf(before);
    await cluster.handOver(replica);
    await cluster.waitHealthy();
    expect(await cluster.primaryOf(slot)).toBe(replica);
    const target = (await cluster.primaries()).find((node) => node !== replica);
    await cluster.moveSlot(slot, target!);
    expect(await cluster.primaryOf(slot)).toBe(target);
    expect(await target?.call('GET', KEY)).toBe('moving');
    expect(await client.get(KEY)).toBe('moving');
    await cluster.moveSlot(slot, replica);
  });
});

describe('proxies before a cluster', () => {
  let cluster: RedisCluster;
  let proxies: Proxies;
  let client: Cluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    proxies = await Proxies.before(cluster.nodes);
    client = new Cluster([...proxies.addresses], {
      natMap: proxies.natMap,
      redisOptions: { commandTimeout: 300 },
      clusterRetryStrategy: () => 50,
      slotsRefreshTimeout: 300,
    });
    client.on('error', () => undefined);
  });

  afterAll(async () => {
    client?.disconnect();
    await proxies?.dispose();
    await cluster?.dispose();
  });

  const works = async (): Promise<void> => {
    await until('the client works', 10_000, async () => (await client.set(KEY, 'value')) === 'OK');
  };

  test('let a client through', async () => {
    await works();
    expect(client.nodes().every(({ options }) => proxies.addresses.some(({ port }) => port === options.port))).toBe(
      true,
    );
  });

  test('cut clients off and let them back, while the cluster itself notices nothing', async () => {
    await works();
    await proxies.cut();
    await expect(client.set(KEY, 'lost')).rejects.toThrow();
    await cluster.waitHealthy(1_000);
    await proxies.heal();
    await works();
  });

  test('delay both ways', async () => {
    await works();
    await proxies.delay(60);
    let tookMs = 0;
    // A connection that the test before has broken may have to be made anew, with the delay on every message of that.
    await until('an answer comes', 10_000, async () => {
      const started = performance.now();
      await client.get(KEY);
      tookMs = performance.now() - started;
      return true;
    });
    // Timers may fire a millisecond early.
    expect(tookMs).toBeGreaterThanOrEqual(115);
    await proxies.heal();
    await works();
  });

  test('refuse connections to one node and leave the others alone', async () => {
    const node = cluster.node(0);
    const connect = async (index: number): Promise<string> => {
      const connection = new Redis({ ...proxies.addresses[index], retryStrategy: () => null, lazyConnect: true });
      connection.on('error', () => undefined);
      try {
        await connection.connect();
        return await connection.ping();
      } finally {
        connection.disconnect();
      }
    };
    await proxies.refuse([node]);
    await expect(connect(0)).rejects.toThrow();
    expect(await connect(1)).toBe('PONG');
    await proxies.heal();
    expect(await connect(0)).toBe('PONG');
  });
});

describe('access', () => {
  test('with the deployed users, the runtime can work and cannot empty the cluster', async () => {
    const cluster = await RedisCluster.start({ users: { runtime: 'secret-1', admin: 'secret-2' } });
    const client = new Cluster([...cluster.addresses], {
      redisOptions: { username: REDIS_USERS.runtime, password: 'secret-1' },
    });
    try {
      expect(await client.set(KEY, 'value')).toBe('OK');
      await expect(client.flushall()).rejects.toThrow(/NOPERM/);
      const stranger = new Redis({ ...cluster.addresses[0], retryStrategy: () => null });
      stranger.on('error', () => undefined);
      await expect(stranger.get(KEY)).rejects.toThrow(/NOAUTH/);
      stranger.disconnect();
    } finally {
      client.disconnect();
      await cluster.dispose();
    }
  });

  describe('a single server', () => {
    let single: SingleRedis;

    beforeAll(async () => {
      single = await startSingleRedis({ password: 'secret', settings: { 'maxmemory-policy': 'allkeys-lru' } });
    });

    afterAll(() => single?.dispose());

    test('is no cluster and has the settings of the test', async () => {
      const { server } = single;
      expect(await server.call('CONFIG', 'GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru']);
      await expect(server.call('CLUSTER', 'INFO')).rejects.toThrow(/cluster support disabled/);
    });

    test('keeps what was written over kill -9', async () => {
      const { server } = single;
      await server.call('SET', KEY, 'kept');
      // The file is forced to the disk once a second; the kernel has it at once.
      await server.kill();
      await server.start();
      expect(await server.call('GET', KEY)).toBe('kept');
    });

    test('asks for its password', async () => {
      const { host, port } = single.server;
      const client = new Redis({ host, port, password: 'wrong', retryStrategy: () => null });
      client.on('error', () => undefined);
      await expect(client.get(KEY)).rejects.toThrow();
      client.disconnect();
    });
  });
});

test('a setting Redis refuses fails the start with what Redis said', async () => {
  const start = startSingleRedis({ settings: { 'maxmemory-policy': 'whatever' } });
  await expect(start).rejects.toThrow(/maxmemory-policy whatever/);
});

test('a failed start is told to a program that has nothing else to do', async () => {
  const program = `
    const { startSingleRedis } = require(${JSON.stringify(join(__dirname, 'harness/server.ts'))});
    startSingleRedis({ settings: { nonsense: 'yes' } }).catch((error) => console.log(error.message));
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) said += String(chunk);
  expect(said).toContain("'nonsense yes'");
});

test('servers end and their files go when the process that started them is killed', async () => {
  const program = `
    const { startSingleRedis } = require(${JSON.stringify(join(__dirname, 'harness/server.ts'))});
    startSingleRedis().then(({ server }) => console.log(JSON.stringify({ pid: server.pid, folder: server.folder })));
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { pid, folder } = JSON.parse(String(line)) as { pid: number; folder: string };
  expect(isAlive(pid)).toBe(true);
  child.kill('SIGKILL');
  await until('the server has ended', 10_000, async () => !isAlive(pid) && !existsSync(folder));
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
