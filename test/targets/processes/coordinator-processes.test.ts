import { join } from 'node:path';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import type { ExperimentEvent } from '../../../runtime/observe/events.js';
import { CoordinatorProcesses } from '../../../runtime/targets/processes/coordinator-processes.js';
import { until } from '../../cli/stage.js';
import { onError } from '../../support/core.js';

const STUB = join(__dirname, 'fixtures/stub-role.mjs');

describe('coordinators as processes', () => {
  it('say who leads and what they do; a killed leader is started again, and the run keeps its own duties', async () => {
    const clock = new RealClock();
    const events: ExperimentEvent[] = [];
    const coordinators = new CoordinatorProcesses({
      ...{ replicas: 2, restartMs: 50, clock, command: [process.execPath, STUB] as const, env: { ...process.env } },
      ...{ onText: () => undefined, onError },
    });
    let done = 0;
    const duty = { everyMs: 20, run: () => (done += 1) };
    const leadership = coordinators.leadership([duty], (event) => events.push(event));
    coordinators.start();
    leadership.start();
    await until(() => leadership.leader() === 'coordinator-1' && done > 1 && events.length > 1);
    expect(events).toMatchObject([
      { type: 'leader', replica: 'coordinator-1', previous: null },
      { type: 'agents', change: 'expired', agents: ['agent-001'] },
    ]);
    expect(leadership.killLeader()).toBe('coordinator-1');
    await until(() => leadership.leader() === null);
    expect(leadership.killLeader()).toBeNull();
    await until(() => leadership.leader() === 'coordinator-1');
    await leadership.stop();
    const before = done;
    await clock.sleep(60);
    expect([leadership.leader(), done]).toEqual([null, before]);
  }, 30_000);
});
