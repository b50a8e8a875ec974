import { join } from 'node:path';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import { CoordinatorProcesses } from '../../../runtime/targets/processes/coordinator-processes.js';
import { until } from '../../cli/stage.js';
import { onError } from '../../support/core.js';

const STUB = join(__dirname, 'fixtures/stub-role.mjs');

describe('coordinators as processes', () => {
  it('say who leads, and a killed one is started again', async () => {
    const clock = new RealClock();
    const coordinators = new CoordinatorProcesses({
      ...{ replicas: 2, restartMs: 50, clock, command: [process.execPath, STUB] as const, env: { ...process.env } },
      ...{ onText: () => undefined, onError },
    });
    coordinators.start();
    await until(() => coordinators.leading()?.id === 'coordinator-1');
    const { pid } = coordinators.leading()!;
    process.kill(pid!, 'SIGKILL');
    await until(() => coordinators.leading() === null);
    await until(() => ![null, pid].includes(coordinators.leading()?.pid ?? null));
    await coordinators.close();
    expect(coordinators.leading()).toBeNull();
  }, 30_000);
});
