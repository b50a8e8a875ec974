import type { PredictiveRules } from '../spec/experiment.js';
import { HOUR, MINUTE } from '../kernel/units.js';
import { ArrivalHistory, type ArrivalHistorySnapshot, type ArrivalRecord } from './arrival-history.js';
import { lastValue, seasonalNaive } from './baselines.js';
import { Backtest, type BacktestSnapshot } from './backtest.js';
import { calendarFactor } from './calendar.js';
import type { ForecastModel, ForecastReport, ForecastStep } from './port.js';

/** Long enough that a burst of two minutes is not taken for the level of the load, short against the horizon. */
const BUCKET_MS = 15 * MINUTE;
const REFIT_MS = 30 * MINUTE;
/** Earlier runs are backtested from this many origins, this far apart: enough for a first choice, still cheap. */
const HISTORY_ORIGINS = 8;
const HISTORY_ORIGIN_DISTANCE_MS = 3 * HOUR;

/** The highest arrival rate expected within the horizon. */
export interface ForecastPeak {
  /** Upper bound of the interval × the calendar's factor, tasks/min. */
  readonly ratePerMin: number;
  /** Start of the bucket it is expected in, epoch ms. */
  readonly at: number;
  readonly model: string;
}

/** A bucket that has ended, fully covered by offered load. */
export interface ClosedBucket {
  readonly startMs: number;
  readonly endMs: number;
  readonly ratePerMin: number;
}

/** {@link Forecaster} as plain JSON. */
export interface ForecasterSnapshot {
  readonly history: ArrivalHistorySnapshot;
  readonly backtest: BacktestSnapshot;
  readonly path: ForecastPath | null;
  readonly nextBucket: number | null;
}

interface ForecastPath {
  /** First bucket forecast. */
  readonly origin: number;
  readonly model: string;
  readonly steps: readonly ForecastStep[];
}

/**
 * Forecasts the arrivals of the next hour from those of the last days: in buckets of 5 min, fitted anew every
 * 30 min, by the model that has been best so far (see {@link Backtest}). Errors and coverage are those of the
 * models themselves; the calendar's factor is a margin put on top when agents are planned.
 */
export class Forecaster {
  private readonly history: ArrivalHistory;
  private readonly backtest: Backtest;
  private readonly factor: (at: number) => number;
  private readonly candidates: readonly ForecastModel[];
  private readonly horizonSteps: number;
  private path: ForecastPath | null = null;
  /** First bucket that has not been closed. */
  private nextBucket: number | null = null;
  private peak: { readonly bucket: number; readonly origin: number; readonly found: ForecastPeak } | null = null;

  /** `models` compete with the baselines. */
  constructor(
    private readonly rules: PredictiveRules,
    models: readonly ForecastModel[],
  ) {
    this.history = new ArrivalHistory(BUCKET_MS, rules.lookbackMs);
    this.horizonSteps = Math.max(1, Math.round(rules.horizonMs / BUCKET_MS));
    this.backtest = new Backtest(this.horizonSteps);
    this.factor = calendarFactor(rules);
    this.candidates = [seasonalNaive, lastValue, ...models];
  }

  /** Counts arrivals, refused ones included. */
  add(at: number, count: number): void {
    this.history.add(at, count);
  }

  /** Says that load was offered from `from` to `to`: pauses are gaps, not silence. */
  cover(from: number, to: number): void {
    this.history.cover(from, to);
  }

  /** Takes over the arrivals of earlier runs, oldest first, before this run's own; candidates are backtested on them. */
  load(records: readonly ArrivalRecord[]): void {
    for (const record of records) this.history.addRecord(record);
    const last = records.at(-1);
    if (last === undefined) return;
    const end = this.history.bucketAt(last.at + last.overMs);
    for (let index = HISTORY_ORIGINS; index > 0; index -= 1) {
      const origin = end - this.horizonSteps - Math.round(((index - 1) * HISTORY_ORIGIN_DISTANCE_MS) / BUCKET_MS);
      this.fit(origin);
      for (let bucket = origin; bucket < origin + this.horizonSteps; bucket += 1) this.judge(bucket);
    }
    this.fit(end);
  }

  /** Closes the buckets that have ended by `now`: judges earlier forecasts by them and fits anew when it is time. */
  advance(now: number): readonly ClosedBucket[] {
    const current = this.history.bucketAt(now);
    const closed: ClosedBucket[] = [];
    for (let bucket = this.nextBucket ?? current; bucket < current; bucket += 1) {
      const ratePerMin = this.judge(bucket);
      if (ratePerMin === null || !this.history.isFull(bucket)) continue;
      closed.push({ startMs: bucket * BUCKET_MS, endMs: (bucket + 1) * BUCKET_MS, ratePerMin });
    }
    const due = this.path === null ? this.nextBucket !== current : (current - this.path.origin) * BUCKET_MS >= REFIT_MS;
    this.nextBucket = current;
    if (due) this.fit(current);
    return closed;
  }

  /** The highest rate to be ready for within the horizon; null while there is too little data. */
  peakAhead(now: number): ForecastPeak | null {
    const { path } = this;
    if (path === null) return null;
    const bucket = this.history.bucketAt(now);
    if (this.peak?.bucket === bucket && this.peak.origin === path.origin) return this.peak.found;
    let found: ForecastPeak | null = null;
    for (let ahead = bucket; ahead <= bucket + this.horizonSteps; ahead += 1) {
      const step = path.steps[ahead - path.origin];
      if (step === undefined) continue;
      const at = ahead * BUCKET_MS;
      const ratePerMin = step.upper * this.factor(at);
      if (found === null || ratePerMin > found.ratePerMin) found = { ratePerMin, at, model: path.model };
    }
    this.peak = found === null ? null : { bucket, origin: path.origin, found };
    return found;
  }

  /** The model in use, the errors of all of them, and the coverage of the intervals used. */
  report(): Omit<ForecastReport, 'feedForwardError'> {
    return {
      chosen: this.path?.model ?? lastValue.name,
      candidates: this.backtest.errors(),
      coverage: this.backtest.coverage(),
    };
  }

  snapshot(): ForecasterSnapshot {
    return {
      history: this.history.snapshot(),
      backtest: this.backtest.snapshot(),
      path: structuredClone(this.path),
      nextBucket: this.nextBucket,
    };
  }

  restore(snapshot: ForecasterSnapshot): void {
    this.history.restore(snapshot.history);
    this.backtest.restore(snapshot.backtest);
    this.path = structuredClone(snapshot.path);
    this.nextBucket = snapshot.nextBucket;
    this.peak = null;
  }

  private judge(bucket: number): number | null {
    const actual = this.history.ratePerMin(bucket);
    if (actual !== null) this.backtest.judge(bucket, actual);
    return actual;
  }

  /** Forecasts from `origin` with every candidate and uses the best so far. */
  private fit(origin: number): void {
    const series = this.history.series(origin);
    if (series === null) return;
    // Until the next fit the forecast must still reach a whole horizon ahead.
    const steps = this.horizonSteps + Math.ceil(REFIT_MS / BUCKET_MS) + 1;
    const forecasts: Record<string, readonly ForecastStep[]> = {};
    for (const model of this.candidates) {
      const forecast = model.forecast(series, steps, this.rules.confidence);
      if (forecast !== null) forecasts[model.name] = forecast;
    }
    const chosen = this.backtest.choose(Object.keys(forecasts));
    const used = chosen === undefined ? undefined : forecasts[chosen];
    if (chosen === undefined || used === undefined) return;
    this.backtest.open(origin, forecasts, chosen);
    this.path = { origin, model: chosen, steps: used };
  }
}
