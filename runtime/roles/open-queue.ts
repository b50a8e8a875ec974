import type { Clock } from '../kernel/clock.js';
import { Random } from '../kernel/random.js';
import { partitionRules } from '../queue/adapters/redis/partition-rules.js';
import type { RedisEndpoint } from '../queue/adapters/redis/redis-endpoint.js';
import { RedisQueue } from '../queue/adapters/redis/redis-queue.js';
import { RedisStore } from '../queue/adapters/redis/redis-store.js';
import type { QueueObserver } from '../queue/port.js';
import type { Experiment } from '../spec/experiment.js';
import { specHash } from '../spec/spec-hash.js';
import type { RoleHost } from './role.js';

export interface OpenQueueOptions {
  readonly redis: RedisEndpoint;
  /** What `redis` was given as, for errors. */
  readonly path: string;
  readonly cluster: boolean | 'auto';
  readonly natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  readonly run: string;
  readonly experiment: Experiment;
  /** Names this process, different for every start. */
  readonly driver: string;
  readonly clock: Clock;
  readonly observers: readonly QueueObserver[];
  readonly durable?: boolean;
  readonly onError: (error: unknown) => void;
}

/** The leader's lease of a run. */
export const leaseKey = (run: string): string => `ae:${run}:leader`;

/**
 * The queue of a run in Redis.
 *
 * @throws ExperimentError when Redis cannot be reached or does not fit, with everything that is wrong.
 */
export async function openQueue(options: OpenQueueOptions): Promise<{ queue: RedisQueue; store: RedisStore }> {
  const { redis, path, cluster, natMap, run, experiment, driver, clock, observers, durable, onError } = options;
  const store = await RedisStore.open({
    ...{ redis, path, cluster, run, clock, name: driver, partitions: 'auto' as const },
    specHash: specHash(experiment),
    rules: (partitions) => partitionRules(experiment.queue, partitions),
    ...(natMap === undefined ? {} : { natMap }),
  });
  const draws = new Random(experiment.seed, driver);
  const random = (): number => draws.next();
  const queue = await RedisQueue.open({
    ...{ clock, rules: experiment.queue, store, driver, run, observers, onError, random },
    ...(durable === undefined ? {} : { durable }),
  });
  return { queue, store };
}

/** The same for a role: Redis as its environment tells. */
export async function openRoleQueue(host: RoleHost, observers: readonly QueueObserver[]): Promise<RedisQueue> {
  const { experiment, identity, clock, log } = host;
  const { nodes, username, password, tls, cluster, natMap, durable } = host.requireRedis();
  if (!durable) log.warn('QUEUE_UNSAFE is set: tasks will be lost when a Redis primary is');
  const { queue, store } = await openQueue({
    ...{ redis: { nodes, username, password, tls }, path: 'REDIS_NODES', cluster, natMap, durable },
    ...{ run: identity.runId, experiment, clock, observers },
    driver: `${identity.id}.${identity.incarnation}`,
    onError: (error) => {
      log.warn({ err: error }, 'something failed at the queue; it goes on');
    },
  });
  for (const warning of store.warnings) log.warn(warning);
  return queue;
}
