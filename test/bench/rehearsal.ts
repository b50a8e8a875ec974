import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { execute } from '../../runtime/targets/execute.js';
import { core } from '../support/core.js';
import { experiment } from '../support/experiment.js';

/**
 * How fast a rehearsal is: phase 3 from its stack file, all 72 h of it, and the bare core (load, queue, agents) as
 * M/M/400. Prints JSON as its last line.
 */
const MMC_TASKS = 200_000;

async function phase3(): Promise<{ tasks: number; seconds: number }> {
  const file = 'Pulumi.phase3.yaml';
  const out = mkdtempSync(join(tmpdir(), 'rehearsal-'));
  try {
    const before = process.hrtime.bigint();
    const { report } = await execute({
      experiment: loadExperiment(readFileSync(file, 'utf8'), file, {}),
      target: 'rehearsal',
      out,
      onRun: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
    const seconds = Number(process.hrtime.bigint() - before) / 1e9;
    if (report.verdict !== 'PASS') throw new Error(`phase 3 is ${report.verdict}`);
    return { tasks: report.summary.totalTasks, seconds };
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** M/M/400 at 500/min and 38 s. */
async function mmc(): Promise<number> {
  const { clock, fleet, generator, queue } = core(
    experiment({
      ratePerMin: 500,
      durationMs: (MMC_TASKS / 500) * 60_000,
      process: 'poisson',
      tasks: {
        types: [{ name: 'any', share: 1, meanMs: 38_000, tokens: { input: 0, output: 0 } }],
        serviceTime: { distribution: 'exponential', cv: 1 },
      },
      queue: { bound: Number.MAX_SAFE_INTEGER },
      fleet: { agents: 100, slots: 4 },
    }),
  );
  fleet.deploy(100);
  generator.start();
  const before = process.hrtime.bigint();
  await clock.run();
  return queue.counts().completed / (Number(process.hrtime.bigint() - before) / 1e9);
}

async function main(): Promise<void> {
  const { tasks, seconds } = await phase3();
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const mmcTasksPerSecond = Math.round(await mmc());
  const result = {
    tasks,
    seconds: Math.round(seconds * 100) / 100,
    tasksPerSecond: Math.round(tasks / seconds),
    rssMb,
    mmcTasksPerSecond,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
