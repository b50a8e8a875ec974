import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { FleetTally, floorAt, type FleetTallyJson } from '../../runtime/observe/fleet-tally.js';
import { experiment } from '../support/experiment.js';
import { fleetSample } from './samples.js';

const UNDER_LOAD = { steady: true, underLoad: true, floor: 10 };

/** One sample a second in (from, to]. */
function watch(tally: FleetTally, from: number, to: number, active: number, context = UNDER_LOAD): void {
  for (let second = from + 1; second <= to; second += 1)
    tally.sample(second * SECOND, fleetSample({ active }), context);
}

describe('fleet tally', () => {
  it('adds up agent-seconds, and means by slots', () => {
    const tally = new FleetTally(0);
    tally.sample(SECOND, fleetSample({ total: 10, slots: 40, busySlots: 10, cpu: 0.2 }), UNDER_LOAD);
    tally.sample(3 * SECOND, fleetSample({ total: 20, slots: 80, busySlots: 80, cpu: 0.4 }), UNDER_LOAD);
    expect(tally.summary).toMatchObject({ agentSeconds: 50, deployed: 20, utilization: 0.75 });
    expect(tally.summary.cpu).toBeCloseTo(0.3, 12);
  });

  it('looks at utilisation and extremes in the steady window only, and at agent-seconds all along', () => {
    const tally = new FleetTally(0);
    tally.sample(SECOND, fleetSample({ active: 1, cpu: 1 }), { ...UNDER_LOAD, steady: false });
    tally.sample(2 * SECOND, fleetSample({ active: 9, cpu: 0.5, restarts: 3, recycled: 2 }), UNDER_LOAD);
    expect(tally.summary).toMatchObject({
      minActive: 9,
      maxActive: 9,
      cpu: 0.5,
      agentSeconds: 20,
      restarts: 3,
      recycled: 2,
    });
    expect(tally.summary.stable.minActive).toBe(1);
  });

  it('measures the longest time below the floor', () => {
    const tally = new FleetTally(0);
    watch(tally, 0, 10, 10);
    watch(tally, 10, 14, 9);
    watch(tally, 14, 20, 10);
    watch(tally, 20, 22, 8);
    watch(tally, 22, 30, 11);
    expect(tally.summary.stable).toEqual({
      minActive: 8,
      belowFloorMs: 6 * SECOND,
      longestBelowFloorMs: 4 * SECOND,
      excusedMs: 0,
    });
  });

  it('excuses thirty seconds after a fault, and not a second more', () => {
    const tally = new FleetTally(0);
    watch(tally, 0, 100, 10);
    tally.faultAt(100 * SECOND);
    watch(tally, 100, 130, 5);
    expect(tally.summary.stable).toMatchObject({
      belowFloorMs: 0,
      longestBelowFloorMs: 0,
      excusedMs: 30 * SECOND,
      minActive: 5,
    });
    watch(tally, 130, 133, 5);
    expect(tally.summary.stable).toMatchObject({ belowFloorMs: 3 * SECOND, longestBelowFloorMs: 3 * SECOND });
  });

  it('counts the thirty seconds of a lasting fault from its end', () => {
    const tally = new FleetTally(0);
    tally.faultAt(0, MINUTE);
    tally.faultAt(SECOND);
    watch(tally, 0, 90, 5);
    expect(tally.summary.stable.belowFloorMs).toBe(0);
    watch(tally, 90, 91, 5);
    expect(tally.summary.stable.belowFloorMs).toBe(SECOND);
  });

  it('does not ask for the floor once the load has ended', () => {
    const tally = new FleetTally(0);
    watch(tally, 0, 5, 10);
    watch(tally, 5, 60, 0, { ...UNDER_LOAD, underLoad: false });
    expect(tally.summary.stable).toMatchObject({ longestBelowFloorMs: 0, minActive: 10 });
  });

  it('knows nothing when it never looked', () => {
    const { summary } = new FleetTally(0);
    expect([summary.minActive, summary.cpu, summary.utilization, summary.stable.longestBelowFloorMs]).toEqual([
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });

  it('comes back from JSON as it was', () => {
    const tally = new FleetTally(0);
    watch(tally, 0, 5, 9);
    const copy = new FleetTally(0);
    copy.restore(JSON.parse(JSON.stringify(tally)) as FleetTallyJson);
    for (const each of [tally, copy]) watch(each, 5, 9, 8);
    expect(copy.summary).toEqual(tally.summary);
    expect(copy.summary.stable.longestBelowFloorMs).toBe(9 * SECOND);
  });
});

describe('floor', () => {
  it('is the agent count of the phase, or of the stage where the fleet is stepped', () => {
    const stages = [
      { startMs: 0, endMs: 10, agents: 50 },
      { startMs: 10, endMs: 20, agents: 100 },
    ];
    const { fleet } = experiment({ fleet: { agents: 7, stages } });
    expect([floorAt(fleet, 0), floorAt(fleet, 10), floorAt(fleet, 20)]).toEqual([50, 100, 7]);
    expect(floorAt(experiment().fleet, 5)).toBe(10);
  });
});
