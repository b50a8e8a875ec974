import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { RedisCluster } from '../redis/harness/cluster.js';
import { ENGINES } from './queue/engines.js';
import type { Load, Percentiles, RoundPlan, RoundResult } from './queue/messages.js';
import { buildPrograms } from './queue/programs.js';
import type { Arena } from './queue/under-test.js';

/**
 * The queue against BullMQ on a real cluster of six Redis nodes: `npm run bench:queue`. A task goes the whole way from
 * submission over its start at one of 200 consumers to its recorded result; one producer process and one
 * with all consumers for either engine, new ones for each round; rounds in the order ABBA, so that a machine that gets
 * slower or faster favours neither. The last line is JSON.
 *
 * Saturation: 2,000 tasks are always on their way (10 per consumer), a recorded result makes room for the next. There
 * latency follows from throughput (outstanding ÷ per second) as far as its middle goes; its P99 says how evenly the
 * engine serves. With arrivals faster than the engine, latency would measure nothing but the length of the run; so
 * `p50Ms` and `p99Ms` are of this closed loop, and `moderate` has those at equal load, evenly spaced, far below what
 * either engine can do.
 *
 * `--pipeline`: 2,000 tasks a minute for a minute that take a second each; what the queue adds before (scheduled → started)
 * and after (ended → recorded).
 */
const CONSUMERS = 200;
const WARM_UP = 3_000;
const MODERATE_PER_SECOND = 1_000;
const PIPELINE_PER_MINUTE = 2_000;
const PIPELINE_WORK_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20000' },
    /** How often ABBA is gone through. */
    cycles: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '60' },
    /** Two were slower for BullMQ on two processors: 4,700 against 5,400 tasks per second. */
    'consumer-processes': { type: 'string', default: '1' },
    outstanding: { type: 'string', default: '2000' },
    engines: { type: 'string', default: Object.keys(ENGINES).join(',') },
    pipeline: { type: 'boolean', default: false },
  },
});

const CONSUMER_PROCESSES = Number(options['consumer-processes']);
const OUTSTANDING = Number(options.outstanding);

interface Plan {
  readonly warmUp: number;
  readonly tasks: number;
  readonly workMs: number;
  readonly load: Load;
}

const SATURATION: Plan = {
  warmUp: WARM_UP,
  tasks: Number(options.tasks),
  workMs: 0,
  load: { kind: 'saturation', outstanding: OUTSTANDING },
};

const MODERATE: Plan = {
  warmUp: MODERATE_PER_SECOND * 2,
  tasks: MODERATE_PER_SECOND * 10,
  workMs: 0,
  load: { kind: 'schedule', perSecond: MODERATE_PER_SECOND },
};

const PIPELINE: Plan = {
  warmUp: Math.round(PIPELINE_PER_MINUTE / 12),
  tasks: Math.round((PIPELINE_PER_MINUTE / 60) * Number(options.seconds)),
  workMs: PIPELINE_WORK_MS,
  load: { kind: 'schedule', perSecond: PIPELINE_PER_MINUTE / 60 },
};

/** Runs rounds of all engines, each in new processes on an emptied cluster. */
class Bench {
  readonly #cluster: RedisCluster;
  readonly #programs: { readonly producer: string; readonly consumer: string };
  #rounds = 0;
  #child: ChildProcess | undefined;

  constructor(cluster: RedisCluster, programs: { readonly producer: string; readonly consumer: string }) {
    this.#cluster = cluster;
    this.#programs = programs;
  }

  /** Every engine's rounds, in the order ABBA. */
  async compare(plan: Plan, cycles: number): Promise<Map<string, RoundResult[]>> {
    const names = options.engines.split(',');
    const results = new Map<string, RoundResult[]>(names.map((name) => [name, []]));
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (const name of [...names, ...names.toReversed()]) results.get(name)?.push(await this.#round(name, plan));
    }
    return results;
  }

  async #round(engine: string, { warmUp, tasks, workMs, load }: Plan): Promise<RoundResult> {
    const primaries = await this.#cluster.primaries();
    for (const primary of primaries) await primary.call('FLUSHALL');
    await this.#cluster.waitHealthy();
    const round: RoundPlan = {
      engine,
      arena: await this.#arena(warmUp + tasks),
      consumers: CONSUMERS,
      consumerProcesses: CONSUMER_PROCESSES,
      consumerProgram: this.#programs.consumer,
      ...{ warmUp, tasks, workMs, load },
    };
    const redisBefore = await this.#redisMicros();
    const child = fork(this.#programs.producer, [], { execArgv: [] });
    this.#child = child;
    child.send(round);
    const [told] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => [{ failed: 'the producer ended without a result' }]),
    ])) as [{ readonly result: RoundResult } | { readonly failed: string }];
    if ('failed' in told) throw new Error(`${engine}, ${load.kind}: ${told.failed}`);
    const redis = Math.round(((await this.#redisMicros()) - redisBefore) / (warmUp + tasks));
    const result = { ...told.result, cpuMicros: { ...told.result.cpuMicros, redis } };
    console.error(`${engine}, ${load.kind}: ${JSON.stringify(result)}`);
    return result;
  }

  /** Processor time the nodes have used so far. */
  async #redisMicros(): Promise<number> {
    const used = await Promise.all(this.#cluster.nodes.map((node) => node.info('cpu')));
    const seconds = used.map((cpu) => Number(cpu.get('used_cpu_sys')) + Number(cpu.get('used_cpu_user')));
    return 1e6 * seconds.reduce((sum, one) => sum + one, 0);
  }

  async #arena(tasks: number): Promise<Arena> {
    const hashTags: string[] = [];
    for (const primary of await this.#cluster.primaries()) {
      for (let number = 0; ; number++) {
        const tag = `q${number}`;
        if ((await this.#cluster.primaryOf(await this.#cluster.slotOf(tag))) !== primary) continue;
        hashTags.push(tag);
        break;
      }
    }
    return { addresses: this.#cluster.addresses, hashTags, round: `r${this.#rounds++}`, tasks };
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

const middle = (rounds: readonly RoundResult[], of: (round: RoundResult) => Percentiles) => ({
  p50Ms: median(rounds.map((round) => of(round).p50)),
  p99Ms: median(rounds.map((round) => of(round).p99)),
});

/** One entry for every engine, null for those that were not measured. */
function byEngine<T>(results: ReadonlyMap<string, RoundResult[]>, of: (rounds: readonly RoundResult[]) => T) {
  const entry = (name: string): T | null => {
    const rounds = results.get(name);
    return rounds === undefined ? null : of(rounds);
  };
  return { ours: entry('ours'), bullmq: entry('bullmq') };
}

async function measure(bench: Bench): Promise<object> {
  if (options.pipeline) {
    return byEngine(await bench.compare(PIPELINE, 1), (rounds) => ({
      scheduledToStarted: middle(rounds, ({ toStart }) => toStart),
      endedToRecorded: middle(rounds, ({ toRecorded }) => toRecorded),
      added: middle(rounds, ({ total }) => total),
      dispatchLag: middle(rounds, ({ dispatchLag }) => dispatchLag),
    }));
  }
  const cycles = Number(options.cycles);
  const saturated = byEngine(await bench.compare(SATURATION, cycles), (rounds) => ({
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    ...middle(rounds, ({ total }) => total),
    rounds: rounds.map(({ perSecond }) => perSecond),
    // Of producer, consumers and Redis together.
    cpuMicrosPerTask: median(rounds.map(({ cpuMicros }) => Object.values(cpuMicros).reduce((sum, one) => sum + one))),
  }));
  const moderate = byEngine(await bench.compare(MODERATE, 1), (rounds) => middle(rounds, ({ total }) => total));
  const { ours, bullmq } = saturated;
  const ratio = ours === null || bullmq === null ? null : Math.round((ours.perSecond / bullmq.perSecond) * 100) / 100;
  return { ...saturated, ratio, outstanding: OUTSTANDING, moderate: { perSecond: MODERATE_PER_SECOND, ...moderate } };
}

async function main(): Promise<void> {
  const programs = await buildPrograms();
  const cluster = await RedisCluster.start();
  const bench = new Bench(cluster, programs);
  try {
    console.log(JSON.stringify(await measure(bench)));
  } finally {
    bench.stop();
    await cluster.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
