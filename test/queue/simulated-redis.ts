import type { Clock, Deferred } from '../../runtime/kernel/clock.js';
import type { ExchangeReply } from '../../runtime/queue/adapters/redis/messages.js';
import type { PartitionRules } from '../../runtime/queue/adapters/redis/partition-rules.js';
import {
  StoreFailure,
  type DriverRequest,
  type Exchanged,
  type LogCursor,
  type LogEntry,
  type PartitionStore,
} from '../../runtime/queue/adapters/redis/store.js';
import type { QueueRules } from '../../runtime/spec/experiment.js';
import { Shard, WAIT_MS, type Server } from './simulated-shard.js';

/** How the network behaves. */
export interface Weather {
  /** One way between a process and a server, and between servers, ms; each time between half and one and a half. */
  readonly delayMs: number;
  /** Share of the requests that are lost on the way there, and of the answers that are lost on the way back. */
  readonly lostRequests: number;
  readonly lostAnswers: number;
  /** Share of the requests that arrive so late that nobody waits for them any more, and are carried out nevertheless. */
  readonly late: number;
  /** Share of the messages between processes that are lost. */
  readonly lostMessages: number;
  /** Share of the requests that are answered with a redirection, as while slots move. */
  readonly redirected: number;
}

export const FAIR: Weather = { delayMs: 0.2, lostRequests: 0, lostAnswers: 0, late: 0, lostMessages: 0, redirected: 0 };

/** Until a process gives up a request, ms. */
const EXCHANGE_MS = 1_000;
/** How late a late request is at most, ms. */
const LATE_MS = 5_000;

/** A process's connections: which server it takes for the owner of each shard. */
class Connection {
  readonly routes = new Map<Shard, Server>();
  /** Shards that this process does not reach. */
  readonly cut = new Set<Shard>();
  readonly channels = new Set<string>();
}

/** The store of one process, and a way to come between it and a shard. */
export interface SimulatedStore extends PartitionStore {
  /** This process alone does not reach the partition for so long. */
  cutOff(partition: number, ms: number): void;
}

/** A Redis Cluster in virtual time, with the partitions spread over its shards in turn. */
export class SimulatedRedis {
  readonly shards: readonly Shard[];
  private readonly channels = new Map<string, (message: string) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly rules: PartitionRules,
    private readonly random: () => number,
    public weather: Weather = FAIR,
    shards: number = rules.partitions,
    /** What travels is written as JSON and read again: shows what does not survive that. */
    private readonly asJson = true,
  ) {
    this.shards = Array.from({ length: shards }, (_, i) => new Shard(`server-${i}`, clock, rules, random));
  }

  shardOf(partition: number): Shard {
    return this.shards[partition % this.shards.length] as Shard;
  }

  /** A process's connections. */
  store(): SimulatedStore {
    const own = new Connection();
    return {
      partitions: this.rules.partitions,
      exchange: (partition, request, wait) =>
        this.call(own, partition, (server) => this.exchange(server, partition, request, wait)),
      publish: async (channel, message) => {
        await this.travel();
        if (this.random() < this.weather.lostMessages) return;
        this.channels.get(channel)?.(message);
      },
      subscribe: async (channel, onMessage) => {
        own.channels.add(channel);
        this.channels.set(channel, onMessage);
        await Promise.resolve();
      },
      resubscribe: () => Promise.resolve(),
      readLog: (partition, after, limit) =>
        this.call(own, partition, (server) => this.readLog(server, partition, after, limit)),
      trimLog: (partition, upTo) =>
        this.call(own, partition, async (server) => {
          server.write(partition, { trim: upTo });
          this.replicateSoon(server);
          await Promise.resolve();
        }),
      close: async () => {
        for (const channel of own.channels) this.channels.delete(channel);
        await Promise.resolve();
      },
      cutOff: (partition, ms) => {
        const shard = this.shardOf(partition);
        own.cut.add(shard);
        this.clock.after(ms, () => {
          own.cut.delete(shard);
        });
      },
    };
  }

  // ---- the way there and back -------------------------------------------------------------------------------------

  /** A request and its answer, or the client's patience is over: then nobody can say what has become of it. */
  private call<T>(own: Connection, partition: number, run: (server: Server) => Promise<T>): Promise<T> {
    const shard = this.shardOf(partition);
    const answer = this.clock.deferred<T>();
    const server = own.routes.get(shard) ?? shard.owner;
    own.routes.set(shard, server);
    const fail = (message: string, notCarriedOut: boolean): void => {
      // Whoever gets no answer asks who the owner is; what he is told may be old.
      if (this.random() < 0.9) own.routes.delete(shard);
      answer.reject(new StoreFailure(message, notCarriedOut));
    };
    const patience = this.clock.after(EXCHANGE_MS, () => {
      fail('no answer', false);
    });
    this.clock.spawn(
      () =>
        this.deliver(own, shard, server, run, {
          ...answer,
          resolve: (value) => {
            patience.cancel();
            if ((value as { durable?: boolean }).durable === false && this.random() < 0.9) own.routes.delete(shard);
            answer.resolve(value);
          },
          reject: (error) => {
            patience.cancel();
            const message = error instanceof Error ? error.message : String(error);
            fail(message, error instanceof StoreFailure && error.notCarriedOut);
          },
        }),
      answer.reject,
    );
    return answer.promise;
  }

  private async deliver<T>(
    own: Connection,
    shard: Shard,
    server: Server,
    run: (server: Server) => Promise<T>,
    answer: Deferred<T>,
  ): Promise<void> {
    const { lostRequests, lostAnswers, late, redirected } = this.weather;
    await this.travel();
    if (this.random() < lostRequests || shard.unreachable || own.cut.has(shard)) return;
    if (late > 0 && this.random() < late) await this.clock.sleep(this.random() * LATE_MS);
    const arrived = this.clock.deferred<null>();
    server.arrive(() => arrived.resolve(null));
    await arrived.promise;
    if (!server.alive || !server.primary || this.random() < redirected) {
      await this.travel();
      answer.reject(new StoreFailure(server.alive ? 'MOVED' : 'connection refused', true));
      return;
    }
    try {
      const value = await run(server);
      await this.travel();
      if (shard.unreachable || own.cut.has(shard)) return;
      if (!server.alive) answer.reject(new StoreFailure('connection reset', false));
      // What a stopped process has not sent it sends when it goes on.
      else if (this.random() >= lostAnswers) server.arrive(() => answer.resolve(value));
    } catch (error) {
      await this.travel();
      answer.reject(error);
    }
  }

  private travel(): Promise<void> {
    return this.clock.sleep(this.lag());
  }

  private lag(): number {
    return this.weather.delayMs * (0.5 + this.random());
  }

  // ---- at the server ----------------------------------------------------------------------------------------------

  private async exchange(server: Server, partition: number, request: DriverRequest, wait: boolean): Promise<Exchanged> {
    const owner = server.runId;
    const sent = this.travelled({ ...request, owner });
    const reply = this.travelled(server.write(partition, { request: sent, at: this.timeAt(server) }) as ExchangeReply);
    if (wait) return { reply, owner, ...(await this.waitFor(server, partition)) };
    this.replicateSoon(server);
    return { reply, owner, durable: true, degraded: false };
  }

  private travelled<T>(value: T): T {
    return this.asJson ? (JSON.parse(JSON.stringify(value)) as T) : value;
  }

  /** Redis time of a server, whole ms. */
  private timeAt(server: Server): number {
    return Math.floor(this.clock.now() + server.skewMs);
  }

  private replicateSoon(server: Server): void {
    const { offset } = server;
    this.clock.after(this.lag() * 10, () => {
      server.replicate(offset);
    });
  }

  /** WAIT for what this connection has just written, and what the others say where no replica has it. */
  private async waitFor(server: Server, partition: number): Promise<Pick<Exchanged, 'durable' | 'degraded'>> {
    const shard = this.shardOf(partition);
    const { offset } = server;
    if (!shard.alone(server)) {
      await this.travel();
      server.replicate(offset);
      await this.travel();
      if (server.acknowledged >= offset) return { durable: true, degraded: false };
      await this.clock.sleep(WAIT_MS);
      server.replicate(offset);
      if (server.acknowledged >= offset) return { durable: true, degraded: false };
    }
    const degraded = shard.alone(server);
    return { durable: degraded, degraded };
  }

  /** What a replica has: a little write behind the reading shows it. */
  private async readLog(
    server: Server,
    partition: number,
    after: LogCursor,
    limit: number,
  ): Promise<readonly LogEntry[]> {
    const entries = server.copy(partition).read(after, limit);
    if (entries.length === 0) return entries;
    const { durable } = await this.waitFor(server, partition);
    if (!durable) throw new StoreFailure('no replica has what was read', true);
    return entries;
  }
}

/** A partition's share of the queue's rules. */
export function partitionRules(rules: QueueRules, partitions: number): PartitionRules {
  return { ...rules, partitions, bound: Math.ceil(rules.bound / partitions) };
}
