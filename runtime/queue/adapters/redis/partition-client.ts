import type { TimeExchange } from '../../../kernel/clock-offset.js';
import type { Clock } from '../../../kernel/clock.js';
import {
  answer,
  emptyBatch,
  giveUp,
  isTransition,
  movedTasks,
  RANK,
  requestOf,
  together,
  type Batch,
} from './batch.js';
import type { ExchangeReply } from './messages.js';
import type { DriverRequest, Exchanged, PartitionStore } from './store.js';

/** Operations in one request at most: a script of them takes a few milliseconds. */
const MOST_OPERATIONS = 400;

/** A request without an answer for so long: the partition is away, or its replica is. */
const AWAY_MS = 500;

/** Between sendings of a request that has no answer, ms. */
const RETRY_MS = { first: 20, most: 250 } as const;

export interface ClientHandlers {
  /** Agents that are alive now. */
  readonly beating: () => readonly string[];
  /** A durable answer, before those who asked are told. */
  readonly onReply: (partition: number, reply: ExchangeReply, resynced: readonly string[]) => void;
  /** Another server than before answers: the request with what it has to be told again, for it may have lost it. */
  readonly onOtherOwner: (partition: number, request: DriverRequest, first: boolean) => DriverRequest;
  /** Another server than before owns the partition, and replicas have its word. */
  readonly onNewOwner: (partition: number) => void;
  /** How long an exchange took, and what the server's clock said in it. */
  readonly onTime: (partition: number, exchange: TimeExchange) => void;
  readonly onError: (error: unknown) => void;
}

interface Done {
  readonly reply: ExchangeReply;
  /** Agents that have told in it where they stand. */
  readonly resynced: readonly string[];
}

/** What a driver has noticed of one partition. */
export interface ClientStats {
  requests: number;
  /** Sendings without an answer, or with one that no replica had. */
  repeated: number;
  degraded: number;
  epoch: number;
}

/**
 * A driver's line to one partition: collects what is wanted while a request is under way, has never more than one
 * under way, and repeats it under its number until the answer is there and durable.
 */
export class PartitionClient {
  readonly stats: ClientStats = { requests: 0, repeated: 0, degraded: 0, epoch: 0 };
  /** As of the latest answer. */
  ready = 0;
  credit = 0;
  /** Since when a request is under way. */
  private busySince = Infinity;
  private seq = 0;
  private owner = '';
  private waiting: Batch[] = [];
  private open: Batch = emptyBatch();
  private pumping = false;
  private closed = false;

  constructor(
    private readonly options: {
      readonly partition: number;
      readonly driver: string;
      readonly store: PartitionStore;
      readonly clock: Clock;
      readonly durable: boolean;
      readonly handlers: ClientHandlers;
    },
  ) {}

  /** The batch that an operation of this agent goes into. */
  batch(kind?: keyof typeof RANK, agent?: string): Batch {
    if (this.open.size >= MOST_OPERATIONS) this.seal();
    if (kind !== undefined && agent !== undefined) {
      const rank = RANK[kind];
      // Within a request a partition goes by kind: what would overtake an earlier operation waits for the next one.
      if ((this.open.ranks.get(agent) ?? 0) > rank) this.seal();
      this.open.ranks.set(agent, rank);
    }
    this.open.size += 1;
    this.wake();
    return this.open;
  }

  /** Ends the line; what has no answer yet never gets one. */
  close(): void {
    this.closed = true;
    for (const batch of [...this.waiting, this.open]) giveUp(batch, new Error('the queue was closed'));
    this.waiting = [];
    this.open = emptyBatch();
  }

  /** Nothing under way and nothing waiting. */
  get quiet(): boolean {
    return !this.pumping && this.waiting.length === 0 && this.open.size === 0;
  }

  /** Whether what it is asked now would have to wait for a partition that does not answer. */
  get away(): boolean {
    return this.options.clock.now() - this.busySince > AWAY_MS;
  }

  private seal(): void {
    this.waiting.push(this.open);
    this.open = emptyBatch();
  }

  private wake(): void {
    if (this.pumping || this.closed) return;
    this.pumping = true;
    this.options.clock.spawn(() => this.pump(), this.options.handlers.onError);
  }

  private async pump(): Promise<void> {
    try {
      // What else is wanted in this turn of the event loop goes with it.
      await Promise.resolve();
      while (!this.closed) {
        const batch = this.waiting.shift() ?? this.takeOpen();
        if (batch === null) return;
        await this.carryOut(batch);
      }
    } finally {
      this.pumping = false;
    }
  }

  private takeOpen(): Batch | null {
    if (this.open.size === 0) return null;
    const batch = this.open;
    this.open = emptyBatch();
    return batch;
  }

  private async carryOut(batch: Batch): Promise<void> {
    this.seq += 1;
    const { driver } = this.options;
    const request = requestOf(batch, { driver, seq: this.seq, nonce: '', epoch: 0, known: '' });
    this.busySince = this.options.clock.now();
    const done = await this.untilDurable(request);
    this.busySince = Infinity;
    if (done === null) {
      giveUp(batch, new Error('the queue was closed'));
      return;
    }
    const { reply, resynced } = done;
    this.ready = reply.ready;
    this.credit = reply.credit;
    const { partition, handlers } = this.options;
    handlers.onReply(partition, reply, resynced);
    answer(batch, reply, (finish) => this.batch('finish', finish.op[4]).finish.push(finish));
  }

  /**
   * The answer to the request once it is durable; null when the queue was closed meanwhile. Each sending has the latest
   * signs of life with it: those of a partition that hears them and cannot answer must not stand behind.
   */
  private async untilDurable(batch: DriverRequest): Promise<Done | null> {
    const { driver, partition, clock, durable, handlers } = this.options;
    let request = batch;
    const told = new Set([this.owner]);
    // By server: on another one the request may not have been carried out before.
    const replies = new Map<string, ExchangeReply>();
    let wait = durable && isTransition(request);
    let pauseMs: number = RETRY_MS.first;
    for (let sending = 1; !this.closed; sending += 1) {
      const nonce = `${driver}.${partition}.${request.seq}.${sending}`;
      const beats = sending === 1 ? [] : handlers.beating();
      const beat = beats.length > 0 ? beats : request.beat;
      const head = { nonce, epoch: this.stats.epoch, known: this.owner, ...(beat !== undefined && { beat }) };
      const got = await this.send({ ...request, ...head }, wait);
      if (got !== null) {
        if (got.reply.stale === 1) throw new Error(`another process calls itself ${driver}: partition ${partition}`);
        const earlier = replies.get(got.owner);
        const reply = earlier === undefined ? got.reply : together(earlier, got.reply, request.resync !== undefined);
        replies.set(got.owner, reply);
        const before = request;
        if (durable && !told.has(got.owner)) request = handlers.onOtherOwner(partition, request, this.owner === '');
        told.add(got.owner);
        // A server that was not the owner so far is believed once a replica has its word.
        const asked = wait || !durable || (got.owner === this.owner && !movedTasks(got.reply));
        const settled = asked && request === before;
        if (settled && (got.durable || !durable)) {
          this.meet(got);
          return { reply, resynced: request.resync?.map(([agent]) => agent) ?? [] };
        }
        if (!settled) {
          wait = true;
          continue;
        }
      }
      this.stats.repeated += 1;
      await clock.sleep(pauseMs);
      pauseMs = Math.min(RETRY_MS.most, pauseMs * 2);
    }
    return null;
  }

  private async send(request: DriverRequest, wait: boolean): Promise<Exchanged | null> {
    const { partition, store, clock, handlers } = this.options;
    this.stats.requests += 1;
    const sentAt = clock.now();
    try {
      const got = await store.exchange(partition, request, wait);
      // The server tells whole milliseconds: half of one may have passed more or less.
      const exchange = {
        sentAt: sentAt - 0.5,
        reference: Number(got.reply.now) + 0.5,
        receivedAt: clock.now() + 0.5,
      };
      if (!wait && got.reply.stale === 0) handlers.onTime(partition, exchange);
      return got;
    } catch {
      // Nobody can say whether it was carried out: the same request again finds out.
      return null;
    }
  }

  private meet({ owner, reply, degraded }: Exchanged): void {
    if (degraded) this.stats.degraded += 1;
    this.stats.epoch = Math.max(this.stats.epoch, reply.epoch);
    if (this.owner === owner) return;
    this.owner = owner;
    this.options.handlers.onNewOwner(this.options.partition);
  }
}
