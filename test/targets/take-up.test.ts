import { FaultBook, newFaultRecord } from '../../runtime/chaos/fault-book.js';
import { CostMeter } from '../../runtime/cost/meter.js';
import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { Collector } from '../../runtime/observe/collector.js';
import { FleetTally } from '../../runtime/observe/fleet-tally.js';
import { Series } from '../../runtime/observe/series.js';
import { SteadyWindow, type SteadyWindowJson } from '../../runtime/observe/steady-window.js';
import { fleetSample, ledgerCounts } from '../observe/samples.js';
import { experiment } from '../support/experiment.js';

/** The parts of a run, each on its own, as they are needed where a run is taken up from a snapshot. */
describe('taking a run up', () => {
  it('gives a steady window that was cut short by a drain its planned end back, the time between being a pause', () => {
    const whole = new SteadyWindow(0, HOUR);
    const window = new SteadyWindow(0, HOUR);
    window.stopAt(20 * MINUTE);
    const copy = new SteadyWindow(0, HOUR);
    copy.restore(JSON.parse(JSON.stringify(window)) as SteadyWindowJson);
    copy.takeUp(22 * MINUTE, 30 * MINUTE);
    expect(copy.lengthMs).toBe(whole.lengthMs);
    expect(copy.loadEnd).toBe(whole.loadEnd + 10 * MINUTE);
    expect(copy.runTime(30 * MINUTE)).toBe(20 * MINUTE);
  });

  it('takes the gap of a run that was cut off at work for a pause as well', () => {
    const window = new SteadyWindow(0, HOUR);
    window.takeUp(22 * MINUTE, 30 * MINUTE);
    expect(window.loadEnd).toBe(HOUR + 8 * MINUTE);
    expect(window.runTime(30 * MINUTE)).toBe(22 * MINUTE);
  });

  it('does not count agents for the time in which there was no process', () => {
    const tally = new FleetTally(0);
    tally.sample(SECOND, fleetSample({ total: 10 }), { steady: true, underLoad: true, floor: 10 });
    tally.takeUp(HOUR);
    tally.sample(HOUR + SECOND, fleetSample({ total: 10 }), { steady: true, underLoad: true, floor: 10 });
    expect(tally.summary.agentSeconds).toBe(20);
  });

  it('lets the bill go on from what was used before', () => {
    const spec = experiment();
    const whole = new CostMeter({ experiment: spec, startMs: 0, agents: 10 });
    whole.advance(2 * HOUR, 10);
    const first = new CostMeter({ experiment: spec, startMs: 0, agents: 10 });
    first.advance(HOUR, 10);
    const second = new CostMeter({ experiment: spec, startMs: 50 * HOUR, agents: 10, used: first.used });
    expect(second.totalUsd).toBeCloseTo(first.totalUsd, 9);
    second.advance(51 * HOUR, 10);
    expect(second.totalUsd).toBeCloseTo(whole.totalUsd, 9);
  });

  it('names faults on from those of the earlier process, and knows them', () => {
    const emitted: unknown[] = [];
    const book = new FaultBook((event) => emitted.push(event));
    const earlier = newFaultRecord({ id: 'f7', type: 'agent_kill', voluntary: true, injectedAt: 1, detail: '' });
    book.restore([earlier]);
    expect(emitted).toEqual([]);
    expect(book.nextId()).toBe('f8');
    expect(book.recovered('f7', 2, 1, 1)).toMatchObject({ id: 'f7', serviceRecoveryMs: 1 });
  });
});

describe('a moment without a single agent', () => {
  const none = fleetSample({ active: 0, total: 10, cpu: NaN, busySlots: 0, slots: 0 });

  it('leaves the mean CPU of the run known', () => {
    const tally = new FleetTally(0);
    const context = { steady: true, underLoad: true, floor: 10 };
    tally.sample(SECOND, fleetSample({ cpu: 0.2 }), context);
    tally.sample(2 * SECOND, none, context);
    tally.sample(3 * SECOND, fleetSample({ cpu: 0.4 }), context);
    expect(tally.summary.cpu).toBeCloseTo(0.3, 9);
  });

  it('leaves the autoscaler a CPU to decide by', () => {
    const spec = experiment();
    const collector = new Collector(spec);
    const start = spec.startAtMs;
    collector.sample(start + SECOND, fleetSample({ cpu: 0.2 }), 0, ledgerCounts());
    collector.sample(start + 2 * SECOND, none, 0, ledgerCounts());
    expect(collector.scalingInputs(start + 2 * SECOND).cpu).toBeCloseTo(0.2, 9);
  });

  it('leaves a row of the chart with a number', () => {
    const series = new Series(0, 10 * SECOND, []);
    series.sample(SECOND, fleetSample({ cpu: 0.2 }), 0, 0);
    series.sample(2 * SECOND, none, 0, 0);
    expect(series.snapshot().columns.cpu[0]).toBeCloseTo(0.2, 9);
  });
});
