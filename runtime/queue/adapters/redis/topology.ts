import { type Clock, type Deferred } from '../../../kernel/clock.js';
import { parseClusterSlots, primariesOf, rangeOf, type RedisNode, type SlotRange } from './cluster-slots.js';
import type { NodeDirectory } from './node-directory.js';
import { addressText, type RedisAddress } from './redis-endpoint.js';

/** How much farther apart each look is than the one before, and how far at most, in first pauses. */
const POLL_GROWTH = 1.25;
const LONGEST_POLL = 5;

/** What a node says of the cluster. */
export interface ClusterView {
  readonly from: RedisAddress;
  readonly ranges: readonly SlotRange[];
}

export interface TopologyOptions {
  /** Where to ask when nothing else is known. */
  readonly seeds: readonly RedisAddress[];
  /** False = one server has everything. */
  readonly cluster: boolean;
  readonly directory: NodeDirectory;
  readonly clock: Clock;
  /** Until a node's answer about the cluster counts as none, ms. */
  readonly askMs: number;
  /** Between the first looks while something is wrong, ms; later ones are up to five times as far apart. */
  readonly pollMs: number;
  /** Called for every look at the cluster. */
  readonly onLook: () => void;
}

/** Somebody who wants to know who has a slot. */
export interface SlotWatch {
  readonly slot: number;
  /** The slot has another owner, or its owner another address. */
  onOwner(node: RedisNode): void;
  /** Whether its connection to the owner stands: there is nothing to look for then. */
  isUp(): boolean;
}

/**
 * Who has which slot. It is asked of several primaries at once and the majority counts, since one that was stopped or
 * cut off goes on taking itself for the owner of what it has lost. While a watched slot is in trouble the cluster is
 * looked at again and again; otherwise never.
 */
export class Topology {
  private ranges: readonly SlotRange[] = [];
  private readonly watches = new Map<SlotWatch, RedisNode | null>();
  /** Watches in trouble, each with the address of the node that gave it. */
  private readonly troubled = new Map<SlotWatch, string>();
  private looking: Promise<void> | null = null;
  private polling = false;
  private closed = false;
  private readonly ending = new AbortController();

  constructor(private readonly options: TopologyOptions) {}

  /** Nodes that have slots; of a single server that one. */
  get primaries(): readonly RedisAddress[] {
    if (!this.options.cluster) return this.options.seeds.slice(0, 1);
    return primariesOf(this.ranges).map(({ address }) => address);
  }

  /** Primaries that no watch has trouble with; all of them where there are no others. */
  get trusted(): readonly RedisAddress[] {
    const suspects = new Set(this.troubled.values());
    const trusted = this.primaries.filter((address) => !suspects.has(addressText(address)));
    return trusted.length > 0 ? trusted : this.primaries;
  }

  /** As of the latest look. */
  get slotRanges(): readonly SlotRange[] {
    return this.ranges;
  }

  /** Follows a slot. */
  watch(watch: SlotWatch): void {
    this.watches.set(watch, this.ownerIn(this.ranges, watch.slot));
  }

  /** Nobody wants to know any more. */
  forget(watch: SlotWatch): void {
    this.watches.delete(watch);
    this.troubled.delete(watch);
  }

  /** Null while it is not known. */
  ownerOf(watch: SlotWatch): RedisNode | null {
    return this.watches.get(watch) ?? null;
  }

  /** Something is wrong with the slot's owner: looks for another until its connection stands. */
  trouble(watch: SlotWatch, node: RedisNode | null): void {
    if (!this.options.cluster || this.closed || !this.watches.has(watch)) return;
    this.troubled.set(watch, node === null ? '' : addressText(node.address));
    if (this.polling) return;
    this.polling = true;
    this.options.clock.spawn(
      () => this.poll(),
      () => undefined,
    );
  }

  /** Looks at the cluster now; whoever calls while that is under way waits for the same look. */
  async look(): Promise<void> {
    if (!this.options.cluster) {
      this.adopt([]);
      return;
    }
    this.looking ??= this.lookAround().finally(() => {
      this.looking = null;
    });
    await this.looking;
  }

  /** What the primaries but this one say; of a cluster of one primary, what that one says. */
  async viewsWithout(node: RedisNode): Promise<readonly ClusterView[]> {
    const all = primariesOf(this.ranges);
    const others = all.filter(({ id }) => id !== node.id);
    return this.ask((others.length > 0 ? others : all).map(({ address }) => address));
  }

  close(): void {
    this.closed = true;
    this.ending.abort();
  }

  private async poll(): Promise<void> {
    const { clock } = this.options;
    let pollMs = this.options.pollMs;
    try {
      while (!this.closed) {
        await this.look();
        for (const watch of this.troubled.keys()) if (watch.isUp()) this.troubled.delete(watch);
        if (this.troubled.size === 0) return;
        await clock.sleep(pollMs, this.ending.signal);
        // Hundreds of processes look at a cluster that is in trouble: they must not become its trouble.
        pollMs = Math.min(LONGEST_POLL * this.options.pollMs, pollMs * POLL_GROWTH);
      }
    } finally {
      this.polling = false;
    }
  }

  private async lookAround(): Promise<void> {
    this.options.onLook();
    const first = this.trusted;
    let views = await this.ask(first);
    if (views.length === 0) {
      const asked = new Set(first.map(addressText));
      views = await this.ask(this.everybody().filter((address) => !asked.has(addressText(address))));
    }
    if (views.length > 0) this.adopt(views);
  }

  private everybody(): readonly RedisAddress[] {
    const nodes = this.ranges.flatMap(({ primary, replicas }) => [primary, ...replicas]);
    const addresses = [...nodes.map(({ address }) => address), ...this.options.seeds];
    return [...new Map(addresses.map((address) => [addressText(address), address])).values()];
  }

  /** Answers in their order; as soon as a majority has come, those that are slow are not waited for. */
  private ask(addresses: readonly RedisAddress[]): Promise<ClusterView[]> {
    const { directory, askMs, clock } = this.options;
    const enough = Math.floor(addresses.length / 2) + 1;
    const views: ClusterView[] = [];
    const done: Deferred<ClusterView[]> = clock.deferred();
    let open = addresses.length;
    const timer = clock.after(askMs, () => done.resolve([...views]));
    const count = (): void => {
      open -= 1;
      if (open <= 0 || views.length >= enough) done.resolve([...views]);
    };
    for (const from of addresses) {
      directory.ask(from, [['CLUSTER', 'SLOTS']], askMs).then(
        ([reply]) => {
          const ranges = readable(reply, from);
          if (ranges !== null) views.push({ from, ranges });
          count();
        },
        () => count(),
      );
    }
    if (open === 0) done.resolve([]);
    return done.promise.finally(() => timer.cancel());
  }

  private adopt(views: readonly ClusterView[]): void {
    const suspects = new Set(this.troubled.values());
    // A node that is in doubt speaks for itself only where nobody else speaks.
    const others = views.filter(({ from }) => !suspects.has(addressText(from)));
    const heard = others.length > 0 ? others : views;
    this.ranges = heard.at(-1)?.ranges ?? [];
    for (const [watch, before] of this.watches) {
      const owner = this.options.cluster
        ? elect(heard, watch.slot, suspects)
        : { id: '', address: this.options.seeds[0] as RedisAddress };
      if (owner === null) continue;
      this.watches.set(watch, owner);
      if (before === null || !same(before, owner)) watch.onOwner(owner);
    }
  }

  private ownerIn(ranges: readonly SlotRange[], slot: number): RedisNode | null {
    if (!this.options.cluster) return { id: '', address: this.options.seeds[0] as RedisAddress };
    return rangeOf(ranges, slot)?.primary ?? null;
  }
}

export const same = (a: RedisNode, b: RedisNode): boolean =>
  a.id === b.id && addressText(a.address) === addressText(b.address);

/** The owner most of them name; of two with as many voices the one that nobody has trouble with. */
function elect(views: readonly ClusterView[], slot: number, suspects: ReadonlySet<string>): RedisNode | null {
  const votes = new Map<string, { readonly node: RedisNode; count: number }>();
  for (const { ranges } of views) {
    const node = rangeOf(ranges, slot)?.primary;
    if (node === undefined) continue;
    const candidate = votes.get(node.id) ?? { node, count: 0 };
    candidate.count += 1;
    votes.set(node.id, candidate);
  }
  const doubt = ({ address }: RedisNode): number => Number(suspects.has(addressText(address)));
  const [first] = [...votes.values()].sort((a, b) => b.count - a.count || doubt(a.node) - doubt(b.node));
  return first?.node ?? null;
}

function readable(reply: unknown, from: RedisAddress): readonly SlotRange[] | null {
  try {
    return parseClusterSlots(reply, from);
  } catch {
    return null;
  }
}
