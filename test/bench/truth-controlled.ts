/**
 * How true the simulation is: mean waits against Erlang C, to 2 %, in about two minutes. Prints, as its last line, JSON
 * with every case: theory, estimate, half-widths, controls, Little's law; `ok` says whether all agree. Ends with 1 when
 * one does not.
 */
import { agrees, judgeMmc, MMC_CASES, type MmcResult } from '../support/mmc.js';

/** Long enough for ± 2 % with control variates. */
const TASKS = [2_000_000, 4_000_000, 6_000_000, 40_000_000] as const;
const HALF_WIDTH = 0.02;

function told(result: MmcResult) {
  const { servers, utilisation, seed, tasks, theoryMs, wait, plainWait, little } = result;
  return {
    servers,
    utilisation,
    seed,
    tasks,
    theoryMs: rounded(theoryMs),
    meanMs: rounded(wait.mean),
    halfWidth: rounded(wait.halfWidth / theoryMs),
    plainMeanMs: rounded(plainWait.mean),
    plainHalfWidth: rounded(plainWait.halfWidth / theoryMs),
    littleOffBy: Math.max(
      ...little.map(({ meanNumber, rateTimesMeanTime }) => Math.abs(meanNumber / rateTimesMeanTime - 1)),
    ),
    agrees: agrees(result, HALF_WIDTH),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

async function main(): Promise<void> {
  const cases = [];
  for (const [number, { agents, slots, utilisation }] of MMC_CASES.entries()) {
    const began = performance.now();
    const result = told(await judgeMmc(number, TASKS[number]!, HALF_WIDTH));
    cases.push(result);
    const seconds = Math.round((performance.now() - began) / 1_000);
    process.stderr.write(
      `${agents * slots} slots at ${utilisation}: ${result.meanMs} ms ± ${(result.halfWidth * 100).toFixed(2)} %, ` +
        `Erlang C ${result.theoryMs} ms (${result.tasks} tasks, ${seconds} s)\n`,
    );
  }
  const ok = cases.every((result) => result.agrees);
  console.log(JSON.stringify({ ok, cases }));
  if (!ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
