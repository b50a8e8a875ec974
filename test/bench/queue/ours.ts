import type { QueueRules } from '../../../runtime/spec/experiment.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import type { RedisQueue } from '../../../runtime/queue/adapters/redis/redis-queue.js';
import type { AgentSession, Lease } from '../../../runtime/queue/port.js';
import { openQueue } from '../../../runtime/roles/open-queue.js';
import { experiment } from '../../support/experiment.js';
import { RESULT, type Arena, type QueueUnderTest } from './under-test.js';

/** Above what a round has outstanding: here nothing is to be refused. */
const RULES: Partial<QueueRules> = { bound: 1_000_000, beatMs: 1_000 };

/**
 * The project's own queue as a run has it: a partition per primary, every transition on a replica before it counts
 * (WAIT 1), beats, leases, logs and journals included.
 */
export const ours: QueueUnderTest = {
  async producer(arena) {
    const queue = await open(arena, 'producer');
    return {
      async submit(tasks) {
        const outcomes = await Promise.all(
          tasks.map(({ task, wire }) => queue.submit({ ...task, payload: JSON.stringify(wire) })),
        );
        if (outcomes.some(({ accepted }) => !accepted)) throw new Error('a task was refused');
      },
      close: () => queue.close(),
    };
  },

  async consumers(arena, share, handlers) {
    const queue = await open(arena, `consumers-${share.first}`);
    for (let i = share.first; i < share.first + share.count; i += 1) {
      const finish = (session: AgentSession, lease: Lease): void => {
        Promise.resolve(session.finish(lease, RESULT)).then((outcome) => {
          if (outcome === 'counted') handlers.recorded(lease.task.index);
          else handlers.failed(new Error(`task ${lease.task.index} was ${outcome}`));
        }, handlers.failed);
        session.credit(1);
      };
      const session = queue.attach(
        { id: `consumer-${i}`, incarnation: 1, zone: 'A' },
        {
          onLease(lease) {
            const work = handlers.started(lease.task.index);
            if (work === undefined) finish(session, lease);
            else work.then(() => finish(session, lease), handlers.failed);
          },
          onRevoked: ({ task }) => handlers.failed(new Error(`task ${task.index} was revoked`)),
        },
      );
      session.credit(1);
    }
    // Attached in every partition: an answer has come back for each agent.
    await queue.counts();
    return { close: () => queue.close() };
  },
};

async function open(arena: Arena, name: string): Promise<RedisQueue> {
  const { queue } = await openQueue({
    redis: { nodes: arena.addresses, username: null, password: null, tls: false },
    path: 'the bench',
    cluster: true,
    run: `bench-${arena.round}`,
    experiment: experiment({ queue: RULES }),
    driver: `${name}-${process.pid}`,
    clock: new RealClock(),
    observers: [],
    onError: (error) => {
      throw error;
    },
  });
  return queue;
}
