import { Random } from '../../runtime/kernel/random.js';
import { lastValue, seasonalNaive } from '../../runtime/scaling/baselines.js';
import type { ArrivalSeries } from '../../runtime/scaling/port.js';

const PER_DAY = 288;

function seriesOf(length: number, value: (index: number) => number): ArrivalSeries {
  return { bucketMs: 300_000, perDay: PER_DAY, perMin: Float64Array.from({ length }, (_, index) => value(index)) };
}

describe('the baselines', () => {
  test('seasonal-naive repeats the day before, and needs one', () => {
    const ramp = seriesOf(PER_DAY + 10, (index) => index);
    expect(
      seasonalNaive.forecast(
        seriesOf(PER_DAY - 1, () => 1),
        1,
        0.8,
      ),
    ).toBeNull();
    expect(seasonalNaive.forecast(ramp, 3, 0.8)?.map(({ point }) => point)).toEqual([10, 11, 12]);
  });

  test('last-value repeats the last bucket, and needs six', () => {
    expect(
      lastValue.forecast(
        seriesOf(5, () => 1),
        1,
        0.8,
      ),
    ).toBeNull();
    expect(
      lastValue
        .forecast(
          seriesOf(6, (index) => index),
          2,
          0.8,
        )
        ?.map(({ point }) => point),
    ).toEqual([5, 5]);
  });

  test('on a steady rise the upper bound of last-value reaches what will come', () => {
    const forecast = lastValue.forecast(
      seriesOf(100, (index) => 10 * index),
      12,
      0.8,
    );
    expect(forecast?.[11]?.upper).toBeCloseTo(990 + 120, 9);
    expect(forecast?.[11]?.lower).toBe(990);
  });

  test('80 % intervals hold 80 % of what comes, for independent noise', () => {
    const random = new Random(7, 'noise');
    let inside = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial += 1) {
      const values = Float64Array.from({ length: 2 * PER_DAY + 1 }, () => 500 + 30 * random.normal());
      const history = { bucketMs: 300_000, perDay: PER_DAY, perMin: values.subarray(0, 2 * PER_DAY) };
      const [step] = seasonalNaive.forecast(history, 1, 0.8) ?? [];
      const actual = values[2 * PER_DAY] as number;
      if (step !== undefined && step.lower <= actual && actual <= step.upper) inside += 1;
    }
    // Three standard deviations of a binomial with 400 trials: ± 0.06.
    expect(inside / trials).toBeGreaterThan(0.74);
    expect(inside / trials).toBeLessThan(0.86);
  });

  test('a constant load has no uncertainty, and nothing is forecast below zero', () => {
    expect(
      seasonalNaive.forecast(
        seriesOf(600, () => 500),
        1,
        0.8,
      ),
    ).toEqual([{ point: 500, lower: 500, upper: 500 }]);
    const falling =
      lastValue.forecast(
        seriesOf(20, (index) => 100 - 5 * index),
        12,
        0.8,
      ) ?? [];
    expect(falling.every(({ lower }) => lower >= 0)).toBe(true);
  });
});
