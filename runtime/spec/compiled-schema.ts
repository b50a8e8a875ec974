import { z } from 'zod';
import { ExperimentError } from '../kernel/errors.js';
import { ALERT_ACTIONS } from './alert-condition.js';
import { compiledExecutor } from './executor-rules.js';
import { FAULT_TYPES, type AlertAction, type Experiment } from './experiment.js';
import { problemsOf } from './problems.js';
import { CRITERION_NAMES, SCALING_MODES, SCENARIO_NAMES } from './schema-scenarios.js';

/**
 * Reads a compiled experiment back, such as `spec.json` of a run.
 *
 * @param file for messages only.
 * @throws ExperimentError RECORD_UNREADABLE when something is missing from it or is not what it should be.
 */
export function parseCompiledExperiment(json: unknown, file = 'spec.json'): Experiment {
  const parsed = compiled.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ExperimentError(
    'RECORD_UNREADABLE',
    `${file} is damaged: it is no compiled experiment`,
    problemsOf(parsed.error.issues, json, compiled),
  );
}

const amount = z.number().min(0);
const whole = z.int().min(0);
const part = z.number().min(0).max(1);

const segment = z.object({ startMs: amount, endMs: amount, ratePerMin: amount, label: z.string() });

const tasks = z.object({
  types: z
    .array(
      z.object({ name: z.string(), share: part, meanMs: amount, tokens: z.object({ input: whole, output: whole }) }),
    )
    .min(1),
  priorityShares: z.tuple([part, part, part, part]),
  serviceTime: z.object({ distribution: z.enum(['fixed', 'exponential', 'lognormal']), cv: amount }),
  timeoutMs: amount,
});

const queue = z.object({
  bound: whole,
  maxAttempts: whole,
  backoff: z.object({ firstMs: amount, factor: amount, maxMs: amount }),
  leaseMs: amount,
  beatMs: amount,
  massExpiryShare: part,
  admission: z.object({ maxWaitMs: amount }).nullable(),
});

const fleet = z.object({
  agents: whole,
  reserve: whole,
  min: whole,
  max: whole,
  slots: whole,
  zones: z.array(z.string()).min(1),
  machineType: z.string(),
  requests: z.object({ cpuMilli: amount, memoryBytes: amount }),
  agentsPerNode: whole,
  startupMs: amount,
  nodeStartupMs: amount,
  restartMs: amount,
  recycle: z.object({ maxTasks: whole, maxAgeMs: amount, maxMemoryBytes: amount }),
  drainTimeoutMs: amount,
  spot: z.object({ enabled: z.boolean(), preemptedPerDay: part }),
  stages: z.array(z.object({ startMs: amount, endMs: amount, agents: whole })),
  coordinators: whole,
});

const scaling = z.object({
  mode: z.enum(SCALING_MODES),
  evaluateMs: amount,
  windowMs: amount,
  metrics: z.array(
    z.object({
      name: z.enum(['queue_depth', 'avg_wait_time', 'cpu_utilization', 'error_rate']),
      scaleUp: amount,
      scaleDown: amount,
      weight: part,
      trigger: z.boolean(),
    }),
  ),
  up: z.object({ increment: whole, cooldownMs: amount, max: whole }),
  down: z.object({ decrement: whole, cooldownMs: amount, min: whole }),
  headroom: part,
  predictive: z.object({
    enabled: z.boolean(),
    daily: z.object({ peakHours: z.array(whole), factor: amount }),
    weekly: z.object({ highDays: z.array(whole), factor: amount }),
    timeZone: z.string(),
    lookbackMs: amount,
    horizonMs: amount,
    confidence: part,
  }),
});

const chaos = z.object({
  enabled: z.boolean(),
  injections: z.array(
    z.object({
      type: z.enum(FAULT_TYPES),
      everyMs: amount.nullable(),
      atMs: z.array(amount),
      share: part,
      durationMs: amount,
      latencyMs: amount,
      factor: amount,
      zone: z.string().nullable(),
    }),
  ),
  stop: z.object({ errorRate: part, offlineShare: part }),
});

const alert = z.object({
  name: z.string(),
  severity: z.enum(['critical', 'warning']),
  metric: z.enum(['error_rate', 'offline_agents', 'p99_latency', 'agent_count']),
  comparison: z.enum(['>', '>=', '<', '<=']),
  threshold: amount,
  forMs: amount,
  actions: z.array(z.enum(ALERT_ACTIONS as readonly [AlertAction, ...AlertAction[]])),
});

const targets = z.object({
  throughputPerMin: amount,
  tolerance: part,
  p99LatencyMs: amount,
  availability: part,
  errorRate: part,
  recoveryMs: amount,
  linearity: amount,
  cpu: part,
  stretch: amount,
  mandatory: z.array(z.enum(CRITERION_NAMES)),
  judged: z.array(z.enum(CRITERION_NAMES)),
});

const storage = z.object({
  timeSeries: z.object({ backend: z.string(), retentionMs: amount, resolutionMs: amount }),
  events: z.object({ backend: z.string(), retentionMs: amount }),
  rawLogs: z.object({ backend: z.string(), retentionMs: amount, compression: z.enum(['gzip', 'none']) }),
});

const simulation = z.object({
  failureRate: part,
  rateLimitRate: part,
  cpu: z.object({ idle: part, perBusySlot: part }),
  memory: z.object({ baseBytes: amount, perBusySlotBytes: amount, leakPerTaskBytes: amount }),
  networkBytesPerTask: amount,
});

/** Unknown keys are let through and dropped: a record of a newer version can still be read. */
const compiled: z.ZodType<Experiment> = z.object({
  phase: whole,
  scenario: z.enum(SCENARIO_NAMES).nullable(),
  title: z.string(),
  seed: whole,
  startAtMs: z.number(),
  durationMs: amount,
  load: z.object({
    process: z.enum(['uniform', 'poisson']),
    segments: z.array(segment).min(1),
    steadyRatePerMin: amount,
  }),
  tasks,
  queue,
  fleet,
  executor: compiledExecutor,
  scaling,
  chaos,
  alerts: z.array(alert),
  monitors: z.array(z.enum(['memory_leak', 'connection_pool'])),
  targets,
  storage,
  budget: z.object({
    maxUsd: amount,
    maxPerHourUsd: amount.nullable(),
    region: z.string(),
    modelUsdPerMillionTokens: z.object({ input: amount, output: amount }),
  }),
  expect: z.enum(['graceful_degradation', 'backlog']).nullable(),
  simulation,
});
