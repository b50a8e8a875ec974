import type { Injection } from './experiment.js';
import type { InjectionOptions } from './schema-chaos.js';

/**
 * Compiles one line of the chaos plan. `interval` with `count` becomes so many single times; `interval` alone
 * repeats to the end of the run.
 */
export function compileInjection(options: InjectionOptions): Injection {
  const { interval, time, count } = options;
  const times = time === null ? [] : Array.isArray(time) ? time : [time];
  const counted =
    interval !== null && count !== null ? Array.from({ length: count }, (_, index) => interval * (index + 1)) : [];
  return {
    type: options.type,
    everyMs: count === null ? interval : null,
    atMs: [...times, ...counted].sort((a, b) => a - b),
    share: 'percent' in options ? options.percent : 0,
    durationMs: 'duration' in options ? options.duration : 0,
    latencyMs: 'latency' in options ? options.latency : 0,
    factor: 'factor' in options ? options.factor : 1,
    zone: 'zone' in options ? options.zone : null,
  };
}

/** When the plan's line first strikes, ms from the start of the run. */
export function firstStrikeMs({ everyMs, atMs }: Injection): number {
  return Math.min(everyMs ?? Infinity, ...atMs);
}

/** What is left of a plan in a run of this length: lines and times that end after the run are dropped. */
export function fitInjections(injections: readonly Injection[], durationMs: number): Injection[] {
  const fits = (injection: Injection, startMs: number): boolean =>
    startMs < durationMs && startMs + injection.durationMs <= durationMs;
  return injections
    .map((injection) => ({
      ...injection,
      everyMs: injection.everyMs !== null && fits(injection, injection.everyMs) ? injection.everyMs : null,
      atMs: injection.atMs.filter((startMs) => fits(injection, startMs)),
    }))
    .filter(({ everyMs, atMs }) => everyMs !== null || atMs.length > 0);
}
