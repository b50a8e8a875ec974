import type { ExperimentEvent } from '../../runtime/observe/events.js';
import { AutoScaler, type AutoScalerOptions } from '../../runtime/scaling/autoscaler.js';
import type { ScalingContext, ScalingInputs } from '../../runtime/scaling/port.js';
import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { RecordingActuator } from './fleet-model.js';
import {
  calmInputs,
  fleetRules,
  idleInputs,
  loadOf,
  MEAN_SERVICE_MS,
  MONDAY,
  NO_CALENDAR,
  scalingRules,
} from './rules.js';

const RUNNING: ScalingContext = { running: true, experimentMode: true, halted: false };
const BUSY = { queueDepth: 200 };

interface Bench {
  readonly scaler: AutoScaler;
  readonly actuator: RecordingActuator;
  readonly events: ExperimentEvent[];
  readonly halts: string[];
  evaluate(atMs: number, changes?: Partial<ScalingInputs>, context?: ScalingContext): void;
}

function bench(options: Partial<AutoScalerOptions> = {}, agents = 100): Bench {
  const actuator = new RecordingActuator(agents);
  const events: ExperimentEvent[] = [];
  const halts: string[] = [];
  const scaler = new AutoScaler({
    rules: scalingRules(),
    fleet: fleetRules(),
    load: loadOf([10 * MINUTE, 300], [2 * MINUTE, 800, 'burst'], [HOUR, 300]),
    startAtMs: MONDAY,
    mixMeanMs: MEAN_SERVICE_MS,
    actuator,
    emit: (event) => events.push(event),
    onHalt: (reason) => halts.push(reason),
    ...options,
  });
  const evaluate: Bench['evaluate'] = (atMs, changes = {}, context = RUNNING) => {
    scaler.evaluate(
      MONDAY + atMs,
      calmInputs({ agents: actuator.target, readyAgents: actuator.target, ...changes }),
      context,
    );
  };
  return { scaler, actuator, events, halts, evaluate };
}

describe('the autoscaler acts', () => {
  test('through the actuator, and every change is an event with its inputs', () => {
    const { actuator, events, evaluate } = bench();
    evaluate(15 * SECOND, BUSY);
    evaluate(30 * SECOND, BUSY);
    expect(actuator.written).toEqual([110]);
    expect(events).toEqual([
      expect.objectContaining({
        type: 'scaling',
        at: MONDAY + 15 * SECOND,
        decision: expect.objectContaining({ from: 100, to: 110, mode: 'reactive' }) as unknown,
      }),
    ]);
  });

  test.each([
    ['the run is paused', { ...RUNNING, running: false }],
    ['experiment mode is off', { ...RUNNING, experimentMode: false }],
    ['the run is halted', { ...RUNNING, halted: true }],
  ])('not while %s', (_, context) => {
    const { scaler, actuator, evaluate } = bench();
    evaluate(15 * SECOND, BUSY, context);
    expect(scaler.emergency(MONDAY + 20 * SECOND, 200)).toBeNull();
    expect(actuator.written).toEqual([]);
  });

  test('not in mode off', () => {
    const { actuator, evaluate } = bench({ rules: scalingRules('off') });
    evaluate(15 * SECOND, BUSY);
    expect(actuator.written).toEqual([]);
  });

  test('on the mean of the task mix until a service time has been measured', () => {
    const { actuator, evaluate } = bench();
    evaluate(15 * SECOND, { ...BUSY, offeredPerMin: 1_000, meanServiceMs: 0 });
    expect(actuator.written).toEqual([198]);
  });

  test('takes nothing away in the first ten minutes of a run, nor after a pause', () => {
    const { actuator, evaluate } = bench();
    const idle = idleInputs();
    evaluate(15 * SECOND, idle);
    evaluate(10 * MINUTE, idle);
    expect(actuator.written).toEqual([]);
    evaluate(11 * MINUTE, idle, { ...RUNNING, running: false });
    evaluate(HOUR, idle);
    expect(actuator.written).toEqual([]);
    evaluate(HOUR + 10 * MINUTE, idle);
    expect(actuator.written).toEqual([95]);
  });

  test('says at most every ten minutes that more is wanted than allowed', () => {
    const { actuator, events, evaluate } = bench({}, 250);
    for (let at = 15 * SECOND; at <= 25 * MINUTE; at += 15 * SECOND) evaluate(at, { ...BUSY, offeredPerMin: 2_000 });
    expect(actuator.written).toEqual([]);
    expect(events.map(({ at }) => at - MONDAY)).toEqual([
      15 * SECOND,
      10 * MINUTE + 15 * SECOND,
      20 * MINUTE + 15 * SECOND,
    ]);
    expect(events[0]).toMatchObject({
      decision: { from: 250, to: 250, reason: expect.stringContaining('250 is the most allowed') as unknown },
    });
  });
});

describe('the floor', () => {
  test("is the phase's agents and the reserve", () => {
    const { actuator, evaluate } = bench({ fleet: fleetRules({ agents: 200, reserve: 4 }) });
    evaluate(15 * SECOND);
    expect(actuator.written).toEqual([204]);
  });

  test("is the operator's where he has set one", () => {
    const { scaler, actuator, evaluate } = bench({ fleet: fleetRules({ agents: 200 }) });
    scaler.setFloor(120);
    evaluate(15 * SECOND);
    scaler.setFloor(null);
    evaluate(30 * SECOND);
    expect(actuator.written).toEqual([120, 200]);
  });
});

describe('a wanted count of 0', () => {
  test('that the autoscaler did not write means halt: told once, and never scaled up from', () => {
    const { scaler, actuator, halts, evaluate } = bench();
    evaluate(15 * SECOND, BUSY);
    actuator.target = 0;
    evaluate(6 * MINUTE, BUSY);
    evaluate(7 * MINUTE, BUSY);
    actuator.target = 100;
    evaluate(8 * MINUTE, BUSY);
    expect(scaler.emergency(MONDAY + 9 * MINUTE)).toBeNull();
    expect(halts).toHaveLength(1);
    expect(scaler.isHalted()).toBe(true);
    expect(actuator.written).toEqual([110]);
  });

  test('is noticed although experiment mode has been switched off', () => {
    const { actuator, halts, evaluate } = bench();
    actuator.target = 0;
    evaluate(15 * SECOND, {}, { ...RUNNING, experimentMode: false });
    expect(halts).toHaveLength(1);
  });

  test('is noticed by an emergency scale-up', () => {
    const { scaler, actuator, halts, evaluate } = bench();
    evaluate(15 * SECOND);
    actuator.target = 0;
    expect(scaler.emergency(MONDAY + 20 * SECOND, 200)).toBeNull();
    expect(halts).toHaveLength(1);
    expect(actuator.written).toEqual([]);
  });

  test('is nothing before the run runs', () => {
    const { actuator, halts, evaluate } = bench({}, 0);
    evaluate(15 * SECOND, {}, { ...RUNNING, running: false });
    expect(halts).toEqual([]);
    expect(actuator.written).toEqual([]);
  });
});

describe('an emergency', () => {
  test('scales up at once, whatever the cooldown, by what is missing beyond the need', () => {
    const { scaler, events, evaluate } = bench();
    evaluate(15 * SECOND, BUSY);
    evaluate(30 * SECOND, { readyAgents: 60, offeredPerMin: 500 });
    const decision = scaler.emergency(MONDAY + 40 * SECOND);
    // 99 needed by 500/min, 50 of 110 missing.
    expect(decision).toMatchObject({ from: 110, to: 149, mode: 'emergency' });
    expect(events.at(-1)).toEqual({ type: 'scaling', at: MONDAY + 40 * SECOND, decision });
  });

  test('adds one increment at least, what it is told at least, and stays inside the bounds', () => {
    const { scaler, actuator, evaluate } = bench();
    evaluate(15 * SECOND);
    scaler.emergency(MONDAY + 20 * SECOND);
    scaler.emergency(MONDAY + 21 * SECOND, 180);
    scaler.emergency(MONDAY + 22 * SECOND, 1_000);
    expect(scaler.emergency(MONDAY + 23 * SECOND, 1_000)).toBeNull();
    expect(actuator.written).toEqual([110, 180, 250]);
  });

  test('leaves a run alone that has been paused since the last evaluation', () => {
    const { scaler, actuator, evaluate } = bench();
    evaluate(15 * SECOND);
    expect(scaler.emergency(MONDAY + 20 * SECOND, 200, { ...RUNNING, running: false })).toBeNull();
    expect(actuator.written).toEqual([]);
  });

  test('starts the cooldowns of the metrics', () => {
    const { scaler, actuator, evaluate } = bench();
    evaluate(15 * SECOND);
    scaler.emergency(MONDAY + 20 * SECOND);
    evaluate(30 * SECOND, BUSY);
    evaluate(5 * MINUTE + 30 * SECOND, BUSY);
    expect(actuator.written).toEqual([110, 120]);
  });
});

describe('feed-forward', () => {
  const rules = scalingRules('feed_forward');

  test('has the agents of a burst asked for one lead time before it begins', () => {
    const { actuator, events, evaluate } = bench({ rules });
    // 120 s for a node and 15 s between evaluations: 10 min − 135 s.
    evaluate(10 * MINUTE - 150 * SECOND);
    expect(actuator.written).toEqual([]);
    evaluate(10 * MINUTE - 135 * SECOND);
    // 800/min × 38 s = 506.7 slots ÷ 3.2
    expect(actuator.written).toEqual([159]);
    expect(events[0]).toMatchObject({
      decision: { mode: 'feed_forward', predictive: 159, reason: "the schedule's 800/min (burst) needs 159 agents" },
    });
  });

  test('leaves it to the metrics to take them back', () => {
    const { actuator, evaluate } = bench({ rules });
    for (let at = 15 * SECOND; at < 40 * MINUTE; at += 15 * SECOND)
      evaluate(at, idleInputs({ offeredPerMin: 300, agents: actuator.target }));
    const steps = actuator.written.slice(1).map((to, index) => (actuator.written[index] as number) - to);
    expect(actuator.written[0]).toBe(159);
    expect(steps).toEqual([5, 5]);
  });

  test('follows a schedule that a pause has shifted', () => {
    const { actuator, evaluate } = bench({ rules });
    evaluate(10 * MINUTE, {}, { ...RUNNING, scheduleMs: 5 * MINUTE });
    expect(actuator.written).toEqual([]);
    evaluate(13 * MINUTE, {}, { ...RUNNING, scheduleMs: 8 * MINUTE });
    expect(actuator.written).toEqual([159]);
  });

  test('is scored apart from the forecast that runs along', () => {
    const { scaler, evaluate } = bench({
      rules: scalingRules('feed_forward', { predictive: NO_CALENDAR }),
      load: loadOf([2 * HOUR, 300]),
    });
    for (let at = 15 * SECOND; at <= 2 * HOUR; at += 15 * SECOND) {
      scaler.recordArrivals(MONDAY + at - 15 * SECOND, at <= HOUR ? 75 : 82.5);
      evaluate(at);
    }
    const report = scaler.forecastReport();
    expect(report?.candidates).toEqual([{ model: 'last_value', error: expect.any(Number) as number }]);
    // Off by 30 of 330 in the second hour, right in the first.
    expect(report?.feedForwardError).toBeCloseTo(30 / 630, 2);
  });
});

describe('prediction', () => {
  test('asks for the agents that the forecast needs', () => {
    const { scaler, actuator, evaluate } = bench({
      rules: scalingRules('predictive', { predictive: NO_CALENDAR }),
      load: loadOf([3 * HOUR, 500]),
    });
    for (let at = 15 * SECOND; at <= 2 * HOUR; at += 15 * SECOND) {
      scaler.recordArrivals(MONDAY + at - 15 * SECOND, 150);
      evaluate(at, { offeredPerMin: 600 });
    }
    // 600/min × 38 s ÷ 3.2 slots
    expect(actuator.written).toEqual([119]);
  });

  test('is off where the rules say so, and reports nothing then', () => {
    const rules = scalingRules('predictive', { predictive: { ...NO_CALENDAR, enabled: false } });
    expect(bench({ rules }).scaler.forecastReport()).toBeNull();
    expect(bench().scaler.forecastReport()).toBeNull();
  });
});

describe('stages', () => {
  const fleet = fleetRules({
    stages: [
      { startMs: 0, endMs: HOUR, agents: 50 },
      { startMs: HOUR, endMs: 2 * HOUR, agents: 100 },
    ],
  });

  test('are followed exactly, whatever the metrics say', () => {
    const { scaler, actuator, events, evaluate } = bench({ fleet, rules: scalingRules('off') });
    evaluate(15 * SECOND, BUSY);
    evaluate(HOUR - 15 * SECOND, BUSY);
    expect(scaler.emergency(MONDAY + HOUR - SECOND, 200)).toBeNull();
    evaluate(HOUR, BUSY);
    expect(actuator.written).toEqual([50, 100]);
    expect(events[1]).toMatchObject({ decision: { mode: 'stages', from: 50, to: 100 } });
  });
});

describe('a snapshot', () => {
  test('keeps cooldowns, floor, halt and forecast through JSON', () => {
    const rules = scalingRules('predictive', { predictive: NO_CALENDAR });
    const original = bench({ rules });
    original.scaler.setFloor(105);
    for (let at = 15 * SECOND; at <= HOUR; at += 15 * SECOND) {
      original.scaler.recordArrivals(MONDAY + at - 15 * SECOND, 50);
      original.evaluate(at);
    }
    original.evaluate(HOUR + 15 * SECOND, BUSY);
    const snapshot = JSON.parse(JSON.stringify(original.scaler.snapshot())) as ReturnType<AutoScaler['snapshot']>;

    const resumed = bench({ rules }, original.actuator.target);
    resumed.scaler.restore(snapshot);
    expect(resumed.scaler.snapshot()).toEqual(snapshot);
    expect(resumed.scaler.forecastReport()).toEqual(original.scaler.forecastReport());
    resumed.evaluate(HOUR + MINUTE, BUSY);
    expect(resumed.actuator.written).toEqual([]);
    resumed.evaluate(HOUR + 6 * MINUTE, BUSY);
    expect(resumed.actuator.written).toHaveLength(1);
  });

  test('of a halted fleet stays halted', () => {
    const original = bench();
    original.actuator.target = 0;
    original.evaluate(15 * SECOND);
    const resumed = bench();
    resumed.scaler.restore(original.scaler.snapshot());
    resumed.evaluate(MINUTE, BUSY);
    expect(resumed.actuator.written).toEqual([]);
  });
});
