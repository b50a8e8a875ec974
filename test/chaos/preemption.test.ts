import { FaultBook } from '../../runtime/chaos/fault-book.js';
import { mostNodes, planPreemptions, runPreemptions, type PreemptionOptions } from '../../runtime/chaos/preemption.js';
import { Random } from '../../runtime/kernel/random.js';
import { DAY, HOUR, MINUTE } from '../../runtime/kernel/units.js';
import type { FleetRules } from '../../runtime/spec/experiment.js';
import { Stage, START } from './stage.js';

const fleet: FleetRules = {
  agents: 200,
  reserve: 4,
  min: 50,
  max: 250,
  slots: 4,
  zones: ['A', 'B', 'C', 'D'],
  machineType: 'n2-standard-4',
  requests: { cpuMilli: 400, memoryBytes: 2 ** 30 },
  agentsPerNode: 4,
  startupMs: 20_000,
  nodeStartupMs: 120_000,
  restartMs: 5_000,
  recycle: { maxTasks: 500, maxAgeMs: DAY, maxMemoryBytes: 2 ** 31 },
  drainTimeoutMs: 300_000,
  spot: { enabled: true, preemptedPerDay: 0.05 },
  stages: [],
  coordinators: 3,
};

function plan(rules: FleetRules, durationMs: number, seed = 1): Array<{ atMs: number; node: number }> {
  return [...planPreemptions(rules, durationMs, new Random(seed, 'preemption'))];
}

describe('the plan of pre-emptions', () => {
  test('takes 5 % of the nodes a day, evenly over time and nodes', () => {
    const days = 2_000;
    const planned = plan(fleet, days * DAY);
    const expected = 63 * 0.05 * days;
    expect(mostNodes(fleet)).toBe(63);
    // Four standard deviations of a Poisson count.
    expect(Math.abs(planned.length - expected)).toBeLessThan(4 * Math.sqrt(expected));
    const early = planned.filter(({ atMs }) => atMs < (days * DAY) / 2).length;
    expect(Math.abs(early - expected / 2)).toBeLessThan(4 * Math.sqrt(expected / 2));
    expect(new Set(planned.map(({ node }) => node))).toEqual(new Set(Array.from({ length: 63 }, (_, i) => i)));
  });

  test('has exponential gaps: their standard deviation is their mean', () => {
    const planned = plan(fleet, 2_000 * DAY);
    const gaps = planned.slice(1).map(({ atMs }, i) => atMs - (planned[i]?.atMs ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });

  test('follows from the seed and ends before the run does', () => {
    const planned = plan(fleet, 30 * DAY, 5);
    expect(plan(fleet, 30 * DAY, 5)).toEqual(planned);
    expect(plan(fleet, 30 * DAY, 6)).not.toEqual(planned);
    expect(planned.every(({ atMs }) => atMs < 30 * DAY)).toBe(true);
  });

  test('is empty on nodes that are not Spot, or never pre-empted', () => {
    expect(plan({ ...fleet, spot: { enabled: false, preemptedPerDay: 0.05 } }, 30 * DAY)).toEqual([]);
    expect(plan({ ...fleet, spot: { enabled: true, preemptedPerDay: 0 } }, 30 * DAY)).toEqual([]);
  });
});

describe('a pre-emption', () => {
  function options(stage: Stage, rules: FleetRules, durationMs: number): PreemptionOptions {
    return {
      fleet: rules,
      durationMs,
      clock: stage.clock,
      random: new Random(3, 'preemption'),
      surface: stage.fleet,
      book: new FaultBook(stage.emit),
      emit: stage.emit,
      onInjected: (fault, held) => stage.injected.push({ fault, held }),
      onEnded: (id, at) => stage.ended.push({ id, at: at - START }),
    };
  }

  const often: FleetRules = { ...fleet, agents: 20, reserve: 0, max: 20, spot: { enabled: true, preemptedPerDay: 4 } };

  test('takes all agents of one node and is an involuntary fault', async () => {
    const stage = new Stage(20);
    await stage.play(runPreemptions(options(stage, often, DAY), new AbortController().signal));
    expect(stage.fleet.preempted.length).toBeGreaterThan(5);
    const nodeOf = new Map(stage.fleet.table.map((agent) => [agent.id, agent.node]));
    for (const agents of stage.fleet.preempted) {
      expect(agents).toHaveLength(4);
      expect(new Set(agents.map((id) => nodeOf.get(id))).size).toBe(1);
    }
    const [first] = stage.injected;
    expect(first?.fault).toMatchObject({ id: 'f1', type: 'preemption', voluntary: false, tasksHeld: 8 });
    expect(first?.fault.endedAt).toBe(first?.fault.injectedAt);
    expect(first?.held).toEqual(stage.fleet.heldBy(stage.fleet.preempted[0] as string[]));
    expect(stage.ended).toHaveLength(stage.injected.length);
    expect(stage.events.filter((event) => event.type === 'agents')).toHaveLength(stage.injected.length);
  });

  test('spares nodes that the fleet does not have, so that half a fleet loses half as many', async () => {
    const stage = new Stage(20);
    const larger = { ...often, max: 40 };
    await stage.play(runPreemptions(options(stage, larger, 30 * DAY), new AbortController().signal));
    const planned = plan(larger, 30 * DAY, 3);
    const present = planned.filter(({ node }) => node < 5);
    expect(present.length).toBeLessThan(planned.length);
    expect(stage.injected.map(({ fault }) => fault.injectedAt)).toEqual(present.map(({ atMs }) => START + atMs));
  });

  test('goes on with the plan where the run is taken up, instead of from its beginning', async () => {
    const stage = new Stage(20);
    await stage.play(
      runPreemptions({ ...options(stage, often, DAY), elapsedMs: DAY / 2 }, new AbortController().signal),
    );
    const left = plan(often, DAY, 3).filter(({ atMs }) => atMs >= DAY / 2);
    expect(left.length).toBeGreaterThan(3);
    // Half a day of the run has passed when the stage's clock starts.
    expect(stage.injected.map(({ fault }) => fault.injectedAt)).toEqual(left.map(({ atMs }) => START + atMs - DAY / 2));
  });

  test('happens no more once the platform is told to stop', async () => {
    const stage = new Stage(20);
    const abort = new AbortController();
    stage.at(2 * HOUR, () => {
      abort.abort();
    });
    await stage.play(runPreemptions(options(stage, often, DAY), abort.signal));
    expect(stage.clock.now()).toBeLessThanOrEqual(START + 2 * HOUR + 2 * MINUTE);
    for (const { fault } of stage.injected) expect(fault.injectedAt).toBeLessThan(START + 2 * HOUR);
  });
});
