import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fleet } from '../../../runtime/agents/fleet.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import type { ExperimentEvent } from '../../../runtime/observe/events.js';
import { AgentProcesses } from '../../../runtime/targets/processes/agent-processes.js';
import { until } from '../../cli/stage.js';
import { experiment } from '../../support/experiment.js';

const STUB = join(__dirname, 'fixtures/stub-role.mjs');
const IN_TIME = 100;

jest.setTimeout(60_000);

/** Three agents that are processes, and a way to tell them what the queue's log says. */
async function stage(stub = '', agents = 3) {
  const clock = new RealClock();
  const spec = experiment({ fleet: { agents, restartMs: IN_TIME, startupMs: IN_TIME, nodeStartupMs: IN_TIME } });
  const texts: string[] = [];
  const events: ExperimentEvent[] = [];
  const members = new AgentProcesses({
    ...{ experiment: spec, clock, command: [process.execPath, STUB] as const },
    env: { ...process.env, STUB: stub },
    onText: (text) => texts.push(text),
  });
  const fleet = new Fleet({ experiment: spec, clock, members, events: (event) => events.push(event) });
  const progress: number[] = [];
  try {
    await members.prepare(agents, (ready) => progress.push(ready), new AbortController().signal);
  } catch (error) {
    await members.close();
    throw error;
  }
  fleet.deploy(agents);
  const lease = (attemptId: string, index: number) => ({
    ...{ attemptId, attempt: 1 },
    task: { index, type: 0, priority: 2 as const, scheduledAt: 0 },
  });
  return { clock, members, fleet, events, texts, progress, lease };
}

const agentId = (id: string) => ({ id, incarnation: 0, zone: '' });
const pidOf = (fleet: Fleet, id: string): number => (fleet.agent(id) as unknown as { pid: number }).pid;
const ready = (fleet: Fleet): number => fleet.sample().active;

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('agents as processes', () => {
  let stages: Array<Awaited<ReturnType<typeof stage>>> = [];
  const staged = async (...args: Parameters<typeof stage>) => {
    const made = await stage(...args);
    stages.push(made);
    return made;
  };

  afterEach(async () => {
    for (const { fleet } of stages) await fleet.close();
    stages = [];
  });

  it('are all there when the run begins, each a process of its own', async () => {
    const { fleet, progress, texts } = await staged();
    expect(progress).toEqual([1, 2, 3]);
    expect(fleet.sample()).toMatchObject({ total: 3, active: 3, idle: 3, error: 0, restarts: 0 });
    const pids = fleet.agents().map(({ id }) => pidOf(fleet, id));
    expect(new Set([...pids, process.pid]).size).toBe(4);
    expect(pids.every(isThere)).toBe(true);
    expect(texts.some((text) => text.includes('"agent-003"'))).toBe(true);
  });

  it('hold what the log of the queue says, by attempt', async () => {
    const { fleet, members, lease } = await staged();
    const one = agentId('agent-001');
    members.started(lease('x1', 7), one);
    members.started(lease('x2', 8), one);
    members.started(lease('x3', 9), agentId('nobody'));
    expect(fleet.agent('agent-001')!.held()).toEqual([7, 8]);
    expect(fleet.sample()).toMatchObject({ busySlots: 2, idle: 2 });
    members.finished(lease('x1', 7), one, { status: 'success', error: null, retryAfterMs: 0 }, 'counted');
    members.requeued(lease('x2', 8), one);
    members.requeued(lease('x2', 8), one);
    expect(fleet.sample()).toMatchObject({ busySlots: 0, idle: 3 });
    expect(fleet.agent('agent-001')!.tasksEnded).toBe(1);
  });

  it('are killed without a word, and are back as other processes', async () => {
    const { fleet, members, lease, events } = await staged();
    members.started(lease('x1', 7), agentId('agent-002'));
    const before = pidOf(fleet, 'agent-002');
    fleet.kill(['agent-002']);
    expect(fleet.sample()).toMatchObject({ active: 2, error: 1, busySlots: 0, restarts: 1 });
    await until(() => !isThere(before));
    await until(() => ready(fleet) === 3);
    expect(pidOf(fleet, 'agent-002')).not.toBe(before);
    // What the dead one held is not the new one's.
    members.requeued(lease('x1', 7), agentId('agent-002'));
    expect(fleet.sample()).toMatchObject({ busySlots: 0, idle: 3 });
    expect(events).toEqual([]);
  });

  it('that end by themselves are told of, and started again', async () => {
    const { fleet, events } = await staged();
    const before = pidOf(fleet, 'agent-001');
    process.kill(before, 'SIGABRT');
    await until(() => events.length > 0);
    expect(events).toMatchObject([{ type: 'agents', change: 'crashed', agents: ['agent-001'] }]);
    expect(fleet.sample()).toMatchObject({ error: 1, restarts: 1 });
    await until(() => ready(fleet) === 3);
    expect(pidOf(fleet, 'agent-001')).not.toBe(before);
  });

  (process.platform === 'linux' ? it : it.skip)('stand still when they are frozen, and go on', async () => {
    const { fleet } = await staged();
    const pid = pidOf(fleet, 'agent-001');
    const state = (): string | undefined => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
    fleet.freeze(['agent-001'], true);
    expect(fleet.sample()).toMatchObject({ active: 2, error: 1 });
    await until(() => state() === 'T');
    fleet.freeze(['agent-001'], false);
    expect(fleet.sample()).toMatchObject({ active: 3, error: 0 });
    await until(() => state() !== 'T');
  });

  it('leave when the fleet shrinks, and come when it grows', async () => {
    const { fleet } = await staged();
    const third = pidOf(fleet, 'agent-003');
    fleet.scaleTo(2);
    await until(() => !isThere(third));
    await until(() => fleet.sample().total === 2);
    expect(fleet.sample()).toMatchObject({ restarts: 0, recycled: 0 });
    fleet.scaleTo(4);
    await until(() => ready(fleet) === 4);
  });

  it('end with the run, also those that do not want to or stand still', async () => {
    const { fleet } = await staged('stubborn', 2);
    fleet.freeze(['agent-002'], true);
    const pids = fleet.agents().map(({ id }) => pidOf(fleet, id));
    await fleet.close();
    expect(pids.some(isThere)).toBe(false);
  });

  it('end at once when the run is halted', async () => {
    const { fleet } = await staged('stubborn', 2);
    const pids = fleet.agents().map(({ id }) => pidOf(fleet, id));
    fleet.halt();
    await until(() => !pids.some(isThere), 2_000);
    expect(fleet.sample()).toMatchObject({ total: 0, active: 0 });
  });

  (process.platform === 'linux' ? it : it.skip)('are measured in CPU and memory', async () => {
    const { fleet, members } = await staged();
    await until(() => members.usage() !== null);
    const { cpu, memoryBytes } = fleet.sample();
    expect(cpu).toBeGreaterThanOrEqual(0);
    expect(memoryBytes).toBeGreaterThan(3 * 2 ** 20);
  });

  it('that cannot be started end the start, with what they said last', async () => {
    await expect(stage('dies')).rejects.toThrow(/An agent could not be started\n.*exit code 3: no such key: model/);
  });

  it('are called off while they start', async () => {
    const clock = new RealClock();
    const members = new AgentProcesses({
      ...{ experiment: experiment(), clock, command: [process.execPath, STUB] as const },
      ...{ env: { ...process.env }, onText: () => undefined },
    });
    const calledOff = new AbortController();
    const prepared = members.prepare(20, () => calledOff.abort(), calledOff.signal);
    await expect(prepared).rejects.toThrow('called off');
    await members.close();
  });
});
