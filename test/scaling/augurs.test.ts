import { augursModels } from '../../runtime/scaling/adapters/augurs.js';
import { Random } from '../../runtime/kernel/random.js';
import type { ArrivalSeries, ForecastModel } from '../../runtime/scaling/port.js';

const PER_DAY = 288;

function model(name: string): ForecastModel {
  const found = augursModels().find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no model ${name}`);
  return found;
}

const curve = (index: number): number => 400 + 300 * Math.sin((2 * Math.PI * index) / PER_DAY);

function seriesOf(length: number, noise = 0): ArrivalSeries {
  const random = new Random(3, 'noise');
  return {
    bucketMs: 300_000,
    perDay: PER_DAY,
    perMin: Float64Array.from({ length }, (_, index) => curve(index) + noise * random.normal()),
  };
}

describe('the models of augurs', () => {
  test('ETS follows a trend an hour ahead within 5 %', () => {
    const forecast = model('ets').forecast(seriesOf(250), 12, 0.8);
    expect(forecast).toHaveLength(12);
    expect(Math.abs((forecast?.[11]?.point ?? 0) - curve(261))).toBeLessThan(0.05 * 400);
  });

  test('MSTL knows the daily season from two days on, and forecasts it within 15 %', () => {
    expect(model('mstl_ets').forecast(seriesOf(2 * PER_DAY - 1), 12, 0.8)).toBeNull();
    const forecast = model('mstl_ets').forecast(seriesOf(3 * PER_DAY, 10), 12, 0.8);
    expect(forecast).toHaveLength(12);
    forecast?.forEach(({ point, lower, upper }, step) => {
      expect(Math.abs(point - curve(3 * PER_DAY + step))).toBeLessThan(0.15 * 400);
      expect(lower).toBeLessThanOrEqual(point);
      expect(upper).toBeGreaterThanOrEqual(point);
    });
  });

  test('a higher confidence gives wider intervals', () => {
    const width = (confidence: number): number => {
      const step = model('ets').forecast(seriesOf(144, 20), 12, confidence)?.[11];
      return (step?.upper ?? 0) - (step?.lower ?? 0);
    };
    expect(width(0.95)).toBeGreaterThan(1.3 * width(0.8));
  });

  test('the same series gives the same forecast', () => {
    for (const candidate of augursModels()) {
      expect(candidate.forecast(seriesOf(700, 25), 19, 0.8)).toEqual(candidate.forecast(seriesOf(700, 25), 19, 0.8));
    }
  });

  test('a silent or constant load is forecast as such, never below zero', () => {
    for (const value of [0, 500]) {
      const flat = { bucketMs: 300_000, perDay: PER_DAY, perMin: new Float64Array(600).fill(value) };
      for (const candidate of augursModels()) {
        for (const step of candidate.forecast(flat, 12, 0.8) ?? []) {
          expect(step.lower).toBeGreaterThanOrEqual(0);
          expect(step.point).toBeCloseTo(value, 1);
        }
      }
    }
  });

  test('too little data is no forecast', () => {
    for (const candidate of augursModels()) expect(candidate.forecast(seriesOf(5), 12, 0.8)).toBeNull();
  });

  test('a series the library cannot fit is no forecast, and it works on afterwards', () => {
    const broken = { bucketMs: 300_000, perDay: PER_DAY, perMin: new Float64Array(600).fill(Number.NaN) };
    for (const candidate of augursModels()) {
      expect(candidate.forecast(broken, 12, 0.8)).toBeNull();
      expect(candidate.forecast(seriesOf(600), 12, 0.8)).toHaveLength(12);
    }
  });
});
