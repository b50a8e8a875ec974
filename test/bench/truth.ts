import { agrees, judgeMmc, MMC_CASES } from '../support/mmc.js';

/**
 * The mean wait of load generator, queue and agents against Erlang C to 2 %: the tests' cases, run longer. Prints JSON
 * as its last line; `ok` is false when theory lies outside an interval with both seeds, or an interval is wider.
 */
const TASKS = [2_000_000, 3_000_000, 40_000_000, 45_000_000] as const;
const HALF_WIDTH = 0.02;

async function main(): Promise<void> {
  const cases = [];
  for (const [number] of MMC_CASES.entries()) {
    const result = await judgeMmc(number, TASKS[number] as number, HALF_WIDTH);
    const { servers, utilisation, seed, tasks, theoryMs, wait, plainWait } = result;
    cases.push({
      servers,
      utilisation,
      seed,
      tasks,
      theoryMs,
      meanMs: wait.mean,
      halfWidth: wait.halfWidth / theoryMs,
      plainMeanMs: plainWait.mean,
      plainHalfWidth: plainWait.halfWidth / theoryMs,
      ok: agrees(result, HALF_WIDTH),
    });
    process.stderr.write(`${JSON.stringify(cases.at(-1))}\n`);
  }
  const ok = cases.every((measured) => measured.ok);
  process.stdout.write(`${JSON.stringify({ ok, cases })}\n`);
  if (!ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
