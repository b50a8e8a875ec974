import type { Clock } from '../../kernel/clock.js';
import type { ToxiproxyClient, ToxiproxyProxy, Toxic } from './toxiproxy-client.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The way of one zone's agents to the nodes of the store. */
export interface ZoneLink {
  readonly zone: string;
  /** Where the nodes are found on it, in the order in which they were given. */
  readonly addresses: readonly Address[];
  /** Where each node is found that calls itself `host:port`. */
  readonly natMap: Readonly<Record<string, Address>>;
}

export interface ToxiproxyLinksOptions {
  readonly client: ToxiproxyClient;
  /** Part of all proxies' names, and of no other owner's; without `_`. */
  readonly owner: string;
  readonly zones: readonly string[];
  /** Nodes of the store, as they call themselves. */
  readonly nodes: readonly Address[];
  readonly clock: Clock;
  /** Address the proxies listen on: toxiproxy's own machine. @default 127.0.0.1 */
  readonly host?: string;
}

const STREAMS = ['upstream', 'downstream'] as const;
const PREFIX = 'ae_';
/** Requests under way at a time. */
const TOGETHER = 8;

/**
 * Network links through a toxiproxy that can be made slow and be cut: one proxy for each node of the store and zone, so
 * that the agents of one zone can be hit alone. It owns its toxics: nobody else sets them, what an earlier owner of the
 * same name has left is cleared when it opens, and who holds a toxic and for how long is the business of whoever calls
 * (EffectLeases). Setting what is set already is harmless.
 */
export class ToxiproxyLinks {
  private delayMs = 0;
  private readonly cut = new Set<string>();
  /** One change after the other. */
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: ToxiproxyLinksOptions,
    readonly zones: readonly ZoneLink[],
  ) {}

  /** Clears what is left of an earlier owner of the name, and makes the proxies. Rejects when toxiproxy does not. */
  static async open(options: ToxiproxyLinksOptions): Promise<ToxiproxyLinks> {
    const { client, owner, zones, nodes, clock, host = '127.0.0.1' } = options;
    const opened = async (): Promise<ToxiproxyLinks> => {
      await clearProxiesOf(client, (name) => name === owner);
      const links: ZoneLink[] = [];
      for (const [zoneNumber, zone] of zones.entries()) {
        const addresses: Address[] = [];
        const natMap: Record<string, Address> = {};
        for (const [nodeNumber, node] of nodes.entries()) {
          const upstream = textOf(node);
          const name = [PREFIX + owner, zoneNumber, nodeNumber].join('_');
          const made = await client.create(name, `${host}:0`, upstream);
          const address = { host, port: portOf(made) };
          addresses.push(address);
          natMap[upstream] = address;
        }
        links.push({ zone, addresses, natMap });
      }
      return new ToxiproxyLinks(options, links);
    };
    return clock.hold(opened());
  }

  /** The way of a zone's agents. @throws RangeError when there is no such zone. */
  link(zone: string): ZoneLink {
    const found = this.zones.find((link) => link.zone === zone);
    if (found === undefined) throw new RangeError(`there is no zone ${zone}`);
    return found;
  }

  /** Everything takes that much longer, in each direction; 0 = nothing does. */
  setDelay(latencyMs: number): Promise<void> {
    return this.change(() => {
      this.delayMs = latencyMs;
    });
  }

  /**
   * Cut: connections stay open and new ones are taken, but no byte gets through in either direction. What was sent
   * meanwhile is gone; the connections that missed it are closed once the zone is reachable again.
   */
  setReachable(zone: string, reachable: boolean): Promise<void> {
    return this.change(() => {
      if (reachable) this.cut.delete(zone);
      else this.cut.add(zone);
    });
  }

  /** Removes the proxies with everything on them. */
  async close(): Promise<void> {
    const { client, owner, clock } = this.options;
    await this.tail;
    await clock.hold(clearProxiesOf(client, (name) => name === owner));
  }

  private change(how: () => void): Promise<void> {
    const turn = this.tail.then(async () => {
      how();
      await this.settle();
    });
    this.tail = turn.catch(() => undefined);
    return this.options.clock.hold(turn);
  }

  /** Makes the toxics what they should be; what toxiproxy says is there counts, not what was set before. */
  private async settle(): Promise<void> {
    const { client, owner, zones, nodes } = this.options;
    const own = (await client.proxies()).flatMap((proxy) => {
      const place = placeOf(proxy.name);
      return place?.owner === owner ? [{ proxy, zone: zones[place.zoneNumber] ?? '' }] : [];
    });
    const expected = zones.length * nodes.length;
    if (own.length !== expected) {
      throw new Error(`toxiproxy has ${own.length} of the ${expected} proxies of ${owner}: has it been started anew?`);
    }
    const steps = own.flatMap(({ proxy, zone }) => this.stepsFor(proxy, this.wanted(zone)));
    for (let i = 0; i < steps.length; i += TOGETHER) {
      await Promise.all(steps.slice(i, i + TOGETHER).map((step) => step()));
    }
  }

  private wanted(zone: string): Toxic[] {
    return STREAMS.flatMap((stream): Toxic[] => [
      ...(this.delayMs > 0
        ? [
            {
              name: `delay_${stream}`,
              type: 'latency' as const,
              stream,
              attributes: { latency: this.delayMs, jitter: 0 },
            },
          ]
        : []),
      ...(this.cut.has(zone)
        ? [{ name: `cut_${stream}`, type: 'timeout' as const, stream, attributes: { timeout: 0 } }]
        : []),
    ]);
  }

  private stepsFor(proxy: ToxiproxyProxy, wanted: readonly Toxic[]): Array<() => Promise<void>> {
    const { client } = this.options;
    const same = (name: string, attributes: Readonly<Record<string, unknown>>): boolean =>
      wanted.some(
        (toxic) =>
          toxic.name === name && Object.entries(toxic.attributes).every(([key, value]) => attributes[key] === value),
      );
    const wrong = proxy.toxics.filter(({ name, attributes }) => !same(name, attributes));
    const there = new Set(proxy.toxics.filter((toxic) => !wrong.includes(toxic)).map(({ name }) => name));
    const missing = wanted.filter(({ name }) => !there.has(name));
    if (wrong.length === 0 && missing.length === 0) return [];
    return [
      async () => {
        for (const { name } of wrong) await client.removeToxic(proxy.name, name);
        for (const toxic of missing) await client.addToxic(proxy.name, toxic);
      },
    ];
  }
}

/** Removes the proxies of those owners that `isGone` knows; proxies that are nobody's of ours stay. */
export async function clearProxiesOf(client: ToxiproxyClient, isGone: (owner: string) => boolean): Promise<void> {
  for (const { name } of await client.proxies()) {
    const owner = placeOf(name)?.owner;
    if (owner !== undefined && isGone(owner)) await client.remove(name);
  }
}

function placeOf(name: string): { owner: string; zoneNumber: number } | null {
  const match = /^ae_([^_]+)_(\d+)_\d+$/.exec(name);
  return match === null ? null : { owner: match[1] as string, zoneNumber: Number(match[2]) };
}

function textOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function portOf({ listen }: ToxiproxyProxy): number {
  return Number(/:(\d+)$/.exec(listen)?.[1]);
}
