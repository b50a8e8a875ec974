/** Port of clients; the nodes' own bus is 10,000 above it, as Redis has it. */
export const REDIS_PORT = 6379;
export const REDIS_BUS_PORT = REDIS_PORT + 10_000;

/** Where things are in the pods. */
export const REDIS_FOLDERS = { data: '/data', config: '/etc/redis', auth: '/etc/redis-auth' } as const;

/** Time after which a silent node counts as failed; a primary was replaced 4 s after its end when measured. */
const NODE_TIMEOUT_MS = 2_000;

/**
 * Share of a node's memory that data may fill. The rest is for copy-on-write while the append-only file is rewritten,
 * the replication backlog and the clients' buffers.
 */
const DATA_SHARE = 0.75;

/** The redis.conf of every node. What differs from node to node is given by the start script. */
export function redisConfig(memoryBytes: number): string {
  const backlog = Math.min(64 * 2 ** 20, Math.floor(memoryBytes / 16));
  return `include ${REDIS_FOLDERS.auth}/replication.conf
aclfile ${REDIS_FOLDERS.auth}/users.acl
port ${REDIS_PORT}
# Nobody comes in without a password (users.acl).
protected-mode no
dir ${REDIS_FOLDERS.data}

cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout ${NODE_TIMEOUT_MS}
# Clients are sent to names: addresses change when a pod comes back.
cluster-preferred-endpoint-type hostname
# One partition without a node does not stop the others.
cluster-require-full-coverage no
# A replica stays with its primary: they were paired so as not to share a node.
cluster-allow-replica-migration no

# Which transitions count is decided per command with WAIT. Refusing all writes without a replica would stop a partition
# after every promotion, where the queue is to work on in its declared degraded mode.
min-replicas-to-write 0
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-backlog-size ${backlog}

appendonly yes
appendfsync everysec
save ""

maxmemory ${Math.floor(memoryBytes * DATA_SHARE)}
maxmemory-policy noeviction
shutdown-timeout 10
`;
}

/** User of the runtime, and the one that replicates, probes and repairs. */
export const REDIS_USERS = { runtime: 'experiment', admin: 'admin' } as const;

/** The users. The default one, which needs no name, is off; the runtime's cannot change or empty the cluster. */
export function redisUsers(runtimePassword: string, adminPassword: string): string {
  return `user default off
user ${REDIS_USERS.admin} on >${adminPassword} ~* &* +@all
user ${REDIS_USERS.runtime} on >${runtimePassword} ~* &* +@all -@admin -@dangerous +info +role
`;
}

/** How replicas log in at their primary. */
export function redisReplicationConfig(adminPassword: string): string {
  return `masteruser ${REDIS_USERS.admin}\nmasterauth ${adminPassword}\n`;
}
