/**
 * Time as a port. Everything in the project that waits or asks for the time does it through a
 * {@link Clock}, so that the same modules run in real time and in virtual time.
 *
 * Two ways to wait, on purpose:
 * - `at`, `after`, `every` run a plain callback. They are for the hot path (arrivals, task ends, beats). The
 *   callback must not settle promises other code waits on, except through {@link Clock.deferred} or
 *   {@link Clock.spawn}: virtual time may move on as soon as the callback returns.
 * - `sleep`, `deferred` and `spawn` are for `async` code. Virtual time stands still until everything they woke
 *   has run as far as it can.
 */
export interface Clock {
  /** Milliseconds since the epoch, with fractions. Never goes backwards, whatever happens to the wall clock. */
  now(): number;
  /** Calls `run` once at `time` (epoch ms); at once, but never synchronously, when that has passed. */
  at(time: number, run: () => void): Timer;
  /** As {@link at}, for what must not be late: costs processor time while it waits. */
  punctually(time: number, run: () => void): Timer;
  /** As {@link at}, for the hottest paths: no timer is made, the caller's own object is kept until its time. */
  schedule(time: number, due: Due): void;
  /** Calls `run` once after `delayMs`. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` every `intervalMs`, first after one interval; a late call does not shift the later ones. */
  every(intervalMs: number, run: () => void): Timer;
  /** Resolves after `delayMs`; rejects with {@link Aborted} as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A promise to be settled from a callback; settling it keeps virtual time still until its waiters ran. */
  deferred<T>(): Deferred<T>;
  /** Starts `task` from a callback; a rejection goes to `onError`. Virtual time stands still until its first wait. */
  spawn(task: () => Promise<void>, onError: (error: unknown) => void): void;
  /** Keeps virtual time still while real I/O is under way. No effect on a real clock. */
  hold<T>(io: Promise<T>): Promise<T>;
}

/** A pending call of {@link Clock.at}, {@link Clock.after} or {@link Clock.every}. */
export interface Timer {
  /** Makes sure that the call does not happen (any more). Harmless when it already has. */
  cancel(): void;
}

/** Something to be done at a time: `run` is called once, unless `cancelled` is true by then. */
export interface Due {
  readonly cancelled: boolean;
  run(): void;
}

/** A promise and the two functions that settle it. Settling twice is harmless: the first counts. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** What an aborted wait rejects with. */
export class Aborted extends Error {
  override readonly name = 'Aborted';

  constructor(reason?: unknown) {
    super(typeof reason === 'string' ? reason : 'aborted');
  }
}

/** A value that is there now (memory adapters) or later (adapters with I/O). */
export type Eventually<T> = T | Promise<T>;
