import { createHash } from 'node:crypto';
import type { Clock, Deferred } from '../../../kernel/clock.js';
import { DurabilityJudge, type DurabilityOptions } from './durability.js';
import type { RedisNode } from './cluster-slots.js';
import { NodeLink, LinkFailure, type Command, type LinkOptions } from './node-link.js';
import { addressText } from './redis-endpoint.js';
import type { StoreCounters } from './store-counters.js';
import { StoreFailure } from './store.js';
import { same, type SlotWatch } from './topology.js';

/** A Lua script, sent by its digest where the server knows it. */
export class Script {
  readonly sha: string;

  constructor(readonly text: string) {
    this.sha = createHash('sha1').update(text).digest('hex');
  }
}

/** What a script answered, and what the answer is worth. */
export interface ScriptAnswer {
  readonly value: unknown;
  /** Process id (`run_id`) of the server that answered. */
  readonly owner: string;
  readonly durable: boolean;
  readonly degraded: boolean;
}

export interface ChannelOptions extends Omit<DurabilityOptions, 'slot'> {
  readonly link: LinkOptions;
  readonly counters: StoreCounters;
  /** Until a script has to have its answer, ms. */
  readonly exchangeMs: number;
  /** How long a script waits for a connection before it is given up unsent, ms. */
  readonly acquireMs: number;
}

interface Current {
  readonly link: NodeLink;
  readonly node: RedisNode;
  readonly owner: string;
  readonly judge: DurabilityJudge;
}

/** Between attempts to reach a slot's owner, ms. */
const RECONNECT_MS = { first: 25, most: 500 } as const;

/** Refusals that come before the script has changed anything, in the script's own commands too. */
const UNTOUCHED =
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|LOADING|OOM|MISCONF|NOSCRIPT|NOAUTH|NOREPLICAS|BUSY) ?/;

/** Of those, the ones after which somebody else may be the owner. */
const NOT_THE_OWNER = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|READONLY|LOADING) ?/;

/**
 * The way to whoever owns a slot: keeps one connection to it, makes it anew when it breaks or the slot has another
 * owner, and sends scripts over it. Redirections are never followed with the request at hand: the WAIT behind it would
 * be answered by the wrong server.
 */
export class SlotChannel implements SlotWatch {
  private readonly clock: Clock;
  private current: Current | null = null;
  private opening: { readonly link: NodeLink; readonly node: RedisNode } | null = null;
  private connecting = false;
  private waiting: Array<Deferred<Current>> = [];
  private pause = new AbortController();
  private closed = false;

  constructor(
    readonly slot: number,
    private readonly options: ChannelOptions,
  ) {
    this.clock = options.clock;
    options.topology.watch(this);
  }

  /**
   * Runs a script at the slot's owner.
   *
   * @param args given the `run_id` of the server that it is sent to.
   * @param confirmed whether the answer tells if a replica has what was written; else it counts as durable.
   * @throws StoreFailure
   */
  async run(
    script: Script,
    keys: readonly string[],
    args: (owner: string) => readonly string[],
    confirmed: boolean,
  ): Promise<ScriptAnswer> {
    const { counters } = this.options;
    const current = this.current ?? (await this.acquire());
    const { judge, owner } = current;
    const command = confirmed ? judge.command : null;
    const rest = [keys.length, ...keys, ...args(owner)];
    const send = async (head: readonly [string, string]): Promise<unknown[]> =>
      this.send(current, command === null ? [[...head, ...rest]] : [[...head, ...rest], command]);
    let [value, confirmation] = await send(['EVALSHA', script.sha]);
    if (value instanceof Error && value.message.startsWith('NOSCRIPT')) {
      [value, confirmation] = await send(['EVAL', script.text]);
    }
    if (value instanceof Error) throw this.refused(value, current);
    counters.exchanges += 1;
    if (command === null) return { value, owner, durable: true, degraded: false };
    const durability = await judge.judge(command, confirmation);
    if (durability === 'degraded') counters.degraded += 1;
    if (durability === 'unknown') {
      counters.unconfirmed += 1;
      this.options.topology.trouble(this, current.node);
    }
    return { value, owner, durable: durability !== 'unknown', degraded: durability === 'degraded' };
  }

  /** Begins to connect, if it has not. */
  start(): void {
    if (this.connecting || this.closed || this.current !== null) return;
    this.connecting = true;
    this.clock.spawn(
      () => this.connect(),
      () => undefined,
    );
  }

  isUp(): boolean {
    const owner = this.options.topology.ownerOf(this);
    return this.current !== null && owner !== null && same(this.current.node, owner);
  }

  onOwner(node: RedisNode): void {
    if (this.current !== null && !same(this.current.node, node)) {
      const { link } = this.current;
      this.current = null;
      link.retire();
    }
    if (this.opening !== null && !same(this.opening.node, node)) this.opening.link.destroy();
    this.pause.abort();
    this.start();
  }

  close(): void {
    this.closed = true;
    this.pause.abort();
    this.opening?.link.destroy();
    this.current?.link.destroy();
    this.current = null;
    const error = new StoreFailure('the store is closed', true);
    for (const deferred of this.waiting.splice(0)) deferred.reject(error);
  }

  private async send({ link, node }: Current, commands: readonly Command[]): Promise<unknown[]> {
    const { counters, exchangeMs, topology } = this.options;
    try {
      return await link.send(commands, exchangeMs);
    } catch (error) {
      counters.failures += 1;
      const sent = !(error instanceof LinkFailure) || error.sent;
      if (error instanceof LinkFailure && error.fault === 'timeout') counters.timeouts += 1;
      if (!this.closed) topology.trouble(this, node);
      throw new StoreFailure(error instanceof Error ? error.message : String(error), !sent, { cause: error });
    }
  }

  private refused(error: Error, { node }: Current): StoreFailure {
    const { counters, topology } = this.options;
    counters.failures += 1;
    if (NOT_THE_OWNER.test(error.message)) {
      counters.redirects += 1;
      topology.trouble(this, node);
    }
    const message = `Redis at ${addressText(node.address)}: ${error.message}`;
    return new StoreFailure(message, UNTOUCHED.test(error.message), { cause: error });
  }

  /** Waits for a connection to the owner. */
  private acquire(): Promise<Current> {
    if (this.closed) return Promise.reject(new StoreFailure('the store is closed', true));
    const { acquireMs, counters } = this.options;
    const deferred = this.clock.deferred<Current>();
    const timer = this.clock.after(acquireMs, () => {
      this.waiting = this.waiting.filter((other) => other !== deferred);
      counters.failures += 1;
      deferred.reject(new StoreFailure(`no connection to the owner of slot ${this.slot} within ${acquireMs} ms`, true));
    });
    this.waiting.push(deferred);
    this.start();
    return deferred.promise.finally(() => timer.cancel());
  }

  private async connect(): Promise<void> {
    let pauseMs: number = RECONNECT_MS.first;
    try {
      while (!this.closed && this.current === null) {
        const node = this.options.topology.ownerOf(this);
        if (node !== null && (await this.tryNode(node))) return;
        this.options.topology.trouble(this, node);
        await this.rest(pauseMs);
        pauseMs = Math.min(RECONNECT_MS.most, pauseMs * 2);
      }
    } finally {
      this.connecting = false;
    }
  }

  private async tryNode(node: RedisNode): Promise<boolean> {
    const { options } = this;
    const link = new NodeLink(node.address, options.link);
    this.opening = { link, node };
    try {
      const facts = await link.ready;
      if (!link.usable) return false;
      const judge = new DurabilityJudge({ ...options, slot: this.slot }, link, node, facts);
      options.counters.connections += 1;
      this.use({ link, node, owner: facts.runId, judge });
      return true;
    } catch {
      return false;
    } finally {
      this.opening = null;
    }
  }

  private use(current: Current): void {
    this.current = current;
    current.link.onEnd(() => {
      if (this.current !== current) return;
      this.current = null;
      this.options.topology.trouble(this, current.node);
      this.start();
    });
    for (const deferred of this.waiting.splice(0)) deferred.resolve(current);
  }

  /** Pauses, unless the slot has got another owner. */
  private async rest(ms: number): Promise<void> {
    if (this.pause.signal.aborted && !this.closed) this.pause = new AbortController();
    else await this.clock.sleep(ms, this.pause.signal).catch(() => undefined);
  }
}
