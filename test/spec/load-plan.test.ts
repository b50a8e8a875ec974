import fc from 'fast-check';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { activity } from '../../runtime/spec/calendar.js';
import type { LoadSegment } from '../../runtime/spec/experiment.js';
import { burstyLoad, curveLoad, patternLoad } from '../../runtime/spec/load-plan.js';

const burstsOf = (segments: readonly LoadSegment[]): LoadSegment[] => segments.filter(({ label }) => label === 'burst');

describe('fixed bursts', () => {
  test('stand at every multiple of their interval, whole, inside the run', () => {
    const bursts = { rate: 500, duration: MINUTE, every: 5 * MINUTE, timing: 'fixed' as const };
    const segments = burstyLoad(16 * MINUTE, 200, bursts, 1);
    expect(burstsOf(segments).map(({ startMs, endMs }) => [startMs / MINUTE, endMs / MINUTE])).toEqual([
      [5, 6],
      [10, 11],
      [15, 16],
    ]);
    expect(burstsOf(burstyLoad(15.5 * MINUTE, 200, bursts, 1))).toHaveLength(2);
  });
});

describe('random bursts', () => {
  const bursts = { rate: 1000, duration: 2 * MINUTE, every: 30 * MINUTE, timing: 'random' as const };

  test('start one interval apart on average: exponential gaps between them', () => {
    const runs = Array.from({ length: 40 }, (_, seed) => burstsOf(burstyLoad(72 * HOUR, 500, bursts, seed)).length);
    const mean = runs.reduce((sum, count) => sum + count, 0) / runs.length;
    // 144 expected; a renewal process of mean 30 and standard deviation 28 min: σ ≈ 28/30·√144 = 11.2 a run, 1.8 for the mean.
    expect(Math.abs(mean - 144)).toBeLessThan(3 * 1.8);
  });

  test('never overlap and are never cut', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const segments = burstyLoad(24 * HOUR, 500, bursts, seed);
        // Bursts that touch are one segment: its length is still a multiple.
        return burstsOf(segments).every(({ startMs, endMs }) => (endMs - startMs) % bursts.duration === 0);
      }),
      { numRuns: 30 },
    );
  });

  test('follow from the seed, and a shorter run has the first ones of a longer one', () => {
    const long = burstsOf(burstyLoad(72 * HOUR, 500, bursts, 7));
    const short = burstsOf(burstyLoad(10 * HOUR, 500, bursts, 7));
    expect(short).toEqual(long.slice(0, short.length));
    expect(short).not.toEqual(burstsOf(burstyLoad(10 * HOUR, 500, bursts, 8)));
  });
});

describe('patterns', () => {
  test('repeat to the end of the run and are cut there', () => {
    const steps = [
      { ratePerMin: 10, durationMs: 2_000 },
      { ratePerMin: 30, durationMs: 1_000 },
    ];
    expect(patternLoad(5_500, steps)).toEqual([
      { startMs: 0, endMs: 2_000, ratePerMin: 10, label: 'steady' },
      { startMs: 2_000, endMs: 3_000, ratePerMin: 30, label: 'burst' },
      { startMs: 3_000, endMs: 5_000, ratePerMin: 10, label: 'steady' },
      { startMs: 5_000, endMs: 5_500, ratePerMin: 30, label: 'burst' },
    ]);
  });
});

describe('day-night curves', () => {
  const peakHours = [9, 10, 14, 15];

  test('are at their peak in the peak hours only, and low at night', () => {
    expect([9, 9.5, 10.99, 14, 15.9].map((hour) => activity(hour, peakHours))).toEqual([1, 1, 1, 1, 1]);
    expect(activity(12.5, peakHours)).toBeCloseTo(Math.exp(-0.125), 10);
    expect(activity(0, peakHours)).toBeLessThan(0.05);
    expect(activity(23.999, [0])).toBeCloseTo(1, 5);
  });

  test('read the hour where the wall clock hangs', () => {
    const curve = { peakPerMin: 100, low: 0.2, stepMs: HOUR, peakHours: [9] };
    const segments = curveLoad(24 * HOUR, 0, curve, (at) => (at / HOUR + 9) % 24);
    expect(segments[0]).toMatchObject({ startMs: 0, endMs: HOUR, ratePerMin: 100, label: 'day' });
    expect(Math.min(...segments.map(({ ratePerMin }) => ratePerMin))).toBeCloseTo(20, 0);
  });
});
