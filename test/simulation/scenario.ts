import { Random } from '../../runtime/kernel/random.js';
import { DAY, HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type {
  AlertRule,
  ChaosRules,
  Experiment,
  FaultType,
  FleetRules,
  Injection,
  LoadSegment,
  QueueRules,
  ScalingRules,
  TaskMix,
  TaskType,
} from '../../runtime/spec/experiment.js';

/** What an operator does during a run; times are ms from its start, of the clock and not of the schedule. */
export type OperatorAction =
  | { readonly atMs: number; readonly type: 'pause' | 'resume' | 'stop' | 'emergency_stop' | 'chaos_on' | 'chaos_off' }
  | { readonly atMs: number; readonly type: 'drain'; readonly timeoutMs: number; readonly thenStop: boolean }
  | { readonly atMs: number; readonly type: 'scale'; readonly agents: number }
  | { readonly atMs: number; readonly type: 'freeze'; readonly share: number; readonly forMs: number };

/** A run that is cut off and taken up again from a snapshot, in another process as it were. */
export interface Interruption {
  readonly atMs: number;
  /** The snapshot is taken once the run has drained; else of a run at work, whose tasks then run again. */
  readonly drained: boolean;
}

/** Everything a simulated run is made of; follows from its seed. */
export interface Scenario {
  readonly seed: number;
  readonly experiment: Experiment;
  readonly actions: readonly OperatorAction[];
  readonly interruption: Interruption | null;
}

/** Tasks of one run, about: what keeps a thousand runs within minutes. */
const MOST_TASKS = 3_000;

const START = Date.parse('2026-01-05T00:00:00+09:00');
const MIB = 2 ** 20;

/** A random, extreme but valid experiment with an operator's interference. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const durationMs = Math.round(between(random, 2, 20) * MINUTE);
  const fleet = drawFleet(random, durationMs);
  const load = drawLoad(random, durationMs, fleet.agents * fleet.slots);
  const tasks = drawTasks(random, load.meanMs);
  const experiment: Experiment = {
    phase: 1 + random.below(3),
    scenario: pick(random, [null, null, 'burst', 'stress', 'soak', 'chaos', 'diurnal']),
    title: `simulation ${seed}`,
    seed: random.uint32(),
    startAtMs: START,
    durationMs,
    load: {
      process: pick(random, ['uniform', 'poisson']),
      segments: load.segments,
      steadyRatePerMin: load.ratePerMin,
    },
    tasks,
    queue: drawQueue(random),
    fleet,
    scaling: drawScaling(random, fleet),
    chaos: drawChaos(random, durationMs, fleet.zones),
    alerts: drawAlerts(random),
    monitors: random.chance(0.3) ? ['memory_leak', 'connection_pool'] : [],
    targets: {
      throughputPerMin: load.ratePerMin,
      tolerance: 0.005,
      p99LatencyMs: 5 * SECOND,
      availability: 0.999,
      errorRate: 0.001,
      recoveryMs: 30 * SECOND,
      linearity: 0.95,
      cpu: 0.8,
      stretch: 3,
      mandatory: ['stable', 'throughput', 'p99_latency', 'error_rate', 'availability', 'recovery'],
      judged: ['stable', 'throughput', 'p99_latency', 'error_rate', 'availability', 'recovery', 'cpu', 'stretch'],
    },
    storage: {
      timeSeries: { backend: 'InfluxDB', retentionMs: 30 * DAY, resolutionMs: pick(random, [1, 1, 5]) * SECOND },
      events: { backend: 'Elasticsearch', retentionMs: 90 * DAY },
      rawLogs: { backend: 'S3', retentionMs: 365 * DAY, compression: 'gzip' },
    },
    budget: {
      maxUsd: random.chance(0.1) ? between(random, 0.5, 5) : 1_000,
      maxPerHourUsd: null,
      modelUsdPerMillionTokens: { input: 0, output: 0 },
      region: 'us-central1',
    },
    expect: null,
    executor: { type: 'simulated' },
    simulation: {
      failureRate: random.chance(0.5) ? between(random, 0, 0.5) : 0,
      rateLimitRate: random.chance(0.3) ? between(random, 0, 0.3) : 0,
      cpu: { idle: 0.02, perBusySlot: between(random, 0.05, 0.5) },
      memory: {
        baseBytes: 300 * MIB,
        perBusySlotBytes: 50 * MIB,
        leakPerTaskBytes: random.chance(0.3) ? Math.round(between(random, 0.1, 50) * MIB) : 0,
      },
      networkBytesPerTask: 64 * 1024,
    },
  };
  return {
    seed,
    experiment,
    actions: drawActions(random, durationMs, fleet.agents),
    interruption: random.chance(0.3)
      ? { atMs: Math.round(random.next() * durationMs), drained: random.chance(0.5) }
      : null,
  };
}

function drawFleet(random: Random, durationMs: number): FleetRules {
  const agents = 1 + Math.floor(40 * random.next() ** 2);
  const min = 1 + random.below(agents);
  const stages = random.chance(0.05)
    ? [1, 2, 3].map((n) => ({
        startMs: ((n - 1) * durationMs) / 3,
        endMs: (n * durationMs) / 3,
        agents: Math.max(1, Math.round((agents * n) / 3)),
      }))
    : [];
  return {
    agents,
    reserve: random.chance(0.5) ? random.below(4) : 0,
    min,
    max: agents + random.below(40),
    slots: 1 + random.below(6),
    zones: ['A', 'B', 'C', 'D'].slice(0, 1 + random.below(4)),
    machineType: 'n2-standard-4',
    requests: { cpuMilli: 400, memoryBytes: 2 ** 30 },
    agentsPerNode: 1 + random.below(8),
    startupMs: Math.round(between(random, 0.1, 30) * SECOND),
    nodeStartupMs: Math.round(between(random, 5, 120) * SECOND),
    restartMs: Math.round(between(random, 0.1, 20) * SECOND),
    recycle: {
      maxTasks: random.chance(0.3) ? 1 + random.below(50) : 1_000,
      maxAgeMs: random.chance(0.3) ? Math.round(between(random, 10, 300) * SECOND) : DAY,
      maxMemoryBytes: random.chance(0.3) ? 400 * MIB : 2_048 * MIB,
    },
    drainTimeoutMs: Math.round(pick(random, [1, 10, 120]) * SECOND),
    spot: { enabled: random.chance(0.3), preemptedPerDay: between(random, 1, 400) },
    stages,
    coordinators: 1 + random.below(3),
  };
}

/** Segments with the load a fleet of `slots` slots is given, and the mean service time that goes with it. */
function drawLoad(
  random: Random,
  durationMs: number,
  slots: number,
): { segments: LoadSegment[]; ratePerMin: number; meanMs: number } {
  const share = pick(random, [between(random, 0.001, 0.3), between(random, 0.3, 0.9), between(random, 0.9, 1.5)]);
  const mostPerMin = (MOST_TASKS / durationMs) * MINUTE;
  // Short tasks where there is room for them, else fewer and longer ones: the slots are as busy either way.
  const shortestMs = (share * slots * MINUTE) / mostPerMin;
  const meanMs = Math.max(shortestMs, 100 * 300 ** random.next());
  const ratePerMin = Math.max(0.5, (share * slots * MINUTE) / meanMs);
  const edges = [0, ...times(random.below(4), () => Math.round(random.next() * durationMs)), durationMs];
  edges.sort((a, b) => a - b);
  const segments = edges.slice(1).flatMap((endMs, i) => {
    const startMs = edges[i] as number;
    if (endMs === startMs) return [];
    const factor = i === 0 ? 1 : pick(random, [0.1, 0.5, 1, 2, 5]);
    return [{ startMs, endMs, ratePerMin: ratePerMin * factor, label: factor > 1 ? 'burst' : 'steady' }];
  });
  return { segments, ratePerMin, meanMs };
}

function drawTasks(random: Random, meanMs: number): TaskMix {
  const count = 1 + random.below(3);
  const weights = times(count, () => between(random, 0.1, 1));
  const types: TaskType[] = normalised(weights).map((share, i) => ({
    name: `type_${i}`,
    share,
    meanMs: meanMs * pick(random, [0.3, 1, 1.5]),
    tokens: { input: 100, output: 10 },
  }));
  const [p0 = 1, p1 = 0, p2 = 0, p3 = 0] = normalised(times(4, () => random.next() ** 2 + 0.01));
  return {
    types,
    priorityShares: [p0, p1, p2, p3],
    serviceTime: {
      distribution: pick(random, ['fixed', 'exponential', 'lognormal']),
      cv: between(random, 0.1, 2),
    },
    timeoutMs: random.chance(0.2) ? meanMs * between(random, 0.5, 3) : 10 * MINUTE,
  };
}

function drawQueue(random: Random): QueueRules {
  const leaseMs = Math.round(between(random, 0.5, 15) * SECOND);
  return {
    bound: pick(random, [1, 5, 20, 100, 500, 500]),
    maxAttempts: 1 + random.below(5),
    backoff: {
      firstMs: Math.round(between(random, 10, 2_000)),
      factor: between(random, 1, 3),
      maxMs: Math.round(between(random, 2_000, 30_000)),
    },
    leaseMs,
    beatMs: Math.max(1, Math.round(leaseMs / pick(random, [2, 3, 8]))),
    massExpiryShare: pick(random, [0.05, 0.2, 0.5, 1]),
    admission: random.chance(0.4) ? { maxWaitMs: Math.round(between(random, 0.3, 8) * SECOND) } : null,
  };
}

function drawScaling(random: Random, fleet: FleetRules): ScalingRules {
  return {
    mode: pick(random, ['off', 'reactive', 'reactive', 'predictive', 'feed_forward']),
    evaluateMs: pick(random, [5, 15]) * SECOND,
    windowMs: MINUTE,
    metrics: [
      { name: 'queue_depth', scaleUp: pick(random, [2, 20, 100]), scaleDown: 1, weight: 0.4, trigger: true },
      { name: 'avg_wait_time', scaleUp: 30 * SECOND, scaleDown: 5 * SECOND, weight: 0.3, trigger: true },
      { name: 'cpu_utilization', scaleUp: 0.7, scaleDown: 0.3, weight: 0.2, trigger: true },
      { name: 'error_rate', scaleUp: 0.05, scaleDown: 0.001, weight: 0.1, trigger: false },
    ],
    up: { increment: 1 + random.below(10), cooldownMs: pick(random, [10, 60, 300]) * SECOND, max: fleet.max },
    down: { decrement: 1 + random.below(5), cooldownMs: pick(random, [10, 60, 600]) * SECOND, min: fleet.min },
    headroom: between(random, 0.5, 1),
    predictive: {
      enabled: random.chance(0.7),
      daily: { peakHours: [9, 10, 14, 15], factor: 1.3 },
      weekly: { highDays: [1, 2, 3], factor: 1.2 },
      timeZone: 'Asia/Tokyo',
      lookbackMs: 7 * DAY,
      horizonMs: HOUR,
      confidence: 0.8,
    },
  };
}

const FAULTS: readonly FaultType[] = [
  'agent_kill',
  'agent_kill',
  'network_delay',
  'network_partition',
  'redis_primary_kill',
  'coordinator_failover',
  'zone_outage',
  'slow_agents',
  'rate_limit',
];
const LASTING: readonly FaultType[] = [
  'network_delay',
  'network_partition',
  'zone_outage',
  'slow_agents',
  'rate_limit',
];

function drawChaos(random: Random, durationMs: number, zones: readonly string[]): ChaosRules {
  const injections = times(random.below(6), (): Injection => {
    const type = pick(random, FAULTS);
    const repeats = random.chance(0.7);
    return {
      type,
      everyMs: repeats ? Math.round(between(random, 3, 120) * SECOND) : null,
      atMs: repeats ? [] : times(1 + random.below(3), () => Math.round(random.next() * durationMs)),
      share: pick(random, [0.05, 0.1, 0.5, 1]),
      durationMs: LASTING.includes(type) ? Math.round(between(random, 0.5, 40) * SECOND) : 0,
      latencyMs: Math.round(10 * 500 ** random.next()),
      factor: between(random, 1.5, 10),
      zone: random.chance(0.5) ? null : pick(random, zones),
    };
  });
  // Mostly without a stop condition: chaos that stops itself early shows nothing.
  const stop = random.chance(0.3) ? { errorRate: 0.05, offlineShare: 0.5 } : { errorRate: 1, offlineShare: 1 };
  return { enabled: random.chance(0.85), injections, stop };
}

function drawAlerts(random: Random): AlertRule[] {
  if (random.chance(0.5)) return [];
  return [
    {
      name: 'experiment_failure',
      severity: 'critical',
      metric: 'error_rate',
      comparison: '>',
      threshold: 0.3,
      forMs: MINUTE,
      actions: random.chance(0.3) ? ['pause_experiment'] : ['notify'],
    },
    {
      name: 'cascade_failure',
      severity: 'critical',
      metric: 'offline_agents',
      comparison: '>',
      threshold: 3,
      forMs: 0,
      actions: ['emergency_scale'],
    },
    {
      name: 'performance_degradation',
      severity: 'warning',
      metric: 'p99_latency',
      comparison: '>',
      threshold: 2 * SECOND,
      forMs: 20 * SECOND,
      actions: ['notify', 'investigate'],
    },
    {
      name: 'scaling_limit',
      severity: 'warning',
      metric: 'agent_count',
      comparison: '>=',
      threshold: 30,
      forMs: 0,
      actions: ['review_capacity'],
    },
  ];
}

function drawActions(random: Random, durationMs: number, agents: number): OperatorAction[] {
  if (random.chance(0.35)) return [];
  const actions = times(1 + random.below(5), (): OperatorAction => {
    const atMs = Math.round(random.next() * 1.1 * durationMs);
    switch (random.below(10)) {
      case 0:
        return { atMs, type: 'pause' };
      case 1:
      case 2:
        return { atMs, type: 'resume' };
      case 3:
        return { atMs, type: 'scale', agents: 1 + random.below(2 * agents) };
      case 4:
        return { atMs, type: random.chance(0.5) ? 'chaos_on' : 'chaos_off' };
      case 5:
        if (random.chance(0.6)) return { atMs, type: 'pause' };
        return { atMs, type: random.chance(0.5) ? 'stop' : 'emergency_stop' };
      case 6:
        if (random.chance(0.6)) return { atMs, type: 'resume' };
        return {
          atMs,
          type: 'drain',
          timeoutMs: Math.round(between(random, 0, 60) * SECOND),
          thenStop: random.chance(0.7),
        };
      default:
        return {
          atMs,
          type: 'freeze',
          share: pick(random, [0.1, 0.5, 1]),
          forMs: Math.round(between(random, 0.5, 20) * SECOND),
        };
    }
  });
  return actions.sort((a, b) => a.atMs - b.atMs);
}

function times<T>(count: number, draw: () => T): T[] {
  return Array.from({ length: count }, draw);
}

function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

function normalised(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
