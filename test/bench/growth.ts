import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOUR } from '../../runtime/kernel/units.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { execute } from '../../runtime/targets/execute.js';

/**
 * What a task costs in a fleet a hundred times as large: an hour of 20,000 agents at 50,000/min against 200 agents at
 * 500/min, in turn in one process. Prints JSON as its last line; `ratio` is of CPU seconds per task.
 */
const ROUNDS = 2;

interface Measured {
  readonly tasks: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

function steady(agents: number, ratePerMin: number, durationMs: number): Experiment {
  const file = 'Pulumi.phase1.yaml';
  const base = loadExperiment(readFileSync(file, 'utf8'), file, {});
  return {
    ...base,
    durationMs,
    load: {
      ...base.load,
      segments: [{ startMs: 0, endMs: durationMs, ratePerMin, label: 'steady' }],
      steadyRatePerMin: ratePerMin,
    },
    // On Spot, several nodes of a fleet this large are away at any time: one node's reserve would not keep the floor.
    fleet: { ...base.fleet, agents, max: agents * 2, spot: { enabled: false, preemptedPerDay: 0 } },
    scaling: { ...base.scaling, up: { ...base.scaling.up, max: agents * 2 } },
    targets: { ...base.targets, throughputPerMin: ratePerMin },
    budget: { ...base.budget, maxUsd: 1e9 },
  };
}

async function measure(experiment: Experiment): Promise<Measured> {
  const out = mkdtempSync(join(tmpdir(), 'growth-'));
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  try {
    const { report } = await execute({
      experiment,
      target: 'rehearsal',
      out,
      onRun: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
    if (report.verdict !== 'PASS') throw new Error(`the run is ${report.verdict}, so its cost says nothing`);
    const cpu = process.cpuUsage(cpuBefore);
    return {
      tasks: report.summary.totalTasks,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      seconds: Number(process.hrtime.bigint() - before) / 1e9,
    };
  } finally {
    rmSync(out, { recursive: true });
  }
}

function perTaskUs(runs: readonly Measured[], of: 'cpuSeconds' | 'seconds'): number {
  const best = Math.min(...runs.map((run) => run[of] / run.tasks));
  return Math.round(best * 1e8) / 100;
}

async function main(): Promise<void> {
  const small: Measured[] = [];
  const large: Measured[] = [];
  // The first run of a process pays for its compilation.
  await measure(steady(200, 500, 12 * HOUR));
  for (let round = 0; round < ROUNDS; round += 1) {
    small.push(await measure(steady(200, 500, 48 * HOUR)));
    large.push(await measure(steady(20_000, 50_000, HOUR)));
  }
  const result = {
    smallUsPerTask: perTaskUs(small, 'cpuSeconds'),
    largeUsPerTask: perTaskUs(large, 'cpuSeconds'),
    ratio: Math.round((perTaskUs(large, 'cpuSeconds') / perTaskUs(small, 'cpuSeconds')) * 100) / 100,
    wallRatio: Math.round((perTaskUs(large, 'seconds') / perTaskUs(small, 'seconds')) * 100) / 100,
    rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
