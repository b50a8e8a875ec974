import type { Clock } from '../../kernel/clock.js';
import { askNode, type RedisAccess } from './redis-nodes.js';
import type { ZoneLink } from './toxiproxy-links.js';

/** Measures the links of the zones' agents by going the same way: through the proxies to the nodes. */
export class LinkProbe {
  /** @param limitMs an answer that takes longer does not come any more. */
  constructor(
    private readonly clock: Clock,
    private readonly links: readonly ZoneLink[],
    private readonly access: RedisAccess,
    private readonly limitMs: number,
  ) {}

  /** Of a request and its answer, ms, in the middle of the zones that are reached; null = none is. */
  async roundTripMs(): Promise<number | null> {
    const found = await Promise.all(this.links.map((link) => this.fastest(link)));
    const reached = found.flatMap((ms) => ms ?? []).sort((a, b) => a - b);
    return reached[Math.floor(reached.length / 2)] ?? null;
  }

  /** Share of the agents from whose zone no node is reached, 0–1; null = the link of none is known. */
  async cutOffShare(agents: ReadonlyArray<{ readonly zone: string }>): Promise<number | null> {
    const zones = new Set(agents.map(({ zone }) => zone));
    const asked = this.links.filter(({ zone }) => zones.has(zone));
    const cut = new Map<string, boolean>();
    await Promise.all(asked.map(async (link) => cut.set(link.zone, (await this.fastest(link)) === null)));
    const known = agents.flatMap(({ zone }) => cut.get(zone) ?? []);
    return known.length === 0 ? null : known.filter(Boolean).length / known.length;
  }

  private async fastest({ addresses }: ZoneLink): Promise<number | null> {
    const asked = addresses.map((address) =>
      askNode(
        this.access,
        address,
        async (redis) => {
          const sentAt = this.clock.now();
          await redis.ping();
          return this.clock.now() - sentAt;
        },
        this.limitMs,
      ),
    );
    // One node that is gone does not make a zone unreachable.
    const answers = await Promise.allSettled(asked);
    const times = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    return times.length === 0 ? null : Math.min(...times);
  }
}
