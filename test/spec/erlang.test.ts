import fc from 'fast-check';
import {
  allenCunneen,
  erlangB,
  erlangC,
  meanWaitMs,
  quantileOfTail,
  waitQuantileMs,
  waitTail,
  type ManyServerQueue,
} from '../../runtime/spec/erlang.js';

const mmc = (servers: number, offeredLoad: number, shares: readonly number[] = [1]): ManyServerQueue => ({
  servers,
  offeredLoad,
  meanServiceMs: 1_000,
  variability: 1,
  shares,
});

/** Straight from the textbook sum, for few servers only. */
function erlangCBySum(c: number, a: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < c; n += 1) sum += term *= a / n;
  const last = ((term * a) / c) * (c / (c - a));
  return last / (sum + last);
}

describe('Erlang formulas', () => {
  it('give the utilisation for one server (M/M/1)', () => {
    expect(erlangC(1, 0.7)).toBeCloseTo(0.7, 12);
    expect(erlangB(1, 0.7)).toBeCloseTo(0.7 / 1.7, 12);
    expect(meanWaitMs(mmc(1, 0.7))).toBeCloseTo((0.7 / 0.3) * 1_000, 6);
  });

  it('agree with the textbook sum for few servers', () => {
    for (const [c, a] of [
      [2, 1.9],
      [4, 2.8],
      [4, 3.8],
      [20, 15],
      [50, 49],
    ] as const) {
      expect(erlangC(c, a)).toBeCloseTo(erlangCBySum(c, a), 10);
    }
  });

  it('give the known value of a telephone table: 10 lines at 5 Erlangs block 1.84 %', () => {
    expect(erlangB(10, 5)).toBeCloseTo(0.018385, 6);
  });

  it('stay finite and between 0 and 1 for 100,000 servers', () => {
    for (const load of [1, 50_000, 95_000, 99_000, 99_999]) {
      const delayed = erlangC(100_000, load);
      expect(delayed).toBeGreaterThanOrEqual(0);
      expect(delayed).toBeLessThanOrEqual(1);
    }
    expect(erlangC(100_000, 50_000)).toBe(0);
    // Halfin and Whitt (1981): with β = (c − a)/√c = 1 the chance to wait tends to 0.2234 as c grows.
    expect(erlangC(100_000, 100_000 - Math.sqrt(100_000))).toBeCloseTo(0.2234, 3);
  });

  it('say that everybody waits, for ever, when the load is not below the servers', () => {
    expect(erlangC(4, 4)).toBe(1);
    expect(meanWaitMs(mmc(4, 5))).toBe(Infinity);
    expect(waitQuantileMs(mmc(4, 5), 0.99)).toBe(Infinity);
  });

  it('refuse what is no number of servers or no load', () => {
    expect(() => erlangB(1.5, 1)).toThrow(RangeError);
    expect(() => erlangB(-1, 1)).toThrow(RangeError);
    expect(() => erlangC(4, NaN)).toThrow(RangeError);
  });

  it('fall with every server and rise with the load', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (c, rho) => {
        expect(erlangC(c + 1, c * rho)).toBeLessThanOrEqual(erlangC(c, c * rho));
        expect(erlangC(c, c * rho)).toBeLessThanOrEqual(erlangC(c, c * rho * 1.005));
      }),
    );
  });
});

describe('The wait', () => {
  it('has the tail C·exp(−(cµ − λ)t) and its quantile by inversion', () => {
    const queue = mmc(4, 3.8);
    const c = erlangC(4, 3.8);
    expect(waitTail(queue)(2_500)).toBeCloseTo(c * Math.exp(-0.2 * 2.5), 12);
    expect(waitQuantileMs(queue, 0.99)).toBeCloseTo((Math.log(c / 0.01) / 0.2) * 1_000, -1);
  });

  it('is 0 for 99 % when fewer than 1 % wait', () => {
    expect(waitQuantileMs(mmc(800, 316.7), 0.99)).toBe(0);
  });

  it('has the mean that its tail integrates to, with priorities too', () => {
    for (const shares of [[1], [0.1, 0.2, 0.5, 0.2]]) {
      const queue = { ...mmc(20, 19, shares), variability: 0.7 };
      const tail = waitTail(queue);
      let integral = 0;
      for (let t = 5; t < 200_000; t += 10) integral += tail(t) * 10;
      // Priorities share the same waiting work out differently: the mean over all stays (conservation law).
      expect(integral / meanWaitMs(queue)).toBeCloseTo(1, 3);
    }
  });

  it('is longer at the 99th percentile with priorities than first come, first served', () => {
    expect(waitQuantileMs(mmc(20, 19, [0.5, 0.5]), 0.99)).toBeGreaterThan(waitQuantileMs(mmc(20, 19), 0.99));
  });

  it('shrinks with evenly spaced arrivals by the Allen–Cunneen factor', () => {
    expect(allenCunneen('poisson', 1)).toBe(1);
    expect(allenCunneen('uniform', 0.5)).toBe(0.25);
    expect(meanWaitMs({ ...mmc(4, 3.8), variability: 0.25 })).toBeCloseTo(meanWaitMs(mmc(4, 3.8)) / 4, 9);
    expect(waitQuantileMs({ ...mmc(4, 3.8), variability: 0 }, 0.99)).toBe(0);
  });

  it('finds the quantile of any falling tail', () => {
    expect(quantileOfTail((x) => Math.exp(-x / 60_000), 0.99)).toBeCloseTo(60_000 * Math.log(100), -1);
    expect(quantileOfTail(() => 0.5, 0.99)).toBe(Infinity);
  });
});
