import fc from 'fast-check';
import { Histogram, type HistogramJson } from '../../runtime/kernel/histogram.js';
import { DAY } from '../../runtime/kernel/units.js';
import { mean, quantile, sum } from '../support/statistics.js';

/** From microseconds to weeks, in ms. */
const latencies = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 5_000, noNaN: true }),
    fc.double({ min: 0, max: 20 * DAY, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);

/** Three significant digits, and never finer than a microsecond. */
function expectClose(actual: number, exact: number): void {
  expect(Math.abs(actual - exact)).toBeLessThanOrEqual(0.0011 * exact + 0.001);
}

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('histogram', () => {
  it('has exact count, sum, mean and maximum, and quantiles to 0.1 %', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const histogram = of(values);
        expect(histogram.count).toBe(values.length);
        expect(histogram.sum).toBeCloseTo(sum(values), 3);
        expect(histogram.mean).toBeCloseTo(mean(values), 3);
        expect(histogram.max).toBe(Math.max(...values));
        for (const q of [0.5, 0.9, 0.99, 0.999, 1]) expectClose(histogram.quantile(q), quantile(values, q));
      }),
    );
  });

  it('adds up as if all values had been recorded in one', () => {
    fc.assert(
      fc.property(latencies, latencies, (a, b) => {
        const added = of(a);
        added.add(of(b));
        const whole = of([...a, ...b]);
        expect(added.count).toBe(whole.count);
        expect(added.sum).toBeCloseTo(whole.sum, 3);
        expect(added.max).toBe(whole.max);
        for (const q of [0.1, 0.5, 0.99]) expect(added.quantile(q)).toBe(whole.quantile(q));
        expect([...added.bars()]).toEqual([...whole.bars()]);
      }),
      { numRuns: 50 },
    );
  });

  it('comes back from JSON as it was, and can be recorded into', () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 20 * DAY, noNaN: true }), (values, later) => {
        const histogram = of(values);
        const copy = Histogram.fromJSON(JSON.parse(JSON.stringify(histogram)) as HistogramJson);
        histogram.record(later);
        copy.record(later);
        expect(copy.count).toBe(histogram.count);
        expect(copy.mean).toBe(histogram.mean);
        expect(copy.max).toBe(histogram.max);
        expect([...copy.bars()]).toEqual([...histogram.bars()]);
      }),
      { numRuns: 50 },
    );
  });

  it('counts what is at most a value, and names its bars in ascending order', () => {
    const histogram = of([0, 1, 1, 10, 100, 1_000]);
    expect(histogram.countUpTo(0)).toBe(1);
    expect(histogram.countUpTo(1)).toBe(3);
    expect(histogram.countUpTo(99)).toBe(4);
    expect(histogram.countUpTo(1e9)).toBe(6);
    const bars = [...histogram.bars()];
    expect(bars.map(({ count }) => count)).toEqual([1, 2, 1, 1, 1]);
    bars.forEach(({ from, to }, i) => {
      expect(to).toBeGreaterThanOrEqual(from);
      if (i > 0) expect(from).toBeGreaterThanOrEqual(bars[i - 1]!.to);
      expectClose(to, [0, 1, 10, 100, 1_000][i]!);
    });
  });

  it('says NaN of nothing, and takes values outside its range for the nearest inside', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).toBeNaN();
    expect(histogram.mean).toBeNaN();
    histogram.record(-5);
    histogram.record(400 * DAY);
    expect(histogram.quantile(0.5)).toBe(0);
    expect(histogram.max).toBe(30 * DAY);
  });

  it('does not grow with the number of values', () => {
    const histogram = new Histogram();
    for (let i = 0; i < 20_000; i += 1) histogram.record(i % 100);
    const before = JSON.stringify(histogram).length;
    for (let i = 0; i < 200_000; i += 1) histogram.record(i % 100);
    expect(JSON.stringify(histogram).length).toBeLessThan(before * 1.5);
  });
});
