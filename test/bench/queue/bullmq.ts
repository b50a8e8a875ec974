import { Queue, Worker } from 'bullmq';
import { Cluster } from 'ioredis';
import type { Arena, BenchTask, QueueUnderTest, WireTask } from './under-test.js';

/**
 * BullMQ as its documentation recommends: one queue per primary (a queue lives in one slot, "Redis Cluster"), `addBulk`
 * for what is at hand, a handful of finished jobs kept ("Auto-removal of jobs": 1,000, and 5,000 failed ones), one worker
 * per queue and process with `concurrency`, and `maxRetriesPerRequest: null` for workers ("Going to production"). Automatic pipelining of ioredis stays off: its
 * maintainers say it is not made for that. Results are as durable as one primary's memory.
 */
export const bullmq: QueueUnderTest = {
  async producer(arena) {
    const connection = connect(arena);
    const queues = arena.hashTags.map((tag) => new Queue<WireTask>(nameOf(arena), { connection, prefix: `{${tag}}` }));
    await Promise.all(queues.map((queue) => queue.waitUntilReady()));
    return {
      async submit(tasks) {
        await Promise.all(queues.map((queue, which) => addAll(queue, shareOf(tasks, which, queues.length))));
      },
      async close() {
        await Promise.all(queues.map((queue) => queue.close()));
        connection.disconnect();
      },
    };
  },

  async consumers(arena, share, handlers) {
    const connection = connect(arena);
    const workers = arena.hashTags.map((tag, which) => {
      const worker = new Worker<WireTask>(
        nameOf(arena),
        async (job) => {
          await handlers.started(job.data.metadata.index);
          return { status: 'success', error: null };
        },
        {
          connection,
          prefix: `{${tag}}`,
          concurrency: slice(share.count, which, arena.hashTags.length),
          removeOnComplete: { age: 3_600, count: 1_000 },
          removeOnFail: { age: 3_600, count: 1_000 },
        },
      );
      worker.on('completed', (job) => handlers.recorded(job.data.metadata.index));
      worker.on('failed', (_job, error) => handlers.failed(error));
      worker.on('error', (error) => handlers.failed(error));
      worker.on('stalled', (id) => handlers.failed(new Error(`job ${id} stalled`)));
      return worker;
    });
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    return {
      async close() {
        await Promise.all(workers.map((worker) => worker.close()));
        connection.disconnect();
      },
    };
  },
};

const nameOf = (arena: Arena): string => `bench-${arena.round}`;

const connect = ({ addresses }: Arena): Cluster =>
  new Cluster([...addresses], { redisOptions: { maxRetriesPerRequest: null } });

const shareOf = (tasks: readonly BenchTask[], which: number, of: number): readonly BenchTask[] =>
  tasks.filter(({ task }) => task.index % of === which);

/** Part `which` of a whole that is cut into parts as equal as can be. */
const slice = (whole: number, which: number, of: number): number =>
  Math.floor((whole * (which + 1)) / of) - Math.floor((whole * which) / of);

async function addAll(queue: Queue<WireTask>, tasks: readonly BenchTask[]): Promise<void> {
  const [first] = tasks;
  if (first === undefined) return;
  if (tasks.length === 1) await queue.add(first.wire.agent_type, first.wire);
  else await queue.addBulk(tasks.map(({ wire }) => ({ name: wire.agent_type, data: wire })));
}
