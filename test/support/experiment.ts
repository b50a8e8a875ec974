import { DAY, HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { Experiment, FleetRules, Load, LoadSegment, QueueRules, TaskMix } from '../../runtime/spec/experiment.js';

export interface ExperimentParts {
  readonly seed?: number;
  readonly durationMs?: number;
  readonly ratePerMin?: number;
  readonly segments?: readonly LoadSegment[];
  readonly process?: Load['process'];
  readonly tasks?: Partial<TaskMix>;
  readonly queue?: Partial<QueueRules>;
  readonly fleet?: Partial<FleetRules>;
  readonly simulation?: Partial<Experiment['simulation']>;
  readonly rest?: Partial<Experiment>;
}

/** A small compiled experiment for tests: one task type of 1 s, 10 agents with 4 slots, nothing fails. */
export function experiment(parts: ExperimentParts = {}): Experiment {
  const durationMs = parts.durationMs ?? 10 * MINUTE;
  const ratePerMin = parts.ratePerMin ?? 600;
  return {
    phase: 1,
    scenario: null,
    title: 'test',
    seed: parts.seed ?? 1,
    startAtMs: Date.parse('2026-01-05T00:00:00+09:00'),
    durationMs,
    load: {
      process: parts.process ?? 'uniform',
      segments: parts.segments ?? [{ startMs: 0, endMs: durationMs, ratePerMin, label: 'steady' }],
      steadyRatePerMin: ratePerMin,
    },
    tasks: {
      types: [{ name: 'light', share: 1, meanMs: SECOND, tokens: { input: 0, output: 0 } }],
      priorityShares: [0.1, 0.2, 0.5, 0.2],
      serviceTime: { distribution: 'lognormal', cv: 0.5 },
      timeoutMs: 10 * MINUTE,
      ...parts.tasks,
    },
    queue: {
      bound: 500,
      maxAttempts: 3,
      backoff: { firstMs: SECOND, factor: 2, maxMs: 30 * SECOND },
      leaseMs: 4 * SECOND,
      beatMs: 500,
      massExpiryShare: 0.2,
      admission: null,
      ...parts.queue,
    },
    fleet: {
      agents: 10,
      reserve: 0,
      min: 1,
      max: 250,
      slots: 4,
      zones: ['A', 'B', 'C', 'D'],
      machineType: 'n2-standard-4',
      requests: { cpuMilli: 400, memoryBytes: 2 ** 30 },
      agentsPerNode: 4,
      startupMs: 20 * SECOND,
      nodeStartupMs: 120 * SECOND,
      restartMs: 5 * SECOND,
      recycle: { maxTasks: Number.MAX_SAFE_INTEGER, maxAgeMs: 30 * DAY, maxMemoryBytes: Number.MAX_SAFE_INTEGER },
      drainTimeoutMs: 5 * MINUTE,
      spot: { enabled: false, preemptedPerDay: 0 },
      stages: [],
      coordinators: 3,
      ...parts.fleet,
    },
    scaling: {
      mode: 'off',
      evaluateMs: 15 * SECOND,
      windowMs: MINUTE,
      metrics: [],
      up: { increment: 10, cooldownMs: 5 * MINUTE, max: 250 },
      down: { decrement: 5, cooldownMs: 10 * MINUTE, min: 1 },
      headroom: 0.8,
      predictive: {
        enabled: false,
        daily: { peakHours: [], factor: 1 },
        weekly: { highDays: [], factor: 1 },
        timeZone: 'Asia/Tokyo',
        lookbackMs: 7 * DAY,
        horizonMs: HOUR,
        confidence: 0.8,
      },
    },
    chaos: { enabled: false, injections: [], stop: { errorRate: 1, offlineShare: 1 } },
    alerts: [],
    monitors: [],
    targets: {
      throughputPerMin: ratePerMin,
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
      timeSeries: { backend: 'InfluxDB', retentionMs: 30 * DAY, resolutionMs: SECOND },
      events: { backend: 'Elasticsearch', retentionMs: 90 * DAY },
      rawLogs: { backend: 'S3', retentionMs: 365 * DAY, compression: 'gzip' },
    },
    budget: {
      maxUsd: 1_000,
      maxPerHourUsd: null,
      modelUsdPerMillionTokens: { input: 0, output: 0 },
      region: 'us-central1',
    },
    expect: null,
    executor: { type: 'simulated' },
    simulation: {
      failureRate: 0,
      rateLimitRate: 0,
      cpu: { idle: 0.02, perBusySlot: 0.1 },
      memory: { baseBytes: 300 * 2 ** 20, perBusySlotBytes: 50 * 2 ** 20, leakPerTaskBytes: 0 },
      networkBytesPerTask: 64 * 1024,
      ...parts.simulation,
    },
    ...parts.rest,
  };
}
