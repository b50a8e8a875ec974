import { freePorts } from './ports.js';
import { ProcessGroup } from './process-group.js';
import type { RedisServer } from './server.js';
import { until } from './until.js';

const HOST = '127.0.0.1';
const START_MS = 10_000;
const STREAMS = ['upstream', 'downstream'] as const;

/**
 * Real TCP proxies (toxiproxy) before Redis nodes, one each, for clients that come through them: what is between client
 * and node can then fail. The nodes talk to each other directly.
 */
export class Proxies {
  readonly #group: ProcessGroup;
  readonly #api: string;
  readonly #ports: ReadonlyMap<RedisServer, number>;

  private constructor(group: ProcessGroup, api: string, ports: ReadonlyMap<RedisServer, number>) {
    this.#group = group;
    this.#api = api;
    this.#ports = ports;
  }

  /** Starts toxiproxy with a proxy for each of the nodes; they let everything through. */
  static async before(nodes: readonly RedisServer[]): Promise<Proxies> {
    const [apiPort = 0, ...ports] = await freePorts(nodes.length + 1);
    const group = new ProcessGroup();
    const process = group.add('toxiproxy', 'toxiproxy-server', ['-host', HOST, '-port', String(apiPort)]);
    const proxies = new Proxies(
      group,
      `http://${HOST}:${apiPort}`,
      new Map(nodes.map((node, index) => [node, ports[index] ?? 0])),
    );
    try {
      process.start();
      const answers = async (): Promise<boolean> => (await fetch(`${proxies.#api}/version`)).ok;
      await until('toxiproxy answers', START_MS, answers, () => process.log());
      for (const [node, port] of proxies.#ports) {
        await proxies.#ask('POST', '/proxies', {
          name: node.name,
          listen: `${HOST}:${port}`,
          upstream: node.address,
          enabled: true,
        });
      }
    } catch (error) {
      await group.dispose();
      throw error;
    }
    return proxies;
  }

  /** Where toxiproxy's own API listens. */
  get api(): string {
    return this.#api;
  }

  /** Start nodes of a client that comes through the proxies. */
  get addresses(): ReadonlyArray<{ readonly host: string; readonly port: number }> {
    return [...this.#ports.values()].map((port) => ({ host: HOST, port }));
  }

  /** ioredis' `natMap`: makes a client of a cluster find every node behind its proxy. */
  get natMap(): Record<string, { host: string; port: number }> {
    return Object.fromEntries([...this.#ports].map(([node, port]) => [node.address, { host: HOST, port }]));
  }

  /**
   * A partition: connections stay open and new ones are taken, but no byte gets through in either direction. What was
   * sent meanwhile is gone, and `heal` closes the connections that missed it.
   */
  async cut(nodes: readonly RedisServer[] = this.#all()): Promise<void> {
    await this.#poison(nodes, 'cut', 'timeout', { timeout: 0 });
  }

  /** Connections are closed and new ones refused, as when the node's process is gone. */
  async refuse(nodes: readonly RedisServer[] = this.#all()): Promise<void> {
    await Promise.all(nodes.map((node) => this.#ask('POST', `/proxies/${node.name}`, { enabled: false })));
  }

  /** Everything takes that much longer, in each direction. @param jitterMs it varies evenly by so much both ways */
  async delay(delayMs: number, jitterMs = 0, nodes: readonly RedisServer[] = this.#all()): Promise<void> {
    await this.#poison(nodes, 'delay', 'latency', { latency: delayMs, jitter: jitterMs });
  }

  /** Undoes everything on all proxies. */
  async heal(): Promise<void> {
    await this.#ask('POST', '/reset');
  }

  /** Ends toxiproxy: its clients lose their connections. */
  async dispose(): Promise<void> {
    await this.#group.dispose();
  }

  #all(): readonly RedisServer[] {
    return [...this.#ports.keys()];
  }

  async #poison(nodes: readonly RedisServer[], name: string, type: string, attributes: object): Promise<void> {
    await Promise.all(
      nodes.flatMap((node) =>
        STREAMS.map((stream) =>
          this.#ask('POST', `/proxies/${node.name}/toxics`, { name: `${name}_${stream}`, type, stream, attributes }),
        ),
      ),
    );
  }

  async #ask(method: string, path: string, body?: object): Promise<void> {
    const answer = await fetch(this.#api + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`toxiproxy answers ${method} ${path} with ${answer.status}: ${text}`);
  }
}
