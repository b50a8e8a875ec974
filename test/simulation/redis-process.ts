import type { Clock, Deferred, Due, Timer } from '../../runtime/kernel/clock.js';
import { Aborted } from '../../runtime/kernel/clock.js';
import type { SimulatedStore } from '../queue/simulated-redis.js';

/**
 * A process as the operating system sees it: it can be stopped (SIGSTOP: its timers stand still, what arrives waits
 * in its sockets) and killed (nothing of it happens any more; what it has sent is under way).
 */
export class SimulatedProcess {
  readonly clock: Clock;
  readonly store: SimulatedStore;
  private state: 'running' | 'frozen' | 'dead' = 'running';
  private parked: Array<() => void> = [];

  constructor(
    world: Clock,
    store: SimulatedStore,
    /** How far its clock is off, ms. */
    skewMs: number,
  ) {
    this.clock = new ProcessClock(world, skewMs, (run) => this.when(run));
    const gate = <T>(answer: Promise<T>): Promise<T> => this.gate(world, answer);
    this.store = {
      ...store,
      exchange: (partition, request, wait) => gate(store.exchange(partition, request, wait)),
      publish: (channel, message) => gate(store.publish(channel, message)),
      subscribe: (channel, onMessage) =>
        store.subscribe(channel, (message) => {
          this.when(() => {
            onMessage(message);
          });
        }),
      readLog: (partition, after, limit) => gate(store.readLog(partition, after, limit)),
      trimLog: (partition, upTo) => gate(store.trimLog(partition, upTo)),
    };
  }

  get running(): boolean {
    return this.state === 'running';
  }

  get dead(): boolean {
    return this.state === 'dead';
  }

  kill(): void {
    this.state = 'dead';
    this.parked = [];
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    for (const run of this.parked.splice(0)) this.when(run);
  }

  /** Runs something of the process: now, when it goes on, or never. */
  private when(run: () => void): void {
    if (this.state === 'running') run();
    else if (this.state === 'frozen') this.parked.push(run);
  }

  private gate<T>(world: Clock, answer: Promise<T>): Promise<T> {
    const deferred = world.deferred<T>();
    answer.then(
      (value) => {
        this.when(() => deferred.resolve(value));
      },
      (error: unknown) => {
        this.when(() => deferred.reject(error));
      },
    );
    return deferred.promise;
  }
}

/** The world's time with an offset, and timers that stand still with the process. */
class ProcessClock implements Clock {
  constructor(
    private readonly world: Clock,
    private readonly skewMs: number,
    private readonly when: (run: () => void) => void,
  ) {}

  now(): number {
    return this.world.now() + this.skewMs;
  }

  punctually(time: number, run: () => void): Timer {
    return this.at(time, run);
  }

  at(time: number, run: () => void): Timer {
    let cancelled = false;
    const timer = this.world.at(time - this.skewMs, () => {
      this.when(() => {
        if (!cancelled) run();
      });
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
    return this.at(this.now() + Math.max(0, delayMs), run);
  }

  /** Calls that fell due while the process stood still come once, as those of an event loop do. */
  every(intervalMs: number, run: () => void): Timer {
    let due = false;
    let cancelled = false;
    const timer = this.world.every(intervalMs, () => {
      if (due) return;
      due = true;
      this.when(() => {
        due = false;
        if (!cancelled) run();
      });
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const deferred = this.deferred<null>();
    if (signal?.aborted === true) {
      deferred.reject(new Aborted(signal.reason));
      await deferred.promise;
      return;
    }
    const timer = this.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      deferred.resolve(null);
    });
    const onAbort = (): void => {
      timer.cancel();
      deferred.reject(new Aborted(signal?.reason));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    await deferred.promise;
  }

  deferred<T>(): Deferred<T> {
    return this.world.deferred<T>();
  }

  spawn(task: () => Promise<void>, onError: (error: unknown) => void): void {
    this.world.spawn(task, onError);
  }

  hold<T>(io: Promise<T>): Promise<T> {
    return this.world.hold(io);
  }
}
