import type {
  FleetRules,
  Load,
  LoadSegment,
  PredictiveRules,
  ScalingMode,
  ScalingRules,
} from '../../runtime/spec/experiment.js';
import type { ScalingInputs } from '../../runtime/scaling/port.js';
import { DAY, HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';

/** Monday 2026-01-05 00:00 JST. */
export const MONDAY = Date.UTC(2026, 0, 4, 15);
/** The document's mix averages 38 s. */
export const MEAN_SERVICE_MS = 38_000;

export const PREDICTIVE: PredictiveRules = {
  enabled: true,
  daily: { peakHours: [9, 10, 14, 15], factor: 1.3 },
  weekly: { highDays: [1, 2, 3], factor: 1.2 },
  timeZone: 'Asia/Tokyo',
  lookbackMs: 7 * DAY,
  horizonMs: HOUR,
  confidence: 0.8,
};

export const NO_CALENDAR: PredictiveRules = {
  ...PREDICTIVE,
  daily: { peakHours: [], factor: 1 },
  weekly: { highDays: [], factor: 1 },
};

/** The document's thresholds, weights, steps and cooldowns. */
export function scalingRules(mode: ScalingMode = 'reactive', changes: Partial<ScalingRules> = {}): ScalingRules {
  return {
    mode,
    evaluateMs: 15 * SECOND,
    windowMs: MINUTE,
    metrics: [
      { name: 'queue_depth', scaleUp: 100, scaleDown: 20, weight: 0.4, trigger: true },
      { name: 'avg_wait_time', scaleUp: 30_000, scaleDown: 5_000, weight: 0.3, trigger: true },
      { name: 'cpu_utilization', scaleUp: 0.7, scaleDown: 0.3, weight: 0.2, trigger: true },
      { name: 'error_rate', scaleUp: 0.05, scaleDown: 0.001, weight: 0.1, trigger: false },
    ],
    up: { increment: 10, cooldownMs: 5 * MINUTE, max: 250 },
    down: { decrement: 5, cooldownMs: 10 * MINUTE, min: 50 },
    headroom: 0.8,
    predictive: PREDICTIVE,
    ...changes,
  };
}

export function fleetRules(changes: Partial<FleetRules> = {}): FleetRules {
  return {
    agents: 50,
    reserve: 0,
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
    recycle: { maxTasks: 1_000, maxAgeMs: DAY, maxMemoryBytes: 2 ** 31 },
    drainTimeoutMs: 5 * MINUTE,
    spot: { enabled: false, preemptedPerDay: 0 },
    stages: [],
    coordinators: 3,
    ...changes,
  };
}

/** A quiet fleet of 100 agents: between the thresholds, nothing to do. */
export function calmInputs(changes: Partial<ScalingInputs> = {}): ScalingInputs {
  return {
    queueDepth: 50,
    avgWaitMs: 6_000,
    cpu: 0.4,
    errorRate: 0,
    offeredPerMin: 400,
    refusedPerMin: 0,
    agents: 100,
    readyAgents: 100,
    meanServiceMs: MEAN_SERVICE_MS,
    ...changes,
  };
}

/** Far below every threshold. */
export function idleInputs(changes: Partial<ScalingInputs> = {}): ScalingInputs {
  return calmInputs({ queueDepth: 0, avgWaitMs: 0, cpu: 0.1, offeredPerMin: 0, ...changes });
}

/** A load of pieces given as [length in ms, rate per minute, label]. */
export function loadOf(...pieces: ReadonlyArray<readonly [number, number, string?]>): Load {
  const segments: LoadSegment[] = [];
  let startMs = 0;
  for (const [lengthMs, ratePerMin, label] of pieces) {
    segments.push({ startMs, endMs: startMs + lengthMs, ratePerMin, label: label ?? 'steady' });
    startMs += lengthMs;
  }
  return { process: 'uniform', segments, steadyRatePerMin: segments[0]?.ratePerMin ?? 0 };
}

/** A day-night curve in steps of 15 min: `low` at midnight JST, `high` at noon. */
export function diurnalLoad(hours: number, low: number, high: number): Load {
  const pieces = Array.from({ length: hours * 4 }, (_, quarter) => {
    const rate = low + ((high - low) * (1 - Math.cos((2 * Math.PI * (quarter + 0.5)) / 96))) / 2;
    return [15 * MINUTE, rate, 'curve'] as const;
  });
  return loadOf(...pieces);
}
