import fc from 'fast-check';
import { identityHolds } from '../../../runtime/observe/audit.js';
import { MINUTE, SECOND } from '../../../runtime/kernel/units.js';
import type { FleetSample } from '../../../runtime/agents/port.js';
import { core } from '../../support/core.js';
import { experiment, type ExperimentParts } from '../../support/experiment.js';

const START = experiment().startAtMs;

/** A fleet under load, on a clock that can be stopped and looked at; the coordinator's sweeps included. */
function stage(parts: ExperimentParts = {}, sweeps = true) {
  const spec = experiment({ durationMs: 60 * MINUTE, ...parts });
  const events: string[] = [];
  const parts_ = core(spec, [], (event) => {
    if (event.type === 'agents') events.push(`${event.change} ${event.agents.join()} ${event.reason}`);
  });
  const { clock, fleet, queue } = parts_;
  if (sweeps) {
    clock.every(250, () => {
      queue.sweep();
    });
  }
  const runUntil = async (ms: number): Promise<void> => {
    clock.at(START + ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  const ready = (): string[] =>
    fleet
      .agents()
      .filter((agent) => agent.ready)
      .map((agent) => agent.id);
  return { ...parts_, spec, events, runUntil, ready };
}

describe('fleet', () => {
  it('is ready at once when it is deployed, dealt to zones and nodes in turn', () => {
    const { fleet } = stage({ fleet: { agents: 10, zones: ['A', 'B'], agentsPerNode: 4 } });
    fleet.deploy(10);
    expect(fleet.sample()).toMatchObject({ total: 10, target: 10, active: 10, idle: 10, error: 0, slots: 40 });
    expect(fleet.sample().byZone).toEqual({ A: 5, B: 5 });
    expect(fleet.agents().map(({ id, node }) => `${id} ${node}`)).toEqual([
      ...['agent-001 A-1', 'agent-002 B-1', 'agent-003 A-1', 'agent-004 B-1', 'agent-005 A-1', 'agent-006 B-1'],
      ...['agent-007 A-1', 'agent-008 B-1', 'agent-009 A-2', 'agent-010 B-2'],
    ]);
  });

  it('grows within the start-up of a pod where a node has room, and of a node where one must come first', async () => {
    const { fleet, runUntil, ready } = stage({ fleet: { zones: ['A'], agentsPerNode: 4 } });
    fleet.deploy(6);
    fleet.scaleTo(10);
    expect(fleet.sample()).toMatchObject({ total: 10, target: 10, active: 6, error: 0 });
    await runUntil(19_900);
    expect(ready()).toHaveLength(6);
    await runUntil(20_100);
    // Two fit on the second node, the other two need a third.
    expect(ready()).toHaveLength(8);
    await runUntil(119_900);
    expect(ready()).toHaveLength(8);
    await runUntil(120_100);
    expect(ready()).toHaveLength(10);
  });

  it('shrinks from the youngest on, and each finishes its tasks first', async () => {
    const { fleet, queue, generator, runUntil, ready } = stage({ ratePerMin: 1_800 });
    fleet.deploy(10);
    generator.start();
    await runUntil(10 * SECOND);
    const going = fleet.agents().slice(6);
    const held = going.flatMap(({ id }) => fleet.agent(id)!.held());
    expect(held.length).toBeGreaterThan(0);
    fleet.scaleTo(6);
    expect(ready()).toEqual(
      fleet
        .agents()
        .slice(0, 6)
        .map(({ id }) => id),
    );
    await runUntil(MINUTE);
    expect(fleet.sample()).toMatchObject({ total: 6, active: 6, restarts: 0 });
    expect(queue.counts()).toMatchObject({ expired: 0, failed: 0 });
    for (const index of held) expect(queue.stateOf(index)).toBeNull();
  });

  it('hands back what an agent has not finished when its time to drain is over', async () => {
    const { fleet, queue, runUntil } = stage({
      fleet: { drainTimeoutMs: 30 * SECOND },
      tasks: { types: [{ name: 'long', share: 1, meanMs: 5 * MINUTE, tokens: { input: 0, output: 0 } }] },
    });
    fleet.deploy(2);
    for (let index = 0; index < 8; index += 1) queue.submit({ index, type: 0, priority: 2, scheduledAt: START });
    fleet.scaleTo(1);
    await runUntil(29_900);
    expect(queue.counts()).toMatchObject({ leased: 8, queued: 0 });
    await runUntil(30_100);
    expect(fleet.sample()).toMatchObject({ total: 1, busySlots: 4 });
    expect(queue.counts()).toMatchObject({ leased: 4, queued: 4, expired: 0 });
  });

  it('does not wait for agents that had not even started when it shrinks', async () => {
    const { fleet, runUntil } = stage();
    fleet.deploy(2);
    fleet.scaleTo(8);
    fleet.scaleTo(2);
    expect(fleet.sample()).toMatchObject({ total: 2, active: 2 });
    await runUntil(5 * MINUTE);
    expect(fleet.sample()).toMatchObject({ total: 2, active: 2 });
  });

  it('brings killed agents back after the restart, as new incarnations', async () => {
    const { fleet, runUntil, ready } = stage();
    fleet.deploy(5);
    const [first] = fleet.agents();
    fleet.kill(['agent-001', 'agent-002', 'nobody']);
    expect(ready()).toEqual(['agent-003', 'agent-004', 'agent-005']);
    expect(fleet.sample()).toMatchObject({ active: 3, error: 2, restarts: 2, total: 5, idle: 3 });
    await runUntil(4_900);
    expect(ready()).toHaveLength(3);
    await runUntil(5_100);
    expect(ready()).toHaveLength(5);
    expect(fleet.agents()[0]!.incarnation).toBeGreaterThan(first!.incarnation);
  });

  it('brings agents of a pre-empted node back when their node is', async () => {
    const { fleet, runUntil, ready } = stage();
    fleet.deploy(5);
    fleet.kill(['agent-001'], 2 * MINUTE);
    await runUntil(119_900);
    expect(ready()).toHaveLength(4);
    await runUntil(120_100);
    expect(ready()).toHaveLength(5);
  });

  it('loses a zone with all its agents, and gets them back only when the zone is back', async () => {
    const { fleet, runUntil, ready } = stage();
    fleet.deploy(8);
    fleet.kill(['agent-001']);
    fleet.setZone('A', false);
    expect(fleet.sample().byZone).toEqual({ A: 0, B: 2, C: 2, D: 2 });
    fleet.scaleTo(12);
    await runUntil(3 * MINUTE);
    // The new place in the dead zone waits with the others.
    expect(fleet.sample()).toMatchObject({ total: 12, active: 9, error: 3 });
    fleet.setZone('A', true);
    await runUntil(3 * MINUTE + 5_100);
    expect(ready()).toHaveLength(12);
  });

  it('counts frozen agents as being in error until they are thawed', async () => {
    const { fleet, generator, runUntil } = stage({ ratePerMin: 1_200 });
    fleet.deploy(10);
    generator.start();
    await runUntil(5 * SECOND);
    const ids = fleet.agents().map(({ id }) => id);
    fleet.freeze(ids, true);
    expect(fleet.sample()).toMatchObject({ active: 0, error: 10, busySlots: 0, idle: 0 });
    await runUntil(8 * SECOND);
    fleet.freeze(ids, false);
    expect(fleet.sample()).toMatchObject({ active: 10, error: 0 });
    expect(fleet.sample().busySlots).toBeGreaterThan(20);
  });

  it('runs slow where it is told to, until the agent is started again', async () => {
    const { fleet, runUntil } = stage();
    fleet.deploy(2);
    fleet.slow(['agent-001'], 5);
    expect(fleet.agent('agent-001')!.slowdown).toBe(5);
    fleet.kill(['agent-001']);
    await runUntil(6 * SECOND);
    expect(fleet.agent('agent-001')!.slowdown).toBe(1);
  });

  it('stops everything at once when it is halted: nothing starts elsewhere, nothing comes back', async () => {
    const started: number[] = [];
    const { fleet, queue, generator, runUntil } = stage({ ratePerMin: 600 });
    fleet.deploy(10);
    generator.start();
    fleet.kill(['agent-010']);
    await runUntil(5 * SECOND);
    fleet.kill(['agent-009']);
    generator.stop();
    const before = queue.counts();
    expect(before.leased).toBeGreaterThan(0);
    const { begin } = queue;
    queue.begin = (entry, session) => {
      started.push(entry.task.index);
      begin.call(queue, entry, session);
    };
    fleet.halt();
    expect(started).toEqual([]);
    expect(fleet.sample()).toMatchObject({ total: 0, active: 0, busySlots: 0, idle: 0, error: 0, memoryBytes: 0 });
    fleet.scaleTo(5);
    await runUntil(5 * MINUTE);
    expect(fleet.sample()).toMatchObject({ total: 0, active: 0 });
    expect(queue.counts()).toMatchObject({ leased: 0, completed: before.completed });
    expect(identityHolds(queue.counts())).toBe(true);
  });
});

describe('recycling', () => {
  const limits = (recycle: Partial<{ maxTasks: number; maxAgeMs: number; maxMemoryBytes: number }>) => ({
    maxTasks: Number.MAX_SAFE_INTEGER,
    maxAgeMs: Number.MAX_SAFE_INTEGER,
    maxMemoryBytes: Number.MAX_SAFE_INTEGER,
    ...recycle,
  });

  /** Runs for so long and answers the fewest agents ever ready, looked at every 100 ms. */
  async function fewestReady(parts: ExperimentParts, agents: number, forMs: number) {
    const stage_ = stage(parts);
    const { clock, fleet, generator, runUntil } = stage_;
    let fewest = agents;
    fleet.deploy(agents);
    generator.start();
    clock.every(100, () => {
      fewest = Math.min(fewest, fleet.sample().active);
    });
    await runUntil(forMs);
    return { ...stage_, fewest };
  }

  it.each([
    ['tasks', limits({ maxTasks: 50 })],
    ['age', limits({ maxAgeMs: 2 * MINUTE })],
    ['memory', limits({ maxMemoryBytes: 600 * 2 ** 20 })],
  ])('exchanges agents at their limit of %s, never more at a time than the reserve covers', async (name, recycle) => {
    const { fleet, queue, events, fewest } = await fewestReady(
      {
        ratePerMin: 1_200,
        fleet: { agents: 10, reserve: 2, recycle },
        simulation: { memory: { baseBytes: 2 ** 28, perBusySlotBytes: 2 ** 20, leakPerTaskBytes: 5 * 2 ** 20 } },
      },
      12,
      10 * MINUTE,
    );
    expect(fewest).toBe(10);
    expect(fleet.sample().recycled).toBeGreaterThan(10);
    expect(events[0]).toMatch(new RegExp(`^recycled agent-\\d+ ${name} limit reached$`));
    expect(new Set(events.map((event) => event.split(' ')[1])).size).toBe(12);
    expect(queue.counts()).toMatchObject({ expired: 0, retried: 0 });
    // A recycled agent begins anew.
    const oldest = Math.max(...fleet.agents().map(({ id }) => fleet.agent(id)?.tasksEnded ?? 0));
    if (name === 'tasks') expect(oldest).toBeLessThan(120);
  });

  it('does not take the fleet below its floor where there is no reserve', async () => {
    const { fleet, fewest } = await fewestReady(
      { ratePerMin: 1_200, fleet: { agents: 10, reserve: 0, recycle: limits({ maxTasks: 20, maxAgeMs: MINUTE }) } },
      10,
      5 * MINUTE,
    );
    expect(fewest).toBe(10);
    expect(fleet.sample().recycled).toBe(0);
  });

  it('exchanges leaking agents one at a time where there is no reserve: memory leaves no choice', async () => {
    const { fleet, fewest } = await fewestReady(
      {
        ratePerMin: 1_200,
        fleet: { agents: 10, reserve: 0, recycle: limits({ maxMemoryBytes: 2 ** 29 }) },
        simulation: { memory: { baseBytes: 2 ** 28, perBusySlotBytes: 0, leakPerTaskBytes: 2 ** 20 } },
      },
      10,
      10 * MINUTE,
    );
    expect(fleet.sample().recycled).toBeGreaterThan(10);
    expect(fewest).toBe(9);
  });
});

describe('fleet figures', () => {
  it('model memory as base, busy slots, and what leaks with every task until the agent goes', async () => {
    const memory = { baseBytes: 1_000_000, perBusySlotBytes: 10_000, leakPerTaskBytes: 100 };
    const { fleet, generator, runUntil } = stage({
      ratePerMin: 600,
      simulation: { memory, networkBytesPerTask: 7, cpu: { idle: 0.02, perBusySlot: 0.1 } },
    });
    fleet.deploy(10);
    expect(fleet.sample()).toMatchObject({ memoryBytes: 10_000_000, cpu: 0.02, networkBytes: 0, connections: 10 });
    generator.start();
    await runUntil(5 * MINUTE);
    const sample = fleet.sample();
    const ended = fleet.agents().reduce((sum, { id }) => sum + fleet.agent(id)!.tasksEnded, 0);
    expect(ended).toBeGreaterThan(2_900);
    expect(sample.memoryBytes).toBe(10_000_000 + sample.busySlots * 10_000 + ended * 100);
    expect(sample.networkBytes).toBe(ended * 7);
    expect(sample.cpu).toBeCloseTo(0.02 + (0.1 * sample.busySlots) / 10, 9);
    fleet.kill(fleet.agents().map(({ id }) => id));
    expect(fleet.sample()).toMatchObject({ memoryBytes: 0, networkBytes: ended * 7, cpu: NaN });
  });

  it('are what counting all agents one by one gives, whatever happens to them', async () => {
    const ids = fc.shuffledSubarray([...Array(14).keys()].map((i) => `agent-${String(i + 1).padStart(3, '0')}`));
    const operation = fc.oneof(
      fc.record({ do: fc.constant('scale' as const), agents: fc.nat(14) }),
      fc.record({ do: fc.constantFrom('kill', 'freeze', 'thaw'), ids }),
      fc.record({ do: fc.constantFrom('zoneDown', 'zoneUp'), zone: fc.constantFrom('A', 'B', 'C', 'D') }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
        const { fleet, queue, generator, runUntil, spec } = stage({
          ratePerMin: 1_500,
          fleet: {
            reserve: 2,
            startupMs: 5_000,
            nodeStartupMs: 9_000,
            drainTimeoutMs: 4_000,
            recycle: limitsOfTasks(30),
          },
        });
        fleet.deploy(8);
        generator.start();
        let elapsed = 0;
        for (const each of operations) {
          if (each.do === 'wait') {
            elapsed += each.ms;
            await runUntil(elapsed);
          } else if (each.do === 'scale') fleet.scaleTo(each.agents);
          else if ('zone' in each) fleet.setZone(each.zone, each.do === 'zoneUp');
          else if (each.do === 'kill') fleet.kill(each.ids);
          else fleet.freeze(each.ids, each.do === 'freeze');
          expectRecount(fleet.sample(), fleet, spec.fleet.slots);
          expect(identityHolds(queue.counts())).toBe(true);
        }
        fleet.halt();
        expectRecount(fleet.sample(), fleet, spec.fleet.slots);
      }),
      { numRuns: 40 },
    );
  });
});

function limitsOfTasks(maxTasks: number) {
  return { maxTasks, maxAgeMs: Number.MAX_SAFE_INTEGER, maxMemoryBytes: Number.MAX_SAFE_INTEGER };
}

/** Compares the running figures with a look at every agent. */
function expectRecount(sample: FleetSample, fleet: ReturnType<typeof core>['fleet'], slots: number): void {
  const agents = fleet.agents();
  const ready = agents.filter((agent) => agent.ready);
  const working = agents.map(({ id }) => fleet.agent(id)).filter((agent) => agent?.atWork === true);
  const byZone = Object.fromEntries(
    ['A', 'B', 'C', 'D'].map((zone) => [zone, ready.filter((agent) => agent.zone === zone).length]),
  );
  expect(sample).toMatchObject({
    total: agents.length,
    active: ready.length,
    slots: ready.length * slots,
    byZone,
    busySlots: working.reduce((sum, agent) => sum + agent!.busySlots, 0),
    idle: working.filter((agent) => agent!.busySlots === 0).length,
    connections: working.length,
  });
  expect(sample.error).toBeGreaterThanOrEqual(0);
  expect(sample.active + sample.error).toBeLessThanOrEqual(sample.total);
}
