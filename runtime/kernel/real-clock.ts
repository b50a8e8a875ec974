import { Aborted, type Clock, type Deferred, type Due, type Timer } from './clock.js';
import { settlers } from './virtual-clock.js';

/** setTimeout's longest delay; longer ones fire at once. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/**
 * How much earlier than its time a punctual wait wakes, ms. An idle processor that has to be woken is late by
 * milliseconds; one that is turning is not. Adapts to what this machine does: up at once, down slowly.
 */
const LEAD_MS = { first: 4, least: 1, most: 8 } as const;
/** What is left of the lead from one wait to the next. */
const LEAD_KEPT = 0.998;
/** At least so many leads to wait, or it is a plain wait: else a busy process would do nothing but turn. */
const WORTH_LEADS = 3;

/** Real time, monotonic: a step of the wall clock (NTP, an operator) moves nothing. */
export class RealClock implements Clock {
  private leadMs: number = LEAD_MS.first;

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  at(time: number, run: () => void): Timer {
    return this.arm(() => time, run, false);
  }

  punctually(time: number, run: () => void): Timer {
    const early = time - this.leadMs;
    if (time - this.now() < WORTH_LEADS * this.leadMs) return this.at(time, run);
    let cancelled = false;
    // In turns of the event loop: what else there is to do is done meanwhile.
    const turn = (): void => {
      if (cancelled) return;
      if (this.now() >= time) run();
      else setImmediate(turn);
    };
    const timer = this.at(early, () => {
      const late = this.now() - early;
      this.leadMs = Math.min(LEAD_MS.most, Math.max(LEAD_MS.least, late + LEAD_MS.least, this.leadMs * LEAD_KEPT));
      turn();
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
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
