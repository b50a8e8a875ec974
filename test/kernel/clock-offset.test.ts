import fc from 'fast-check';
import { ClockOffset } from '../../runtime/kernel/clock-offset.js';

/** A reference clock that is `offset` ahead of ours and gains `drift` ms per ms. */
function stage(offset: number, drift = 0) {
  let now = 1_000_000;
  let ahead = offset;
  const clock = new ClockOffset(() => now);
  const pass = (ms: number): void => {
    now += ms;
    ahead += drift * ms;
  };
  return {
    clock,
    pass,
    truth: () => ahead,
    set: (to: number) => {
      ahead = to;
    },
    /** Asks: the question travels for `there` ms, the answer for `back` ms. */
    ask: (there: number, back: number) => {
      const sentAt = now;
      pass(there);
      const reference = now + ahead;
      pass(back);
      return { sentAt, reference, receivedAt: now };
    },
  };
}

describe('ClockOffset', () => {
  it('knows nothing before the first round, and says so', () => {
    const { clock } = stage(40);
    expect([clock.offsetMs(), clock.boundMs()]).toEqual([0, Infinity]);
    clock.add([]);
    expect(clock.boundMs()).toBe(Infinity);
  });

  it('takes the middle of the shortest round trip, off by half of it at most', () => {
    const { clock, ask } = stage(-250);
    clock.add([ask(30, 2), ask(1, 1), ask(0, 90)]);
    // Aged by the 90 ms since: 200 ppm of them.
    expect(clock.offsetMs()).toBeCloseTo(-250, 6);
    expect(clock.boundMs()).toBeCloseTo(1.001 + 92 * 200e-6, 6);
  });

  it('is less sure with every second until the next round', () => {
    const { clock, ask, pass } = stage(5);
    clock.add([ask(1, 1)]);
    pass(30_000);
    expect(clock.boundMs()).toBeCloseTo(7, 2);
    clock.add([ask(1, 1)]);
    expect(clock.boundMs()).toBeCloseTo(1, 2);
  });

  it('keeps a good round when the next one is worse, and is surer by both than by either', () => {
    const { clock, ask } = stage(5);
    clock.add([ask(0.5, 0)]);
    clock.add([ask(0, 20)]);
    expect(clock.boundMs()).toBeLessThan(0.26);
    clock.add([ask(0, 0.5)]);
    expect(clock.boundMs()).toBeLessThan(0.03);
    expect(clock.offsetMs()).toBeCloseTo(5, 1);
  });

  it('does not lose a good round over many bad ones', () => {
    const { clock, ask, pass } = stage(5);
    clock.add([ask(0.5, 0.5)]);
    for (let round = 0; round < 60; round += 1) {
      clock.add([ask(300, 300)]);
      pass(400);
    }
    // A minute's drift at 200 ppm.
    expect(clock.boundMs()).toBeLessThan(13);
  });

  it('forgets what it knew when a clock was set', () => {
    const { clock, ask, pass, set } = stage(5);
    clock.add([ask(0.1, 0.1)]);
    pass(30_000);
    set(-3_600_000);
    clock.add([ask(2, 2)]);
    expect(clock.offsetMs()).toBeCloseTo(-3_600_000, 6);
    expect(clock.boundMs()).toBeCloseTo(2, 2);
  });

  it('never errs by more than its bound, whatever the network and the drift', () => {
    const trip = fc.tuple(fc.double({ min: 0, max: 80, noNaN: true }), fc.double({ min: 0, max: 80, noNaN: true }));
    const rounds = fc.array(
      fc.record({
        trips: fc.array(trip, { minLength: 1, maxLength: 8 }),
        pause: fc.integer({ min: 0, max: 90_000 }),
        step: fc.option(fc.integer({ min: -5_000, max: 5_000 }), { freq: 10 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.double({ min: -190e-6, max: 190e-6, noNaN: true }),
        rounds,
        (offset, drift, plan) => {
          const { clock, ask, pass, truth, set } = stage(offset, drift);
          const err = (): number => Math.abs(clock.offsetMs() - truth()) - clock.boundMs();
          for (const { trips, pause, step } of plan) {
            // A step that lies within the old bounds cannot be seen: only whole seconds are tried.
            if (step !== null && Math.abs(step) > 1_000) set(truth() + step);
            clock.add(trips.map(([there, back]) => ask(there, back)));
            expect(err()).toBeLessThan(1e-6);
            pass(pause);
            expect(err()).toBeLessThan(1e-6);
          }
        },
      ),
    );
  });
});
