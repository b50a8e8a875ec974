import fc from 'fast-check';
import type { AdmissionLimits } from '../../runtime/queue/port.js';
import { admit, expectedWaitMs, type AdmissionView } from '../../runtime/queue/protocol.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';

const RULES = { ...experiment().queue, bound: 10 };
const LIMITS: AdmissionLimits = {
  drainPerMs: 0.01,
  arrivalsPerMs: [0.002, 0.002, 0.002, 0.002],
  maxWaitMs: [4_000, 3_000, 2_000, 1_000],
};

const view = (ready: AdmissionView['ready'], idle = false): AdmissionView => ({ ready, idle });

describe('admission', () => {
  it('refuses nobody while an agent could take the task at once', () => {
    for (const priority of [0, 1, 2, 3] as const) {
      expect(admit(view([9, 9, 9, 9], true), priority, RULES, LIMITS)).toBeNull();
    }
    expect(expectedWaitMs(view([9, 9, 9, 9], true), 3, LIMITS)).toBe(0);
  });

  it('takes as many as the bound and not one more, whatever their priority', () => {
    expect(admit(view([2, 3, 4, 0]), 3, RULES, null)).toBeNull();
    for (const priority of [0, 1, 2, 3] as const) {
      expect(admit(view([2, 3, 4, 1]), priority, RULES, null)).toBe('queue_full');
      expect(admit(view([10, 0, 0, 0]), priority, RULES, LIMITS)).toBe('queue_full');
    }
  });

  it('expects a task to wait for those before it, at the rate the more important ones leave over', () => {
    // P2: itself and six before it; of 10 a second, P0 and P1 take 4.
    expect(expectedWaitMs(view([1, 2, 3, 4]), 2, LIMITS)).toBeCloseTo(7 / 0.006, 9);
    expect(expectedWaitMs(view([1, 2, 3, 4]), 0, LIMITS)).toBeCloseTo(2 / 0.01, 9);
    const starved = { ...LIMITS, drainPerMs: 0.004 };
    expect(expectedWaitMs(view([0, 0, 0, 0]), 2, starved)).toBe(Infinity);
    expect(admit(view([0, 0, 0, 0]), 2, RULES, starved)).toBe('expected_wait');
  });

  it('refuses the lowest priority first', () => {
    const refused = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((waiting) =>
      ([0, 1, 2, 3] as const).filter(
        (priority) => admit(view([0, 0, 0, waiting]), priority, RULES, LIMITS) === 'expected_wait',
      ),
    );
    // Only P3 waits behind them: 4 a second are left to it, so that the fifth would wait longer than its second.
    expect(refused).toEqual([[], [], [], [], [3], [3], [3], [3], [3]]);
  });

  it('never refuses a task while a less important one would be taken', () => {
    const counts = fc.tuple(fc.nat(8), fc.nat(8), fc.nat(8), fc.nat(8));
    const rates = fc.tuple(
      ...([0, 1, 2, 3].map(() => fc.double({ min: 0, max: 0.02, noNaN: true })) as [
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
        fc.Arbitrary<number>,
      ]),
    );
    const waits = fc
      .array(fc.double({ min: 0, max: 10_000, noNaN: true }), { minLength: 4, maxLength: 4 })
      .map((drawn) => drawn.sort((a, b) => b - a) as [number, number, number, number]);
    fc.assert(
      fc.property(
        counts,
        fc.boolean(),
        rates,
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        waits,
        (ready, idle, arrivalsPerMs, drainPerMs, maxWaitMs) => {
          const limits = { drainPerMs, arrivalsPerMs, maxWaitMs };
          const taken = ([0, 1, 2, 3] as Priority[]).map(
            (priority) => admit(view(ready, idle), priority, RULES, limits) === null,
          );
          for (let priority = 1; priority < 4; priority += 1) {
            if (taken[priority]) expect(taken[priority - 1]).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
