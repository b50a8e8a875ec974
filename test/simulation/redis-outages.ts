import type { SimulatedRedis } from '../queue/simulated-redis.js';

/** Between looks, ms. */
export const LOOK_MS = 200;
/** After an outage a partition hears first where the agents stand, and those it knows get a whole lease. */
const AFTERMATH_MS = 1_500;

interface Window {
  readonly from: number;
  to: number;
  /** null = all partitions. */
  readonly partition: number | null;
}

/** When a killed agent's tasks could not be given to another: a partition was away, nobody swept, nobody was free. */
export class OutageWindows {
  private readonly windows: Window[] = [];
  private leaderless: number | null = null;

  constructor(
    private readonly now: () => number,
    private readonly redis: SimulatedRedis,
    private readonly partitions: number,
  ) {}

  /** `busy` = no slot is free. */
  look(busy: boolean): void {
    const now = this.now();
    for (let partition = 0; partition < this.partitions; partition += 1) {
      const shard = this.redis.shardOf(partition);
      const { owner, unreachable } = shard;
      const serves = !unreachable && owner.alive && !owner.frozen && !owner.isolated;
      if (!serves || (!shard.healthy && !shard.alone(owner))) this.add(now - LOOK_MS, now + AFTERMATH_MS, partition);
    }
    if (busy || this.leaderless !== null) this.add(now - LOOK_MS, now + SLACK_MS, null);
  }

  /** A sweep found too many silent and expired nobody. */
  held(): void {
    const now = this.now();
    this.add(now - 1_000, now + SLACK_MS, null);
  }

  leading(somebody: boolean): void {
    if (somebody) this.leaderless = null;
    else this.leaderless ??= this.now();
  }

  /** Until when a task has to run again that lost its agent at `from`. */
  deadline(partition: number, from: number, allowedMs: number): number {
    let deadline = from + allowedMs;
    for (const window of [...this.windows].sort((a, b) => a.from - b.from)) {
      if (window.partition !== null && window.partition !== partition) continue;
      if (window.to > from && window.from <= deadline) deadline = Math.max(deadline, window.to + allowedMs);
    }
    return deadline;
  }

  private add(from: number, to: number, partition: number | null): void {
    const last = this.windows.findLast((window) => window.partition === partition);
    if (last !== undefined && last.to >= from) last.to = Math.max(last.to, to);
    else this.windows.push({ from, to, partition });
  }
}

const SLACK_MS = 300;
