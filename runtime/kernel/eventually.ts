import type { Eventually } from './clock.js';

/** Calls `use` with the value: now when it is there, else when it comes. A rejection goes to `onError`. */
export function whenSettled<T>(value: Eventually<T>, use: (value: T) => void, onError: (error: unknown) => void): void {
  if (value instanceof Promise) value.then(use, onError);
  else use(value);
}

/** The value that follows from another: now where that one is there, else when it comes. */
export function andThen<T, R>(value: Eventually<T>, use: (value: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}
