import fc from 'fast-check';
import { SECOND } from '../../runtime/kernel/units.js';
import { SlidingQuantiles, SlidingSums } from '../../runtime/observe/sliding-window.js';

const ORIGIN = 1_767_538_800_000;

/** Happenings in the order of time: milliseconds since the one before, and a value. */
const happenings = fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000 }), fc.integer({ min: 0, max: 100_000 })), {
  maxLength: 300,
});

function atTimes(drawn: ReadonlyArray<readonly [number, number]>): Array<{ at: number; value: number }> {
  let at = ORIGIN;
  return drawn.map(([gap, value]) => ({ at: (at += gap), value }));
}

/** What a window of whole seconds holds at `now`: the second under way and those before it. */
function held<T extends { at: number }>(all: readonly T[], now: number, seconds: number): T[] {
  const end = ORIGIN + Math.ceil((now - ORIGIN) / SECOND) * SECOND;
  return all.filter(({ at }) => at > end - seconds * SECOND && at <= now);
}

describe('sliding sums', () => {
  it('hold exactly what happened in the seconds of the window', () => {
    fc.assert(
      fc.property(
        happenings,
        fc.integer({ min: 0, max: 90_000 }),
        fc.integer({ min: 1, max: 60 }),
        (drawn, later, seconds) => {
          const all = atTimes(drawn);
          const sums = new SlidingSums(ORIGIN, seconds, 2);
          for (const [i, { at, value }] of all.entries()) {
            sums.add(at, 0);
            sums.add(at, 1, value);
            const inside = held(all.slice(0, i + 1), at, seconds);
            expect(sums.sum(at, 0)).toBe(inside.length);
          }
          const now = (all.at(-1)?.at ?? ORIGIN) + later;
          expect(sums.sum(now, 1)).toBe(held(all, now, seconds).reduce((sum, { value }) => sum + value, 0));
        },
      ),
    );
  });

  it('asked for at the end of a second cover the window to the millisecond', () => {
    const sums = new SlidingSums(ORIGIN, 60, 1);
    for (let at = ORIGIN; at <= ORIGIN + 120 * SECOND; at += 100) sums.add(at, 0);
    const now = ORIGIN + 120 * SECOND;
    expect(sums.sum(now, 0)).toBe(600);
    expect(sums.coveredMs(now)).toBe(60 * SECOND);
    expect(sums.coveredMs(now + 250)).toBe(59 * SECOND + 250);
  });

  it('cover only the time since the start while the window fills', () => {
    const sums = new SlidingSums(ORIGIN, 60, 1);
    expect(sums.coveredMs(ORIGIN + 12 * SECOND)).toBe(12 * SECOND);
    expect(sums.coveredMs(ORIGIN)).toBe(SECOND);
  });

  it('carry no rounding error along', () => {
    const sums = new SlidingSums(ORIGIN, 2, 1);
    sums.add(ORIGIN + 500, 0, 1e16);
    for (let second = 2; second < 10; second += 1) sums.add(ORIGIN + second * SECOND, 0, 0.1);
    expect(sums.sum(ORIGIN + 9 * SECOND, 0)).toBeCloseTo(0.2, 12);
  });
});

describe('sliding quantiles', () => {
  it('agree with brute force over both windows', () => {
    fc.assert(
      fc.property(
        happenings,
        fc.integer({ min: 0, max: 70_000 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (drawn, later, q) => {
          const all = atTimes(drawn);
          const window = new SlidingQuantiles(ORIGIN, [60, 10]);
          for (const { at, value } of all) window.record(at, value);
          const now = (all.at(-1)?.at ?? ORIGIN) + later;
          for (const [position, seconds] of [60, 10].entries()) {
            const inside = held(all, now, seconds)
              .map(({ value }) => value)
              .sort((a, b) => a - b);
            expect(window.count(now, position)).toBe(inside.length);
            const exact = inside[Math.max(1, Math.ceil(q * inside.length)) - 1];
            if (exact === undefined) expect(window.quantile(now, position, q)).toBeNaN();
            else
              expect(Math.abs(window.quantile(now, position, q) - exact)).toBeLessThanOrEqual(
                Math.max(0.125, exact * 0.008),
              );
          }
        },
      ),
    );
  });

  it('hold 50,000 values a minute and let all of them go again', () => {
    const window = new SlidingQuantiles(ORIGIN, [60, 10]);
    for (let i = 0; i < 200_000; i += 1) window.record(ORIGIN + i * 1.2, i % 1_000);
    const end = ORIGIN + 240 * SECOND;
    expect(window.count(end, 0)).toBe(49_999);
    expect(window.count(end, 1)).toBe(8_333);
    expect(window.quantile(end, 0, 0.5)).toBeCloseTo(500, -1);
    expect(window.count(end + 61 * SECOND, 0)).toBe(0);
  });

  it('take a value that comes late as one of the second under way', () => {
    const window = new SlidingQuantiles(ORIGIN, [10]);
    window.record(ORIGIN + 30 * SECOND, 5);
    window.record(ORIGIN + 29 * SECOND, 7);
    expect(window.count(ORIGIN + 39 * SECOND, 0)).toBe(2);
    expect(window.count(ORIGIN + 40 * SECOND, 0)).toBe(0);
  });
});
