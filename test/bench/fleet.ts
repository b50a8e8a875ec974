import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { RedisCluster } from '../redis/harness/cluster.js';

/**
 * A whole run with every agent a process, on a cluster of six Redis nodes: `npm run bench:fleet`. How long tasks wait
 * for their agent, and what the harness itself costs: processor time in the middle of the run, by what uses it. The
 * executor is the simulated one, which costs nothing: what is measured is all ours. The last line is JSON.
 */
const { values: options } = parseArgs({
  options: {
    agents: { type: 'string', default: '200' },
    rate: { type: 'string', default: '500/min' },
    minutes: { type: 'string', default: '3' },
  },
});

/** Around the middle of the run, s: what starts and ends is not part of it. */
const WINDOW_S = 60;
const TICKS_PER_S = 100;

/** Processes below this one, by what they are. */
function descendants(root: number): ReadonlyMap<number, string> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const status = /^\d+$/.test(name) ? read(`/proc/${name}/status`) : '';
    const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Map<number, string>([[root, 'start']]);
  for (let grew = true; grew;) {
    grew = false;
    for (const [pid, parent] of parents) {
      if (found.has(pid) || !found.has(parent)) continue;
      const name = /\0POD_NAME=([a-z-]+?)-?\d*\0/.exec(`\0${read(`/proc/${pid}/environ`)}`)?.[1];
      found.set(pid, name ?? 'other');
      grew = true;
    }
  }
  return found;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Processor time so far, s. */
function cpuOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Cores used by each kind of process while the window lasts. */
async function coresIn(windowS: number, root: number, redis: readonly number[]): Promise<Record<string, number>> {
  const kinds = new Map([...descendants(root), ...redis.map((pid) => [pid, 'redis'] as const)]);
  const before = new Map([...kinds.keys()].map((pid) => [pid, cpuOf(pid)]));
  const from = performance.now();
  await sleep(windowS * 1_000);
  const seconds = (performance.now() - from) / 1_000;
  const cores: Record<string, number> = {};
  for (const [pid, kind] of kinds) {
    cores[kind] = (cores[kind] ?? 0) + Math.max(0, cpuOf(pid) - (before.get(pid) ?? 0)) / seconds;
  }
  return Object.fromEntries(Object.entries(cores).map(([kind, used]) => [kind, Math.round(used * 1_000) / 1_000]));
}

async function main(): Promise<void> {
  const { agents, rate, minutes } = options;
  const out = mkdtempSync(join(tmpdir(), 'bench-fleet-'));
  const cluster = await RedisCluster.start();
  try {
    const run = spawn(
      resolve('experiment.sh'),
      [
        ...['start', '--phase', '3', '--agents', agents, '--rate', rate, '--duration', `${minutes}m`, '--chaos=false'],
        ...['--target', 'local', '--redis', cluster.url, '--processes', '--out', join(out, 'run')],
      ],
      { stdio: ['ignore', 'inherit', 'pipe'] },
    );
    let told = '';
    run.stderr.on('data', (text: Buffer) => {
      told += text.toString();
      process.stderr.write(text);
    });
    const ended = new Promise<number | null>((settle) => run.on('close', settle));
    // The schedule has begun when there is progress to tell.
    while (!/^ *\d+%/m.test(told) && run.exitCode === null) await sleep(200);
    await sleep(Math.max(10, (Number(minutes) * 60 - WINDOW_S) / 2) * 1_000);
    const redis = cluster.nodes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    const cores = await coresIn(WINDOW_S, run.pid as number, redis);
    const exitCode = await ended;
    const report = JSON.parse(readFileSync(join(out, 'run', 'report.json'), 'utf8')) as ExperimentReport;
    const harness = Object.values(cores).reduce((sum, used) => sum + used, 0);
    const { p50, p99 } = report.performance.latency;
    const { lost, doubleCounted, submitted } = report.ledger;
    const figures = {
      ...{ exitCode, verdict: report.verdict, tasks: submitted, lost, doubleCounted, responseMs: { p50, p99 } },
      ...{
        dispatchLagP999Ms: report.performance.dispatchLag.p999,
        cores,
        harnessCores: Math.round(harness * 1e3) / 1e3,
      },
      ...{ withoutRedis: Math.round((harness - (cores['redis'] ?? 0)) * 1e3) / 1e3 },
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await cluster.dispose();
    rmSync(out, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
