import type { ConsumerTimes, Percentiles, RoundPlan, RoundResult } from './messages.js';

/** Figures of a round from its time stamps; tasks of the warm-up do not count. @throws Error when a task is missing */
export function summarize(
  plan: RoundPlan,
  due: Float64Array,
  submitted: Float64Array,
  told: readonly ConsumerTimes[],
  cpuMicros: { readonly producer: number; readonly consumers: number },
): RoundResult {
  const all = plan.warmUp + plan.tasks;
  const started = merge(
    told.map((times) => times.started),
    all,
    'started',
  );
  const ended = merge(
    told.map((times) => times.ended),
    all,
    'ended',
  );
  const recorded = merge(
    told.map((times) => times.recorded),
    all,
    'recorded',
  );
  const inOrder = Float64Array.from(recorded).sort();
  const seconds = (at(inOrder, all - 1) - at(inOrder, plan.warmUp - 1)) / 1_000;
  const measured = (time: (index: number) => number): Percentiles =>
    percentiles(Float64Array.from({ length: plan.tasks }, (_, index) => time(plan.warmUp + index)));
  const toStart = (index: number): number => at(started, index) - at(due, index);
  const toRecorded = (index: number): number => at(recorded, index) - at(ended, index);
  return {
    perSecond: Math.round(plan.tasks / seconds),
    total: measured((index) => toStart(index) + toRecorded(index)),
    toStart: measured(toStart),
    toRecorded: measured(toRecorded),
    dispatchLag: measured((index) => at(submitted, index) - at(due, index)),
    cpuMicros: { producer: round(cpuMicros.producer / all), consumers: round(cpuMicros.consumers / all) },
  };
}

/** One array of what each process noted. Every task must have been seen by exactly one of them. */
function merge(parts: readonly Float64Array[], length: number, what: string): Float64Array {
  const whole = new Float64Array(length);
  for (const part of parts) {
    for (let index = 0; index < length; index++) {
      const time = at(part, index);
      if (time === 0) continue;
      if (whole[index] !== 0) throw new Error(`task ${index} was ${what} in two processes`);
      whole[index] = time;
    }
  }
  const missing = whole.indexOf(0);
  if (missing !== -1) throw new Error(`task ${missing} was never ${what}`);
  return whole;
}

function percentiles(values: Float64Array): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const rank = (share: number): number => round(at(sorted, Math.max(0, Math.ceil(sorted.length * share) - 1)));
  return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

const at = (values: Float64Array, index: number): number => values[index] ?? NaN;
const round = (value: number): number => Math.round(value * 100) / 100;
