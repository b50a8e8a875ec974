import { Gauge } from 'prom-client';
import type { FleetSample } from '../agents/port.js';
import { RedisLease } from '../coordinator/adapters/redis-lease.js';
import { RedisLeaseServer } from '../coordinator/adapters/redis-lease-server.js';
import { AdmissionControl } from '../coordinator/admission.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { sweeping } from '../coordinator/sweeper.js';
import { SECOND } from '../kernel/units.js';
import type { ExperimentEvent } from '../observe/events.js';
import { NO_FLEET } from './board/board.js';
import { openRoleBoard } from './board/open-board.js';
import { leaseKey, openRoleQueue } from './open-queue.js';
import { connectRedis } from './redis-connection.js';
import type { Role, RunningRole } from './role.js';
import { RunKeeper } from './run-keeper.js';

/** Handing the lease back takes one question. */
const DRAIN_MS = 3_000;

/**
 * One coordinator replica: the one that holds the lease in Redis gives the tasks of silent agents to others, releases
 * retries that are due, admits tasks, and carries the run on; the others wait to take over.
 */
export const role: Role = {
  async start(host) {
    const { clock, log, identity, metrics, experiment } = host;
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the coordinator goes on');
    };
    const board = openRoleBoard(host, onError);
    let fleet: FleetSample = NO_FLEET;
    const admission = new AdmissionControl(experiment, () => fleet);
    const queue = await openRoleQueue(host, experiment.queue.admission === null ? [] : [admission]);
    const leading = new Gauge({ name: 'coordinator_leading', help: '1 = this replica leads.', registers: [metrics] });
    const events = (event: ExperimentEvent): void => {
      if (event.type === 'leader') {
        log.info({ event }, 'leading');
        return;
      }
      log.info({ event }, event.type);
      board.event(event);
    };
    const redis = connectRedis(host.requireRedis(), `${identity.id}-lease`, onError);
    const keeper = new RunKeeper({
      ...{ experiment, replica: identity.id, clock, board, queue, onError },
      term: () => coordinator.term,
    });
    const admitting = admission.duty(queue, onError);
    const coordinator: Coordinator = new Coordinator({
      replica: identity.id,
      clock,
      lease: new RedisLease({
        server: new RedisLeaseServer(redis, leaseKey(identity.runId)),
        clock,
        incarnation: identity.incarnation,
      }),
      duties: [keeper.duty, sweeping(queue, clock, events, onError), ...(admitting === null ? [] : [admitting])],
      events,
      onError,
    });
    const watching = board.follow('fleet', SECOND, (found) => {
      if (found !== null) fleet = found.note.sample;
    });
    const shown = clock.every(SECOND, () => {
      leading.set(coordinator.isLeader ? 1 : 0);
    });
    coordinator.start();
    const running: RunningRole = {
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        shown.cancel();
        watching.cancel();
        coordinator.stop();
        await queue.close();
        await board.close(DRAIN_MS / 3);
        // Behind the release, which is still on its way.
        await redis.quit().catch(() => {
          redis.disconnect();
        });
      },
    };
    return running;
  },
};
