import { Cluster, Redis } from 'ioredis';
import type { RedisEndpoint } from './redis-endpoint.js';

/** Until a connection counts as none, ms. */
const CONNECT_MS = 2_000;
/** Keys looked at in one step. */
const PAGE = 500;

export interface RemoveRunOptions {
  readonly redis: RedisEndpoint;
  readonly run: string;
  readonly cluster: boolean;
}

/**
 * Removes all keys of a run once nobody uses them any more: `ae:RUN:*`, and what is in one slot each, `ae:{WHAT:RUN}*`
 * and `ae:{WHAT:RUN:*}*`.
 *
 * @throws what the server says; what has been removed by then stays removed.
 */
export async function removeRun({ redis: endpoint, run, cluster }: RemoveRunOptions): Promise<void> {
  const { nodes, username, password, tls } = endpoint;
  const options = {
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: 1,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  const redis = cluster
    ? new Cluster([...nodes], { redisOptions: options, clusterRetryStrategy: () => null })
    : new Redis({ ...options, ...nodes[0], retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    if (redis instanceof Cluster) {
      // Its list of nodes is there once it has connected.
      await redis.ping();
      for (const node of redis.nodes('master')) await removeFrom(node, redis, run);
    } else {
      await removeFrom(redis, redis, run);
    }
  } finally {
    redis.disconnect();
  }
}

async function removeFrom(node: Redis, remover: Redis | Cluster, run: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', `ae:*${run}*`, 'COUNT', PAGE);
    // One by one: those of a cluster are in several slots.
    await Promise.all(keys.filter((key) => isOf(run, key)).map((key) => remover.unlink(key)));
    cursor = next;
  } while (cursor !== '0');
}

/** Another run's name may hold this one's. */
function isOf(run: string, key: string): boolean {
  if (key.startsWith(`ae:${run}:`)) return true;
  const [, tag] = /^ae:\{[a-z]+:([^}]*)\}/.exec(key) ?? [];
  return tag === run || tag?.startsWith(`${run}:`) === true;
}
