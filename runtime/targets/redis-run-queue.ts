import type { Clock, Timer } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import { readClocks } from '../queue/adapters/redis/clock-records.js';
import { DelayedStore } from '../queue/adapters/redis/delayed-store.js';
import { RedisQueue } from '../queue/adapters/redis/redis-queue.js';
import type { PartitionStore } from '../queue/adapters/redis/store.js';
import type { LedgerCounts, QueueObserver, SideKeys, UnfinishedTask } from '../queue/port.js';
import type { QueueProvenance } from '../report/model.js';
import type { QueueRules } from '../spec/experiment.js';
import type { QueueView, RunQueue, RunQueueMaker } from './run-queue.js';

/** How often the counters are asked for. */
const LOOK_MS = SECOND / 2;

/** How often the processes' clocks are asked about. */
const CLOCKS_MS = 10 * SECOND;

/** How long a refresh waits for a queue that does not answer; then what was known before stands. */
const PATIENCE_MS = 10 * SECOND;

export interface RedisRunQueueOptions {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly store: PartitionStore;
  /** Name of the run in Redis. */
  readonly run: string;
  /** Names this process; different for every start. */
  readonly driver: string;
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
  readonly redisVersion: string;
  readonly processes: boolean;
  /** Where primaries may be killed. */
  readonly primaries?: NonNullable<RunQueue['redis']>;
  /** Where the run's processes tell how well they know their clocks. */
  readonly keys: SideKeys;
}

/** A run's queue in Redis, opened before there is a run: `maker` gives it to one. */
export interface OpenRedisQueue {
  readonly maker: RunQueueMaker;
  /** Ends sessions in order and lets go of Redis. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the queue of a run on a store.
 *
 * @throws what the store says when it cannot be reached.
 */
export async function openRedisRunQueue(options: RedisRunQueueOptions): Promise<OpenRedisQueue> {
  const { clock, rules, run, driver, random, onError } = options;
  const relay = new Relay();
  const store = new DelayedStore(clock, options.store);
  const queue = await RedisQueue.open({ clock, rules, store, run, driver, observers: [relay], random, onError });
  const view = new RedisView(queue, options.keys, clock, onError);
  view.start();
  const kind = (): QueueProvenance => ({
    kind: 'redis',
    partitions: store.partitions,
    degradedSeconds: view.degradedMs / SECOND,
    redisVersion: options.redisVersion,
    processes: options.processes,
    ...(Number.isFinite(view.clockBoundMs) ? { clockBoundMs: view.clockBoundMs } : {}),
  });
  const runQueue: RunQueue = {
    queue,
    view,
    setLinkDelay: (latencyMs) => {
      store.delayMs = latencyMs;
    },
    restore: null,
    ...(options.primaries === undefined ? {} : { redis: options.primaries }),
    kind,
  };
  return {
    maker: (observers) => {
      relay.observers = observers;
      return runQueue;
    },
    close: async () => {
      view.stop();
      await queue.close();
    },
  };
}

/** Passes on what the log tells, to observers that come later than the queue does. */
class Relay implements QueueObserver {
  observers: readonly QueueObserver[] = [];

  submitted(...told: Parameters<QueueObserver['submitted']>): void {
    for (const observer of this.observers) observer.submitted(...told);
  }

  started(...told: Parameters<QueueObserver['started']>): void {
    for (const observer of this.observers) observer.started(...told);
  }

  finished(...told: Parameters<QueueObserver['finished']>): void {
    for (const observer of this.observers) observer.finished(...told);
  }

  requeued(...told: Parameters<QueueObserver['requeued']>): void {
    for (const observer of this.observers) observer.requeued(...told);
  }
}

const NONE: LedgerCounts = {
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
};

/** What was last heard of a queue in Redis; its counters are asked for twice a second. */
class RedisView implements QueueView {
  /** Whole looks in which some partition had answered without a replica. */
  degradedMs = 0;
  /** How far off some process' time can have been, at most; -Infinity until that is known. */
  clockBoundMs = -Infinity;
  private latestCounts = NONE;
  private latestUnfinished: readonly UnfinishedTask[] = [];
  private degradedAnswers = 0;
  private timers: Timer[] = [];
  private asking = false;

  constructor(
    private readonly queue: RedisQueue,
    private readonly keys: SideKeys,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    const looking = this.clock.every(LOOK_MS, () => {
      if (this.asking) return;
      this.asking = true;
      this.clock.spawn(async () => {
        try {
          await this.look();
        } finally {
          this.asking = false;
        }
      }, this.onError);
    });
    const clocks = this.clock.every(CLOCKS_MS, () => {
      this.clock.spawn(() => this.lookAtClocks(), this.onError);
    });
    this.timers = [looking, clocks];
  }

  stop(): void {
    for (const timer of this.timers) timer.cancel();
  }

  counts(): LedgerCounts {
    return this.latestCounts;
  }

  unfinished(): readonly UnfinishedTask[] {
    return this.latestUnfinished;
  }

  async refresh(): Promise<void> {
    const patience = new AbortController();
    const late = this.clock.sleep(PATIENCE_MS, patience.signal).then(
      () => {
        this.onError(new Error(`the queue has not said where it stands for ${PATIENCE_MS / SECOND} s`));
      },
      () => undefined,
    );
    await Promise.race([this.lookAtAll().catch(this.onError), late]);
    patience.abort();
  }

  /** The log last: what was finished by the time the tasks were looked at must be known as such. */
  private async lookAtAll(): Promise<void> {
    this.latestUnfinished = await this.queue.unfinished();
    await this.look();
    await this.queue.caughtUp();
    // Not at the cost of the counters.
    await this.lookAtClocks().catch(this.onError);
  }

  private async lookAtClocks(): Promise<void> {
    const own = this.queue.clockOffset.boundMs;
    if (Number.isFinite(own)) this.clockBoundMs = Math.max(this.clockBoundMs, own);
    for (const { boundMs } of await readClocks(this.keys)) this.clockBoundMs = Math.max(this.clockBoundMs, boundMs);
  }

  private async look(): Promise<void> {
    this.latestCounts = await this.queue.counts();
    const degraded = this.queue.stats.reduce((sum, stats) => sum + stats.degraded, 0);
    if (degraded > this.degradedAnswers) this.degradedMs += LOOK_MS;
    this.degradedAnswers = degraded;
  }
}
