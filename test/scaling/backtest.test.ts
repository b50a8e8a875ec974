import { Backtest } from '../../runtime/scaling/backtest.js';
import type { ForecastStep } from '../../runtime/scaling/port.js';

const STEPS = 4;

/** A forecast that is wrong by `error` everywhere on a load of 100, with an interval of ± `width`. */
function wrongBy(error: number, width = 0): ForecastStep[] {
  return Array.from({ length: STEPS + 2 }, () => ({
    point: 100 + error,
    lower: 100 + error - width,
    upper: 100 + error + width,
  }));
}

function runOrigins(
  backtest: Backtest,
  forecasts: Record<string, ForecastStep[]>,
  count: number,
  firstBucket = 0,
): string[] {
  return Array.from({ length: count }, (_, index) => {
    const bucket = firstBucket + index * STEPS;
    const used = backtest.choose(Object.keys(forecasts)) as string;
    backtest.open(bucket, forecasts, used);
    for (let step = 0; step < STEPS; step += 1) backtest.judge(bucket + step, 100);
    return used;
  });
}

describe('the backtest', () => {
  test('uses the baseline until another has been better from four origins', () => {
    const used = runOrigins(new Backtest(STEPS), { baseline: wrongBy(10), better: wrongBy(2), worse: wrongBy(30) }, 6);
    expect(used).toEqual(['baseline', 'baseline', 'baseline', 'baseline', 'better', 'better']);
  });

  test('keeps the baseline where another is better by a little only', () => {
    expect(runOrigins(new Backtest(STEPS), { baseline: wrongBy(10), similar: wrongBy(9.5) }, 6)).toEqual(
      Array(6).fill('baseline'),
    );
  });

  test('compares over the origins both have forecast from', () => {
    const backtest = new Backtest(STEPS);
    runOrigins(backtest, { baseline: wrongBy(1) }, 20);
    // Over everything the baseline would still look better.
    expect(runOrigins(backtest, { baseline: wrongBy(20), late: wrongBy(10) }, 5, 20 * STEPS).at(-1)).toBe('late');
  });

  test('takes what there is when the best has no forecast, and has nothing to say without any', () => {
    const backtest = new Backtest(STEPS);
    runOrigins(backtest, { baseline: wrongBy(10), better: wrongBy(5) }, 5);
    expect(backtest.choose(['baseline'])).toBe('baseline');
    expect(backtest.choose([])).toBeUndefined();
  });

  test('errors are shares of the arrivals, the smallest first', () => {
    const backtest = new Backtest(STEPS);
    runOrigins(backtest, { baseline: wrongBy(10), better: wrongBy(-4) }, 2);
    expect(backtest.errors()).toEqual([
      { model: 'better', error: 0.04 },
      { model: 'baseline', error: 0.1 },
    ]);
  });

  test('only the steps within the horizon are judged', () => {
    const backtest = new Backtest(STEPS);
    backtest.open(0, { baseline: wrongBy(10, 20) }, 'baseline');
    for (let bucket = 0; bucket < 10; bucket += 1) backtest.judge(bucket, bucket < STEPS ? 100 : 1_000);
    expect(backtest.errors()).toEqual([{ model: 'baseline', error: 0.1 }]);
    expect(backtest.coverage()).toBe(1);
  });

  test('coverage counts what fell inside the interval of the model used', () => {
    const backtest = new Backtest(STEPS);
    expect(backtest.coverage()).toBeNull();
    backtest.open(0, { baseline: wrongBy(0, 5), other: wrongBy(0, 1_000) }, 'baseline');
    [100, 104, 106, 94].forEach((actual, step) => backtest.judge(step, actual));
    expect(backtest.coverage()).toBe(0.5);
  });

  test('forgets origins older than a day of them', () => {
    const backtest = new Backtest(STEPS);
    runOrigins(backtest, { baseline: wrongBy(50) }, 100);
    runOrigins(backtest, { baseline: wrongBy(5) }, 48, 100 * STEPS);
    expect(backtest.errors()).toEqual([{ model: 'baseline', error: 0.05 }]);
    expect(backtest.snapshot().origins).toHaveLength(48);
  });
});
