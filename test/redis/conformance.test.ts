import { Random } from '../../runtime/kernel/random.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { partitionRules } from '../../runtime/queue/adapters/redis/partition-rules.js';
import { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import { openRedisStore } from '../../runtime/queue/adapters/redis/redis-store.js';
import { describeTaskQueue } from '../queue/conformance.js';
import type { OpenQueue } from '../queue/stage.js';
import { RedisCluster } from './harness/cluster.js';

/** Much more than a message takes; but this machine may have other things to do for a moment. */
const SETTLE_MS = 150;
/** Each takes seconds of real time. */
const RANDOM_RUNS = 3;

let cluster: RedisCluster;
let runs = 0;
const clock = new RealClock();

beforeAll(async () => {
  cluster = await RedisCluster.start();
});

afterAll(async () => {
  await cluster.dispose();
});

/** The queue of a new run on the real cluster, in real time. */
function real(partitions: number | 'auto'): OpenQueue {
  return async (rules, observers) => {
    runs += 1;
    const [run, driver] = [`conformance-${runs}`, 'd1'];
    const errors: unknown[] = [];
    const store = await openRedisStore({
      ...{ redis: cluster.url, cluster: true, run, specHash: 'none', partitions, clock, name: driver },
      rules: (count) => partitionRules(rules, count),
    });
    const draws = new Random(runs, 'credit');
    const queue = await RedisQueue.open({
      ...{ clock, rules, store, run, driver, observers, random: () => draws.next() },
      onError: (error) => errors.push(error),
    });
    return {
      queue,
      settleMs: SETTLE_MS,
      now: () => clock.now(),
      advance: async (ms) => {
        await clock.sleep(ms);
        if (errors.length > 0) throw errors[0];
      },
      close: () => queue.close(),
    };
  };
}

describeTaskQueue('redis on a real cluster, one partition', real(1), RANDOM_RUNS);
describeTaskQueue('redis on a real cluster, a partition for each primary', real('auto'), RANDOM_RUNS, {
  divided: true,
});
