import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { QueueObserver } from '../../runtime/queue/port.js';
import type { Task } from '../../runtime/queue/task.js';
import type { Priority, QueueRules } from '../../runtime/spec/experiment.js';
import { SimulatedProcess } from '../simulation/redis-process.js';
import { experiment } from '../support/experiment.js';
import { FAIR, partitionRules, SimulatedRedis, type Weather } from './simulated-redis.js';

const START = experiment().startAtMs;

export interface WorldOptions {
  readonly partitions?: number;
  readonly weather?: Weather;
  readonly rules?: Partial<QueueRules>;
}

/** Processes that share nothing but a simulated Redis, in virtual time. */
export class World {
  readonly clock = new VirtualClock(START, new Random(1, 'ties'));
  readonly redis: SimulatedRedis;
  readonly rules: QueueRules;
  readonly errors: unknown[] = [];
  private readonly random = new Random(2, 'weather');
  private submitted = 0;

  constructor({ partitions = 1, weather = FAIR, rules = {} }: WorldOptions = {}) {
    this.rules = { ...experiment().queue, ...rules };
    this.redis = new SimulatedRedis(
      this.clock,
      partitionRules(this.rules, partitions),
      () => this.random.next(),
      weather,
    );
  }

  /** Starts a process. */
  async start(
    driver: string,
    observers: readonly QueueObserver[] = [],
  ): Promise<{ readonly process: SimulatedProcess; readonly queue: RedisQueue }> {
    const process = new SimulatedProcess(this.clock, this.redis.store(), 0);
    const queue = await RedisQueue.open({
      ...{ clock: process.clock, rules: this.rules, observers, store: process.store, driver, run: 'r' },
      random: () => this.random.next(),
      onError: (error) => this.errors.push(error),
    });
    return { process, queue };
  }

  /** Lets so much time pass, with all that falls due in it. */
  async advance(ms: number): Promise<void> {
    this.clock.after(ms, () => {
      this.clock.stop();
    });
    await this.clock.run();
    if (this.errors.length > 0) throw this.errors[0];
  }

  /** Lets time pass until there is an answer. */
  async answer<T>(promise: Promise<T> | T, withinMs = 20_000): Promise<T> {
    let open = true;
    const watched = Promise.resolve(promise).finally(() => {
      open = false;
    });
    watched.catch(() => undefined);
    for (let left = withinMs; open; left -= 10) {
      if (left <= 0) throw new Error(`no answer within ${withinMs} ms`);
      await this.advance(10);
    }
    return watched;
  }

  nextTask(priority: Priority = 2): Task {
    const task: Task = { index: this.submitted, type: 0, priority, scheduledAt: this.clock.now() };
    this.submitted += 1;
    return task;
  }

  /** The primary's process ends and is back at once, with nothing in it, before anybody could take over. */
  comeBackEmpty(partition = 0): void {
    this.redis.shardOf(partition).killPrimary(100);
  }
}
