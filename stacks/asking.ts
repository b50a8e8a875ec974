import { isNativeError } from 'node:util/types';
import type { Clock } from '../runtime/kernel/clock.js';
import { SECOND } from '../runtime/kernel/units.js';

/** Does an HTTP request, as the global `fetch`. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; signal: AbortSignal },
) => Promise<Response>;

/** How the world outside is asked before anything is declared. */
export interface Asking {
  readonly fetch: Fetch;
  /** Where the time limits are taken from. */
  readonly clock: Clock;
}

/**
 * What `ask` answers; its signal aborts when the time is over.
 *
 * @param what what is asked, for the message: `GET https://example.com/x`.
 * @throws Error when there is no answer within `limitMs`, whether or not `ask` heeds its signal.
 */
export async function within<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = clock.deferred<never>();
  const abort = new AbortController();
  const timer = clock.after(limitMs, () => {
    const error = new Error(`${what}: no answer within ${limitMs / SECOND} s`);
    late.reject(error);
    abort.abort(error);
  });
  try {
    return await Promise.race([ask(abort.signal), late.promise]);
  } finally {
    timer.cancel();
  }
}

/** Why it failed, in the words of whoever knows best: `fetch failed` says nothing, its cause does. */
export function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  // One host with several addresses: each has failed, mostly for the same reason.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const inner = first ?? error.cause;
  return isNativeError(inner) ? reasonOf(inner) : error.message;
}
