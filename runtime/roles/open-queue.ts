import type { Clock } from '../kernel/clock.js';
import { ExperimentError } from '../kernel/errors.js';
import { Random } from '../kernel/random.js';
import { SECOND } from '../kernel/units.js';
import { ClockReporter } from '../queue/adapters/redis/clock-records.js';
import { partitionRules } from '../queue/adapters/redis/partition-rules.js';
import type { RedisEndpoint } from '../queue/adapters/redis/redis-endpoint.js';
import { RedisQueue } from '../queue/adapters/redis/redis-queue.js';
import { RedisStore } from '../queue/adapters/redis/redis-store.js';
import { StoreFailure } from '../queue/adapters/redis/store.js';
import type { QueueObserver, SideKeys } from '../queue/port.js';
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

/** Between attempts to reach Redis: each takes about as long when nobody answers. */
const TRY_AGAIN_MS = 500;
/** What is in the way is told this often. */
const TELL_MS = 10 * SECOND;

/** The leader's lease of a run. */
export const leaseKey = (run: string): string => `ae:${run}:leader`;

/**
 * The queue of a run in Redis.
 *
 * @throws ExperimentError when Redis cannot be reached or does not fit, with everything that is wrong.
 */
export async function openQueue(options: OpenQueueOptions): Promise<{ queue: RedisQueue; store: RedisStore }> {
  const { run, experiment, driver, clock, observers, durable, onError } = options;
  const store = await openStore(options);
  const draws = new Random(experiment.seed, driver);
  const random = (): number => draws.next();
  try {
    const queue = await RedisQueue.open({
      ...{ clock, rules: experiment.queue, store, driver, run, observers, onError, random },
      ...(durable === undefined ? {} : { durable }),
    });
    return { queue, store };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Where a run's queue lies, for a role that opens the queue itself.
 *
 * @throws ExperimentError when Redis cannot be reached or does not fit, with everything that is wrong.
 */
export async function openRoleStore(host: RoleHost): Promise<RedisStore> {
  const { experiment, identity, clock, log } = host;
  const { nodes, username, password, tls, cluster, natMap } = host.requireRedis();
  const store = await openStore({
    ...{ redis: { nodes, username, password, tls }, path: 'REDIS_NODES', cluster, natMap },
    ...{ run: identity.runId, experiment, clock, driver: driverOf(host) },
  });
  for (const warning of store.warnings) log.warn(warning);
  return store;
}

/** Names a role's process to the queue; different for every start. */
export const driverOf = ({ identity }: RoleHost): string => `${identity.id}.${identity.incarnation}`;

function openStore(options: Omit<OpenQueueOptions, 'observers' | 'onError' | 'durable'>): Promise<RedisStore> {
  const { redis, path, cluster, natMap, run, experiment, driver, clock } = options;
  return RedisStore.open({
    ...{ redis, path, cluster, run, clock, name: driver, partitions: 'auto' as const },
    specHash: specHash(experiment),
    rules: (partitions) => partitionRules(experiment.queue, partitions),
    ...(natMap === undefined ? {} : { natMap }),
  });
}

/** The queue as a role has it, and the keys of the run beside it. */
export interface RoleQueue {
  readonly queue: RedisQueue;
  readonly keys: SideKeys;
}

/**
 * The same for a role: Redis as its environment tells. From then on the run is told where this process' clock stands.
 *
 * @throws ExperimentError when Redis cannot be reached or does not fit, with everything that is wrong.
 */
export async function openRoleQueue(host: RoleHost, observers: readonly QueueObserver[]): Promise<RedisQueue> {
  return (await open(host, observers)).queue;
}

/**
 * The same for a role that is there before Redis is: tries until Redis lets it in, and says every ten seconds what is
 * in the way.
 *
 * @throws ExperimentError when what is wrong does not pass by itself; Aborted when `signal` aborts.
 */
export async function reachRoleQueue(
  host: RoleHost,
  observers: readonly QueueObserver[],
  signal: AbortSignal,
): Promise<RoleQueue> {
  const { clock, log } = host;
  let toldAt = -Infinity;
  for (;;) {
    try {
      return await open(host, observers);
    } catch (error) {
      if (!passes(error)) throw error;
      const now = clock.now();
      if (now - toldAt >= TELL_MS) {
        toldAt = now;
        log.error({ err: { message: textOf(error) } }, 'no way to the queue so far; it is tried on');
      }
    }
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
}

async function open(host: RoleHost, observers: readonly QueueObserver[]): Promise<RoleQueue> {
  const { experiment, identity, clock, log } = host;
  const { nodes, username, password, tls, cluster, natMap, durable } = host.requireRedis();
  if (!durable) log.warn('QUEUE_UNSAFE is set: tasks will be lost when a Redis primary is');
  const { queue, store } = await openQueue({
    ...{ redis: { nodes, username, password, tls }, path: 'REDIS_NODES', cluster, natMap, durable },
    ...{ run: identity.runId, experiment, clock, observers },
    driver: driverOf(host),
    onError: (error) => {
      log.warn({ err: error }, 'something failed at the queue; it goes on');
    },
  });
  for (const warning of store.warnings) log.warn(warning);
  const keys = store.sideKeys;
  new ClockReporter({ clock, keys, process: identity.id, offset: () => queue.clockOffset }).start();
  return { queue, keys };
}

/** Nobody answers yet, or lets nobody in: that may change. What is configured wrong stays so. */
function passes(error: unknown): boolean {
  return error instanceof StoreFailure || (error instanceof ExperimentError && error.code === 'NO_ANSWER');
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
