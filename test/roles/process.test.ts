import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { experiment } from '../support/experiment.js';
import { bundledRole } from './bundled.js';
import { RoleChild } from './role-child.js';

const folder = mkdtempSync(join(tmpdir(), 'role-'));
const program = join(folder, 'sample.cjs');
const spec = join(folder, 'spec.json');
const children: RoleChild[] = [];

beforeAll(() => {
  bundledRole('sample', 'test/roles/sample-role', program);
  writeFileSync(spec, JSON.stringify(experiment()));
});

afterEach(() => {
  for (const { child } of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): RoleChild => {
  const role = new RoleChild([program, ...args], {
    ...{ SPEC_FILE: spec, POD_NAME: 'sample-1', ZONE: 'B', RUN_ID: 'run-1' },
    ...env,
  });
  children.push(role);
  return role;
};

test('a role tells its health, its readiness, its metrics and who it is', async () => {
  const role = start([], { METRICS_PORT: '0', HEALTH_PORT: '0' });
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
  const role = start(['unready']);
  await role.said('started');
  expect(await role.get('/readyz')).toEqual({ status: 503, text: 'not ready\n' });
  expect((await role.get('/healthz')).status).toBe(200);
});

test('SIGTERM drains and then ends with 0; meanwhile the role is live and not ready', async () => {
  const role = start(['', '300']);
  await role.said('started');
  role.child.kill('SIGTERM');
  await role.said('draining');
  expect(await role.get('/readyz')).toEqual({ status: 503, text: 'draining\n' });
  expect((await role.get('/healthz')).status).toBe(200);
  expect(await role.exited).toBe(0);
  expect(role.lines.at(-1)?.msg).toBe('drained');
});

test('the preStop hook begins the drain, SIGTERM waits for its end', async () => {
  const role = start(['', '100']);
  await role.said('started');
  expect((await role.get('/drain')).status).toBe(200);
  expect((await role.get('/readyz')).status).toBe(503);
  role.child.kill('SIGTERM');
  expect(await role.exited).toBe(0);
  expect(role.lines.filter(({ msg }) => msg === 'draining')).toHaveLength(1);
});

test('a second signal ends at once, and a drain that takes too long ends with 1', async () => {
  const [twice, slow] = [start(['', '600000']), start(['', '600000'])];
  await Promise.all([twice.said('started'), slow.said('started')]);
  twice.child.kill('SIGTERM');
  slow.child.kill('SIGTERM');
  await twice.said('draining');
  twice.child.kill('SIGINT');
  expect(await twice.exited).not.toBe(0);
  expect(twice.lines.map(({ msg }) => msg).slice(-2)).toEqual([
    'told to end a second time: at once',
    'ended what lives elsewhere',
  ]);
  expect(await slow.exited).toBe(1);
  expect(slow.lines.map(({ msg }) => msg).slice(-2)).toEqual(['not drained in time', 'ended what lives elsewhere']);
});

test('a role whose run is gone ends what lives elsewhere, but does not wait for it for ever', async () => {
  for (const what of ['', 'hangs']) {
    // Its standard input has ended before it begins.
    const role = start([what], { PARENT_PIPE: 'true' });
    expect(await role.exited).toBe(4);
    expect(role.lines.map(({ msg }) => msg)).toContain('ended what lives elsewhere');
  }
});

test('what nobody caught is logged and ends the process with 1', async () => {
  for (const what of ['throws', 'rejects']) {
    const role = start([what]);
    expect(await role.exited).toBe(1);
    expect(role.lines.at(-1)).toMatchObject({ level: 'fatal' });
    expect(role.lines.map(({ msg }) => msg)).toContain('ended what lives elsewhere');
  }
});

test('a role that ends by itself says how', async () => {
  expect(await start(['ends']).exited).toBe(7);
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
    const role = start(args, env);
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
  const [file, text] = [join(folder, 'agent.cjs'), join(folder, 'agent.program.cjs')];
  const sources = bundledRole('agent', 'runtime/roles/agent', file);
  const packages = new Set(sources.flatMap((source) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []));
  process.stdout.write(`${JSON.stringify({ agentKb: Math.round(statSync(text).size / 1024) })}\n`);
  expect(packages).toContain('ioredis');
  for (const stranger of ['fastify', 'echarts', '@bsull/augurs', '@pulumi/pulumi', 'commander', 'yaml', 'bullmq']) {
    expect(packages).not.toContain(stranger);
  }
  expect(
    sources.filter((source) => /^runtime\/(report|cli|dashboard|record|cost|scaling|load)\//.test(source)),
  ).toEqual([]);
  expect(statSync(text).size).toBeLessThan(1024 * 1024);
});
