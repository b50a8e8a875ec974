import { EngineProject, expectSuccess, type RunOptions } from '../engine/harness.js';
import { EMPTY, phaseOnGke } from '../engine/samples.js';

/**
 * How long a warm preview of phase 3 with the policy pack takes, against an empty program's, on the real engine with
 * stand-ins for the clouds. The two take turns, so that what else the machine does meets both. Prints JSON: medians in
 * seconds, and their ratio. Build the engines first (`node test/engine/tools/build.mjs`).
 */
const ROUNDS = 5;

async function secondsOf(project: EngineProject, run: RunOptions): Promise<number> {
  const began = process.hrtime.bigint();
  expectSuccess(await project.preview(run), 'preview');
  return Number(process.hrtime.bigint() - began) / 1e9;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function main(): Promise<void> {
  const [empty, phase3] = [
    await EngineProject.create({ program: EMPTY, stack: 'empty' }),
    await EngineProject.create(phaseOnGke(3)),
  ];
  try {
    const seconds: { empty: number[]; phase3: number[] } = { empty: [], phase3: [] };
    // The first round fills the caches and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      const [a, b] = [await secondsOf(empty, {}), await secondsOf(phase3, { policies: true })];
      if (round === 0) continue;
      seconds.empty.push(a);
      seconds.phase3.push(b);
    }
    const [a, b] = [median(seconds.empty), median(seconds.phase3)];
    const rounded = (value: number): number => Math.round(value * 100) / 100;
    console.log(JSON.stringify({ empty_s: rounded(a), phase3_s: rounded(b), ratio: rounded(b / a) }));
  } finally {
    empty.dispose();
    phase3.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
