import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { readClocks } from '../../runtime/queue/adapters/redis/clock-records.js';
import { parseRedisUrl } from '../../runtime/queue/adapters/redis/redis-endpoint.js';
import { openQueue } from '../../runtime/roles/open-queue.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { agentRules, commandRules } from '../agents/real-agents.js';
import { bundledRole } from '../roles/bundled.js';
import { RoleChild } from '../roles/role-child.js';
import { experiment } from '../support/experiment.js';
import { startSingleRedis } from './harness/server.js';
import { until } from './harness/until.js';

const folder = mkdtempSync(join(tmpdir(), 'agent-start-'));
const program = join(folder, 'agent.cjs');
const clock = new RealClock();
const endings: Array<() => unknown> = [];

beforeAll(() => {
  bundledRole('agent', 'runtime/roles/agent', program);
});

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function redis(options: Parameters<typeof startSingleRedis>[0] = {}) {
  const single = await startSingleRedis(options);
  endings.push(() => single.dispose());
  return single.server;
}

/** The queue of the agents' run. */
async function openRun(address: string, spec: Experiment) {
  const opened = await openQueue({
    ...{ redis: parseRedisUrl(`redis://${address}`, 'redis'), path: 'redis', cluster: false, run: 'run-1' },
    ...{ experiment: spec, driver: 'test', clock, observers: [], onError: () => undefined },
  });
  endings.push(() => opened.queue.close());
  return opened;
}

function environment(port: number, spec: Experiment = experiment()): Record<string, string> {
  const file = join(folder, 'spec.json');
  writeFileSync(file, JSON.stringify(spec));
  return {
    ...{ PATH: process.env['PATH'] ?? '', SPEC_FILE: file, POD_NAME: 'agent-1', RUN_ID: 'run-1' },
    REDIS_NODES: `127.0.0.1:${port}`,
  };
}

function agent(port: number, env: Readonly<Record<string, string>> = {}): RoleChild {
  const role = new RoleChild([program], { ...environment(port), ...env });
  endings.push(() => role.child.kill('SIGKILL'));
  return role;
}

test('an agent is ready before Redis is, says what is in the way, and attaches when Redis is there', async () => {
  const server = await redis();
  await server.stop();
  const role = agent(server.port);
  const line = await role.said('no way to the queue so far; it is tried on');
  expect(line).toMatchObject({ level: 'error' });
  expect(JSON.stringify(line)).toContain('ECONNREFUSED');
  expect(await role.get('/readyz')).toEqual({ status: 200, text: 'ready\n' });
  expect(role.lines.map(({ msg }) => msg)).not.toContain('attached');
  await server.start();
  await role.said('attached');
  role.child.kill('SIGTERM');
  expect(await role.exited).toBe(0);
});

test('a password that is not right yet is no reason to end, and an agent that waits leaves at once', async () => {
  const server = await redis({ password: 'correct' });
  const role = agent(server.port, { REDIS_PASSWORD: 'wrong-one' });
  const line = await role.said('no way to the queue so far; it is tried on');
  expect(JSON.stringify(line)).toContain('lets nobody in');
  expect(JSON.stringify(line)).not.toContain('wrong-one');
  role.child.kill('SIGTERM');
  expect(await role.exited).toBe(0);
});

test('what does not pass by itself ends the process with 2', async () => {
  const server = await redis();
  const single = agent(server.port, { REDIS_CLUSTER: 'true' });
  expect(await single.exited).toBe(2);
  expect(single.lines.at(-1)?.msg).toContain('not a node of a cluster');
  await server.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const evicting = agent(server.port);
  expect(await evicting.exited).toBe(2);
  expect(evicting.lines.at(-1)?.msg).toContain('noeviction');
});

test('an agent tells its run how well it knows its clock', async () => {
  const server = await redis();
  await agent(server.port).said('attached');
  const { store } = await openRun(server.address, experiment());
  const told = await until('the clock is told', 10_000, async () => (await readClocks(store.sideKeys))[0] ?? null);
  expect(Math.abs(told.offsetMs)).toBeLessThanOrEqual(told.boundMs + 1);
  expect(told.boundMs).toBeLessThan(50);
});

/** Starts an agent as a run does, with a pipe that ends with this process, and says what the agent says. */
const PARENT = `
  const { spawn } = require('node:child_process');
  const agent = spawn(process.execPath, [process.argv[1]], { detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
  agent.on('exit', (code) => process.exit(code));`;

test('an agent whose run was killed ends, and the programs it had started with it', async () => {
  const server = await redis();
  const spec = {
    ...experiment(),
    executor: { type: 'command', ...agentRules(), command: commandRules(['sleep', '4321']) },
  };
  const env = { ...environment(server.port, spec as Experiment), PARENT_PIPE: 'true' };
  const parent = spawn(process.execPath, ['-e', PARENT, program], { stdio: ['ignore', 'pipe', 'inherit'], env });
  endings.push(() => parent.kill('SIGKILL'));
  for await (const text of createInterface(parent.stdout)) {
    if (text.includes('"attached"')) break;
  }
  const { queue } = await openRun(server.address, spec as Experiment);
  await queue.submit({ index: 1, type: 0, priority: 2, scheduledAt: clock.now() });
  await until('the program runs', 10_000, async () => {
    const found = running('sleep', '4321');
    return found.length > 0 ? found : null;
  });
  expect(running(process.execPath, program)).toHaveLength(1);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(
    'nothing is left',
    5_000,
    async () => running('sleep', '4321').length + running(process.execPath, program).length === 0,
  );
});

/** Processes whose command line begins so; the program that only starts one aside. */
function running(...command: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return command.every((part, i) => args[i] === part) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}
