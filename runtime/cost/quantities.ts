import { HOUR } from '../kernel/units.js';
import type { Experiment } from '../spec/experiment.js';
import type { ResourceUse } from './cost-item.js';

/** Hours a month has in the price lists. */
const HOURS_PER_MONTH = 730;

export const GIB = 2 ** 30;
export const GB = 1e9;

/** A time, or an amount times a time, in months instead of ms. */
export function months(amountMs: number): number {
  return amountMs / HOUR / HOURS_PER_MONTH;
}

/** Share of the planned run that is over; more than 1 when it took longer. */
export function progress({ elapsedMs }: ResourceUse, { durationMs }: Experiment): number {
  return elapsedMs / durationMs;
}

/** Tasks the schedule offers in the whole planned run. */
export function plannedTasks({ load }: Experiment): number {
  return load.segments.reduce(
    (sum, { startMs, endMs, ratePerMin }) => sum + ((endMs - startMs) * ratePerMin) / 60_000,
    0,
  );
}
