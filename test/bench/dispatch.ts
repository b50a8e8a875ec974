import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineLagSummary } from '../../runtime/kernel/machine-lag.js';
import { SECOND } from '../../runtime/kernel/units.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { execute } from '../../runtime/targets/execute.js';

/**
 * How late the load generator is in real time, everything else of a live run going on beside it: recording, canaries,
 * alerts, records of the run. Prints the dispatch lag (ms) at 2,000/min and at 5,000/s as JSON in its last line, and
 * beside each how late the bare timers of an otherwise empty thread fired meanwhile: what the machine itself takes
 * away (a stolen processor, another process), and no program can give back.
 */
interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly tasks: number;
  /** Lag of bare timers in a thread of their own during the same run. */
  readonly machine: MachineLagSummary | null;
}

function load(ratePerMin: number, durationMs: number, meanMs: number): Experiment {
  const file = 'Pulumi.phase3.yaml';
  const base = loadExperiment(readFileSync(file, 'utf8'), file, {});
  return {
    ...base,
    durationMs,
    load: {
      process: 'uniform',
      segments: [{ startMs: 0, endMs: durationMs, ratePerMin, label: 'steady' }],
      steadyRatePerMin: ratePerMin,
    },
    tasks: { ...base.tasks, types: base.tasks.types.map((type) => ({ ...type, meanMs })) },
    chaos: { ...base.chaos, enabled: false, injections: [] },
    targets: { ...base.targets, throughputPerMin: ratePerMin },
  };
}

async function measure(experiment: Experiment): Promise<Lag> {
  const out = mkdtempSync(join(tmpdir(), 'dispatch-'));
  try {
    const { report } = await execute({
      experiment,
      target: 'local',
      out,
      onRun: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
    const { dispatchLag, machineLag = null } = report.performance;
    const { p50, p99, p999, max } = dispatchLag;
    return {
      ...{ p50, p99, p999, max: Math.round(max * 1000) / 1000 },
      tasks: report.summary.totalTasks,
      machine: machineLag,
    };
  } finally {
    rmSync(out, { recursive: true });
  }
}

async function main(): Promise<void> {
  // 5 s of service at 2,000/min keep 167 slots busy, 100 ms at 5,000/s 500: both of 800.
  const perMinute2000 = await measure(load(2_000, 60 * SECOND, 5 * SECOND));
  const perSecond5000 = await measure(load(300_000, 30 * SECOND, 100));
  process.stdout.write(`${JSON.stringify({ perMinute2000, perSecond5000 })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
