import { Aborted, type Clock, type Deferred, type Due, type Timer } from './clock.js';
import { settlers } from './virtual-clock.js';

/** setTimeout's longest delay; longer ones fire at once. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/** Real time, monotonic: a step of the wall clock (NTP, an operator) moves nothing. */
export class RealClock implements Clock {
  now(): number {
    return performance.timeOrigin + performance.now();
  }

  at(time: number, run: () => void): Timer {
    return this.arm(() => time, run, false);
  }

  schedule(time: number, due: Due): void {
    this.at(time, () => {
      if (!due.cancelled) due.run();
    });
  }

  after(delayMs: number, run: () => void): Timer {
    return this.at(this.now() + delayMs, run);
  }

  every(intervalMs: number, run: () => void): Timer {
    if (!(intervalMs > 0)) throw new Error(`an interval must be above 0 ms, got ${intervalMs}`);
    const start = this.now();
    let beats = 1;
    let due = start + intervalMs;
    return this.arm(
      () => due,
      () => {
        // A process that slept skips the beats it missed instead of catching up on them in a burst.
        beats = Math.max(beats, Math.floor((this.now() - start) / intervalMs)) + 1;
        due = start + beats * intervalMs;
        run();
      },
      true,
    );
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new Aborted(signal.reason));
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(new Aborted(signal?.reason));
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  deferred<T>(): Deferred<T> {
    return settlers<T>();
  }

  spawn(task: () => Promise<void>, onError: (error: unknown) => void): void {
    task().catch(onError);
  }

  hold<T>(io: Promise<T>): Promise<T> {
    return io;
  }

  private arm(due: () => number, run: () => void, again: boolean): Timer {
    let handle: NodeJS.Timeout | null = null;
    let cancelled = false;
    const wait = (): void => {
      const delay = Math.min(Math.max(0, Math.ceil(due() - this.now())), LONGEST_TIMEOUT_MS);
      handle = setTimeout(fire, delay);
    };
    const fire = (): void => {
      if (cancelled) return;
      // Node's timers may fire a fraction of a millisecond early.
      if (this.now() < due()) {
        wait();
        return;
      }
      run();
      if (again && !cancelled) wait();
    };
    wait();
    return {
      cancel: () => {
        cancelled = true;
        if (handle !== null) clearTimeout(handle);
      },
    };
  }
}
