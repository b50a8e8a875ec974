import { randomBytes } from 'node:crypto';
import { RedisPrimaries, type RedisProcesses } from '../chaos/adapters/redis-primaries.js';
import type { Clock } from '../kernel/clock.js';
import { Random } from '../kernel/random.js';
import { partitionRules } from '../queue/adapters/redis/partition-rules.js';
import type { RedisEndpoint } from '../queue/adapters/redis/redis-endpoint.js';
import { removeRun } from '../queue/adapters/redis/remove-run.js';
import { openRedisStore } from '../queue/adapters/redis/redis-store.js';
import type { Experiment } from '../spec/experiment.js';
import { specHash } from '../spec/spec-hash.js';
import type { FaultTools } from './processes/process-faults.js';
import { openRedisRunQueue } from './redis-run-queue.js';
import type { RunQueueMaker } from './run-queue.js';

/** A run's choice to keep its tasks in Redis. */
export interface RedisChoice {
  readonly redis: RedisEndpoint;
  /** What it was given as, for errors: `--redis`. */
  readonly path: string;
  /** All its roles are processes of their own. */
  readonly processes: boolean;
  /** What faults are injected with. */
  readonly tools: FaultTools;
}

export interface RedisRunOptions {
  readonly choice: RedisChoice;
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly clock: Clock;
  /** Told now and then how far the start is, and what works but not as it should. */
  readonly onProgress: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

/** What a run has in Redis. */
export interface RedisRun {
  /** Its name there. */
  readonly run: string;
  readonly cluster: boolean;
  readonly queue: RunQueueMaker;
  /** Lets go of Redis, and removes the run's keys there. */
  close(): Promise<void>;
}

/**
 * Opens the queue of a new run in Redis.
 *
 * @throws ExperimentError NO_ANSWER or CONFIG_INVALID when Redis cannot be reached or does not fit.
 */
export async function openRedisRun(options: RedisRunOptions): Promise<RedisRun> {
  const { choice, experiment, experimentId, clock, onProgress, onError } = options;
  const { redis, path, processes, tools } = choice;
  // Runs of several machines may meet in one Redis: a name that only says when it began is not enough.
  const run = `${experimentId}-${randomBytes(3).toString('hex')}`;
  const random = new Random(experiment.seed, run);
  const driver = `run.${Math.floor(clock.now() * 1_000)}`;
  const store = await openRedisStore({
    ...{ redis, path, cluster: 'auto', run, specHash: specHash(experiment), partitions: 'auto', clock, name: driver },
    rules: (partitions) => partitionRules(experiment.queue, partitions),
  });
  for (const warning of store.warnings) onProgress(`Redis: ${warning}`);
  const opened = await openRedisRunQueue({
    ...{ clock, rules: experiment.queue, store, run, driver, random: () => random.next(), onError },
    ...{ redisVersion: store.version, processes, keys: store.sideKeys },
    ...(tools.redisProcesses === null ? {} : { primaries: primariesOf(choice, tools.redisProcesses, store.cluster) }),
  });
  const { cluster } = store;
  return {
    ...{ run, cluster, queue: opened.maker },
    async close() {
      await opened.close();
      await removeRun({ redis, run, cluster });
    },
  };
}

function primariesOf({ redis }: RedisChoice, processes: RedisProcesses, cluster: boolean): RedisPrimaries {
  return new RedisPrimaries({ ...redis, cluster }, processes);
}
