import fc from 'fast-check';
import { decide, INITIAL_STATE, type ScalingState } from '../../runtime/scaling/decision.js';
import type { PlannedAgents, ScalingInputs, ScalingPlan } from '../../runtime/scaling/port.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { calmInputs, fleetRules, idleInputs, MEAN_SERVICE_MS, scalingRules } from './rules.js';

const NOW = 1_000_000_000;
const RULES = scalingRules();
const FLEET = fleetRules();
const NO_PLAN: ScalingPlan = { floor: 50, planned: null };

const planned = (agents: number, source: PlannedAgents['source'] = 'forecast'): ScalingPlan => ({
  floor: 50,
  planned: { agents, source, detail: `${source} wants ${agents}` },
});

function target(inputs: ScalingInputs, state: ScalingState = INITIAL_STATE, plan: ScalingPlan = NO_PLAN): number {
  return decide(RULES, FLEET, inputs, plan, state, NOW).decision.to;
}

describe('scaling up', () => {
  test.each([
    ['queue depth', { queueDepth: 101 }],
    ['average wait', { avgWaitMs: 30_001 }],
    ['CPU', { cpu: 0.71 }],
  ])('%s above its threshold adds one increment', (_, over) => {
    expect(target(calmInputs(over))).toBe(110);
  });

  test('a metric at its threshold is not above it', () => {
    expect(target(calmInputs({ queueDepth: 100, avgWaitMs: 6_000, cpu: 0.4 }))).toBe(100);
  });

  test('many errors alone trigger nothing: they are part of the score only', () => {
    expect(target(calmInputs({ errorRate: 1 }))).toBe(100);
  });

  test('a score of 1 scales up though no metric has passed its own threshold', () => {
    const inputs = calmInputs({ queueDepth: 100, avgWaitMs: 30_000, cpu: 0.7, errorRate: 0.1 });
    const { decision } = decide(RULES, FLEET, inputs, NO_PLAN, INITIAL_STATE, NOW);
    expect(decision.record.score).toBeGreaterThanOrEqual(1);
    expect(decision.to).toBe(110);
  });

  test('adds what the offered load needs where that is more than the increment', () => {
    expect(target(calmInputs({ queueDepth: 300, offeredPerMin: 1_000 }))).toBe(198);
  });

  test('refused demand counts: a queue kept short by refusing work still scales up', () => {
    expect(target(calmInputs({ queueDepth: 30, avgWaitMs: 4_000, offeredPerMin: 800, refusedPerMin: 200 }))).toBe(159);
  });

  test('goes no further than the maximum, and says so', () => {
    const { decision } = decide(
      RULES,
      FLEET,
      calmInputs({ queueDepth: 500, offeredPerMin: 2_000 }),
      NO_PLAN,
      INITIAL_STATE,
      NOW,
    );
    expect(decision).toMatchObject({ to: 250, limited: true });
    expect(decision.record.reason).toMatch(/queue_depth 500 is above 100.*396 agents.*250 is the most allowed/);
  });

  test('waits 5 min after the last scale-up, and not after a scale-down', () => {
    const busy = calmInputs({ queueDepth: 200 });
    expect(target(busy, { ...INITIAL_STATE, upAt: NOW - 5 * MINUTE + 1 })).toBe(100);
    expect(target(busy, { ...INITIAL_STATE, upAt: NOW - 5 * MINUTE })).toBe(110);
    expect(target(busy, { ...INITIAL_STATE, downAt: NOW - SECOND })).toBe(110);
  });
});

describe('scaling down', () => {
  test('takes 5 agents when every trigger is below its lower threshold', () => {
    expect(target(idleInputs())).toBe(95);
  });

  test.each([
    ['queue depth', { queueDepth: 20 }],
    ['average wait', { avgWaitMs: 5_000 }],
    ['CPU', { cpu: 0.3 }],
    ['refused work', { refusedPerMin: 1 }],
  ])('%s alone keeps the agents', (_, kept) => {
    expect(target(idleInputs(kept))).toBe(100);
  });

  test('waits 10 min after a scale-down and after a scale-up of any cause', () => {
    expect(target(idleInputs(), { ...INITIAL_STATE, downAt: NOW - 10 * MINUTE + 1 })).toBe(100);
    expect(target(idleInputs(), { ...INITIAL_STATE, raisedAt: NOW - 10 * MINUTE + 1 })).toBe(100);
    expect(target(idleInputs(), { ...INITIAL_STATE, raisedAt: NOW - 10 * MINUTE, downAt: NOW - 10 * MINUTE })).toBe(95);
  });

  test('never takes what the offered load needs', () => {
    // 495/min need 98 agents.
    expect(target(idleInputs({ offeredPerMin: 495 }))).toBe(98);
    expect(target(idleInputs({ offeredPerMin: 520 }))).toBe(100);
  });

  test('keeps for the length of its cooldown what a burst has needed', () => {
    const burst = decide(RULES, FLEET, calmInputs({ offeredPerMin: 600 }), NO_PLAN, INITIAL_STATE, NOW);
    const soonAfter = decide(RULES, FLEET, idleInputs({ agents: 119 }), NO_PLAN, burst.state, NOW + 9 * MINUTE);
    const later = decide(RULES, FLEET, idleInputs({ agents: 119 }), NO_PLAN, soonAfter.state, NOW + 10 * MINUTE);
    expect(soonAfter.decision.to).toBe(119);
    expect(later.decision.to).toBe(114);
  });

  test('stops at the floor', () => {
    expect(target(idleInputs(), INITIAL_STATE, { floor: 98, planned: null })).toBe(98);
    expect(target(idleInputs({ agents: 52 }), INITIAL_STATE, { floor: 0, planned: null })).toBe(50);
  });
});

describe('floor and plan', () => {
  test('a fleet below its floor is raised at once, whatever the cooldown', () => {
    const { decision } = decide(
      RULES,
      FLEET,
      calmInputs(),
      { floor: 200, planned: null },
      { ...INITIAL_STATE, upAt: NOW },
      NOW,
    );
    expect(decision.record).toMatchObject({
      from: 100,
      to: 200,
      reason: 'the floor is 200 agents',
      floor: 200,
      predictive: null,
    });
  });

  test('a forecast adds at least an increment, the exact number where that is more', () => {
    expect(target(calmInputs(), INITIAL_STATE, planned(101))).toBe(110);
    expect(target(calmInputs(), INITIAL_STATE, planned(140))).toBe(140);
  });

  test('a forecast that needs less changes nothing by itself', () => {
    expect(target(calmInputs(), INITIAL_STATE, planned(60))).toBe(100);
  });

  test("a forecast waits for a forecast's cooldown, the metrics do not", () => {
    const state = { ...INITIAL_STATE, forecastUpAt: NOW - MINUTE, raisedAt: NOW - MINUTE };
    expect(target(calmInputs(), state, planned(140))).toBe(100);
    expect(target(calmInputs({ queueDepth: 200 }), state, planned(140))).toBe(110);
  });

  test('the schedule is followed exactly and at once', () => {
    const state = { ...INITIAL_STATE, upAt: NOW, forecastUpAt: NOW, raisedAt: NOW };
    expect(target(calmInputs(), state, planned(103, 'feed_forward'))).toBe(103);
  });

  test('agents added for a forecast are not taken back piece by piece while it stands', () => {
    expect(target(idleInputs({ agents: 110 }), INITIAL_STATE, planned(101))).toBe(110);
    expect(target(idleInputs({ agents: 112 }), INITIAL_STATE, planned(101))).toBe(107);
  });

  test('the record tells what each part wanted, and the inputs', () => {
    const { decision } = decide(
      scalingRules('predictive'),
      FLEET,
      calmInputs({ queueDepth: 150 }),
      planned(140),
      INITIAL_STATE,
      NOW,
    );
    expect(decision.record).toMatchObject({
      from: 100,
      to: 140,
      mode: 'predictive',
      reactive: 110,
      predictive: 140,
      floor: 50,
      reason: 'forecast wants 140',
      inputs: {
        queueDepth: 150,
        offeredPerMin: 400,
        readyAgents: 100,
        meanServiceMs: MEAN_SERVICE_MS,
        neededAgents: 80,
      },
    });
  });
});

describe('decisions over any course of inputs', () => {
  const step = fc.record({
    queueDepth: fc.integer({ min: 0, max: 500 }),
    avgWaitMs: fc.integer({ min: 0, max: 60_000 }),
    cpu: fc.double({ min: 0, max: 1, noNaN: true }),
    errorRate: fc.double({ min: 0, max: 0.1, noNaN: true }),
    offeredPerMin: fc.integer({ min: 0, max: 2_000 }),
    refusedPerMin: fc.constantFrom(0, 0, 0, 50),
    planned: fc.option(fc.integer({ min: 0, max: 400 })),
  });
  const course = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 120 }),
    agents: fc.integer({ min: 50, max: 250 }),
  });

  interface Taken {
    readonly at: number;
    readonly from: number;
    readonly to: number;
    readonly reactive: number;
  }

  /** Every second look is an idle one half of the time, so that both directions come to pass. */
  function follow(
    { steps, agents }: typeof course extends fc.Arbitrary<infer T> ? T : never,
    withPlan: boolean,
  ): Taken[] {
    let state = INITIAL_STATE;
    let current = agents;
    return steps.map((values, index) => {
      const at = NOW + index * MINUTE;
      const inputs =
        values.queueDepth % 2 === 0 ? idleInputs({ agents: current }) : calmInputs({ ...values, agents: current });
      const plan = withPlan && values.planned !== null ? planned(values.planned) : NO_PLAN;
      const outcome = decide(RULES, FLEET, inputs, plan, state, at);
      state = outcome.state;
      const taken = { at, from: current, to: outcome.decision.to, reactive: outcome.decision.record.reactive };
      current = outcome.decision.to;
      return taken;
    });
  }

  test('never leave the bounds', () => {
    fc.assert(
      fc.property(course, (given) => {
        for (const { to } of follow(given, true)) {
          expect(to).toBeGreaterThanOrEqual(50);
          expect(to).toBeLessThanOrEqual(250);
        }
      }),
    );
  });

  test('respect the cooldowns', () => {
    fc.assert(
      fc.property(course, (given) => {
        const changes = follow(given, false).filter(({ from, to }) => from !== to);
        changes.forEach((change, index) => {
          const earlier = changes.slice(0, index);
          const sinceUp = change.at - (earlier.findLast(({ from, to }) => to > from)?.at ?? -Infinity);
          const sinceAny = change.at - (earlier.at(-1)?.at ?? -Infinity);
          if (change.to > change.from) expect(sinceUp).toBeGreaterThanOrEqual(5 * MINUTE);
          else expect(sinceAny).toBeGreaterThanOrEqual(10 * MINUTE);
        });
      }),
    );
  });

  test('are never lower with a forecast than without', () => {
    const state = fc.record({
      upAt: fc.option(fc.integer({ min: NOW - 20 * MINUTE, max: NOW })),
      forecastUpAt: fc.option(fc.integer({ min: NOW - 20 * MINUTE, max: NOW })),
      raisedAt: fc.option(fc.integer({ min: NOW - 20 * MINUTE, max: NOW })),
      downAt: fc.option(fc.integer({ min: NOW - 20 * MINUTE, max: NOW })),
      needs: fc.constant([]),
    });
    const source = fc.constantFrom('forecast' as const, 'feed_forward' as const);
    fc.assert(
      fc.property(
        step,
        state,
        source,
        fc.integer({ min: 40, max: 300 }),
        fc.integer({ min: 0, max: 400 }),
        (values, before, from, agents, wanted) => {
          for (const inputs of [calmInputs({ ...values, agents }), idleInputs({ agents })]) {
            const without = decide(RULES, FLEET, inputs, NO_PLAN, before, NOW).decision.to;
            expect(decide(RULES, FLEET, inputs, planned(wanted, from), before, NOW).decision.to).toBeGreaterThanOrEqual(
              without,
            );
          }
        },
      ),
    );
  });

  test('take away at most one decrement at a time, from a fleet inside its bounds', () => {
    fc.assert(
      fc.property(course, (given) => {
        for (const { from, to } of follow(given, true)) expect(to).toBeGreaterThanOrEqual(from - 5);
      }),
    );
  });
});
