import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { Experiment, LoadSegment } from '../../runtime/spec/experiment.js';

/** Replaces parts of the sample; nested objects are replaced key by key. */
export interface SampleChanges {
  readonly durationMs?: number;
  readonly segments?: readonly LoadSegment[];
  readonly ratePerMin?: number;
  readonly process?: 'uniform' | 'poisson';
  readonly expect?: Experiment['expect'];
  readonly tasks?: Partial<Experiment['tasks']>;
  readonly queue?: Partial<Experiment['queue']>;
  readonly fleet?: Partial<Experiment['fleet']>;
  readonly scaling?: Partial<Experiment['scaling']>;
  readonly chaos?: Partial<Experiment['chaos']>;
  readonly budget?: Partial<Experiment['budget']>;
  readonly simulation?: Partial<Experiment['simulation']>;
}

/** The document's fleet of 200 agents with 4 slots each under 500 tasks/min for an hour; nothing fails. */
export function sampleExperiment(changes: SampleChanges = {}): Experiment {
  const durationMs = changes.durationMs ?? changes.segments?.at(-1)?.endMs ?? HOUR;
  const ratePerMin = changes.ratePerMin ?? 500;
  return {
    phase: 3,
    scenario: null,
    title: 'Sample',
    seed: 1,
    startAtMs: Date.UTC(2026, 0, 4, 15),
    durationMs,
    load: {
      process: changes.process ?? 'uniform',
      segments: changes.segments ?? [{ startMs: 0, endMs: durationMs, ratePerMin, label: 'steady' }],
      steadyRatePerMin: ratePerMin,
    },
    tasks: {
      types: [
        taskType('code_generation', 0.3, 45),
        taskType('code_review', 0.2, 30),
        taskType('test_execution', 0.25, 60),
        taskType('documentation', 0.15, 20),
        taskType('lightweight', 0.1, 5),
      ],
      priorityShares: [0.1, 0.2, 0.5, 0.2],
      serviceTime: { distribution: 'lognormal', cv: 0.5 },
      timeoutMs: 10 * MINUTE,
      ...changes.tasks,
    },
    queue: {
      bound: 500,
      maxAttempts: 3,
      backoff: { firstMs: SECOND, factor: 2, maxMs: 30 * SECOND },
      leaseMs: 4 * SECOND,
      beatMs: SECOND,
      massExpiryShare: 0.2,
      admission: null,
      ...changes.queue,
    },
    fleet: {
      agents: 200,
      reserve: 4,
      min: 50,
      max: 250,
      slots: 4,
      zones: ['A', 'B', 'C', 'D'],
      machineType: 'n2-standard-4',
      requests: { cpuMilli: 400, memoryBytes: 2 ** 30 },
      agentsPerNode: 4,
      startupMs: 20 * SECOND,
      nodeStartupMs: 120 * SECOND,
      restartMs: 5 * SECOND,
      recycle: { maxTasks: 10_000, maxAgeMs: 24 * HOUR, maxMemoryBytes: 2 ** 30 },
      drainTimeoutMs: 5 * MINUTE,
      spot: { enabled: true, preemptedPerDay: 0.05 },
      stages: [],
      coordinators: 3,
      ...changes.fleet,
    },
    scaling: {
      mode: 'reactive',
      evaluateMs: 15 * SECOND,
      windowMs: MINUTE,
      metrics: [],
      up: { increment: 10, cooldownMs: 5 * MINUTE, max: 250 },
      down: { decrement: 5, cooldownMs: 10 * MINUTE, min: 50 },
      headroom: 0.8,
      predictive: {
        enabled: true,
        daily: { peakHours: [9, 10, 14, 15], factor: 1.3 },
        weekly: { highDays: [1, 2, 3], factor: 1.2 },
        timeZone: 'Asia/Tokyo',
        lookbackMs: 168 * HOUR,
        horizonMs: HOUR,
        confidence: 0.8,
      },
      ...changes.scaling,
    },
    chaos: { enabled: false, injections: [], stop: { errorRate: 0.05, offlineShare: 0.5 }, ...changes.chaos },
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
      mandatory: ['p99_latency'],
      judged: ['p99_latency'],
    },
    storage: {
      timeSeries: { backend: 'InfluxDB', retentionMs: 720 * HOUR, resolutionMs: SECOND },
      events: { backend: 'Elasticsearch', retentionMs: 2_160 * HOUR },
      rawLogs: { backend: 'S3', retentionMs: 8_760 * HOUR, compression: 'gzip' },
    },
    budget: {
      maxUsd: 1_500,
      maxPerHourUsd: null,
      modelUsdPerMillionTokens: { input: 0, output: 0 },
      region: 'us-central1',
      ...changes.budget,
    },
    expect: changes.expect ?? null,
    executor: { type: 'simulated' },
    simulation: {
      failureRate: 0,
      rateLimitRate: 0,
      cpu: { idle: 0.02, perBusySlot: 0.1 },
      memory: { baseBytes: 1e8, perBusySlotBytes: 1e7, leakPerTaskBytes: 0 },
      networkBytesPerTask: 200_000,
      ...changes.simulation,
    },
  };
}

/** Load segments one after the other, from pairs of minutes and tasks/min. */
export function segmentsOf(
  ...parts: readonly (readonly [minutes: number, ratePerMin: number, label?: string])[]
): LoadSegment[] {
  let startMs = 0;
  return parts.map(([minutes, ratePerMin, label = 'steady']) => {
    const segment = { startMs, endMs: startMs + minutes * MINUTE, ratePerMin, label };
    startMs = segment.endMs;
    return segment;
  });
}

function taskType(name: string, share: number, meanSeconds: number): Experiment['tasks']['types'][number] {
  return { name, share, meanMs: meanSeconds * SECOND, tokens: { input: 0, output: 0 } };
}
