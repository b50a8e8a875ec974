import fc from 'fast-check';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { ArrivalSchedule } from '../../runtime/load/arrivals.js';
import type { Load, LoadSegment } from '../../runtime/spec/experiment.js';
import { correlation, mean, sum, variance } from '../support/statistics.js';

type Stretch = readonly [durationMs: number, ratePerMin: number];

/** Gapless segments from the start of the run on. */
function load(process: Load['process'], ...stretches: readonly Stretch[]): Load {
  let startMs = 0;
  const segments = stretches.map(([durationMs, ratePerMin]): LoadSegment => {
    const segment = { startMs, endMs: startMs + durationMs, ratePerMin, label: 'test' };
    startMs = segment.endMs;
    return segment;
  });
  return { process, segments, steadyRatePerMin: 1 };
}

function arrivals(schedule: ArrivalSchedule): number[] {
  const times: number[] = [];
  for (let time = schedule.next(); time !== null; time = schedule.next()) times.push(time);
  return times;
}

/** ∫ of the rate up to `time`, in arrivals. */
function expected({ segments }: Load, time: number): number {
  return sum(
    segments.map(
      ({ startMs, endMs, ratePerMin }) => (Math.max(0, Math.min(time, endMs) - startMs) * ratePerMin) / MINUTE,
    ),
  );
}

const stretches = fc.array(
  fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.double({ min: 0.5, max: 90_000, noNaN: true })),
    fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0.01, max: 500, noNaN: true })),
  ),
  { minLength: 1, maxLength: 6 },
);

describe('arrival schedule, uniform', () => {
  it('is exact: at every instant as many have arrived as the integral of the rate, rounded', () => {
    fc.assert(
      fc.property(stretches, (drawn) => {
        const shape = load('uniform', ...drawn);
        const times = arrivals(new ArrivalSchedule(shape, 1));
        const end = shape.segments.at(-1)!.endMs;
        expect(Math.abs(times.length - expected(shape, end))).toBeLessThanOrEqual(0.5 + 1e-6);
        const offBy = times.map((time, i) => Math.abs(expected(shape, time) - i - 0.5));
        expect(Math.max(0, ...offBy)).toBeLessThan(1e-4);
        expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('arrives in the middle of its gap, so that 100 a minute are at 0.3 s, 0.9 s, 1.5 s, …', () => {
    const times = arrivals(new ArrivalSchedule(load('uniform', [MINUTE, 100]), 1));
    expect(times).toHaveLength(100);
    times.forEach((time, i) => {
      expect(time).toBeCloseTo(300 + i * 600, 6);
    });
  });

  it('does not depend on the seed', () => {
    const shape = load('uniform', [10 * SECOND, 90], [SECOND, 600]);
    expect(arrivals(new ArrivalSchedule(shape, 1))).toEqual(arrivals(new ArrivalSchedule(shape, 2)));
  });

  it('counts 72 h to the task: 2,160,000 at 500 a minute', () => {
    const schedule = new ArrivalSchedule(load('uniform', [72 * 60 * MINUTE, 500]), 1);
    let count = 0;
    while (schedule.next() !== null) count += 1;
    expect(count).toBe(2_160_000);
    expect(schedule.index).toBe(2_160_000);
    expect(schedule.next()).toBeNull();
  });
});

describe('arrival schedule, Poisson', () => {
  const shape = load('poisson', [40 * MINUTE, 600], [20 * MINUTE, 1_800], [5 * MINUTE, 0], [40 * MINUTE, 300]);
  const times = arrivals(new ArrivalSchedule(shape, 7));
  const counts = Array.from({ length: 105 }, () => 0);
  for (const time of times) counts[Math.floor(time / MINUTE)]! += 1;

  it('has as many arrivals in each stretch as its rate says, within what chance allows', () => {
    for (const { startMs, endMs, ratePerMin } of shape.segments) {
      const count = times.filter((time) => time >= startMs && time < endMs).length;
      const want = ((endMs - startMs) * ratePerMin) / MINUTE;
      expect(Math.abs(count - want)).toBeLessThanOrEqual(4 * Math.sqrt(want));
    }
  });

  it('scatters the counts of minutes as Poisson does: their variance is their mean', () => {
    const steady = [...counts.slice(0, 40)];
    // Index of dispersion; its standard error is √(2/n).
    expect(Math.abs(variance(steady) / mean(steady) - 1)).toBeLessThan(4 * Math.sqrt(2 / steady.length));
  });

  it('has exponential gaps without memory', () => {
    const steady = times.filter((time) => time < 40 * MINUTE);
    const gaps = steady.slice(1).map((time, i) => time - steady[i]!);
    const n = gaps.length;
    expect(Math.abs(mean(gaps) - 100)).toBeLessThan((4 * 100) / Math.sqrt(n));
    expect(Math.abs(Math.sqrt(variance(gaps)) / mean(gaps) - 1)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(correlation(gaps.slice(1), gaps.slice(0, -1)))).toBeLessThan(4 / Math.sqrt(n));
  });

  it('carries nothing over the border between two stretches', () => {
    // Many short stretches in turn: what arrives in one says nothing of the next.
    const turns = Array.from({ length: 2_000 }, (_, i): Stretch => [SECOND, i % 2 === 0 ? 600 : 1_200]);
    const perTurn = turns.map(() => 0);
    for (const time of arrivals(new ArrivalSchedule(load('poisson', ...turns), 3))) {
      perTurn[Math.floor(time / SECOND)]! += 1;
    }
    const slow = perTurn.filter((_, i) => i % 2 === 0);
    const fast = perTurn.filter((_, i) => i % 2 === 1);
    expect(Math.abs(mean(slow) - 10)).toBeLessThan(4 * Math.sqrt(10 / slow.length));
    expect(Math.abs(mean(fast) - 20)).toBeLessThan(4 * Math.sqrt(20 / fast.length));
    expect(Math.abs(correlation(slow, fast))).toBeLessThan(4 / Math.sqrt(slow.length));
    expect(Math.abs(variance(fast) / 20 - 1)).toBeLessThan(4 * Math.sqrt(2 / fast.length));
  });

  it('is another for another seed and the same for the same', () => {
    const short = load('poisson', [MINUTE, 60]);
    expect(arrivals(new ArrivalSchedule(short, 1))).toEqual(arrivals(new ArrivalSchedule(short, 1)));
    expect(arrivals(new ArrivalSchedule(short, 1))).not.toEqual(arrivals(new ArrivalSchedule(short, 2)));
  });
});

describe('arrival schedule, taken up again', () => {
  it('goes on exactly where it stood, whether the last arrival was sent or not', () => {
    fc.assert(
      fc.property(
        stretches.map((drawn) => drawn.map(([duration, rate]): Stretch => [Math.min(duration, 20_000), rate])),
        fc.constantFrom('uniform' as const, 'poisson' as const),
        fc.nat(400),
        fc.boolean(),
        (drawn, process, taken, unsent) => {
          const shape = load(process, ...drawn);
          const whole = arrivals(new ArrivalSchedule(shape, 5));
          const first = new ArrivalSchedule(shape, 5);
          const before: number[] = [];
          while (before.length < taken) {
            const time = first.next();
            if (time === null) break;
            before.push(time);
          }
          const open = unsent && before.length > 0 && before.length === taken;
          const position = JSON.parse(JSON.stringify(first.position(open))) as ReturnType<typeof first.position>;
          const second = new ArrivalSchedule(shape, 5, position);
          const kept = open ? before.slice(0, -1) : before;
          expect(second.index).toBe(kept.length);
          expect([...kept, ...arrivals(second)]).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });
});
