import type { RoleHost } from '../role.js';
import { connectRedis } from '../redis-connection.js';
import { RedisBoard } from './redis-board.js';

/** The run's board, for a role: Redis as its environment tells. The connection begins at once and is never given up. */
export function openRoleBoard(host: RoleHost, onError: (error: unknown) => void): RedisBoard {
  const { identity, clock } = host;
  const redis = connectRedis(host.requireRedis(), `${identity.id}-board`, onError);
  return new RedisBoard({
    ...{ redis, run: identity.runId, clock, onError },
    writer: `${identity.id}.${identity.incarnation}`,
  });
}
