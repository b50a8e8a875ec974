import { Gauge } from 'prom-client';
import { RedisLease } from '../coordinator/adapters/redis-lease.js';
import { RedisLeaseServer } from '../coordinator/adapters/redis-lease-server.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { sweeping } from '../coordinator/sweeper.js';
import type { ExperimentEvent } from '../observe/events.js';
import { leaseKey, openRoleQueue } from './open-queue.js';
import { connectRedis } from './redis-connection.js';
import type { Role, RunningRole } from './role.js';

/** Handing the lease back takes one question. */
const DRAIN_MS = 3_000;

/**
 * One coordinator replica: the one that holds the lease in Redis gives the tasks of silent agents to others and
 * releases retries that are due; the others wait to take over.
 */
export const role: Role = {
  async start(host) {
    const { clock, log, identity, metrics } = host;
    const queue = await openRoleQueue(host, []);
    const leading = new Gauge({ name: 'coordinator_leading', help: '1 = this replica leads.', registers: [metrics] });
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the coordinator goes on');
    };
    const events = (event: ExperimentEvent): void => {
      if (event.type === 'leader') log.info({ event }, 'leading');
      else log.info({ event }, event.type);
    };
    const redis = connectRedis(host.requireRedis(), `${identity.id}-lease`, onError);
    const coordinator = new Coordinator({
      replica: identity.id,
      clock,
      lease: new RedisLease({
        server: new RedisLeaseServer(redis, leaseKey(identity.runId)),
        clock,
        incarnation: identity.incarnation,
      }),
      duties: [sweeping(queue, clock, events, onError)],
      events,
      onError,
    });
    const shown = clock.every(1_000, () => {
      leading.set(coordinator.isLeader ? 1 : 0);
    });
    coordinator.start();
    const running: RunningRole = {
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        shown.cancel();
        coordinator.stop();
        await queue.close();
        // Behind the release, which is still on its way.
        await redis.quit().catch(() => {
          redis.disconnect();
        });
      },
    };
    return running;
  },
};
