import { Aborted, type Clock, type Deferred, type Due, type Timer } from './clock.js';
import type { Random } from './random.js';
import { HeapTimer, TimerHeap } from './timer-heap.js';

/** Events run between two looks at the wall clock. */
const EVENTS_PER_CHECK = 512;
/** Longest stretch (ms of wall time) without letting signals and I/O through. */
const YIELD_AFTER_MS = 15;

/**
 * Virtual time: it stands still until everything that was woken has run as far as it can, then jumps to the next
 * event. Events of the same time run in an order drawn from `ties`, so that no result hangs on their order
 * unnoticed and every seed tries another.
 */
export class VirtualClock implements Clock {
  private readonly heap = new TimerHeap();
  private time: number;
  /** Promises were settled: their waiters must run before time moves on. */
  private woken = true;
  private holds = 0;
  private released: (() => void) | null = null;
  private stopped = false;
  /** Calls run so far. */
  events = 0;

  constructor(
    startMs: number,
    private readonly ties: Random,
  ) {
    this.time = startMs;
  }

  now(): number {
    return this.time;
  }

  punctually(time: number, run: () => void): Timer {
    return this.at(time, run);
  }

  at(time: number, run: () => void): Timer {
    if (Number.isNaN(time)) throw new Error('a timer needs a time, got NaN');
    const timer = new HeapTimer(run);
    this.heap.push(Math.max(time, this.time), this.ties.uint32(), timer);
    return timer;
  }

  schedule(time: number, due: Due): void {
    this.heap.push(Math.max(time, this.time), this.ties.uint32(), due);
  }

  after(delayMs: number, run: () => void): Timer {
    return this.at(this.time + Math.max(0, delayMs), run);
  }

  every(intervalMs: number, run: () => void): Timer {
    if (!(intervalMs > 0)) throw new Error(`an interval must be above 0 ms, got ${intervalMs}`);
    // Multiplied, not added up: at epoch times a fraction of a millisecond is rounded with every addition.
    const start = this.time;
    let beats = 1;
    const timer = new HeapTimer(() => {
      beats += 1;
      this.heap.push(start + beats * intervalMs, this.ties.uint32(), timer);
      run();
    });
    this.heap.push(start + intervalMs, this.ties.uint32(), timer);
    return timer;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new Aborted(signal.reason));
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        this.woken = true;
        reject(new Aborted(signal?.reason));
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        this.woken = true;
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  deferred<T>(): Deferred<T> {
    const { promise, resolve, reject } = settlers<T>();
    return {
      promise,
      resolve: (value) => {
        this.woken = true;
        resolve(value);
      },
      reject: (error) => {
        this.woken = true;
        reject(error);
      },
    };
  }

  spawn(task: () => Promise<void>, onError: (error: unknown) => void): void {
    this.woken = true;
    task().catch(onError);
  }

  hold<T>(io: Promise<T>): Promise<T> {
    this.holds += 1;
    return io.finally(() => {
      this.holds -= 1;
      this.woken = true;
      if (this.holds === 0) this.released?.();
    });
  }

  /** Runs events until there are none, or {@link stop} is called. */
  async run(): Promise<void> {
    const { heap } = this;
    let lastYield = performance.now();
    let untilCheck = EVENTS_PER_CHECK;
    this.stopped = false;
    for (;;) {
      while (this.woken || this.holds > 0) {
        this.woken = false;
        if (this.holds > 0) await this.untilReleased();
        await macrotask();
        lastYield = performance.now();
      }
      if (this.stopped || heap.size === 0) return;
      const time = heap.nextTime;
      const timer = heap.pop();
      if (timer.cancelled) continue;
      this.time = time;
      this.events += 1;
      timer.run();
      untilCheck -= 1;
      if (untilCheck === 0) {
        untilCheck = EVENTS_PER_CHECK;
        if (performance.now() - lastYield > YIELD_AFTER_MS) this.woken = true;
      }
    }
  }

  /** Ends {@link run} after the event under way; what is still pending never runs. */
  stop(): void {
    this.stopped = true;
  }

  private untilReleased(): Promise<void> {
    return new Promise((resolve) => {
      this.released = () => {
        this.released = null;
        resolve();
      };
    });
  }
}

/** All microtasks, and whatever they start, run before this resolves. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A promise with its settling functions outside (Promise.withResolvers of ES2024). */
export function settlers<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
