import { EXECUTOR_DEFAULTS } from './executor.js';
import { SCENARIOS } from './scenarios.js';

/**
 * Everything a config may leave out, written as people write it; parsed by the same schema as a config file, and
 * shown as defaults in the JSON Schema. Numbers without a remark are the document's or design.md's (§2).
 */
export const DEFAULTS = {
  phase: 1,
  scenario: null,
  seed: 1,
  startAt: '2026-01-05T00:00:00+09:00',
  region: 'us-central1',
  load: { process: 'uniform', bursts: null },
  tasks: {
    types: {
      // Tokens are assumed: the document names none. They are what a coding agent's turn of the kind may take.
      code_generation: { share: '30%', mean: '45s', tokens: { input: 12_000, output: 2_000 } },
      code_review: { share: '20%', mean: '30s', tokens: { input: 15_000, output: 800 } },
      test_execution: { share: '25%', mean: '60s', tokens: { input: 8_000, output: 600 } },
      documentation: { share: '15%', mean: '20s', tokens: { input: 6_000, output: 1_500 } },
      lightweight: { share: '10%', mean: '5s', tokens: { input: 1_000, output: 100 } },
    },
    priorities: { P0: '10%', P1: '20%', P2: '50%', P3: '20%' },
    serviceTime: { distribution: 'lognormal', cv: 0.5 },
    timeout: '10min',
  },
  queue: {
    bound: 500,
    attempts: 3,
    backoff: { first: '1s', factor: 2, max: '30s' },
    beat: '1s',
    // A killed agent's tasks start again elsewhere within 5 s: at most a lease and a sweep.
    lease: '4s',
    massExpiryShare: '20%',
    admission: null,
  },
  fleet: {
    slots: 4,
    zones: ['A', 'B', 'C', 'D'],
    machineType: 'n2-standard-4',
    // Coding agents mostly wait for a model: a CLI process and its tools.
    requests: { cpu: '400m', memory: '1Gi' },
    agentsPerNode: null,
    reserve: null,
    startup: '20s',
    nodeStartup: '120s',
    restart: '5s',
    recycle: { maxTasks: 1_000, maxAge: '24h', maxMemory: '2Gi' },
    drainTimeout: '5min',
    spot: { enabled: true, preemptedPerDay: '5%' },
    coordinators: 3,
  },
  executor: EXECUTOR_DEFAULTS,
  horizontalScaling: {
    mode: null,
    evaluateEvery: '15s',
    window: '60s',
    headroom: '80%',
    triggerMetrics: {
      queue_depth: { scaleUp: 100, scaleDown: 20, weight: 0.4, trigger: true },
      avg_wait_time: { scaleUp: '30s', scaleDown: '5s', weight: 0.3, trigger: true },
      cpu_utilization: { scaleUp: '70%', scaleDown: '30%', weight: 0.2, trigger: true },
      // The document weighs the error rate but gives it no threshold: it counts in the score only.
      error_rate: { scaleUp: '5%', scaleDown: '0.1%', weight: 0.1, trigger: false },
    },
    actions: {
      scaleUp: { increment: 10, cooldown: '5min', max: null },
      scaleDown: { decrement: 5, cooldown: '10min', min: null },
    },
  },
  predictiveScaling: {
    enabled: true,
    patterns: {
      daily: { peakHours: [9, 10, 14, 15], scaleFactor: 1.3 },
      weekly: { highDays: [1, 2, 3], scaleFactor: 1.2 },
      timeZone: 'Asia/Tokyo',
    },
    mlModel: { type: 'time_series_forecast', lookback: '7d', forecast: '1h', confidence: '80%' },
  },
  chaos: {
    enabled: false,
    // What --chaos switches on.
    injections: [{ type: 'agent_kill', percent: '10%', interval: '15min' }],
    stop: { errorRate: '5%', offlineShare: '50%' },
  },
  alerts: {
    critical: [
      { name: 'experiment_failure', condition: 'error_rate > 5% for 5min', action: 'pause_experiment' },
      { name: 'cascade_failure', condition: 'offline_agents > 40', action: 'emergency_scale' },
    ],
    warning: [
      { name: 'performance_degradation', condition: 'p99_latency > 8s for 10min', action: 'notify + investigate' },
      { name: 'scaling_limit', condition: 'agent_count >= 240', action: 'notify + review_capacity' },
    ],
  },
  successCriteria: {
    stable: { mandatory: true },
    throughput: { target: null, tolerance: '0.5%', mandatory: true },
    p99_latency: { target: '5s', mandatory: true },
    error_rate: { target: '0.1%', mandatory: true },
    availability: { target: '99.9%', mandatory: true },
    recovery: { target: '30s', mandatory: true },
    linearity: { target: 0.95, mandatory: false },
    cpu: { target: '80%', mandatory: false },
    stretch: { target: 3, mandatory: false },
  },
  storage: {
    timeSeries: { backend: 'InfluxDB', retention: '30d', resolution: '1s' },
    events: { backend: 'Elasticsearch', retention: '90d' },
    rawLogs: { backend: 'S3', retention: '1y', compression: 'gzip' },
  },
  budget: { maxPerHour: null, models: { input: 0, output: 0 } },
  expect: null,
  scenarios: SCENARIOS,
  simulation: {
    failureRate: '0.5%',
    rateLimitRate: '0%',
    cpu: { idle: '2%', perBusySlot: '10%' },
    memory: { base: '300Mi', perBusySlot: '50Mi', leakPerTask: 0 },
    networkPerTask: '64Ki',
  },
};
