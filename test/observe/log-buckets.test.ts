import fc from 'fast-check';
import { bucketOf, LogBuckets, valueOf } from '../../runtime/observe/log-buckets.js';

const latency = fc.double({ min: 0, max: 2e8, noNaN: true });

/** The smallest value that at least the share `q` of all does not exceed. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
}

function close(actual: number, exact: number): boolean {
  return Math.abs(actual - exact) <= Math.max(0.125, exact * 0.008);
}

describe('log-linear buckets', () => {
  it('stand for their values within 0.8 % or an eighth of a millisecond', () => {
    fc.assert(fc.property(latency, (value) => close(valueOf(bucketOf(value)), value)));
  });

  it('keep the order of the values', () => {
    fc.assert(
      fc.property(latency, latency, (a, b) => (a <= b ? bucketOf(a) <= bucketOf(b) : bucketOf(a) >= bucketOf(b))),
    );
  });

  it('count anything beyond three days, and anything below zero, in the outermost buckets', () => {
    expect(bucketOf(-5)).toBe(0);
    expect(bucketOf(1e12)).toBe(bucketOf(3e8));
    expect(bucketOf(1e12)).toBeLessThan(65_536);
  });

  it('find every quantile of what is left after values were removed', () => {
    const values = fc.array(fc.tuple(latency, fc.boolean()), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (drawn, q) => {
        const buckets = new LogBuckets();
        for (const [value] of drawn) buckets.add(bucketOf(value));
        for (const [value, stays] of drawn) if (!stays) buckets.remove(bucketOf(value));
        const left = drawn.flatMap(([value, stays]) => (stays ? [value] : []));
        expect(buckets.count).toBe(left.length);
        if (left.length === 0) expect(buckets.quantile(q)).toBeNaN();
        else expect(close(buckets.quantile(q), exactQuantile(left, q))).toBe(true);
      }),
    );
  });

  it('come back from JSON as they were', () => {
    const buckets = new LogBuckets();
    for (let i = 0; i < 1_000; i += 1) buckets.add(bucketOf(i * i));
    const copy = LogBuckets.fromJSON(JSON.parse(JSON.stringify(buckets)) as number[]);
    expect(copy.count).toBe(1_000);
    expect([0.1, 0.5, 0.99].map((q) => copy.quantile(q))).toEqual([0.1, 0.5, 0.99].map((q) => buckets.quantile(q)));
  });
});
