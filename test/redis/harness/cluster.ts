import { freePorts } from './ports.js';
import { ProcessGroup } from './process-group.js';
import type { RedisSettings } from './config.js';
import { RedisServer } from './server.js';
import { holds, isFine, type NodeView, parseNodes, SLOTS } from './topology.js';
import { until } from './until.js';

const PRIMARIES = 3;

/** Time for the nodes to agree that all is well, ms; a restarted node may first load a file and synchronise. */
const HEALTHY_MS = 30_000;

export interface ClusterOptions extends Omit<RedisSettings, 'cluster'> {
  /** Time after which a silent node counts as failed, ms; the deployed one is 2,000. */
  readonly nodeTimeoutMs?: number;
}

/**
 * Six redis-servers on 127.0.0.1 as a cluster of three primaries with a replica each, with the settings that are
 * deployed (infra/redis-config.ts). `dispose` ends them; so does the end of this process.
 */
export class RedisCluster {
  /** In the beginning the first three are the primaries, and `nodes[i + 3]` follows `nodes[i]`. */
  readonly nodes: readonly RedisServer[];
  readonly #group: ProcessGroup;

  private constructor(group: ProcessGroup, nodes: readonly RedisServer[]) {
    this.#group = group;
    this.nodes = nodes;
  }

  /** Starts the nodes and makes them a cluster; resolves when every node finds everything well. */
  static async start({ nodeTimeoutMs = 2_000, ...options }: ClusterOptions = {}): Promise<RedisCluster> {
    const ports = await freePorts(4 * PRIMARIES);
    const group = new ProcessGroup();
    const nodes = ports.slice(0, 2 * PRIMARIES).map((port, index) => {
      const busPort = ports[2 * PRIMARIES + index] ?? 0;
      return new RedisServer(group, `node-${index}`, port, { ...options, cluster: { busPort, nodeTimeoutMs } });
    });
    const cluster = new RedisCluster(group, nodes);
    try {
      await Promise.all(nodes.map((node) => node.start()));
      await cluster.#join(ports.slice(2 * PRIMARIES));
      await cluster.waitHealthy();
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  /** Start nodes of a client. */
  get addresses(): ReadonlyArray<{ readonly host: string; readonly port: number }> {
    return this.nodes.map(({ host, port }) => ({ host, port }));
  }

  /** URL of one node, for what takes `--redis`. */
  get url(): string {
    return `redis://${this.node(0).address}`;
  }

  /** @throws RangeError when there is no such node. */
  node(index: number): RedisServer {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  /** The slot of a key, hash tag considered. */
  async slotOf(key: string): Promise<number> {
    return Number(await this.#anyRunning().call('CLUSTER', 'KEYSLOT', key));
  }

  /** Primaries with slots, by the newest claim known. */
  async primaries(): Promise<readonly RedisServer[]> {
    const owners = new Set<RedisServer>();
    for (let shard = 0; shard < PRIMARIES; shard++) owners.add(await this.primaryOf(firstSlot(shard)));
    return [...owners];
  }

  /** The node that serves a slot: of those that claim it, the one elected last. It need not be alive any more. */
  async primaryOf(slot: number): Promise<RedisServer> {
    const claims = (await this.#views()).filter((view) => holds(view, slot));
    const [newest] = claims.sort((a, b) => b.configEpoch - a.configEpoch);
    if (newest === undefined) throw new Error(`no node claims slot ${slot}`);
    return this.#byPort(newest.port);
  }

  /** The replica of a primary. @throws Error when it has none. */
  async replicaOf(primary: RedisServer): Promise<RedisServer> {
    const views = await this.#views();
    const id = views.find(({ port }) => port === primary.port)?.id;
    const found = views.find(({ primaryId, flags }) => primaryId === id && !flags.has('fail'));
    if (found === undefined) throw new Error(`${primary.name} has no replica`);
    return this.#byPort(found.port);
  }

  /** kill -9. */
  kill(node: RedisServer): Promise<void> {
    return node.kill();
  }

  /** Starts a killed node again, as a StatefulSet does; resolves when it answers, not when it is in step. */
  restart(node: RedisServer): Promise<void> {
    return node.start();
  }

  /** SIGSTOP. */
  stall(node: RedisServer): void {
    node.stall();
  }

  /** SIGCONT. */
  resume(node: RedisServer): void {
    node.resume();
  }

  /** A replica takes over from its primary in order: nothing is lost, the slots miss milliseconds. */
  async handOver(replica: RedisServer): Promise<void> {
    await replica.call('CLUSTER', 'FAILOVER');
    await until(
      `${replica.name} is primary`,
      HEALTHY_MS,
      () => this.#isPrimary(replica),
      () => this.describe(),
    );
  }

  /** Waits until another node than `lost` serves the slot and takes writes; returns it. */
  async waitPromoted(slot: number, lost: RedisServer, timeoutMs = HEALTHY_MS): Promise<RedisServer> {
    return until(
      `a new primary serves slot ${slot}`,
      timeoutMs,
      async () => {
        const now = await this.primaryOf(slot);
        if (now === lost || !(await this.#isPrimary(now))) return null;
        return (await now.info('cluster_info')).get('cluster_state') === 'ok' ? now : null;
      },
      () => this.describe(),
    );
  }

  /** Moves a slot with its keys to another primary, as `redis-cli --cluster reshard` does. */
  async moveSlot(slot: number, target: RedisServer): Promise<void> {
    const source = await this.primaryOf(slot);
    const [from, to] = await Promise.all([source.call('CLUSTER', 'MYID'), target.call('CLUSTER', 'MYID')]).then((ids) =>
      ids.map(String),
    );
    await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from ?? '');
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to ?? '');
    for (;;) {
      const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      await source.call('MIGRATE', target.host, target.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    // The new owner first: were it the other way round, the old one could hand requests to a node that refuses them.
    await target.call('CLUSTER', 'SETSLOT', slot, 'NODE', to ?? '');
    for (const node of await this.primaries()) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', to ?? '');
  }

  /**
   * Waits until every node runs and says the cluster is ok, suspects no other, and every primary has its replica in
   * step.
   */
  async waitHealthy(timeoutMs = HEALTHY_MS): Promise<void> {
    await until(
      'the cluster is healthy',
      timeoutMs,
      async () => (await Promise.all(this.nodes.map((node) => this.#isWell(node)))).every(Boolean),
      () => this.describe(),
    );
  }

  /** What every node thinks, for the message of a failure. */
  async describe(): Promise<string> {
    const told = await Promise.all(
      this.nodes.map(async (node) => {
        const nodes = await node.call('CLUSTER', 'NODES').catch((error: unknown) => String(error));
        return `${node.name} ${node.address}:\n${String(nodes)}`;
      }),
    );
    return told.join('\n');
  }

  /** Ends all nodes and removes their files. */
  async dispose(): Promise<void> {
    for (const node of this.nodes) node.disconnect();
    await this.#group.dispose();
  }

  async #join(busPorts: readonly number[]): Promise<void> {
    const first = this.node(0);
    for (const [index, node] of this.nodes.entries()) {
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      if (index >= PRIMARIES) continue;
      await node.call('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index), firstSlot(index + 1) - 1);
    }
    for (const [index, node] of this.nodes.entries()) {
      if (node !== first) await first.call('CLUSTER', 'MEET', node.host, node.port, busPorts[index] ?? 0);
    }
    const all = (): Promise<string> => this.describe();
    for (const node of this.nodes) {
      const knowsAll = async (): Promise<boolean> => {
        const views = await viewsOf(node);
        return views.length === this.nodes.length && views.every(isFine);
      };
      await until(`${node.name} knows all nodes`, HEALTHY_MS, knowsAll, all);
    }
    for (const [index, replica] of this.nodes.slice(PRIMARIES).entries()) {
      const id = String(await this.node(index).call('CLUSTER', 'MYID'));
      await replica.call('CLUSTER', 'REPLICATE', id);
    }
  }

  async #isWell(node: RedisServer): Promise<boolean> {
    if (!node.running || node.stalled) return false;
    const [cluster, replication, views] = await Promise.all([
      node.info('cluster_info'),
      node.info('replication'),
      viewsOf(node),
    ]);
    const agreed = cluster.get('cluster_state') === 'ok' && Number(cluster.get('cluster_slots_ok')) === SLOTS;
    const paired =
      replication.get('role') === 'master'
        ? (replication.get('slave0') ?? '').includes('state=online')
        : replication.get('master_link_status') === 'up';
    const replicas = views.filter(({ primaryId }) => primaryId !== null).length;
    return agreed && paired && views.length === this.nodes.length && views.every(isFine) && replicas === PRIMARIES;
  }

  async #isPrimary(node: RedisServer): Promise<boolean> {
    return (await node.info('replication')).get('role') === 'master';
  }

  /** What the nodes that answer say about all nodes. */
  async #views(): Promise<readonly NodeView[]> {
    const asked = this.nodes.filter((node) => node.running && !node.stalled);
    const answers = await Promise.allSettled(asked.map(viewsOf));
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  #anyRunning(): RedisServer {
    const node = this.nodes.find(({ running, stalled }) => running && !stalled);
    if (node === undefined) throw new Error('no node runs');
    return node;
  }

  #byPort(port: number): RedisServer {
    const node = this.nodes.find((one) => one.port === port);
    if (node === undefined) throw new Error(`no node has port ${port}`);
    return node;
  }
}

const firstSlot = (shard: number): number => Math.floor((SLOTS * shard) / PRIMARIES);

async function viewsOf(node: RedisServer): Promise<readonly NodeView[]> {
  return parseNodes(String(await node.call('CLUSTER', 'NODES')));
}
