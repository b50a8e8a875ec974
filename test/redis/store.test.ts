import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisStore } from '../../runtime/queue/adapters/redis/redis-store.js';
import { StoreFailure } from '../../runtime/queue/adapters/redis/store.js';
import { RedisCluster } from './harness/cluster.js';
import { Proxies } from './harness/proxies.js';
import { until } from './harness/until.js';
import { logOf, messageOf, openStore, ownerOf, slotOfPartition, Submitter } from './store-stage.js';

/** How long after a promotion a partition may still be away, ms; on an idle machine it is far less. */
const BOUND_MS = 2_000;

describe('a store on a cluster', () => {
  let cluster: RedisCluster;
  const opened: RedisStore[] = [];
  let runs = 0;

  const open = async (run: string, more: Parameters<typeof openStore>[2] = {}): Promise<RedisStore> => {
    const store = await openStore(cluster.url, run, more);
    opened.push(store);
    return store;
  };
  const newRun = (): string => `run-${(runs += 1)}`;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    // To the other primaries a replica that has received nothing yet is none.
    const store = await openStore(cluster.url, 'first');
    for (const partition of [0, 1, 2]) await new Submitter(store, partition, 'a').untilDurable();
    await store.close();
    const known = async (): Promise<boolean> => {
      const views = await Promise.all(cluster.nodes.map((node) => node.call('CLUSTER', 'SLOTS')));
      return (views as unknown[][][]).flat().every((range) => range.length === 4);
    };
    await until('all know of all replicas', 20_000, known);
  });

  afterAll(async () => {
    await cluster?.dispose();
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const node of cluster.nodes) {
      if (node.stalled) cluster.resume(node);
      if (!node.running) await cluster.restart(node);
    }
    await cluster.waitHealthy();
  });

  test('spreads its partitions over all primaries, and what it says is durable is at the replica', async () => {
    const store = await open(newRun());
    expect(store.partitions).toBe(3);
    expect(store.warnings).toEqual([]);
    const owners = new Set<unknown>();
    for (const partition of [0, 1, 2]) {
      const server = await ownerOf(cluster, store, partition);
      owners.add(server);
      const got = await new Submitter(store, partition, 'a').next();
      expect(got).toMatchObject({ durable: true, degraded: false, reply: { epoch: 1, submitted: [], ready: 1 } });
      expect(got.owner).toBe((await server.info('server')).get('run_id'));
    }
    expect(owners.size).toBe(3);
    expect(store.counters).toMatchObject({ exchanges: 4, failures: 0, connections: 4 });
  });

  test('sends the script anew to a server that does not know it', async () => {
    const store = await open(newRun());
    const sender = new Submitter(store, 1, 'a');
    await sender.next();
    await (await ownerOf(cluster, store, 1)).call('SCRIPT', 'FLUSH');
    expect(await sender.next()).toMatchObject({ durable: true, reply: { ready: 2 } });
  });

  test('goes on at the replica with a new owner when a primary is killed, soon after the promotion', async () => {
    const store = await open(newRun());
    const sender = new Submitter(store, 0, 'a');
    const before = await sender.untilDurable();
    const index = sender.latest;
    const lost = await ownerOf(cluster, store, 0);
    await cluster.kill(lost);
    const failures: unknown[] = [];
    const served = sender.untilDurable((failure) => failures.push(failure)).then((got) => ({ got, at: Date.now() }));
    // The others are not touched by it.
    expect(await new Submitter(store, 1, 'a').next()).toMatchObject({ durable: true });
    await cluster.waitPromoted(slotOfPartition(store, 0), lost);
    const promotedAt = Date.now();
    const { got, at } = await served;
    expect(failures.length).toBeGreaterThan(0);
    expect(failures[0]).toBeInstanceOf(StoreFailure);
    expect(got.owner).not.toBe(before.owner);
    expect(got.reply.epoch).toBe(2);
    expect(got.degraded).toBe(true);
    expect(at - promotedAt).toBeLessThan(BOUND_MS);
    console.log(JSON.stringify({ killed: { servedAfterPromotionMs: at - promotedAt } }));
    expect(await sender.phaseOf(index)).toBe('queued');
    const cursor = { epoch: 0, id: '0' };
    expect((await logOf(store, 0, cursor, 1)).map(({ epoch, number }) => [epoch, number])).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  test('is not held up by a stopped primary, and never takes its late answers for durable', async () => {
    const store = await open(newRun());
    const idle = await open(store.header.run);
    const senders = [new Submitter(store, 2, 'a'), new Submitter(idle, 2, 'b')] as const;
    for (const sender of senders) await sender.untilDurable();
    const stopped = await ownerOf(cluster, store, 2);
    const stoppedId = (await stopped.info('server')).get('run_id');
    cluster.stall(stopped);
    let longest = 0;
    const began = Date.now();
    let sentAt = Date.now();
    const served = senders[0].untilDurable(() => {
      longest = Math.max(longest, Date.now() - sentAt);
      sentAt = Date.now();
    });
    await cluster.waitPromoted(slotOfPartition(store, 2), stopped);
    const promotedAt = Date.now();
    const got = await served;
    const servedAt = Date.now();
    expect(got.owner).not.toBe(stoppedId);
    expect(servedAt - promotedAt).toBeLessThan(BOUND_MS);
    expect(longest).toBeLessThan(3_000);
    console.log(JSON.stringify({ stopped: { servedAfterPromotionMs: servedAt - promotedAt, longestWaitMs: longest } }));
    await sleep(Math.max(0, 6_000 - (Date.now() - began)));
    // The idle store still holds a connection to the stopped one, and asks it first.
    const durable: Array<string> = [];
    const late = Promise.all(
      [0, 1, 2].map(async () => {
        const answer = await senders[1].again().catch(() => null);
        if (answer?.durable === true) durable.push(answer.owner);
      }),
    );
    cluster.resume(stopped);
    await late;
    expect(durable).not.toContain(stoppedId);
    const after = await senders[1].untilDurable();
    expect(after.owner).toBe(got.owner);
  });

  test('does not confirm while a replica is stalled, works on without it once it counts as failed, and waits again', async () => {
    const store = await open(newRun());
    const sender = new Submitter(store, 0, 'a');
    await sender.untilDurable();
    const replica = await cluster.replicaOf(await ownerOf(cluster, store, 0));
    cluster.stall(replica);
    expect(await sender.next()).toMatchObject({ durable: false, degraded: false });
    const until1 = Date.now() + 15_000;
    let got = await sender.again();
    while (!got.durable && Date.now() < until1) got = await sender.again();
    expect(got).toMatchObject({ durable: true, degraded: true });
    // Once that is known, an exchange is as quick as ever.
    const began = Date.now();
    for (let i = 0; i < 20; i += 1) expect(await sender.next()).toMatchObject({ durable: true, degraded: true });
    const eachMs = (Date.now() - began) / 20;
    console.log(JSON.stringify({ degraded: { exchangeMs: eachMs } }));
    expect(eachMs).toBeLessThan(150);
    await sleep(1_200);
    expect(await sender.next()).toMatchObject({ durable: true, degraded: true });
    cluster.resume(replica);
    await cluster.waitHealthy();
    await until('a replica confirms again', 10_000, async () => {
      const answer = await sender.next();
      return answer.durable && !answer.degraded;
    });
    expect(store.counters.degraded).toBeGreaterThan(20);
    expect(store.counters.unconfirmed).toBeGreaterThan(0);
  });

  test('follows a slot that is handed over or moved away', async () => {
    const store = await open(newRun());
    const sender = new Submitter(store, 1, 'a');
    const first = await sender.untilDurable();
    const replica = await cluster.replicaOf(await ownerOf(cluster, store, 1));
    await cluster.handOver(replica);
    const failures: unknown[] = [];
    const second = await sender.untilDurable((failure) => failures.push(failure));
    expect(second.owner).toBe((await replica.info('server')).get('run_id'));
    expect(second.owner).not.toBe(first.owner);
    const target = await ownerOf(cluster, store, 0);
    const home = await ownerOf(cluster, store, 1);
    const slot = slotOfPartition(store, 1);
    await cluster.moveSlot(slot, target);
    const third = await sender.untilDurable((failure) => failures.push(failure));
    expect(third.owner).toBe((await target.info('server')).get('run_id'));
    expect(third.reply.ready).toBe(3);
    expect(failures.some((failure) => failure instanceof StoreFailure && failure.notCarriedOut)).toBe(true);
    expect(store.counters.redirects).toBeGreaterThan(0);
    await cluster.moveSlot(slot, home);
    expect((await sender.untilDurable()).reply.ready).toBe(4);
  });

  test('comes back after a partition between it and the whole cluster', async () => {
    const proxies = await Proxies.before(cluster.nodes);
    try {
      const redis = `redis://${proxies.addresses.map(({ host, port }) => `${host}:${port}`).join(',')}`;
      const store = await openStore(redis, newRun(), { natMap: proxies.natMap });
      opened.push(store);
      const heard: string[] = [];
      await store.subscribe('news', (message) => heard.push(message));
      const sender = new Submitter(store, 0, 'a');
      await sender.untilDurable();
      await proxies.cut();
      const failure = await sender.next().then(
        () => null,
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(StoreFailure);
      expect(failure).toMatchObject({ notCarriedOut: false });
      await sleep(2_500);
      expect(await messageOf(sender.again())).toMatch(/no connection|no answer/);
      await proxies.heal();
      expect(await sender.untilDurable()).toMatchObject({ degraded: false });
      await until('messages arrive again', 10_000, async () => {
        await store.publish('news', 'again').catch(() => {});
        return heard.includes('again');
      });
    } finally {
      await proxies.dispose();
    }
  });

  test('hears messages on, when the node it listened at is killed and when it is stopped', async () => {
    const run = newRun();
    const [listener, teller] = [await open(run), await open(run)];
    const heard = new Set<string>();
    await listener.subscribe('a', (message) => heard.add(`a ${message}`));
    await listener.subscribe('b', (message) => heard.add(`b ${message}`));
    const hears = (text: string): Promise<unknown> =>
      until(`${text} is heard`, 20_000, async () => {
        await teller.publish('a', text).catch(() => {});
        await teller.publish('b', text).catch(() => {});
        await sleep(20);
        return heard.has(`a ${text}`) && heard.has(`b ${text}`);
      });
    await hears('first');
    const listenedAt = async () => {
      for (const node of cluster.nodes) {
        if (!node.running || node.stalled) continue;
        if (((await node.call('PUBSUB', 'CHANNELS', 'a')) as string[]).length > 0) return node;
      }
      throw new Error('nobody listens');
    };
    const killed = await listenedAt();
    await cluster.kill(killed);
    await hears('after the kill');
    await cluster.restart(killed);
    await cluster.waitHealthy();
    const stopped = await listenedAt();
    cluster.stall(stopped);
    await hears('after the stop');
    expect(listener.counters.resubscriptions).toBeGreaterThanOrEqual(2);
    const now = await listenedAt();
    await listener.resubscribe();
    expect(await listenedAt()).not.toBe(now);
    await hears('at another node');
  });

  test('reads a log in pages from where a reader stands, and trims what has been read', async () => {
    const store = await open(newRun());
    const sender = new Submitter(store, 0, 'a');
    for (let i = 0; i < 10; i += 1) await sender.next();
    const start = { epoch: 0, id: '0' };
    expect(await store.readLog(1, start, 10)).toEqual([]);
    const all = await logOf(store, 0, start);
    expect(all.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(all[0]?.events[0]?.slice(0, 2)).toEqual(['submitted', '3']);
    await store.trimLog(0, all[6]!);
    expect((await logOf(store, 0, start)).map(({ number }) => number)).toEqual([8, 9, 10]);
    expect(await logOf(store, 0, all[9]!)).toEqual([]);
  });

  test('makes all processes of a run agree, and refuses keys that are not of this run', async () => {
    const run = newRun();
    const first = await open(run, { partitions: 5 });
    expect(first.partitions).toBe(5);
    expect((await open(run)).header).toEqual(first.header);
    expect(await messageOf(openStore(cluster.url, run, { partitions: 4, specHash: 'spec-2' }))).toBe(
      `Redis holds a foreign run's keys under the name ${run}\n` +
        `  - ae:${run}:header spec: must be spec-2, the digest of this process's experiment (got spec-1)\n` +
        `  - ae:${run}:header partitions: must be 4, as this process was told (got 5)\n` +
        `      → give the run another id than ${run}, or remove the keys ae:${run}:* when nothing needs them any more`,
    );
    const taken = newRun();
    const node = await cluster.primaryOf(await cluster.slotOf(`ae:${taken}:header`));
    await node.call('SET', `ae:${taken}:header`, 'something');
    expect(await messageOf(openStore(cluster.url, taken))).toContain('the key belongs to something else');
    const strange = newRun();
    const other = await cluster.primaryOf(await cluster.slotOf(`ae:${strange}:header`));
    await other.call('HSET', `ae:${strange}:header`, 'colour', 'blue');
    expect(await messageOf(openStore(cluster.url, strange))).toContain('is no header of a run');
  });

  test('warns of a node that cannot be reached and of a primary without a replica', async () => {
    const [primary] = await cluster.primaries();
    const replica = await cluster.replicaOf(primary!);
    await cluster.kill(replica);
    const store = await openStore(`redis://${replica.address},${primary!.address}`, newRun());
    opened.push(store);
    expect(store.warnings).toEqual([
      expect.stringContaining(`${replica.address}: connect ECONNREFUSED`),
      expect.stringContaining(`${primary!.address} has no replica`),
    ]);
  });

  test('lets go of everything when it is closed', async () => {
    const store = await openStore(cluster.url, newRun(), { name: 'leaving' });
    await store.subscribe('news', () => {});
    await store.publish('news', 'x');
    await new Submitter(store, 0, 'a').next();
    const connected = async (): Promise<number> => {
      const lists = await Promise.all(cluster.nodes.map((node) => node.call('CLIENT', 'LIST')));
      return String(lists).split('name=leaving ').length - 1;
    };
    expect(await connected()).toBeGreaterThan(3);
    await store.close();
    await until('its connections are gone', 5_000, async () => (await connected()) === 0);
    expect(await messageOf(new Submitter(store, 0, 'a').next())).toContain('closed');
    expect(await messageOf(store.publish('news', 'x'))).toContain('closed');
    expect(await messageOf(store.subscribe('more', () => {}))).toContain('closed');
  });
});
