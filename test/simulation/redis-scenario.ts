import { Random } from '../../runtime/kernel/random.js';
import type { QueueRules } from '../../runtime/spec/experiment.js';
import { FAIR, type Weather } from '../queue/simulated-redis.js';
import { experiment } from '../support/experiment.js';

/** A fault and when it comes, ms after the start. `process` counts the processes of agents, `partition` the partitions. */
export type RedisFault = { readonly atMs: number } & (
  | { readonly kind: 'kill agents'; readonly process: number; readonly backMs: number; readonly sameNames: boolean }
  | { readonly kind: 'freeze agents'; readonly process: number; readonly forMs: number }
  /** Stopped, taken for dead and replaced by a new incarnation, then it goes on. */
  | { readonly kind: 'replace frozen agents'; readonly process: number; readonly forMs: number }
  | { readonly kind: 'drain agents'; readonly process: number; readonly inOrder: boolean; readonly backMs: number }
  | { readonly kind: 'kill leader'; readonly backMs: number }
  | { readonly kind: 'kill generator'; readonly backMs: number }
  | { readonly kind: 'stall replica'; readonly partition: number; readonly forMs: number }
  /** The replica stalls, the primary dies: what was written in between is gone. */
  | {
      readonly kind: 'lose suffix';
      readonly partition: number;
      readonly forMs: number;
      readonly killAfterMs: number;
      readonly restartMs: number;
    }
  | { readonly kind: 'kill primary'; readonly partition: number; readonly restartMs: number }
  | { readonly kind: 'freeze primary' | 'isolate primary'; readonly partition: number; readonly forMs: number }
  | { readonly kind: 'cut off'; readonly partition: number; readonly forMs: number }
  | { readonly kind: 'cut off process'; readonly process: number; readonly partition: number; readonly forMs: number }
);

/** Agents of one process, by their slots. */
export type AgentProcess = readonly number[];

export interface RedisScenario {
  readonly seed: number;
  readonly partitions: number;
  readonly shards: number;
  readonly rules: QueueRules;
  readonly weather: Weather;
  readonly agents: readonly AgentProcess[];
  /** Leading coordinators that sweep; two when a former one does not know yet that it is none. */
  readonly leaders: 1 | 2;
  /** Arrivals stop here, ms. */
  readonly durationMs: number;
  readonly arrivalsPerSecond: number;
  readonly meanTaskMs: number;
  readonly failureRate: number;
  readonly faults: readonly RedisFault[];
}

/** Everything about a run that follows from the seed. */
export function redisScenarioOf(seed: number): RedisScenario {
  const random = new Random(seed, 'redis scenario');
  const between = (least: number, most: number): number => least + random.below(most - least + 1);
  const partitions = between(1, 4);
  const agents = Array.from({ length: between(3, 10) }, () =>
    Array.from({ length: random.chance(0.5) ? 1 : between(1, 5) }, () => between(1, 4)),
  );
  const slots = agents.flat().reduce((sum, count) => sum + count, 0);
  const meanTaskMs = between(300, 3_000);
  const load = 0.3 + random.next() * 0.8;
  const arrivalsPerSecond = Math.min(30, (slots * 1_000 * load) / meanTaskMs);
  const durationMs = between(15, 35) * 1_000;
  return {
    ...{ seed, partitions, agents, meanTaskMs, arrivalsPerSecond, durationMs },
    shards: between(1, partitions),
    rules: {
      ...experiment().queue,
      bound: random.chance(0.3) ? between(5, 40) : 500,
      maxAttempts: between(3, 5),
      backoff: { firstMs: 300, factor: 2, maxMs: 2_000 },
    },
    weather: weatherOf(random),
    leaders: random.chance(0.3) ? 2 : 1,
    failureRate: random.chance(0.5) ? 0 : random.next() * 0.1,
    faults: faultsOf(random, agents.length, partitions, durationMs),
  };
}

function weatherOf(random: Random): Weather {
  const delayMs = 0.1 + random.next() ** 3 * 10;
  if (random.chance(0.4)) return { ...FAIR, delayMs };
  return {
    delayMs,
    lostRequests: random.next() * 0.01,
    lostAnswers: random.next() * 0.01,
    late: random.next() * 0.005,
    lostMessages: random.next() * 0.1,
    redirected: random.next() * 0.01,
  };
}

function faultsOf(random: Random, processes: number, partitions: number, durationMs: number): RedisFault[] {
  const between = (least: number, most: number): number => least + random.below(most - least + 1);
  const count = between(2, 7);
  return Array.from({ length: count }, () => {
    const atMs = between(3_000, durationMs - 3_000);
    const process = random.below(processes);
    const partition = random.below(partitions);
    const backMs = between(1_000, 8_000);
    const kinds: Array<() => RedisFault> = [
      () => ({ kind: 'kill agents', atMs, process, backMs, sameNames: random.chance(0.5) }),
      () => ({ kind: 'kill agents', atMs, process, backMs, sameNames: random.chance(0.5) }),
      () => ({ kind: 'freeze agents', atMs, process, forMs: between(500, 12_000) }),
      () => ({ kind: 'replace frozen agents', atMs, process, forMs: between(2_000, 8_000) }),
      () => ({ kind: 'drain agents', atMs, process, inOrder: random.chance(0.7), backMs }),
      () => ({ kind: 'kill leader', atMs, backMs: between(500, 3_000) }),
      () => ({ kind: 'kill generator', atMs, backMs: between(500, 3_000) }),
      () => ({ kind: 'stall replica', atMs, partition, forMs: between(300, 8_000) }),
      () => {
        const killAfterMs = between(100, 4_000);
        const forMs = killAfterMs + between(100, 5_000);
        const restartMs = random.chance(0.5) ? between(100, 1_000) : between(4_000, 10_000);
        return { kind: 'lose suffix', atMs, partition, forMs, killAfterMs, restartMs };
      },
      () => ({ kind: 'kill primary', atMs, partition, restartMs: between(4_000, 12_000) }),
      () => ({ kind: 'kill primary', atMs, partition, restartMs: between(100, 1_500) }),
      () => ({ kind: 'freeze primary', atMs, partition, forMs: between(300, 8_000) }),
      () => ({ kind: 'isolate primary', atMs, partition, forMs: between(1_000, 8_000) }),
      () => ({ kind: 'cut off', atMs, partition, forMs: between(500, 6_000) }),
      () => ({ kind: 'cut off process', atMs, process, partition, forMs: between(500, 6_000) }),
    ];
    return (kinds[random.below(kinds.length)] as () => RedisFault)();
  }).sort((a, b) => a.atMs - b.atMs);
}
