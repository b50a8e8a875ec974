import type { Due, Timer } from './clock.js';

/** A call waiting in a {@link TimerHeap}. */
export class HeapTimer implements Timer, Due {
  cancelled = false;

  constructor(readonly run: () => void) {}

  cancel(): void {
    this.cancelled = true;
  }
}

/**
 * Calls ordered by time, then by a drawn tie-break. A 4-ary heap over flat arrays: with tens of thousands of
 * pending calls it stays in the processor's cache longer than a heap of objects.
 */
export class TimerHeap {
  private times = new Float64Array(1024);
  private ties = new Uint32Array(1024);
  private readonly timers: Due[] = [];

  get size(): number {
    return this.timers.length;
  }

  /** Time of the first call; Infinity when there is none. */
  get nextTime(): number {
    return this.timers.length === 0 ? Infinity : (this.times[0] as number);
  }

  push(time: number, tie: number, timer: Due): void {
    const index = this.timers.length;
    if (index === this.times.length) this.grow();
    this.timers.push(timer);
    this.siftUp(index, time, tie, timer);
  }

  /** Takes the first call out. The heap must not be empty. */
  pop(): Due {
    const { times, ties, timers } = this;
    const top = timers[0] as Due;
    const last = timers.pop() as Due;
    const size = timers.length;
    if (size > 0) this.siftDown(times[size] as number, ties[size] as number, last, size);
    return top;
  }

  private siftUp(from: number, time: number, tie: number, timer: Due): void {
    const { times, ties, timers } = this;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const parentTime = times[parent] as number;
      if (parentTime < time || (parentTime === time && (ties[parent] as number) <= tie)) break;
      times[index] = parentTime;
      ties[index] = ties[parent] as number;
      timers[index] = timers[parent] as Due;
      index = parent;
    }
    times[index] = time;
    ties[index] = tie;
    timers[index] = timer;
  }

  private siftDown(time: number, tie: number, timer: Due, size: number): void {
    const { times, ties, timers } = this;
    let index = 0;
    for (;;) {
      const first = index * 4 + 1;
      if (first >= size) break;
      let least = first;
      const end = Math.min(first + 4, size);
      for (let child = first + 1; child < end; child += 1) {
        const childTime = times[child] as number;
        const leastTime = times[least] as number;
        if (childTime < leastTime || (childTime === leastTime && (ties[child] as number) < (ties[least] as number)))
          least = child;
      }
      const leastTime = times[least] as number;
      if (time < leastTime || (time === leastTime && tie <= (ties[least] as number))) break;
      times[index] = leastTime;
      ties[index] = ties[least] as number;
      timers[index] = timers[least] as Due;
      index = least;
    }
    times[index] = time;
    ties[index] = tie;
    timers[index] = timer;
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    times.set(this.times);
    this.times = times;
    const ties = new Uint32Array(this.ties.length * 2);
    ties.set(this.ties);
    this.ties = ties;
  }
}
