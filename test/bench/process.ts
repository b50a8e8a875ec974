import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { startSingleRedis } from '../redis/harness/server.js';
import { nodeFlags } from '../../runtime/roles/node-flags.js';
import { specHash } from '../../runtime/spec/spec-hash.js';
import { bundledRole, keepCompiled } from '../roles/bundled.js';

/**
 * What a process of a role costs: `npm run bench:process -- [--bundle FILE [--role NAME]] [--processes N] [--idle SECONDS] [-- NODE FLAGS]`.
 * Without --bundle (a role's file, or dist/experiment.cjs with --role) it measures an agent.
 *
 * Starts one alone, several times over, and takes the time from before the process is made to the first 200 of /readyz;
 * then N together, and once all are ready and have settled, what each uses: proportional set size (from
 * /proc/PID/smaps_rollup) and CPU over the idle time. Prints JSON in its last line.
 */
const ALONE = 11;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly readyMs: number;
  /** Until it has reached the queue, as its log says; NaN for a role that does not say so. */
  readonly attachedMs: number;
  /** CPU it has used until then, ms: what does not depend on who else is busy on this machine. */
  readonly cpuMs: number;
}

interface Setting {
  /** A file, and what follows it. */
  readonly command: readonly string[];
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function statusOf(port: number): Promise<number> {
  return new Promise((settle) => {
    get({ port, host: '127.0.0.1', path: '/readyz', agent: false }, (response) => {
      response.resume();
      settle(response.statusCode ?? 0);
    }).on('error', () => {
      settle(0);
    });
  });
}

async function start({ command, flags, env }: Setting, id: string, lookEveryMs: number): Promise<Started> {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(process.execPath, [...flags, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env, POD_NAME: id, HEALTH_PORT: String(port) },
  });
  let attachedMs = NaN;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"msg":"attached"')) attachedMs = performance.now() - begun;
  });
  while ((await statusOf(port)) !== 200) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${child.exitCode}`);
    await sleep(lookEveryMs);
  }
  const [readyMs, cpuMs] = [performance.now() - begun, runMs(child.pid!)];
  // Other roles are ready when they have reached the queue.
  const isAgent = command.length === 1 || command.includes('agent');
  while (isAgent && Number.isNaN(attachedMs)) await sleep(lookEveryMs);
  return { child, port, readyMs, attachedMs, cpuMs };
}

async function end({ child }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const over = once(child, 'exit');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await over;
  clearTimeout(late);
}

async function alone(setting: Setting): Promise<readonly Started[]> {
  const all: Started[] = [];
  for (let i = 0; i < ALONE; i += 1) {
    const started = await start(setting, 'alone', 2);
    all.push(started);
    await end(started);
  }
  return all;
}

function kilobytes(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
}

/** Time all threads of a process have run, ms; finer than its accounts. */
function runMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const spent = (thread: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return threads.reduce((sum, thread) => sum + spent(thread), 0) / 1e6;
}

/** Least, median and most, rounded. */
function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! };
}

/** CPU used so far, s. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const megabytes = (kb: number): number => Math.round((kb / 1024) * 10) / 10;

async function together(setting: Setting, processes: number, idleSeconds: number) {
  const begun = performance.now();
  const all: Started[] = [];
  try {
    // Some at a time: a node does not get two hundred pods in one instant either.
    const waiting = Array.from({ length: processes }, (_, i) => `agent-${i + 1}`);
    const starter = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) all.push(await start(setting, id, 20));
    };
    await Promise.all(Array.from({ length: 4 }, starter));
    const allReadyMs = Math.round(performance.now() - begun);
    await sleep(10_000);
    const pids = all.map(({ child }) => child.pid!);
    const before = pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const from = performance.now();
    await sleep(idleSeconds * 1_000);
    const used = pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0) - before;
    const cpuCores = Math.round((used / ((performance.now() - from) / 1_000)) * 1_000) / 1_000;
    const pss = pids.map((pid) => kilobytes(pid, 'Pss'));
    const rss = pids.map((pid) => kilobytes(pid, 'Rss'));
    const mean = (values: number[]): number => megabytes(values.reduce((a, b) => a + b, 0) / values.length);
    return {
      processes,
      allReadyMs,
      pssMb: { mean: mean(pss), max: megabytes(Math.max(...pss)) },
      rssMb: { mean: mean(rss) },
      cpuCores,
    };
  } finally {
    await Promise.all(all.map(end));
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bundle: { type: 'string' },
      role: { type: 'string' },
      processes: { type: 'string', default: '200' },
      idle: { type: 'string', default: '30' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'bench-process-'));
  const redis = await startSingleRedis();
  try {
    const bundle = values.bundle === undefined ? join(folder, 'agent.cjs') : resolve(values.bundle);
    if (values.bundle === undefined) {
      bundledRole('agent', 'runtime/roles/agent', bundle);
      keepCompiled('agent', bundle);
    }
    const spec = join(folder, 'spec.json');
    const file = 'Pulumi.phase3.yaml';
    const experiment = loadExperiment(readFileSync(file, 'utf8'), file, {});
    writeFileSync(spec, JSON.stringify(experiment));
    const setting: Setting = {
      command: [bundle, ...(values.role === undefined ? [] : ['role', values.role])],
      flags: [...nodeFlags(values.role ?? 'agent'), ...positionals],
      env: {
        SPEC_FILE: spec,
        SPEC_HASH: specHash(experiment),
        REDIS_NODES: `127.0.0.1:${redis.server.port}`,
        ZONE: 'A',
        RUN_ID: 'bench',
      },
    };
    const single = await alone(setting);
    const many = await together(setting, Number(values.processes), Number(values.idle));
    const readyMs = spread(single.map((one) => one.readyMs));
    const startCpuMs = spread(single.map((one) => one.cpuMs));
    const attachedMs = spread(single.map((one) => one.attachedMs));
    const text = bundle.replace(/\.cjs$/, '.program.cjs');
    const bundleKb = Math.round(statSync(existsSync(text) ? text : bundle).size / 1024);
    const figures = { flags: setting.flags, bundleKb, readyMs, attachedMs, startCpuMs, ...many };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await redis.dispose();
    rmSync(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
