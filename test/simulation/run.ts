/**
 * `npm run test:simulation -- --seeds 1000 [--from 1] [--workers 2] [--only experiments|redis]`: random experiments and
 * fault plans, and random fleets on the Redis queue's driver over a simulated Redis, against the invariants;
 * `--seed N` replays one. Some of the latter run without waiting for replicas too, and must lose tasks then. The last
 * line is `N passed, N failed`; exit code 1 when something failed.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { checkSeed, type SeedResult } from './check-seed.js';
import { checkRedisSeed, lostUnprotected } from './redis-check-seed.js';

/** A seed takes well under a second; one that takes this long has hung. */
const HUNG_AFTER_MS = 120_000;

/** Asks this very program, started as a process of its own, for the results of seeds. */
const SERVE = '--serve';

/** One seed in so many runs without waiting for replicas as well. */
const UNPROTECTED_EVERY = 5;
/** Fewer of those may have been lucky. */
const UNPROTECTED_LEAST = 8;

const KINDS = ['experiments', 'redis', 'unprotected'] as const;

interface Job {
  readonly kind: (typeof KINDS)[number];
  readonly seed: number;
}

interface JobResult extends SeedResult {
  readonly kind: Job['kind'];
  /** Tasks that were lost where losing some is the point. */
  readonly lost: number;
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    serve: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
});

async function main(): Promise<void> {
  const first = wholeNumber('--from', values.seed ?? values.from);
  const count = values.seed === undefined ? wholeNumber('--seeds', values.seeds) : 1;
  const jobs = jobsOf(first, count, values.only);
  const workers = Math.min(count, Math.max(1, wholeNumber('--workers', values.workers)));
  const unprotected: number[] = [];
  let failed = 0;
  let passed = 0;
  const told = ({ kind, seed, problems, events, end, lost }: JobResult): void => {
    if (kind === 'unprotected' && problems.length === 0) {
      unprotected.push(lost);
      return;
    }
    if (problems.length === 0) {
      passed += 1;
      if (count === 1) console.log(`${kind}, seed ${seed}: ${events} events, ${end}`);
      else if (passed % 100 === 0) console.error(`${passed} passed so far, ${failed} failed`);
      return;
    }
    failed += 1;
    const replay = `npm run test:simulation -- --seed ${seed} --only ${kind === 'experiments' ? kind : 'redis'}`;
    console.log(`${kind}, seed ${seed} failed; replay it with: ${replay}`);
    for (const problem of problems.slice(0, count === 1 ? 100 : 5)) console.log(`    ${problem}`);
  };

  if (workers === 1) for (const job of jobs) told(await carryOut(job));
  else await Promise.all(Array.from({ length: workers }, () => work(jobs, told)));
  const lost = unprotected.reduce((sum, tasks) => sum + tasks, 0);
  if (unprotected.length > 0) console.log(`${lost} tasks lost in ${unprotected.length} runs that wait for no replica`);
  if (unprotected.length >= UNPROTECTED_LEAST && lost === 0) {
    failed += 1;
    console.log('a queue that waits for no replica lost nothing: these faults prove nothing');
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function jobsOf(first: number, count: number, only: string | undefined): Job[] {
  if (only !== undefined && only !== 'experiments' && only !== 'redis') {
    console.error(`--only must be experiments or redis, not ${only}`);
    process.exit(2);
  }
  return Array.from({ length: count }, (_, i) => first + i).flatMap((seed) =>
    KINDS.filter((kind) => {
      if (kind === 'unprotected') return only !== 'experiments' && count > 1 && seed % UNPROTECTED_EVERY === 0;
      return only === undefined || only === kind;
    }).map((kind) => ({ kind, seed })),
  );
}

async function carryOut({ kind, seed }: Job): Promise<JobResult> {
  if (kind === 'unprotected') {
    return { kind, seed, problems: [], events: 0, end: '', lost: await lostUnprotected(seed) };
  }
  return { kind, lost: 0, ...(kind === 'redis' ? await checkRedisSeed(seed) : await checkSeed(seed)) };
}

/** Gives seed after seed to a process of its own; one that hangs is replaced. */
async function work(jobs: Job[], told: (result: JobResult) => void): Promise<void> {
  let worker = fork(__filename, [SERVE]);
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const result = await ask(worker, job);
    const gone = `its process was gone, or did not answer within ${HUNG_AFTER_MS / 1_000} s`;
    told(result ?? failure(job, gone));
    if (result !== null) continue;
    worker.kill('SIGKILL');
    worker = fork(__filename, [SERVE]);
  }
  worker.kill();
}

const failure = (job: Job, problem: string): JobResult => ({
  ...{ ...job, problems: [problem], events: 0, end: 'none', lost: 0 },
});

/** Null when no answer comes: the process hangs, or is gone. */
function ask(worker: ChildProcess, job: Job): Promise<JobResult | null> {
  return new Promise((resolve) => {
    const done = (result: JobResult | null): void => {
      clearTimeout(timeout);
      worker.off('message', answered).off('exit', failed);
      resolve(result);
    };
    const answered = (result: unknown): void => {
      done(result as JobResult);
    };
    const failed = (): void => {
      done(null);
    };
    const timeout = setTimeout(failed, HUNG_AFTER_MS);
    worker.on('message', answered).on('exit', failed).send(job);
  });
}

/** The other side of {@link ask}. */
function serve(): void {
  process.on('message', (job: Job) => {
    carryOut(job).then(
      (result) => process.send?.(result),
      (error: unknown) => process.send?.(failure(job, String(error))),
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
