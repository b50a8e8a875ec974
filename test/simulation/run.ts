/**
 * `npm run test:simulation -- --seeds 1000 [--from 1] [--workers 2]`: random experiments and fault plans against the
 * invariants; `--seed N` replays one. The last line is `N passed, N failed`; exit code 1 when something failed.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { checkSeed, type SeedResult } from './check-seed.js';

/** A seed takes well under a second; one that takes this long has hung. */
const HUNG_AFTER_MS = 120_000;

/** Asks this very program, started as a process of its own, for the results of seeds. */
const SERVE = '--serve';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    serve: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
});

async function main(): Promise<void> {
  const first = wholeNumber('--from', values.seed ?? values.from);
  const count = values.seed === undefined ? wholeNumber('--seeds', values.seeds) : 1;
  const workers = Math.min(count, Math.max(1, wholeNumber('--workers', values.workers)));
  let failed = 0;
  let passed = 0;
  const told = (result: SeedResult): void => {
    if (result.problems.length === 0) {
      passed += 1;
      if (count === 1) console.log(`seed ${result.seed}: ${result.events} events, ${result.end}`);
      else if (passed % 100 === 0) console.error(`${passed} passed so far, ${failed} failed`);
      return;
    }
    failed += 1;
    console.log(`seed ${result.seed} failed; replay it with: npm run test:simulation -- --seed ${result.seed}`);
    for (const problem of result.problems.slice(0, count === 1 ? 100 : 5)) console.log(`    ${problem}`);
  };

  const seeds = Array.from({ length: count }, (_, i) => first + i);
  if (workers === 1) for (const seed of seeds) told(await checkSeed(seed));
  else await Promise.all(Array.from({ length: workers }, () => work(seeds, told)));
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/** Gives seed after seed to a process of its own; one that hangs is replaced. */
async function work(seeds: number[], told: (result: SeedResult) => void): Promise<void> {
  let worker = fork(__filename, [SERVE]);
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    const result = await ask(worker, seed);
    told(
      result ?? {
        seed,
        problems: [`its process was gone, or did not answer within ${HUNG_AFTER_MS / 1_000} s`],
        events: 0,
        end: 'none',
      },
    );
    if (result !== null) continue;
    worker.kill('SIGKILL');
    worker = fork(__filename, [SERVE]);
  }
  worker.kill();
}

/** Null when no answer comes: the process hangs, or is gone. */
function ask(worker: ChildProcess, seed: number): Promise<SeedResult | null> {
  return new Promise((resolve) => {
    const done = (result: SeedResult | null): void => {
      clearTimeout(timeout);
      worker.off('message', answered).off('exit', failed);
      resolve(result);
    };
    const answered = (result: unknown): void => {
      done(result as SeedResult);
    };
    const failed = (): void => {
      done(null);
    };
    const timeout = setTimeout(failed, HUNG_AFTER_MS);
    worker.on('message', answered).on('exit', failed).send(seed);
  });
}

/** The other side of {@link ask}. */
function serve(): void {
  process.on('message', (seed: number) => {
    checkSeed(seed).then(
      (result) => process.send?.(result),
      (error: unknown) => process.send?.({ seed, problems: [String(error)], events: 0, end: 'none' }),
    );
  });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`${name} must be a whole number from 0, not ${text}`);
  process.exit(2);
}

if (values.serve) serve();
else {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
