import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisConfig, redisReplicationConfig, redisUsers } from '../../../infra/redis-config.js';

/** Memory of a node in tests, bytes. */
const MEMORY = 512 * 2 ** 20;

export interface RedisSettings {
  /** Bus port and time after which a silent node counts as failed; left out = no cluster. */
  readonly cluster?: { readonly busPort: number; readonly nodeTimeoutMs: number };
  /** Passwords of the users of the deployed cluster (infra/redis-config.ts); left out = nobody needs one. */
  readonly users?: { readonly runtime: string; readonly admin: string };
  /** One password for the default user, as `requirepass` has it. */
  readonly password?: string;
  /** Lines of redis.conf that override what is deployed, e.g. `maxmemory-policy: allkeys-lru`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Writes redis.conf as it is deployed, but for what a folder and a port of this machine need. */
export function writeConfig(folder: string, port: number, options: RedisSettings): string {
  const { cluster, users, password, settings = {} } = options;
  // Folders of the pods.
  const deployed = redisConfig(MEMORY).replace(/^(include|aclfile|dir|port) .*\n/gm, '');
  const lines = [deployed, `bind 127.0.0.1`, `port ${port}`, `dir ${folder}`];
  lines.push(cluster === undefined ? 'cluster-enabled no' : `cluster-port ${cluster.busPort}`);
  if (cluster !== undefined) lines.push(`cluster-node-timeout ${cluster.nodeTimeoutMs}`);
  // The nodes of a test have no names.
  lines.push('cluster-preferred-endpoint-type ip');
  if (users !== undefined) {
    writeFileSync(join(folder, 'users.acl'), redisUsers(users.runtime, users.admin));
    writeFileSync(join(folder, 'replication.conf'), redisReplicationConfig(users.admin));
    lines.push(`include ${join(folder, 'replication.conf')}`, `aclfile ${join(folder, 'users.acl')}`);
  }
  if (password !== undefined) lines.push(`requirepass ${password}`, `masterauth ${password}`);
  for (const [name, value] of Object.entries(settings)) lines.push(`${name} ${value}`);
  const file = join(folder, 'redis.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
