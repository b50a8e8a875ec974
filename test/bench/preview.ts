import { EngineProject, expectSuccess, type ProjectOptions, type RunOptions } from '../engine/harness.js';
import { EMPTY, phaseOnGke } from '../engine/samples.js';

/**
 * How long a warm preview of phase 3 with the policy pack takes, against an empty program's, on the real engine with
 * stand-ins for the clouds. Prints JSON: medians in seconds, and their ratio. Build the engines first
 * (`node test/engine/tools/build.mjs`).
 */
const ROUNDS = 3;

async function secondsOf(options: ProjectOptions, run: RunOptions): Promise<number> {
  const project = await EngineProject.create(options);
  try {
    const times: number[] = [];
    // The first one fills the caches and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      const began = process.hrtime.bigint();
      expectSuccess(await project.preview(run), 'preview');
      times.push(Number(process.hrtime.bigint() - began) / 1e9);
    }
    return times.slice(1).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
  } finally {
    project.dispose();
  }
}

async function main(): Promise<void> {
  const empty = await secondsOf({ program: EMPTY, stack: 'empty' }, {});
  const phase3 = await secondsOf(phaseOnGke(3), { policies: true });
  const rounded = (value: number): number => Math.round(value * 100) / 100;
  console.log(JSON.stringify({ empty_s: rounded(empty), phase3_s: rounded(phase3), ratio: rounded(phase3 / empty) }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
