import type { ForecastModel, ForecastStep } from './port.js';

/** Fewest buckets a forecast is made from. */
const FEWEST_BUCKETS = 6;
/** Fewest past errors of a lead time from which its interval is read directly. */
const FEWEST_ERRORS = 12;

/**
 * What arrived at the same time the day before; null until a day has been seen. The intervals are the quantiles of
 * the errors the rule made over the last day.
 */
export const seasonalNaive: ForecastModel = {
  name: 'seasonal_naive',
  forecast({ perMin, perDay }, steps, confidence) {
    if (perMin.length < perDay) return null;
    const ofTheRule = pastErrors(perMin, perDay, perDay);
    const errors = ofTheRule.length >= FEWEST_ERRORS ? ofTheRule : pastErrors(perMin, 1, perDay);
    const [low, high] = bounds(errors, confidence);
    return Array.from({ length: steps }, (_, step) =>
      around(perMin[perMin.length - perDay + (step % perDay)] as number, low, high),
    );
  },
};

/**
 * What arrived last, for as long as no day has been seen. The intervals are the quantiles of the errors the rule
 * made with the same lead time over the last day, which also catches a load that keeps rising.
 */
export const lastValue: ForecastModel = {
  name: 'last_value',
  forecast({ perMin, perDay }, steps, confidence) {
    if (perMin.length < FEWEST_BUCKETS) return null;
    const point = perMin[perMin.length - 1] as number;
    const [low, high] = bounds(pastErrors(perMin, 1, perDay), confidence);
    return Array.from({ length: steps }, (_, step) => {
      const lead = step + 1;
      const errors = pastErrors(perMin, lead, perDay);
      if (errors.length >= FEWEST_ERRORS) return around(point, ...bounds(errors, confidence));
      // Too few errors of this lead to read quantiles from: those of the next bucket, grown as a random walk's.
      return around(point, low * Math.sqrt(lead), high * Math.sqrt(lead));
    });
  },
};

function around(point: number, low: number, high: number): ForecastStep {
  return { point, lower: Math.max(0, point + low), upper: point + high };
}

/** What came minus what had been there `lag` buckets before, over the last `most` buckets; ascending. */
function pastErrors(perMin: Float64Array, lag: number, most: number): Float64Array {
  const first = Math.max(lag, perMin.length - most);
  const errors = new Float64Array(Math.max(0, perMin.length - first));
  for (let index = 0; index < errors.length; index += 1) {
    errors[index] = (perMin[first + index] as number) - (perMin[first + index - lag] as number);
  }
  return errors.sort();
}

/** The two quantiles between which `confidence` of the errors lie; never on one side of zero only. */
function bounds(ascending: Float64Array, confidence: number): [number, number] {
  const tail = (1 - confidence) / 2;
  return [Math.min(0, quantile(ascending, tail)), Math.max(0, quantile(ascending, 1 - tail))];
}

/** Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996); 0 for no values. */
function quantile(ascending: Float64Array, share: number): number {
  if (ascending.length === 0) return 0;
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const low = ascending[below] as number;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] as number;
  return low + (high - low) * (position - below);
}
