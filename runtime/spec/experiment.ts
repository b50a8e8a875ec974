import type { ExecutorRules } from './executor-rules.js';
import type { Resources } from './machines.js';

/**
 * The compiled experiment: what travels inside the program once the spec has been read, completed with defaults
 * and checked. Every duration is in milliseconds (`…Ms`), every rate in tasks per minute (`…PerMin`), every share a
 * number from 0 to 1, every size in bytes (`…Bytes`), money in US dollars (`…Usd`). It is plain JSON: a compiled
 * experiment written to `spec.json` and read again is the same experiment.
 */
export interface Experiment {
  /** 1, 2 or 3: the stack it belongs to. */
  readonly phase: number;
  /** The scenario that replaces the phase's own load, or null for the phase itself. */
  readonly scenario: ScenarioName | null;
  /** One line for people: «Phase 3: full scale». */
  readonly title: string;
  readonly seed: number;
  /** Start of the run, epoch ms. Default: Monday 2026-01-05 00:00 JST in rehearsal; live runs start now. */
  readonly startAtMs: number;
  readonly durationMs: number;
  readonly load: Load;
  readonly tasks: TaskMix;
  readonly queue: QueueRules;
  readonly fleet: FleetRules;
  /** Who carries tasks out on a real target. */
  readonly executor: ExecutorRules;
  readonly scaling: ScalingRules;
  readonly chaos: ChaosRules;
  readonly alerts: readonly AlertRule[];
  /** What is watched beyond the alerts (the soak scenario's `monitor`). */
  readonly monitors: readonly MonitorName[];
  readonly targets: Targets;
  readonly storage: StorageRules;
  readonly budget: BudgetRules;
  /** Declared overload: null = the load must fit the fleet. */
  readonly expect: Expectation | null;
  /** How the simulated executor behaves (rehearsal and local runs). */
  readonly simulation: SimulationRules;
}

export type ScenarioName = 'steady_state' | 'burst' | 'stress' | 'soak' | 'chaos' | 'scale_out' | 'diurnal';
export type Expectation = 'graceful_degradation' | 'backlog';
export type MonitorName = 'memory_leak' | 'connection_pool';

// ---- load -----------------------------------------------------------------------------------------------------

export interface Load {
  readonly process: 'uniform' | 'poisson';
  /** Piecewise constant, gapless from 0 to the run's duration. */
  readonly segments: readonly LoadSegment[];
  /** What the run promises to carry, tasks/min: the phase's or scenario's steady rate. */
  readonly steadyRatePerMin: number;
}

export interface LoadSegment {
  /** From the start of the run, ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly ratePerMin: number;
  /** `steady`, `burst`, `ramp`, …: shown to people, marked in charts. */
  readonly label: string;
}

// ---- tasks ----------------------------------------------------------------------------------------------------

/** Index 0 is the most important. */
export type Priority = 0 | 1 | 2 | 3;
export const PRIORITIES: readonly Priority[] = [0, 1, 2, 3];

export interface TaskMix {
  readonly types: readonly TaskType[];
  /** Share of P0…P3; sums to 1. */
  readonly priorityShares: readonly [number, number, number, number];
  readonly serviceTime: { readonly distribution: 'fixed' | 'exponential' | 'lognormal'; readonly cv: number };
  /** An attempt still running after this is a failed attempt. */
  readonly timeoutMs: number;
}

export interface TaskType {
  /** Key as in the config: `code_generation`. */
  readonly name: string;
  readonly share: number;
  readonly meanMs: number;
  /** Tokens a task of this type sends to and gets from a model, for the bill. */
  readonly tokens: { readonly input: number; readonly output: number };
}

// ---- queue ----------------------------------------------------------------------------------------------------

export interface QueueRules {
  /** Most tasks ready to be claimed; further ones are shed. */
  readonly bound: number;
  /** Attempts a task gets before it is failed for good. */
  readonly maxAttempts: number;
  readonly backoff: { readonly firstMs: number; readonly factor: number; readonly maxMs: number };
  /** Silence after which an agent's tasks are given to others. */
  readonly leaseMs: number;
  readonly beatMs: number;
  /** Share of the agents that may expire at once before it is taken for a fault of the control plane. */
  readonly massExpiryShare: number;
  /** Admission by expected wait (stress); null = only the bound holds. */
  readonly admission: { readonly maxWaitMs: number } | null;
}

// ---- fleet ----------------------------------------------------------------------------------------------------

export interface FleetRules {
  /** The phase's agent count: the autoscaler's floor. */
  readonly agents: number;
  /** Extra agents that stand in for pre-empted nodes. */
  readonly reserve: number;
  readonly min: number;
  readonly max: number;
  readonly slots: number;
  /** Zone labels, agents are dealt to them in turn: `A`, `B`, … */
  readonly zones: readonly string[];
  /** Machine type of the agents' nodes. */
  readonly machineType: string;
  /** What an agent's pod asks for. */
  readonly requests: Resources;
  readonly agentsPerNode: number;
  /** From scale-up to ready on a node that has room. */
  readonly startupMs: number;
  /** From scale-up to ready where a node must come first. */
  readonly nodeStartupMs: number;
  /** From a kill to ready again. */
  readonly restartMs: number;
  readonly recycle: { readonly maxTasks: number; readonly maxAgeMs: number; readonly maxMemoryBytes: number };
  /** Longest time a draining agent is given to finish its tasks. */
  readonly drainTimeoutMs: number;
  readonly spot: { readonly enabled: boolean; readonly preemptedPerDay: number };
  /** Agent counts by time, for scenarios that step the fleet (`scale_out`); empty elsewhere. */
  readonly stages: readonly FleetStage[];
  readonly coordinators: number;
}

export interface FleetStage {
  readonly startMs: number;
  readonly endMs: number;
  readonly agents: number;
}

// ---- scaling --------------------------------------------------------------------------------------------------

export type ScalingMetricName = 'queue_depth' | 'avg_wait_time' | 'cpu_utilization' | 'error_rate';
export type ScalingMode = 'off' | 'reactive' | 'predictive' | 'feed_forward';

export interface ScalingRules {
  /** `predictive` adds the forecast to the reactive decision, `feed_forward` the run's own schedule. */
  readonly mode: ScalingMode;
  readonly evaluateMs: number;
  readonly windowMs: number;
  readonly metrics: readonly ScalingMetric[];
  readonly up: { readonly increment: number; readonly cooldownMs: number; readonly max: number };
  readonly down: { readonly decrement: number; readonly cooldownMs: number; readonly min: number };
  /** Share of its slots an agent is planned with: 0.8. */
  readonly headroom: number;
  readonly predictive: PredictiveRules;
}

export interface ScalingMetric {
  readonly name: ScalingMetricName;
  /** In the metric's own unit: tasks, ms, share, share. */
  readonly scaleUp: number;
  readonly scaleDown: number;
  readonly weight: number;
  /** False for error_rate: part of the score, no trigger of its own. */
  readonly trigger: boolean;
}

export interface PredictiveRules {
  readonly enabled: boolean;
  readonly daily: { readonly peakHours: readonly number[]; readonly factor: number };
  /** Days as in the document: 1 = Monday. */
  readonly weekly: { readonly highDays: readonly number[]; readonly factor: number };
  /** IANA time zone the calendar is read in. */
  readonly timeZone: string;
  readonly lookbackMs: number;
  readonly horizonMs: number;
  readonly confidence: number;
}

// ---- chaos ----------------------------------------------------------------------------------------------------

export const FAULT_TYPES = [
  'agent_kill',
  'network_delay',
  'network_partition',
  'coordinator_failover',
  'redis_primary_kill',
  'zone_outage',
  'slow_agents',
  'rate_limit',
] as const;

export type FaultType = (typeof FAULT_TYPES)[number];

/** Of a network_partition: no zone's agents reach the queue. */
export const ALL_ZONES = '*';

export interface ChaosRules {
  readonly enabled: boolean;
  readonly injections: readonly Injection[];
  /** Chaos stops for good when this is no longer met. */
  readonly stop: { readonly errorRate: number; readonly offlineShare: number };
}

/** One line of the plan; `every` repeats it, `at` names single times (ms from the start of the run). */
export interface Injection {
  readonly type: FaultType;
  readonly everyMs: number | null;
  readonly atMs: readonly number[];
  /** Share of the agents hit (agent_kill, slow_agents). */
  readonly share: number;
  /** How long a lasting fault lasts; 0 for the kills. */
  readonly durationMs: number;
  /** network_delay: added to every message between agents and queue. */
  readonly latencyMs: number;
  /** slow_agents: service times are multiplied by this. */
  readonly factor: number;
  /** zone_outage, network_partition: the zone, or null to draw one; network_partition: {@link ALL_ZONES}, too. */
  readonly zone: string | null;
}

// ---- alerts ---------------------------------------------------------------------------------------------------

export type AlertMetric = 'error_rate' | 'offline_agents' | 'p99_latency' | 'agent_count';
export type AlertAction = 'pause_experiment' | 'emergency_scale' | 'notify' | 'investigate' | 'review_capacity';

export interface AlertRule {
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  readonly metric: AlertMetric;
  readonly comparison: '>' | '>=' | '<' | '<=';
  /** Share for error_rate, ms for p99_latency, count for the others. */
  readonly threshold: number;
  /** How long the condition must hold; 0 = at once. */
  readonly forMs: number;
  readonly actions: readonly AlertAction[];
}

// ---- targets, storage, budget ---------------------------------------------------------------------------------

export type CriterionName =
  | 'stable'
  | 'throughput'
  | 'p99_latency'
  | 'error_rate'
  | 'availability'
  | 'recovery'
  | 'linearity'
  | 'cpu'
  | 'stretch';

export interface Targets {
  /** Tasks/min; met when at least `throughputPerMin × (1 − tolerance)`. */
  readonly throughputPerMin: number;
  readonly tolerance: number;
  readonly p99LatencyMs: number;
  readonly availability: number;
  readonly errorRate: number;
  readonly recoveryMs: number;
  readonly linearity: number;
  readonly cpu: number;
  readonly stretch: number;
  /** Criteria without which a run does not pass. */
  readonly mandatory: readonly CriterionName[];
  /** Criteria this run is judged by; the others are reported as «not applicable». */
  readonly judged: readonly CriterionName[];
}

export interface StorageRules {
  readonly timeSeries: { readonly backend: string; readonly retentionMs: number; readonly resolutionMs: number };
  readonly events: { readonly backend: string; readonly retentionMs: number };
  readonly rawLogs: { readonly backend: string; readonly retentionMs: number; readonly compression: 'gzip' | 'none' };
}

export interface BudgetRules {
  /** Most the run may cost; a plan above it is refused, a run above it paused and then stopped. */
  readonly maxUsd: number;
  /** Most an hour of the run may cost; null = only the whole counts. */
  readonly maxPerHourUsd: number | null;
  readonly region: string;
  /** What a million tokens cost; 0 where agents call no model. */
  readonly modelUsdPerMillionTokens: { readonly input: number; readonly output: number };
}

// ---- simulation -----------------------------------------------------------------------------------------------

export interface SimulationRules {
  /** Chance that an attempt fails. */
  readonly failureRate: number;
  /** Chance that an attempt is answered with 429 (rate limit). */
  readonly rateLimitRate: number;
  readonly cpu: { readonly idle: number; readonly perBusySlot: number };
  readonly memory: {
    readonly baseBytes: number;
    readonly perBusySlotBytes: number;
    /** Kept for ever after each task: the leak the soak scenario's monitor is to find. */
    readonly leakPerTaskBytes: number;
  };
  /** Bytes a task moves over the network. */
  readonly networkBytesPerTask: number;
}
