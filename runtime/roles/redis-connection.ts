import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisSettings } from './settings.js';

/** A node that has not answered a new connection by then is taken for gone, ms. */
const CONNECT_MS = 2_000;
/** A connection on which an answer has been due for so long is given up: nobody may be at the other end any more. */
const ANSWER_MS = 3_000;
/** Longest pause before it is tried again, ms: a failover takes some seconds, and everybody waits for its end. */
const MOST_RETRY_MS = 500;

/**
 * A connection by the settings. It begins at once, and begins again for ever when it breaks; what is asked meanwhile
 * waits at most one reconnection and then rejects.
 *
 * @param name shown by CLIENT LIST.
 * @param onError told of connection errors; they end nothing.
 */
export function connectRedis(
  settings: RedisSettings,
  name: string,
  onError: (error: unknown) => void,
): Redis | Cluster {
  const options: RedisOptions = {
    connectionName: name,
    connectTimeout: CONNECT_MS,
    socketTimeout: ANSWER_MS,
    maxRetriesPerRequest: 1,
    ...(settings.username === null ? {} : { username: settings.username }),
    ...(settings.password === null ? {} : { password: settings.password }),
    ...(settings.tls ? { tls: {} } : {}),
  };
  const redis = settings.cluster ? connectCluster(settings, options) : connectServer(settings, options);
  redis.on('error', onError);
  return redis;
}

function connectServer({ nodes }: RedisSettings, options: RedisOptions): Redis {
  return new Redis({ ...options, ...nodes[0], retryStrategy: retryAfter });
}

function connectCluster({ nodes, natMap }: RedisSettings, redisOptions: RedisOptions): Cluster {
  return new Cluster(
    nodes.map((node) => ({ ...node })),
    {
      redisOptions,
      natMap: { ...natMap },
      clusterRetryStrategy: retryAfter,
      // Names are looked up by each connection: a certificate is for the name, and addresses change.
      dnsLookup: (address, callback) => {
        callback(null, address);
      },
      slotsRefreshTimeout: CONNECT_MS,
    },
  );
}

function retryAfter(times: number): number {
  return Math.min(MOST_RETRY_MS, 50 * times);
}
