import { join } from 'node:path';
import type { RedisEndpoint } from '../../queue/adapters/redis/redis-endpoint.js';
import { RUN_FILES } from '../../record/run-folder.js';
import type { Experiment } from '../../spec/experiment.js';
import { specHash } from '../../spec/spec-hash.js';

/** In the folder of a run: what agents and load generator wrote down of their work. */
const JOURNALS = 'journals';

export interface ProcessPlace {
  readonly experiment: Experiment;
  readonly redis: RedisEndpoint;
  readonly cluster: boolean;
  /** Name of the run in Redis. */
  readonly run: string;
  /** Of the run; holds its spec.json. */
  readonly folder: string;
}

/** What every process of the run is told, beside what it needs of ours: PATH, keys of models. */
export function processEnvironment(place: ProcessPlace): Record<string, string | undefined> {
  const { experiment, redis, cluster, run, folder } = place;
  return {
    ...process.env,
    SPEC_FILE: join(folder, RUN_FILES.spec),
    SPEC_HASH: specHash(experiment),
    RUN_ID: run,
    JOURNAL_DIR: join(folder, JOURNALS),
    RESULTS_DIR: folder,
    PARENT_PIPE: 'true',
    REDIS_NODES: redis.nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(','),
    REDIS_CLUSTER: String(cluster),
    REDIS_USERNAME: redis.username ?? '',
    REDIS_PASSWORD: redis.password ?? '',
    REDIS_TLS: String(redis.tls),
    LISTEN_HOST: '127.0.0.1',
    // Any free one; nothing is asked of them here.
    HEALTH_PORT: '0',
    METRICS_PORT: '',
    POD_IP: '',
    NODE_NAME: '',
    ZONE: '',
  };
}
