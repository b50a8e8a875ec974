import { Random } from '../../runtime/kernel/random.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { SideKeys } from '../../runtime/queue/port.js';
import { buildReport } from '../../runtime/report/build.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { openRedisRunQueue } from '../../runtime/targets/redis-run-queue.js';
import type { RunQueue, RunQueueMaker } from '../../runtime/targets/run-queue.js';
import { FAIR, partitionRules, SimulatedRedis } from '../queue/simulated-redis.js';
import { onError } from '../support/core.js';
import { experiment } from '../support/experiment.js';
import { newRun, rehearse, type Rehearsed } from './rehearse.js';

const spec = experiment({
  durationMs: 2 * MINUTE,
  rest: {
    chaos: {
      enabled: true,
      injections: [injection('agent_kill', 20 * SECOND), injection('network_delay', 50 * SECOND)],
      stop: { errorRate: 1, offlineShare: 1 },
    },
  },
});

function injection(type: 'agent_kill' | 'network_delay', atMs: number) {
  const lasting = type === 'network_delay';
  return {
    ...{ type, everyMs: null, atMs: [atMs], share: 0.2, factor: 1, zone: null },
    ...{ durationMs: lasting ? 15 * SECOND : 0, latencyMs: lasting ? 300 : 0 },
  };
}

/** What processes elsewhere would have told of their clocks. */
const told: string[] = [];
const clocks: SideKeys = { run: () => Promise.resolve(told) };

interface Opened {
  readonly redis: SimulatedRedis;
  readonly clock: VirtualClock;
}

/** A whole run in virtual time whose tasks are in a simulated Redis of three partitions. */
async function runOnRedis(
  given: Experiment,
  during: (opened: Opened) => void = () => undefined,
  after: (queue: RunQueue) => void = () => undefined,
): Promise<Rehearsed> {
  const clock = new VirtualClock(given.startAtMs, new Random(given.seed, 'ties'));
  const random = new Random(2, 'weather');
  const redis = new SimulatedRedis(clock, partitionRules(given.queue, 3), () => random.next(), FAIR);
  const opened = await openRedisRunQueue({
    ...{ clock, rules: given.queue, store: redis.store(), run: 'r', driver: 'd1', onError },
    ...{ random: () => random.next(), redisVersion: '7', processes: false, keys: clocks },
  });
  const queues: RunQueue[] = [];
  const maker: RunQueueMaker = (observers) => {
    queues.push(opened.maker(observers));
    return queues[0] as RunQueue;
  };
  const run = newRun(given, clock, { queue: maker });
  const events: Rehearsed['events'][number][] = [];
  run.onEvent((event) => events.push(event));
  during({ redis, clock });
  const carriedOut = run.carryOut().finally(() => {
    clock.stop();
  });
  await clock.run();
  const { end, input } = await carriedOut;
  queues.forEach(after);
  return { report: buildReport(input), end, events, samples: [] };
}

/** What the probes of each fault saw in the end. */
function probed({ events }: Rehearsed): Record<string, unknown> {
  const faults = events.flatMap((event) => (event.type === 'fault' && event.stage === 'probed' ? [event.fault] : []));
  return Object.fromEntries(faults.map(({ type, effectSeen, endSeen }) => [type, { effectSeen, endSeen }]));
}

describe('a run whose queue is in Redis', () => {
  it('comes to the verdict and the ledger of the same run in memory, its faults included', async () => {
    const [onRedis, inMemory] = [await runOnRedis(spec), await rehearse(spec)];
    expect(onRedis.end).toMatchObject({ state: 'stopped', complete: true });
    expect(onRedis.report.ledger).toEqual(inMemory.report.ledger);
    expect(onRedis.report.ledger).toMatchObject({ completed: 1_200, lost: 0, doubleCounted: 0, balanced: true });
    expect({ verdict: onRedis.report.verdict, invalid: onRedis.report.invalid }).toEqual({
      verdict: inMemory.report.verdict,
      invalid: [],
    });
    expect(probed(onRedis)).toEqual(probed(inMemory));
    const seen = { effectSeen: true, endSeen: true };
    expect(probed(onRedis)).toEqual({ agent_kill: seen, network_delay: seen });
    expect(onRedis.report.performance.latency.p50).toBeLessThan(20);
  });

  it('tells how well the clock was known of whoever knew it least', async () => {
    const bounds: Array<number | undefined> = [];
    const look = (queue: RunQueue): unknown => bounds.push(queue.kind().clockBoundMs);
    await runOnRedis(experiment({ durationMs: MINUTE }), undefined, look);
    told.push(JSON.stringify({ offsetMs: 3, boundMs: 12 }), JSON.stringify({ offsetMs: -900, boundMs: 60 }));
    await runOnRedis(experiment({ durationMs: MINUTE }), undefined, look);
    told.length = 0;
    const [own = 0, all] = bounds;
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(10);
    expect(all).toBe(60);
  });

  it('loses and doubles nothing when a primary is lost whose replica had stalled', async () => {
    const { report } = await runOnRedis(experiment({ durationMs: 2 * MINUTE }), ({ redis, clock }) => {
      clock.after(40 * SECOND, () => {
        redis.shardOf(1).stallReplica(SECOND);
      });
      clock.after(40.5 * SECOND, () => {
        redis.shardOf(1).killPrimary(10 * SECOND);
      });
    });
    expect(report.ledger).toMatchObject({ submitted: 1_200, lost: 0, doubleCounted: 0, balanced: true });
    expect(report.ledger.completed + report.ledger.failed + report.ledger.shed).toBe(1_200);
    expect(report.invalid).toEqual([]);
  });
});
