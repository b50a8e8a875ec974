import type { Clock, Deferred } from '../../../kernel/clock.js';
import { NodeLink, type LinkOptions } from './node-link.js';
import type { RedisAddress } from './redis-endpoint.js';
import { StoreFailure } from './store.js';
import type { StoreCounters } from './store-counters.js';

export interface SubscriberOptions {
  readonly clock: Clock;
  readonly link: LinkOptions;
  readonly counters: StoreCounters;
  /** Nodes to listen at, the best first; every node of a cluster passes on every message. */
  readonly nodes: () => readonly RedisAddress[];
  /** Where to begin among them, so that processes spread. */
  readonly first: number;
  /** The connection is asked for a sign of life this often, ms. */
  readonly pingMs: number;
  /** Without one for so long it is given up, ms. */
  readonly silentMs: number;
}

/** Between attempts to listen, ms. */
const RETRY_MS = { first: 25, most: 500 } as const;

/**
 * The one connection of a process that hears its channels. When it goes away, or its node says nothing any more, the
 * next node is listened at.
 */
export class Subscriber {
  private readonly handlers = new Map<string, Array<(message: string) => void>>();
  private readonly clock: Clock;
  private turn: number;
  private link: NodeLink | null = null;
  /** Hears all channels there are. */
  private listening = false;
  private connecting = false;
  private made = 0;
  private readonly waiting: Array<Deferred<null>> = [];
  private readonly ending = new AbortController();

  constructor(private readonly options: SubscriberOptions) {
    this.clock = options.clock;
    this.turn = options.first;
  }

  /** Resolves when the channel is heard; tries until then. @throws StoreFailure when it was closed first. */
  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    const handlers = this.handlers.get(channel);
    if (handlers !== undefined) handlers.push(onMessage);
    else {
      this.handlers.set(channel, [onMessage]);
      if (this.listening && this.link !== null && (await this.add(this.link, [channel]))) return;
    }
    await this.heard();
  }

  /** Listens at another node; resolves when all channels are heard there. @throws StoreFailure when it was closed first. */
  async resubscribe(): Promise<void> {
    if (this.handlers.size === 0) return;
    this.listening = false;
    this.link?.destroy();
    await this.heard();
  }

  close(): void {
    this.ending.abort();
    this.link?.destroy();
    for (const deferred of this.waiting.splice(0)) deferred.reject(new StoreFailure('the store is closed', true));
  }

  private async heard(): Promise<void> {
    if (this.ending.signal.aborted) throw new StoreFailure('the store is closed', true);
    if (this.listening) return;
    const deferred = this.clock.deferred<null>();
    this.waiting.push(deferred);
    this.start();
    await deferred.promise;
  }

  private start(): void {
    if (this.connecting || this.ending.signal.aborted) return;
    this.connecting = true;
    this.clock.spawn(
      () => this.connect(),
      () => undefined,
    );
  }

  private async connect(): Promise<void> {
    let pauseMs: number = RETRY_MS.first;
    try {
      while (!this.ending.signal.aborted) {
        if (await this.listen()) return;
        await this.clock.sleep(pauseMs, this.ending.signal).catch(() => undefined);
        pauseMs = Math.min(RETRY_MS.most, pauseMs * 2);
      }
    } finally {
      this.connecting = false;
    }
  }

  private async listen(): Promise<boolean> {
    const nodes = this.options.nodes();
    const address = nodes[this.turn % nodes.length];
    this.turn += 1;
    if (address === undefined) return false;
    const link = new NodeLink(address, this.options.link);
    this.link = link;
    try {
      await link.ready;
    } catch {
      return false;
    }
    // More channels may be asked for meanwhile.
    for (let heard = 0; heard < this.handlers.size;) {
      const channels = [...this.handlers.keys()].slice(heard);
      if (!(await this.add(link, channels))) return false;
      heard += channels.length;
    }
    this.made += 1;
    if (this.made > 1) this.options.counters.resubscriptions += 1;
    this.listening = true;
    this.watch(link);
    for (const deferred of this.waiting.splice(0)) deferred.resolve(null);
    return true;
  }

  private async add(link: NodeLink, channels: readonly string[]): Promise<boolean> {
    try {
      await link.subscribe(channels, (channel, message) => this.deliver(channel, message));
      return link.usable;
    } catch {
      link.destroy();
      return false;
    }
  }

  private deliver(channel: string, message: string): void {
    for (const handler of this.handlers.get(channel) ?? []) handler(message);
  }

  /** Notices when the connection ends, and when its node falls silent. */
  private watch(link: NodeLink): void {
    const { pingMs, silentMs } = this.options;
    const pings = this.clock.every(pingMs, () => {
      if (link.pending > 0) return;
      // Without an answer in time the link ends itself.
      link.send([['PING']], silentMs).catch(() => undefined);
    });
    const ended = (): void => {
      pings.cancel();
      if (this.link === link) this.listening = false;
      this.start();
    };
    link.onEnd(ended);
  }
}
