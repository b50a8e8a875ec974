import fc from 'fast-check';
import { hash32, hashNormal, hashUniform, Random, RandomStreams } from '../../runtime/kernel/random.js';
import { chiSquare, chiSquareLimit, correlation, mean, variance } from '../support/statistics.js';

const DRAWS = 50_000;
const SEEDS = [1, 2, 42, 2 ** 31, 2 ** 40 + 5];

function draw(count: number, next: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => next(i));
}

/** Asserts mean and variance within 4.5 standard errors; `kurtosis` is the distribution's, not the excess. */
function expectMoments(values: number[], want: { mean: number; variance: number; kurtosis: number }): void {
  const n = values.length;
  expect(Math.abs(mean(values) - want.mean)).toBeLessThan(4.5 * Math.sqrt(want.variance / n));
  const spreadOfVariance = want.variance * Math.sqrt((want.kurtosis - 1) / n);
  expect(Math.abs(variance(values) - want.variance)).toBeLessThan(4.5 * spreadOfVariance);
}

/** Asserts that values from [0, 1) fall evenly into 256 bins, and that neighbours know nothing of each other. */
function expectUniform(values: number[]): void {
  const bins = new Array<number>(256).fill(0);
  const pairs = new Array<number>(256).fill(0);
  values.forEach((value, i) => {
    bins[Math.floor(value * 256)]! += 1;
    const next = values[i + 1];
    if (next !== undefined) pairs[Math.floor(value * 16) * 16 + Math.floor(next * 16)]! += 1;
  });
  expect(chiSquare(bins)).toBeLessThan(chiSquareLimit(255));
  expect(chiSquare(pairs)).toBeLessThan(chiSquareLimit(255));
}

describe('random streams', () => {
  it('repeat themselves for the same seed and name, and for nothing else', () => {
    const first = draw(5, () => 0);
    const of = (seed: number, name: string) => {
      const stream = new RandomStreams(seed).stream(name);
      return first.map(() => stream.next());
    };
    expect(of(1, 'chaos')).toEqual(of(1, 'chaos'));
    const all = [of(1, 'chaos'), of(1, 'choas'), of(2, 'chaos'), of(1 + 2 ** 32, 'chaos')].flat();
    expect(new Set(all).size).toBe(all.length);
  });

  it('do not shift each other, however much one of them is used', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(2), { maxLength: 60 }), (seed, order) => {
        const streams = new RandomStreams(seed);
        const used = ['a', 'b', 'c'].map((name) => streams.stream(name));
        const alone = ['a', 'b', 'c'].map((name) => streams.stream(name));
        for (const which of order) {
          expect(used[which]!.next()).toBe(alone[which]!.next());
        }
      }),
    );
  });

  it('know nothing of each other', () => {
    const [a, b] = ['load', 'chaos'].map((name) => new Random(7, name));
    const values = [draw(DRAWS, () => a!.next()), draw(DRAWS, () => b!.next())] as const;
    expect(Math.abs(correlation(...values))).toBeLessThan(4.5 / Math.sqrt(DRAWS));
  });

  it.each(SEEDS)('are uniform (seed %d)', (seed) => {
    const random = new Random(seed, 'uniform');
    const values = draw(DRAWS, () => random.next());
    expectUniform(values);
    expectMoments(values, { mean: 1 / 2, variance: 1 / 12, kurtosis: 1.8 });
  });

  it.each(SEEDS)('are exponential and normal where asked (seed %d)', (seed) => {
    const random = new Random(seed, 'shapes');
    expectMoments(
      draw(DRAWS, () => random.exponential(38)),
      { mean: 38, variance: 38 ** 2, kurtosis: 9 },
    );
    const normal = draw(DRAWS, () => random.normal());
    expectMoments(normal, { mean: 0, variance: 1, kurtosis: 3 });
    const beyondTwo = normal.filter((value) => Math.abs(value) > 2).length / DRAWS;
    expect(beyondTwo).toBeCloseTo(0.0455, 2);
  });

  it('draw whole numbers below a bound, and chances, evenly', () => {
    const random = new Random(3, 'whole');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < DRAWS; i += 1) counts[random.below(7)]! += 1;
    expect(chiSquare(counts)).toBeLessThan(chiSquareLimit(6));
    const hits = draw(DRAWS, () => Number(random.chance(0.1)));
    expectMoments(hits, { mean: 0.1, variance: 0.09, kurtosis: 1 + 0.64 / 0.09 });
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
  });

  it('draw samples of different elements, each as likely as any other', () => {
    const random = new Random(4, 'sample');
    const items = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const counts = new Array<number>(10).fill(0);
    let repeated = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const taken = random.sample(items, 3);
      if (new Set(taken).size !== 3) repeated += 1;
      for (const item of taken) counts[item]! += 1;
    }
    expect(repeated).toBe(0);
    expect(chiSquare(counts)).toBeLessThan(chiSquareLimit(9));
    expect(random.sample(items, 99).sort()).toEqual(items);
    expect(items).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('hashed chance', () => {
  it.each(SEEDS)('is uniform over neighbouring task numbers (seed %d)', (seed) => {
    expectUniform(draw(DRAWS, (index) => hashUniform(seed, index, 2)));
  });

  it.each(SEEDS)('is uniform over neighbouring seeds and salts (seed %d)', (seed) => {
    expectUniform(draw(DRAWS, (i) => hashUniform(seed + i, 17, 2)));
    expectUniform(draw(DRAWS, (i) => hashUniform(seed, 17, i)));
  });

  it('lies strictly between 0 and 1, so that its logarithm is finite', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), fc.nat(1_000), (seed, index, salt) => {
        const u = hashUniform(seed, index, salt);
        expect(u).toBeGreaterThan(0);
        expect(u).toBeLessThan(1);
      }),
    );
  });

  it('asks different questions of the same task independently', () => {
    for (const [a, b] of [
      [1, 2],
      [11, 11 + 64],
      [12 + 64, 13 + 64],
    ] as const) {
      const first = draw(DRAWS, (index) => hashUniform(5, index, a));
      const second = draw(DRAWS, (index) => hashUniform(5, index, b));
      expect(Math.abs(correlation(first, second))).toBeLessThan(4.5 / Math.sqrt(DRAWS));
    }
  });

  // Totals of arrivals and service times over a whole run: an excess of scatter here would shift every mean wait.
  it.each([1, 11 + 64])('adds up over long runs of task numbers with the scatter of chance (salt %d)', (salt) => {
    const [runs, length] = [60, 100_000];
    let squares = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      let total = 0;
      for (let index = 0; index < length; index += 1) total -= Math.log(hashUniform(seed, index, salt));
      squares += (total - length) ** 2 / length;
    }
    expect(squares).toBeLessThan(chiSquareLimit(runs));
    // The lower limit, by the same approximation: too even is no chance either.
    const spread = 2 / (9 * runs);
    expect(squares).toBeGreaterThan(runs * (1 - spread - 3.719 * Math.sqrt(spread)) ** 3);
  });

  it('is normal where asked', () => {
    expectMoments(
      draw(DRAWS, (index) => hashNormal(9, index, 11)),
      { mean: 0, variance: 1, kurtosis: 3 },
    );
  });

  it('changes with every argument, beyond 32 bits too', () => {
    const all = [hash32(1, 2, 3), hash32(2, 2, 3), hash32(1, 3, 3), hash32(1, 2, 4), hash32(1 + 2 ** 32, 2, 3)];
    expect(new Set([...all, hash32(1, 2 + 2 ** 32, 3)]).size).toBe(6);
    for (const value of all) expect(value).toBe(value >>> 0);
  });
});
