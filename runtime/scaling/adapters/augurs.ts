import { readFileSync } from 'node:fs';
import { AutoETS, initSync as startEts } from '@bsull/augurs/ets';
import { MSTL, initSync as startMstl } from '@bsull/augurs/mstl';
import type { ArrivalSeries, ForecastModel, ForecastStep } from '../port.js';

/** Half a day of 5-min buckets tells a trend; more only costs time. */
const MOST_ETS_BUCKETS = 144;
const FEWEST_ETS_BUCKETS = 12;
/** Additive error, trend chosen by AICc, no season of its own. */
const ETS_MODEL = 'AZN';
/** MSTL's cost grows with its points: a fit of 224 takes some 8 ms. */
const MOST_MSTL_POINTS = 224;
/** 5-min arrivals are noise to a seasonal model; a quarter of an hour is the finest it gets. */
const FEWEST_BUCKETS_PER_POINT = 3;
const FEWEST_DAYS = 2;

/**
 * The forecast models of the augurs library (Rust, as WebAssembly): exponential smoothing with a trend, and MSTL
 * with ETS on what the daily season leaves. The WebAssembly is read from the package at the first forecast.
 */
export function augursModels(): readonly ForecastModel[] {
  return [ets, mstl];
}

const ets: ForecastModel = {
  name: 'ets',
  forecast(series, steps, confidence) {
    if (series.perMin.length < FEWEST_ETS_BUCKETS) return null;
    start();
    return attempt(() => {
      const model = new AutoETS(1, ETS_MODEL);
      return { model, values: series.perMin.slice(-MOST_ETS_BUCKETS), steps, confidence };
    });
  },
};

const mstl: ForecastModel = {
  name: 'mstl_ets',
  forecast(series, steps, confidence) {
    if (series.perMin.length < FEWEST_DAYS * series.perDay) return null;
    const width = bucketsPerPoint(series);
    if (width === null) return null;
    start();
    const coarse = attempt(() => {
      const model = MSTL.ets([series.perDay / width]);
      return { model, values: coarsen(series.perMin, width), steps: Math.ceil(steps / width), confidence };
    });
    return coarse === null
      ? null
      : Array.from({ length: steps }, (_, step) => coarse[Math.floor(step / width)] as ForecastStep);
  },
};

interface Fit {
  readonly model: AutoETS | MSTL;
  readonly values: Float64Array;
  readonly steps: number;
  readonly confidence: number;
}

/** Fits and forecasts; null when the library finds no model, which it says by throwing. */
function attempt(prepare: () => Fit): ForecastStep[] | null {
  let model: AutoETS | MSTL | null = null;
  try {
    const fit = prepare();
    model = fit.model;
    model.fit(fit.values);
    const { point, intervals } = model.predict(fit.steps, fit.confidence);
    const forecast = point.map((value, step) => ({
      point: Math.max(0, value),
      lower: Math.max(0, intervals?.lower[step] ?? value),
      upper: Math.max(0, intervals?.upper[step] ?? value),
    }));
    return forecast.every((step) => Number.isFinite(step.point + step.lower + step.upper)) ? forecast : null;
  } catch {
    return null;
  } finally {
    release(model);
  }
}

/** Memory of WebAssembly is not garbage collected. */
function release(model: AutoETS | MSTL | null): void {
  try {
    model?.free();
  } catch {
    // A model that panicked cannot be freed; it costs some kilobytes.
  }
}

/** Width of a point in buckets, so that a day is a whole number of points and there are not too many of them. */
function bucketsPerPoint({ perMin, perDay }: ArrivalSeries): number | null {
  for (let width = FEWEST_BUCKETS_PER_POINT; width <= perDay / 4; width += 1) {
    if (perDay % width === 0 && perMin.length / width <= MOST_MSTL_POINTS) return width;
  }
  return null;
}

/** Means of `width` buckets each, counted from the end; a rest at the beginning is left out. */
function coarsen(perMin: Float64Array, width: number): Float64Array {
  const points = new Float64Array(Math.floor(perMin.length / width));
  const first = perMin.length - points.length * width;
  for (let point = 0; point < points.length; point += 1) {
    let sum = 0;
    for (let index = 0; index < width; index += 1) sum += perMin[first + point * width + index] as number;
    points[point] = sum / width;
  }
  return points;
}

let started = false;

function start(): void {
  if (started) return;
  startEts({ module: wasmBytes('ets') });
  startMstl({ module: wasmBytes('mstl') });
  started = true;
}

function wasmBytes(part: 'ets' | 'mstl'): Uint8Array<ArrayBuffer> {
  const script = require.resolve(`@bsull/augurs/${part}`);
  return new Uint8Array(readFileSync(script.replace(/\.js$/, '_bg.wasm')));
}
