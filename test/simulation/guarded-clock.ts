import type { Due, Timer } from '../../runtime/kernel/clock.js';
import type { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';

/**
 * A virtual clock that refuses to go back, or to go on for ever: a run that never ends is a failure and must not hang,
 * not even where its time stands still.
 */
export class GuardedClock extends VirtualClock {
  private timers = 0;
  private lastSeen: number;

  constructor(
    startMs: number,
    ties: Random,
    private readonly mostTimers: number,
  ) {
    super(startMs, ties);
    this.lastSeen = startMs;
  }

  override now(): number {
    const now = super.now();
    if (now < this.lastSeen) throw new Error(`virtual time went back from ${this.lastSeen} to ${now}`);
    this.lastSeen = now;
    return now;
  }

  override at(time: number, run: () => void): Timer {
    this.count();
    return super.at(time, run);
  }

  override schedule(time: number, due: Due): void {
    this.count();
    super.schedule(time, due);
  }

  private count(): void {
    this.timers += 1;
    if (this.timers > this.mostTimers) throw new Error(`the run does not end: ${this.timers} timers were set`);
  }
}
