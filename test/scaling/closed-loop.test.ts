import fc from 'fast-check';
import { augursModels } from '../../runtime/scaling/adapters/augurs.js';
import { Random } from '../../runtime/kernel/random.js';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { overloadedMinutes, runModel } from './fleet-model.js';
import { diurnalLoad, fleetRules, loadOf, NO_CALENDAR, scalingRules } from './rules.js';

const FLEET = fleetRules();

describe('the loop of autoscaler and fleet', () => {
  test('50 agents that meet 500/min after 200/min become the 99 needed, and the queue drains', () => {
    const run = runModel({
      rules: scalingRules(),
      fleet: FLEET,
      load: loadOf([30 * MINUTE, 200], [3 * HOUR, 500]),
      startAgents: 50,
    });
    expect(run.changes[0]).toMatchObject({ from: 50, to: 99 });
    expect((run.changes[0]?.at ?? 0) - 30 * MINUTE).toBeLessThan(3 * MINUTE);
    const last = run.minutes.at(-1);
    expect(last?.agents).toBeGreaterThanOrEqual(99);
    expect(last?.queue).toBe(0);
  });

  test('a load that falls gives the agents back, 5 at a time, down to what it needs', () => {
    const run = runModel({
      rules: scalingRules(),
      fleet: FLEET,
      load: loadOf([30 * MINUTE, 500], [4 * HOUR, 300]),
      startAgents: 120,
      cpuOf: () => 0.1,
    });
    // 300/min × 38 s ÷ 3.2 slots
    expect(run.minutes.at(-1)?.agents).toBe(60);
    expect(run.changes.every(({ from, to }) => to < from && from - to <= 5)).toBe(true);
  });

  test('any load leaves the fleet inside its bounds', () => {
    const piece = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 3_000 }));
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('reactive' as const, 'feed_forward' as const),
        fc.integer({ min: 50, max: 250 }),
        (pieces, mode, startAgents) => {
          const load = loadOf(...pieces.map(([minutes, rate]) => [minutes * MINUTE, rate] as const));
          const run = runModel({
            rules: scalingRules(mode, { predictive: NO_CALENDAR }),
            fleet: FLEET,
            load,
            startAgents,
          });
          for (const { agents } of run.minutes) {
            expect(agents).toBeGreaterThanOrEqual(50);
            expect(agents).toBeLessThanOrEqual(250);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('a steady load never makes it swing: once it has gone down it does not go up again', () => {
    const given = fc.record({
      rate: fc.integer({ min: 20, max: 1_200 }),
      startAgents: fc.integer({ min: 50, max: 250 }),
      // CPU that hardly shows the load is the hard case: the metrics then ask for fewer agents until too few are left.
      cpuPerShare: fc.constantFrom(0, 0.1, 0.4, 0.8),
      mode: fc.constantFrom('reactive' as const, 'predictive' as const),
    });
    fc.assert(
      fc.property(given, ({ rate, startAgents, cpuPerShare, mode }) => {
        const run = runModel({
          rules: scalingRules(mode, { predictive: NO_CALENDAR }),
          fleet: FLEET,
          load: loadOf([5 * HOUR, rate]),
          startAgents,
          cpuOf: (share) => 0.02 + cpuPerShare * share,
        });
        const firstDown = run.changes.findIndex(({ from, to }) => to < from);
        const after = firstDown < 0 ? [] : run.changes.slice(firstDown);
        expect(after.every(({ from, to }) => to < from)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('noise in a steady load does not make it swing either', () => {
    const random = new Random(11, 'noise');
    const run = runModel({
      rules: scalingRules('predictive', { predictive: NO_CALENDAR }),
      fleet: FLEET,
      load: loadOf([12 * HOUR, 500]),
      startAgents: 130,
      noise: () => 1 + 0.15 * random.normal(),
      scaler: { models: augursModels() },
    });
    expect(run.changes.length).toBeLessThan(12);
    expect(run.minutes.every(({ agents }) => agents >= 99)).toBe(true);
  });

  test('feed-forward has the agents of a burst ready when it begins, reactive scaling has not', () => {
    const burst = loadOf([10 * MINUTE, 500], [2 * MINUTE, 1_000, 'burst'], [8 * MINUTE, 500]);
    const overloaded = (mode: 'reactive' | 'feed_forward'): number =>
      overloadedMinutes(runModel({ rules: scalingRules(mode), fleet: FLEET, load: burst, startAgents: 100 }), FLEET);
    expect(overloaded('feed_forward')).toBe(0);
    expect(overloaded('reactive')).toBeGreaterThan(0);
  });

  test('on a day-night curve the forecast spares the overload of every morning', () => {
    const load = diurnalLoad(48, 100, 800);
    const random = new Random(5, 'noise');
    const overloaded = (mode: 'reactive' | 'predictive'): number => {
      const run = runModel({
        rules: scalingRules(mode, { predictive: NO_CALENDAR }),
        fleet: FLEET,
        load,
        startAgents: 50,
        scaler: { models: augursModels() },
        noise: () => 1 + 0.05 * random.normal(),
      });
      return overloadedMinutes(run, FLEET);
    };
    const reactive = overloaded('reactive');
    const predictive = overloaded('predictive');
    expect(reactive).toBeGreaterThan(30);
    expect(predictive).toBeLessThan(reactive / 5);
  });

  test('the same run twice decides the same', () => {
    const once = (): unknown => {
      const random = new Random(5, 'noise');
      const run = runModel({
        rules: scalingRules('predictive'),
        fleet: FLEET,
        load: diurnalLoad(26, 100, 700),
        startAgents: 50,
        scaler: { models: augursModels() },
        noise: () => 1 + 0.1 * random.normal(),
      });
      return [run.changes, run.scaler.forecastReport()];
    };
    expect(once()).toEqual(once());
  });
});
