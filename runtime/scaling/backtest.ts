import type { ForecastStep } from './port.js';

/** Origins looked back on: a day of forecasts made every half hour. */
const ORIGINS_REMEMBERED = 48;
/** Origins at which a model must have been judged beside the baseline before it may replace it. */
const FEWEST_ORIGINS = 4;
/** A model must be this much better than the baseline: less may be luck. */
const REPLACES_BELOW = 0.9;

/** The forecasts made at one point of the series, and how they have turned out so far. Plain JSON. */
export interface Origin {
  /** First bucket forecast. */
  readonly bucket: number;
  /** The model whose forecast was used. */
  readonly used: string;
  /** By model; emptied once all of it has been judged. */
  readonly forecasts: Readonly<Record<string, readonly ForecastStep[]>>;
  /** Σ|forecast − actual| by model, tasks/min. */
  readonly absoluteErrors: Readonly<Record<string, number>>;
  /** Σ actual of the buckets judged, tasks/min. */
  readonly actual: number;
}

/** {@link Backtest} as plain JSON. */
export interface BacktestSnapshot {
  readonly origins: readonly Origin[];
  readonly inside: number;
  readonly judged: number;
}

/**
 * Rolling-origin evaluation: every candidate forecasts from the same origins, each forecast is judged by what came
 * afterwards, and the one that does best against the baseline, over the origins both forecast from, is used next.
 * In a run the origins are the refits, so that a fit serves the forecast and its evaluation alike.
 */
export class Backtest {
  private origins: readonly Origin[] = [];
  private inside = 0;
  private judged = 0;

  constructor(
    /** Steps of a forecast that are judged: those up to the horizon. */
    private readonly steps: number,
  ) {}

  /** The model to use among those that have a forecast now; the first is the baseline. Undefined = none has one. */
  choose(available: readonly string[]): string | undefined {
    const baseline = available[0];
    if (baseline === undefined) return undefined;
    let best = { model: baseline, ratio: REPLACES_BELOW };
    for (const model of available) {
      const ratio = this.errorAgainst(baseline, model);
      if (ratio !== null && ratio < best.ratio) best = { model, ratio };
    }
    return best.model;
  }

  /** Notes the forecasts made for the buckets from `bucket` on. */
  open(bucket: number, forecasts: Readonly<Record<string, readonly ForecastStep[]>>, used: string): void {
    this.origins = [...this.origins, { bucket, used, forecasts, absoluteErrors: {}, actual: 0 }].slice(
      -ORIGINS_REMEMBERED,
    );
  }

  /** Judges all forecasts of a bucket by its arrivals (tasks/min). */
  judge(bucket: number, actual: number): void {
    this.origins = this.origins.map((origin) => this.judgeOrigin(origin, bucket - origin.bucket, actual));
  }

  /** Error of each model over the origins remembered, as a share of the arrivals, smallest first. */
  errors(): Array<{ model: string; error: number }> {
    const models = new Set(this.origins.flatMap(({ absoluteErrors }) => Object.keys(absoluteErrors)));
    return [...models]
      .map((model) => {
        const judged = this.origins.filter(({ absoluteErrors }) => model in absoluteErrors);
        const actual = judged.reduce((sum, origin) => sum + origin.actual, 0);
        return { model, error: shareOf(sumOfErrors(judged, model), actual) };
      })
      .sort((a, b) => a.error - b.error || (a.model < b.model ? -1 : 1));
  }

  /** Share of all the buckets judged that fell inside the interval of the model used; null = none judged. */
  coverage(): number | null {
    return this.judged === 0 ? null : this.inside / this.judged;
  }

  snapshot(): BacktestSnapshot {
    return structuredClone({ origins: this.origins, inside: this.inside, judged: this.judged });
  }

  restore(snapshot: BacktestSnapshot): void {
    this.origins = structuredClone(snapshot.origins);
    this.inside = snapshot.inside;
    this.judged = snapshot.judged;
  }

  private judgeOrigin(origin: Origin, step: number, actual: number): Origin {
    if (step < 0) return origin;
    if (step >= this.steps) return Object.keys(origin.forecasts).length === 0 ? origin : { ...origin, forecasts: {} };
    const absoluteErrors = { ...origin.absoluteErrors };
    for (const [model, forecast] of Object.entries(origin.forecasts)) {
      const made = forecast[step];
      if (made === undefined) continue;
      absoluteErrors[model] = (absoluteErrors[model] ?? 0) + Math.abs(made.point - actual);
      if (model !== origin.used) continue;
      this.judged += 1;
      if (actual >= made.lower && actual <= made.upper) this.inside += 1;
    }
    return { ...origin, absoluteErrors, actual: origin.actual + actual };
  }

  private errorAgainst(baseline: string, model: string): number | null {
    const shared = this.origins.filter(({ absoluteErrors }) => model in absoluteErrors && baseline in absoluteErrors);
    if (shared.length < FEWEST_ORIGINS) return null;
    const ofBaseline = sumOfErrors(shared, baseline);
    return ofBaseline === 0 ? null : sumOfErrors(shared, model) / ofBaseline;
  }
}

function sumOfErrors(origins: readonly Origin[], model: string): number {
  return origins.reduce((sum, { absoluteErrors }) => sum + (absoluteErrors[model] ?? 0), 0);
}

/** Weighted absolute percentage error; without any arrivals every error is a whole one. */
function shareOf(absoluteError: number, actual: number): number {
  if (actual > 0) return absoluteError / actual;
  return absoluteError > 0 ? 1 : 0;
}
