import { RealClock } from '../../runtime/kernel/real-clock.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { slotOfKey, partitionTag, SLOTS } from '../../runtime/queue/adapters/redis/key-slot.js';
import { parseRedisUrl } from '../../runtime/queue/adapters/redis/redis-endpoint.js';
import { RedisCluster } from './harness/cluster.js';
import { freePorts } from './harness/ports.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';
import { messageOf, openStore, Submitter } from './store-stage.js';

describe('the address of Redis', () => {
  test('names nodes, user and password, and TLS by its scheme', () => {
    expect(parseRedisUrl('redis://10.0.0.1', '--redis')).toEqual({
      nodes: [{ host: '10.0.0.1', port: 6379 }],
      username: null,
      password: null,
      tls: false,
    });
    expect(parseRedisUrl('rediss://me:p%40ss%3Aword@a:7000,[2001:db8::1]:7001,b/0', '--redis')).toEqual({
      nodes: [
        { host: 'a', port: 7000 },
        { host: '2001:db8::1', port: 7001 },
        { host: 'b', port: 6379 },
      ],
      username: 'me',
      password: 'p@ss:word',
      tls: true,
    });
    expect(parseRedisUrl('redis://:secret@a', '--redis')).toMatchObject({ username: null, password: 'secret' });
  });

  test('is refused with everything that is wrong, and without its password', () => {
    const told = (url: string): string => {
      try {
        parseRedisUrl(url, '--redis');
      } catch (error) {
        if (error instanceof ExperimentError) return error.message;
      }
      return '';
    };
    expect(told('http://a')).toContain('--redis: must be redis://[USER:PASSWORD@]HOST[:PORT]');
    const all = told('redis://u:hunter2%@a:70000,b c/3');
    expect(all).toContain('database 0, the only one a cluster has (got /3)');
    expect(all).toContain('a port 1 to 65535 (got "a:70000")');
    expect(all).toContain('(got "b c")');
    expect(all).toContain('write % as %25');
    expect(all).not.toContain('hunter2');
  });
});

describe('the hash tags of partitions', () => {
  test('have the slots Redis gives them, each in the middle of its share', () => {
    expect(slotOfKey('123456789')).toBe(0x31c3);
    expect(slotOfKey('ae:run:{p0}:m')).toBe(slotOfKey('p0'));
    expect(slotOfKey('a{}b')).toBe(slotOfKey('a{}b{c}'.slice(0, 4)));
    for (const count of [1, 2, 3, 6, 16, 256]) {
      for (let index = 0; index < count; index += 1) {
        const tag = partitionTag(index, count);
        expect(tag).toMatch(new RegExp(`^p${index}[a-z]*$`));
        const place = (slotOfKey(tag) / SLOTS) * count - index;
        expect(Math.abs(place - 0.5)).toBeLessThan(0.14);
      }
    }
  });
});

describe('a store on a single server', () => {
  const servers: SingleRedis[] = [];

  const start = async (options: Parameters<typeof startSingleRedis>[0] = {}): Promise<SingleRedis> => {
    const single = await startSingleRedis(options);
    servers.push(single);
    return single;
  };

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((single) => single.dispose()));
  });

  test('has one partition, works without a replica and says so', async () => {
    const { server } = await start();
    const store = await openStore(`redis://${server.address}`, 'run');
    try {
      expect(store.partitions).toBe(1);
      expect(store.warnings).toEqual([`${server.address} has no replica: what it holds rests on the journals alone`]);
      const sender = new Submitter(store, 0, 'a');
      expect(await sender.next()).toMatchObject({ durable: true, degraded: true });
      expect(await sender.again(false)).toMatchObject({ durable: true, degraded: false });
      const heard: string[] = [];
      await store.subscribe('news', (message) => heard.push(message));
      await store.publish('news', 'hello');
      await until('it is heard', 5_000, async () => heard.includes('hello'));
      const before = (await server.info('server')).get('run_id');
      await server.kill();
      expect(await messageOf(sender.next())).toMatch(/closed|no connection/);
      await server.start();
      const got = await sender.untilDurable();
      expect(got.owner).not.toBe(before);
    } finally {
      await store.close();
    }
  });

  test('waits for the replica where there is one, and works on without it when it is gone', async () => {
    const { server } = await start();
    const follower = await start({ settings: { replicaof: server.address.replace(':', ' ') } });
    await until('the replica is in step', 10_000, async () =>
      ((await server.info('replication')).get('slave0') ?? '').includes('state=online'),
    );
    const store = await openStore(`redis://${server.address}`, 'run', { cluster: false });
    try {
      const sender = new Submitter(store, 0, 'a');
      expect(await sender.next()).toMatchObject({ durable: true, degraded: false });
      await follower.server.kill();
      expect(await sender.untilDurable()).toMatchObject({ degraded: true });
      await follower.server.start();
      await until('the replica confirms', 20_000, async () => !(await sender.untilDurable()).degraded);
      expect(await messageOf(openStore(`redis://${follower.server.address}`, 'run'))).toBe(
        'This Redis does not fit\n' +
          `  - --redis: is a replica of ${server.address}, which takes no writes (got ${follower.server.address})\n` +
          `      → name ${server.address}`,
      );
    } finally {
      await store.close();
    }
  });

  test('is refused when nobody answers, with each node that was tried', async () => {
    const [first, second] = await freePorts(2);
    const told = await messageOf(openStore(`redis://127.0.0.1:${first},127.0.0.1:${second}`, 'run'));
    expect(told).toContain('Redis cannot be used\n');
    for (const port of [first, second]) {
      expect(told).toContain(`--redis: connect ECONNREFUSED 127.0.0.1:${port} (got 127.0.0.1:${port})`);
    }
    expect(told).toContain('→ is it started, and are host, port and TLS right?');
    const { server } = await start();
    server.stall();
    try {
      expect(await messageOf(openStore(`redis://${server.address}`, 'run'))).toContain('no answer within 1000 ms (got');
    } finally {
      server.resume();
    }
  });

  test('is refused when the password is wrong, missing or not wanted', async () => {
    const { server } = await start({ password: 'right' });
    const open = (user: string): Promise<string> => messageOf(openStore(`redis://${user}${server.address}`, 'run'));
    const wrong = await open(':hunter2@');
    expect(wrong).toContain('--redis: lets nobody in: WRONGPASS');
    expect(wrong).toContain('→ user and password stand in the URL before the host');
    expect(wrong).not.toContain('hunter2');
    expect(await open('')).toContain('lets nobody in: NOAUTH');
    const store = await openStore(`redis://:right@${server.address}`, 'run');
    await store.close();
    const free = await start();
    expect(await messageOf(openStore(`redis://:some@${free.server.address}`, 'run'))).toContain(
      '→ it has no password: leave user and password out of the URL',
    );
  });

  test('is refused with everything that does not fit at once', async () => {
    const { server } = await start({ settings: { 'maxmemory-policy': 'allkeys-lru' } });
    const url = `redis://${server.address}`;
    expect(await messageOf(openStore(url, 'run', { cluster: true }))).toBe(
      'This Redis does not fit\n' +
        `  - --redis: is a single server, not a node of a cluster (got ${server.address})\n` +
        '      → name a cluster, or do not ask for one\n' +
        `  - ${server.address} maxmemory-policy: must be noeviction: the server would drop tasks when its memory is full ` +
        '(got allkeys-lru)\n' +
        '      → CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
    );
    expect(await messageOf(openStore(`${url},${server.address}`, 'run'))).toContain('this is a single server');
    const told = await messageOf(openStore(url, 'a {run}', { partitions: 0 }));
    expect(told).toContain('run id: must be 1 to 128 letters');
    expect(told).toContain('queue partitions: must be a whole number from 1 to 256, or auto');
  });
});

describe('a store on a cluster as it is deployed', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start({ users: { runtime: 'p/s@1', admin: 'admin-1' } });
  });

  afterAll(async () => {
    await cluster?.dispose();
  });

  test("needs no more than the runtime's user may do", async () => {
    const url = `redis://experiment:${encodeURIComponent('p/s@1')}@${cluster.node(4).address}`;
    const store = await openStore(url, 'run', { cluster: true });
    try {
      const sender = new Submitter(store, 2, 'a');
      expect(await sender.next()).toMatchObject({ durable: true, degraded: false });
      const replica = await cluster.replicaOf((await cluster.primaries())[2]!);
      await cluster.kill(replica);
      expect(await sender.untilDurable()).toMatchObject({ degraded: true });
      await cluster.restart(replica);
      const heard: string[] = [];
      await store.subscribe('news', (message) => heard.push(message));
      await store.publish('news', 'hello');
      await until('it is heard', 5_000, async () => heard.includes('hello'));
      const [entry] = await store.readLog(2, { epoch: 0, id: '0' }, 1);
      await store.trimLog(2, entry!);
      expect((await store.readLog(2, { epoch: 0, id: '0' }, 1))[0]?.id).not.toBe(entry?.id);
    } finally {
      await store.close();
      await cluster.waitHealthy();
    }
  });

  test('is refused when a single server was told, when it evicts, and when slots have no owner', async () => {
    const url = `redis://admin:admin-1@${cluster.node(0).address}`;
    expect(await messageOf(openStore(url, 'run', { cluster: false }))).toContain(
      `is a node of a cluster, not a single server (got ${cluster.node(0).address})`,
    );
    await cluster.node(1).call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const [slot] = [16_000];
    const owner = await cluster.primaryOf(slot);
    for (const node of cluster.nodes) await node.call('CLUSTER', 'DELSLOTS', slot);
    try {
      const told = await messageOf(openStore(url, 'run'));
      expect(told).toContain(`${cluster.node(1).address} maxmemory-policy: must be noeviction`);
      expect(told).toContain('cluster slots: every slot must have an owner, these have none (got 16000)');
      expect(told).toContain(`→ redis-cli --cluster fix ${cluster.node(0).address}`);
    } finally {
      await cluster.node(1).call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await owner.call('CLUSTER', 'ADDSLOTS', slot);
      await cluster.waitHealthy();
    }
  });

  test('opens while a primary is being replaced', async () => {
    const lost = await cluster.primaryOf(slotOfKey('ae:late:header'));
    await cluster.kill(lost);
    const url = `redis://admin:admin-1@${cluster.nodes.filter((node) => node !== lost)[0]!.address}`;
    const store = await openStore(url, 'late', { clock: new RealClock() });
    try {
      expect(store.warnings.join()).toContain('a primary that cannot be reached');
      for (const partition of [0, 1, 2]) await new Submitter(store, partition, 'a').untilDurable();
    } finally {
      await store.close();
      await cluster.restart(lost);
      await cluster.waitHealthy();
    }
  });
});
