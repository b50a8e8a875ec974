import type { Clock } from '../../../kernel/clock.js';
import { ExperimentError } from '../../../kernel/errors.js';
import type { SideKeys } from '../../port.js';
import { primariesOf } from './cluster-slots.js';
import { decodeReply, encodeRequest, exchangeScript, partitionKeys } from './exchange.js';
import { slotOfKey } from './key-slot.js';
import { type AskOwner, readLog, trimLog } from './log-reader.js';
import { Patience } from './patience.js';
import { NodeDirectory } from './node-directory.js';
import type { LinkOptions } from './node-link.js';
import type { PartitionRules } from './partition-rules.js';
import { parseRedisUrl, type RedisAddress, type RedisEndpoint } from './redis-endpoint.js';
import {
  HEADER_SCRIPT,
  foreign,
  headerFields,
  headerKey,
  headerProblems,
  newHeader,
  readHeader,
  type RunHeader,
} from './run-header.js';
import { PartitionSideKeys } from './side-keys.js';
import { Script, SlotChannel, type ChannelOptions } from './slot-channel.js';
import { checkRedis, type Found } from './startup-checks.js';
import { newCounters, type StoreCounters } from './store-counters.js';
import {
  StoreFailure,
  type DriverRequest,
  type Exchanged,
  type LogCursor,
  type LogEntry,
  type PartitionStore,
} from './store.js';
import { Subscriber } from './subscriber.js';
import { Topology } from './topology.js';

/** Times of a store, ms. */
export interface RedisTimes {
  /** Until a new connection can be used. */
  readonly connectMs: number;
  /** Until an exchange has its answer; then its connection is given up. */
  readonly exchangeMs: number;
  /** How long an exchange waits for a connection before it fails unsent. */
  readonly acquireMs: number;
  /** How long a replica is waited for. */
  readonly waitMs: number;
  /** How long the cluster's word that a primary has no replica holds; below its `cluster-node-timeout`. */
  readonly degradedMs: number;
  /** Until a question about the cluster, a message or a page of a log has its answer. */
  readonly askMs: number;
  /** Between looks at the cluster while a partition has no owner that answers. */
  readonly pollMs: number;
  /** Between signs of life asked of the connection that listens. */
  readonly pingMs: number;
  /** Without one for so long, that connection is given up. */
  readonly silentMs: number;
  /** Until the run's header has been read at the start. */
  readonly startMs: number;
}

const TIMES: RedisTimes = {
  connectMs: 1_000,
  exchangeMs: 1_000,
  acquireMs: 500,
  waitMs: 300,
  degradedMs: 1_000,
  askMs: 500,
  pollMs: 100,
  pingMs: 1_000,
  silentMs: 2_000,
  startMs: 15_000,
};

/** Idle connections are looked for this often, ms. */
const TIDY_MS = 5_000;
/** Channels of which is remembered where they are heard: there is one to a process. */
const CHANNELS_KEPT = 2_000;

export interface RedisStoreOptions {
  /** `redis://user:password@host:port,host:port`, `rediss://…`, or the same in parts. */
  readonly redis: string | RedisEndpoint;
  /** What `redis` was given as, for errors: a flag, a variable. */
  readonly path?: string;
  /** Whether it has to be a cluster; 'auto' takes what is there. */
  readonly cluster: boolean | 'auto';
  readonly run: string;
  /** Digest of the experiment: all processes of a run must have the same. */
  readonly specHash: string;
  /** 'auto' = one for each primary, or as many as the run has already. */
  readonly partitions: number | 'auto';
  /** The queue's rules for a run of so many partitions. */
  readonly rules: (partitions: number) => PartitionRules;
  readonly clock: Clock;
  /** Names this process: shown by CLIENT LIST, and decides at which node it listens. */
  readonly name: string;
  /** Where nodes are found that are not where they say they are: `host:port` → address. */
  readonly natMap?: Readonly<Record<string, RedisAddress>>;
  readonly times?: Partial<RedisTimes>;
}

/**
 * Partitions in a Redis or a Redis Cluster. A request goes over one connection to the slot's primary together with its
 * WAIT; nothing is queued, redirected or sent again by itself. Every call fails within about two seconds when there is
 * no answer, and the way to a new owner is found meanwhile.
 */
export class RedisStore implements PartitionStore {
  /** What works, but not as it should: for the log. */
  readonly warnings: readonly string[];
  readonly cluster: boolean;
  /** Version of the server that was asked first. */
  readonly version: string;
  readonly counters: Readonly<StoreCounters>;
  readonly header: RunHeader;
  readonly partitions: number;
  private readonly script: Script;
  private readonly prefixes: readonly string[];
  private readonly channels: readonly SlotChannel[];
  private readonly logChannels = new Map<number, SlotChannel>();
  private readonly subscriber: Subscriber;
  private readonly tidying: { cancel(): void };
  /** By channel: the node at which somebody hears it, as far as is known. */
  private readonly listeners = new Map<string, number>();

  private constructor(
    private readonly parts: Parts,
    header: RunHeader,
    found: Found,
    rules: PartitionRules,
  ) {
    const { directory, topology, times, clock, link, counters, spread } = parts;
    this.header = header;
    this.partitions = header.partitions;
    this.warnings = found.warnings;
    this.cluster = found.cluster;
    this.version = found.version;
    this.counters = counters;
    this.script = new Script(exchangeScript(rules));
    this.prefixes = header.tags.map((tag) => partitionKeys(header.run, tag).prefix);
    this.channels = this.prefixes.map((prefix) => channelOf(prefix, parts));
    for (const channel of this.channels) channel.start();
    const { pingMs, silentMs } = times;
    const nodes = (): readonly RedisAddress[] => topology.trusted;
    this.subscriber = new Subscriber({ clock, link, counters, nodes, first: spread, pingMs, silentMs });
    this.tidying = clock.every(TIDY_MS, () => {
      directory.tidy();
    });
  }

  /** See {@link openRedisStore}. */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const { run, partitions, specHash, rules } = options;
    const path = options.path ?? 'redis';
    const endpoint = typeof options.redis === 'string' ? parseRedisUrl(options.redis, path) : options.redis;
    const problems = headerProblems(run, partitions);
    if (problems.length > 0) throw new ExperimentError('USAGE', 'This run cannot be named or divided so', problems);
    const parts = partsOf(options, endpoint);
    try {
      const found = await checkRedis(endpoint, path, options.cluster, parts.directory, parts.times.askMs);
      const topology = new Topology({
        seeds: endpoint.nodes,
        cluster: found.cluster,
        directory: parts.directory,
        clock: parts.clock,
        askMs: parts.times.askMs,
        pollMs: parts.times.pollMs,
        onLook: () => {
          parts.counters.looks += 1;
        },
      });
      const whole = { ...parts, topology, cluster: found.cluster };
      try {
        await topology.look();
        const count = partitions === 'auto' ? Math.max(1, primariesOf(found.ranges).length) : partitions;
        const header = await agree(newHeader(run, count, specHash), partitions, whole);
        return new RedisStore(whole, header, found, rules(header.partitions));
      } catch (error) {
        topology.close();
        throw error;
      }
    } catch (error) {
      parts.directory.close();
      throw error;
    }
  }

  async exchange(partition: number, request: DriverRequest, waitForReplica: boolean): Promise<Exchanged> {
    const channel = this.channelOf(partition);
    const args = (owner: string): string[] => [encodeRequest({ ...request, owner })];
    const prefix = this.prefixOf(partition);
    const { value, owner, durable, degraded } = await channel.run(this.script, [prefix], args, waitForReplica);
    return { reply: decodeReply(value, request.driver), owner, durable, degraded };
  }

  async publish(channel: string, message: string): Promise<void> {
    const { topology, directory, times, spread } = this.parts;
    const nodes = topology.trusted;
    let failure: unknown = new StoreFailure('no node is known', true);
    // A message may be lost, but not to the first node that is gone.
    for (let attempt = 0; attempt < Math.min(2, nodes.length); attempt += 1) {
      const turn = this.listeners.get(channel) ?? spread;
      try {
        const node = nodes[turn % nodes.length] as RedisAddress;
        const [answer] = await directory.ask(node, [['PUBLISH', channel, message]], times.askMs);
        if (!(answer instanceof Error)) {
          // It has gone to all nodes. Who hears it at this one is told at once; over the cluster's bus, where small
          // messages wait for one another, it was up to 20 ms later (measured: one in 34 at 33 messages a second).
          this.heardAt(channel, Number(answer) > 0 ? turn : turn + 1);
          return;
        }
        failure = answer;
      } catch (error) {
        failure = error;
      }
      this.heardAt(channel, turn + 1);
    }
    throw asFailure(failure);
  }

  private heardAt(channel: string, turn: number): void {
    // Most are of processes that have long gone: it is soon found out again.
    if (this.listeners.size >= CHANNELS_KEPT && !this.listeners.has(channel)) this.listeners.clear();
    this.listeners.set(channel, turn);
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    await this.subscriber.subscribe(channel, onMessage);
  }

  async resubscribe(): Promise<void> {
    await this.subscriber.resubscribe();
  }

  async readLog(partition: number, after: LogCursor, limit: number): Promise<readonly LogEntry[]> {
    return readLog(this.logChannelOf(partition), this.prefixOf(partition), after, limit);
  }

  async trimLog(partition: number, upTo: LogCursor): Promise<void> {
    await trimLog(this.askOwner(partition), this.prefixOf(partition), upTo);
  }

  /** Keys of this run beside the queue's own: over the partitions' connections, so that nobody opens more for them. */
  get sideKeys(): SideKeys {
    return new PartitionSideKeys(this.prefixes, this.channels);
  }

  async close(): Promise<void> {
    this.tidying.cancel();
    this.subscriber.close();
    for (const channel of [...this.channels, ...this.logChannels.values()]) channel.close();
    this.parts.topology.close();
    this.parts.directory.close();
    await Promise.resolve();
  }

  private channelOf(partition: number): SlotChannel {
    const channel = this.channels[partition];
    if (channel === undefined) throw new RangeError(`there are ${this.partitions} partitions, got ${partition}`);
    return channel;
  }

  /** Connected to when a log is first read: most processes read none. */
  private logChannelOf(partition: number): SlotChannel {
    const made = this.logChannels.get(partition) ?? channelOf(this.prefixOf(partition), this.parts);
    this.logChannels.set(partition, made);
    return made;
  }

  private prefixOf(partition: number): string {
    return this.prefixes[partition] as string;
  }

  /** Over a connection of its own: an exchange's WAIT would hold it up, and a long answer the exchange. */
  private askOwner(partition: number): AskOwner {
    const { topology, directory, times } = this.parts;
    const channel = this.channelOf(partition);
    return async (script, key, args) => {
      const node = topology.ownerOf(channel);
      if (node === null) throw new StoreFailure(`nobody is known to have slot ${channel.slot}`, true);
      const send = async (...head: [string, string]): Promise<unknown> => {
        const [answer] = await directory.ask(node.address, [[...head, 1, key, ...args]], times.askMs);
        return answer;
      };
      try {
        let answer = await send('EVALSHA', script.sha);
        if (answer instanceof Error && answer.message.startsWith('NOSCRIPT')) answer = await send('EVAL', script.text);
        if (answer instanceof Error) throw answer;
        return answer;
      } catch (error) {
        // A refusal may mean that the slot has moved while nobody sends exchanges to it.
        topology.trouble(channel, node);
        throw asFailure(error);
      }
    };
  }
}

/**
 * Connects to the partitions of a run, after a look whether this Redis can be used for them; the first process of a run
 * writes its header, and all others go by that.
 *
 * @throws ExperimentError USAGE, NO_ANSWER, CONFIG_INVALID or FOREIGN_KEYS with everything that is wrong at once.
 */
export const openRedisStore = (options: RedisStoreOptions): Promise<RedisStore> => RedisStore.open(options);

interface Parts extends ChannelOptions {
  readonly directory: NodeDirectory;
  readonly topology: Topology;
  readonly times: RedisTimes;
  /** Differs from process to process. */
  readonly spread: number;
}

function partsOf(options: RedisStoreOptions, credentials: RedisEndpoint): Omit<Parts, 'topology' | 'cluster'> {
  const { clock, name, natMap = {} } = options;
  const times = { ...TIMES, ...options.times };
  const { connectMs, exchangeMs, acquireMs, waitMs, degradedMs, askMs } = times;
  const patience = new Patience();
  const link: LinkOptions = { credentials, name: name.replace(/[^!-~]/g, '-'), clock, patience, connectMs, natMap };
  const directory = new NodeDirectory(link);
  const counters = newCounters();
  // Any number that differs between names.
  const spread = slotOfKey(name);
  return { clock, link, directory, counters, times, spread, exchangeMs, acquireMs, waitMs, degradedMs, askMs };
}

const channelOf = (key: string, parts: ChannelOptions): SlotChannel => new SlotChannel(slotOfKey(key), parts);

/** Reads the run's header, or writes it. Waits for a partition that is being replaced. */
async function agree(own: RunHeader, wanted: number | 'auto', parts: Parts): Promise<RunHeader> {
  const key = headerKey(own.run);
  const { clock, times } = parts;
  const channel = channelOf(key, parts);
  const end = clock.now() + times.startMs;
  try {
    for (;;) {
      try {
        const answer = await channel.run(HEADER_SCRIPT, [key], () => headerFields(own), true);
        if (answer.durable) return readHeader(answer.value, own, wanted);
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error;
        if (error.message.includes('WRONGTYPE')) {
          throw foreign(own.run, [{ path: key, message: 'is no header of a run: the key belongs to something else' }]);
        }
        if (clock.now() > end) throw noHeader(key, error, times.startMs);
      }
      if (clock.now() > end) throw noHeader(key, null, times.startMs);
      await clock.sleep(times.pollMs);
    }
  } finally {
    channel.close();
    parts.topology.forget(channel);
  }
}

function noHeader(key: string, error: StoreFailure | null, waitedMs: number): ExperimentError {
  const message = error?.message ?? 'no replica has confirmed it, and the cluster does not say that there is none';
  const hint = 'redis-cli --cluster check tells what state the cluster is in';
  const headline = `Redis does not take the run's header within ${waitedMs} ms`;
  return new ExperimentError('NO_ANSWER', headline, [{ path: key, message, hint }], { cause: error ?? undefined });
}

function asFailure(error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  return new StoreFailure(error instanceof Error ? error.message : String(error), false, { cause: error });
}
