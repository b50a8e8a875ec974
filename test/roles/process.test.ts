import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { experiment } from '../support/experiment.js';
import { bundledRole } from './bundled.js';

const folder = mkdtempSync(join(tmpdir(), 'role-'));
const program = join(folder, 'sample.cjs');
const spec = join(folder, 'spec.json');
const children: ChildProcess[] = [];

beforeAll(() => {
  bundledRole('sample', 'test/roles/sample-role', program);
  writeFileSync(spec, JSON.stringify(experiment()));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Line = Record<string, unknown> & { readonly msg: string };

/** A role's process, and what it logs. */
class Process {
  readonly lines: Line[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<number>;
  private readonly waiting: Array<() => void> = [];

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { SPEC_FILE: spec, POD_NAME: 'sample-1', ZONE: 'B', RUN_ID: 'run-1', ...env },
    });
    children.push(this.child);
    createInterface(this.child.stdout!).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const look of this.waiting) look();
    });
    this.exited = once(this.child, 'close').then(([code]) => code as number);
  }

  /** Resolves with the first line that says so. */
  said(msg: string): Promise<Line> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.lines.find((line) => line.msg === msg);
        if (found !== undefined) resolve(found);
      };
      this.waiting.push(look);
      look();
    });
  }

  async get(path: string, port = 'healthPort', init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const listening = await this.said('listening');
    const response = await fetch(`http://127.0.0.1:${listening[port]}${path}`, init);
    return { status: response.status, text: await response.text() };
  }
}

test('a role tells its health, its readiness, its metrics and who it is', async () => {
  const role = new Process([], { METRICS_PORT: '0', HEALTH_PORT: '0' });
  await role.said('started');
  expect(await role.get('/healthz')).toEqual({ status: 200, text: 'live\n' });
  expect(await role.get('/readyz')).toEqual({ status: 200, text: 'ready\n' });
  expect((await role.get('/metrics')).text).toMatch(/^process_resident_memory_bytes \d+/m);
  expect(JSON.parse((await role.get('/identity')).text)).toMatchObject({
    ...{ role: 'sample', id: 'sample-1', zone: 'B', runId: 'run-1', title: experiment().title },
  });
  expect((await role.get('/nowhere')).status).toBe(404);
  expect((await role.get('/readyz', 'healthPort', { method: 'POST' })).status).toBe(405);
  expect((await role.get('/broken')).status).toBe(500);
  expect((await role.get('/healthz')).status).toBe(200);
});

test('a role that cannot do its part says so and lives', async () => {
  const role = new Process(['unready']);
  await role.said('started');
  expect(await role.get('/readyz')).toEqual({ status: 503, text: 'not ready\n' });
  expect((await role.get('/healthz')).status).toBe(200);
});

test('SIGTERM drains and then ends with 0; meanwhile the role is live and not ready', async () => {
  const role = new Process(['', '300']);
  await role.said('started');
  role.child.kill('SIGTERM');
  await role.said('draining');
  expect(await role.get('/readyz')).toEqual({ status: 503, text: 'draining\n' });
  expect((await role.get('/healthz')).status).toBe(200);
  expect(await role.exited).toBe(0);
  expect(role.lines.at(-1)?.msg).toBe('drained');
});

test('the preStop hook begins the drain, SIGTERM waits for its end', async () => {
  const role = new Process(['', '100']);
  await role.said('started');
  expect((await role.get('/drain')).status).toBe(200);
  expect((await role.get('/readyz')).status).toBe(503);
  role.child.kill('SIGTERM');
  expect(await role.exited).toBe(0);
  expect(role.lines.filter(({ msg }) => msg === 'draining')).toHaveLength(1);
});

test('a second signal ends at once, and a drain that takes too long ends with 1', async () => {
  const [twice, slow] = [new Process(['', '600000']), new Process(['', '600000'])];
  await Promise.all([twice.said('started'), slow.said('started')]);
  twice.child.kill('SIGTERM');
  slow.child.kill('SIGTERM');
  await twice.said('draining');
  twice.child.kill('SIGINT');
  expect(await twice.exited).not.toBe(0);
  expect(twice.lines.at(-1)?.msg).toMatch('second time');
  expect(await slow.exited).toBe(1);
  expect(slow.lines.at(-1)?.msg).toBe('not drained in time');
});

test('what nobody caught is logged and ends the process with 1', async () => {
  for (const what of ['throws', 'rejects']) {
    const role = new Process([what]);
    expect(await role.exited).toBe(1);
    expect(role.lines.at(-1)).toMatchObject({ level: 'fatal' });
  }
});

test('a role that ends by itself says how', async () => {
  expect(await new Process(['ends']).exited).toBe(7);
});

describe('bad input ends the process with 2 and says what is wrong', () => {
  let taken: Server;
  let port: number;

  beforeAll(async () => {
    taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    ({ port } = taken.address() as { port: number });
  });

  afterAll(() => {
    taken.close();
  });

  const refused = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
    const role = new Process(args, env);
    expect(await role.exited).toBe(2);
    return String(role.lines.at(-1)?.msg);
  };

  test('no spec, a damaged one, one that is no experiment', async () => {
    expect(await refused([], { SPEC_FILE: join(folder, 'none.json') })).toMatch(
      /none\.json cannot be read[^]*SPEC_FILE/,
    );
    const damaged = join(folder, 'damaged.json');
    writeFileSync(damaged, '{"phase": 1');
    expect(await refused([], { SPEC_FILE: damaged })).toContain('damaged.json cannot be read');
    writeFileSync(damaged, '{"phase": 1}');
    expect(await refused([], { SPEC_FILE: damaged })).toContain('no compiled experiment');
  });

  test('a port that is taken', async () => {
    expect(await refused([], { HEALTH_PORT: String(port) })).toMatch(/cannot listen[^]*HEALTH_PORT[^]*EADDRINUSE/);
  });

  test('no Redis for a role that needs one', async () => {
    expect(await refused(['needs-redis'], {})).toContain('REDIS_NODES: is not set');
  });
});

test('the file of an agent holds what an agent needs, and nothing of the others', () => {
  const file = join(folder, 'agent.cjs');
  const sources = bundledRole('agent', 'runtime/roles/agent', file);
  const packages = new Set(sources.flatMap((source) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []));
  process.stdout.write(`${JSON.stringify({ agentKb: Math.round(statSync(file).size / 1024) })}\n`);
  expect(packages).toContain('ioredis');
  for (const stranger of ['fastify', 'echarts', '@bsull/augurs', '@pulumi/pulumi', 'commander', 'yaml', 'bullmq']) {
    expect(packages).not.toContain(stranger);
  }
  expect(
    sources.filter((source) => /^runtime\/(report|cli|dashboard|record|cost|scaling|load)\//.test(source)),
  ).toEqual([]);
  expect(statSync(file).size).toBeLessThan(1024 * 1024);
});
