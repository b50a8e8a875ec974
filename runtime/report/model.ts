import type { FaultRecord, IncidentRecord, ScalingDecisionRecord } from '../observe/events.js';

/**
 * `report.json`: the document's `ExperimentReport` (12.2) with its field names, and additions (marked). Times are
 * epoch ms, latencies and durations ms, rates and shares 0–1, throughput tasks/min, money US dollars.
 */
export interface ExperimentReport {
  metadata: {
    experimentId: string;
    phase: number;
    startTime: number;
    endTime: number;
    duration: number;
    // additions
    title: string;
    scenario: string | null;
    target: 'rehearsal' | 'local' | 'cluster';
    plannedDuration: number;
    agents: number;
    /** Most tasks ready to be claimed: the line in the queue chart. */
    queueBound?: number | undefined;
    /** True when the run ended before its time: killed, aborted, or stopped. */
    cutShort: boolean;
    cutShortReason: string | null;
  };
  summary: {
    totalTasks: number;
    completedTasks: number;
    failedTasks: number;
    successRate: number;
    // additions
    shedTasks: number;
    shedByPriority: [number, number, number, number];
    submittedByPriority: [number, number, number, number];
    retriedAttempts: number;
    expiredAttempts: number;
    supersededResults: number;
    unstartedTasks: number;
    /** Completed by task type name. */
    byType: Record<string, { completed: number; failed: number; meanServiceTime: number }>;
  };
  performance: {
    throughput: { avg: number; min: number; max: number; p50: number; p99: number };
    /** Response latency: start of the first attempt − scheduledAt. */
    latency: LatencySummary;
    // additions
    completion: LatencySummary;
    service: LatencySummary;
    dispatchLag: LatencySummary & { p999: number };
    /** How late bare timers fired beside a live run: what of the dispatch lag is the machine's own. */
    machineLag?: { p50: number; p99: number; p999: number; max: number } | undefined;
    /** Completion latency ÷ own service time (a ratio). */
    stretch: { p50: number; p99: number };
    byPriority: Array<{ priority: string; latency: LatencySummary }>;
    /** Mean number of tasks in the system, their mean stay and the arrival rate: Little's law L = λW within `error`. */
    littlesLaw: { L: number; lambdaPerMs: number; W: number; error: number };
  };
  agents: {
    deployed: number;
    maxActive: number;
    minActive: number;
    /** Busy slots ÷ slots of active agents, 0–1. */
    avgUtilization: number;
    restarts: number;
    // additions
    avgCpu: number;
    /** Agent-seconds: the integral of the number of agents deployed. */
    agentSeconds: number;
    recycled: number;
  };
  incidents: IncidentRecord[];
  recommendations: string[];

  // additions
  schemaVersion: 1;
  verdict: Verdict;
  /** Why a run is INVALID; empty otherwise. */
  invalid: string[];
  criteria: CriterionResult[];
  availability: { canaries: number; answered: number; withinTarget: number; share: number };
  ledger: {
    submitted: number;
    completed: number;
    failed: number;
    shed: number;
    queued: number;
    leased: number;
    balanced: boolean;
    lost: number;
    doubleCounted: number;
    /** Smallest task indices concerned, at most ten. */
    examples: { lost: number[]; doubleCounted: number[] };
  };
  load: { scheduled: number; sent: number; late: number; dropped: number };
  steadyWindow: { start: number; end: number };
  faults: FaultRecord[];
  scalings: Array<{ at: number; decision: ScalingDecisionRecord }>;
  alerts: Array<{
    name: string;
    severity: string;
    firedAt: number;
    resolvedAt: number | null;
    peak: number;
    actions: string[];
  }>;
  states: Array<{ at: number; from: string; to: string; reason: string }>;
  segments: Array<{ start: number; end: number; label: string; ratePerMin: number }>;
  monitors: Array<{ monitor: string; finding: string; value: number; unit: string; ok: boolean }>;
  forecast: {
    chosen: string;
    candidates: Array<{ model: string; error: number }>;
    coverage: number | null;
    feedForwardError: number | null;
  } | null;
  linearity: {
    ratio: number;
    points: Array<{ agents: number; throughput: number; perAgent: number }>;
    usl: { lambda: number; sigma: number; kappa: number } | null;
  } | null;
  cost: CostSummary;
  /** Tokens and dollars as agents reported them; absent where none did. */
  usage?: { attempts: number; inputTokens: number; outputTokens: number; usd: number } | undefined;
  findings: { wentWell: string[]; wentWrong: string[]; change: string[] };
  series: ReportSeries;
  latencyHistogram: Array<{ upToMs: number; count: number }>;
  provenance: {
    version: string;
    commit: string;
    imageDigest: string | null;
    schemaVersion: number;
    specHash: string;
    seed: number;
    /** Where tasks were kept; absent in a rehearsal, which keeps them in memory. */
    queue?: QueueProvenance | undefined;
    /** What each sink holds: file or table, records, complete or not. */
    sinks: Array<{ name: string; records: number; complete: boolean; note: string }>;
  };
}

/** Where a run's tasks were kept. */
export interface QueueProvenance {
  kind: 'memory' | 'redis';
  /** Of a queue in Redis. */
  partitions?: number | undefined;
  redisVersion?: string | undefined;
  /** Time in which some partition had no replica and rested on the journals, s, to half a second. */
  degradedSeconds?: number | undefined;
  /** Agents and coordinators were processes of their own. */
  processes?: boolean | undefined;
  /**
   * Times of all processes are told on Redis' clock: how far off one of them can have been at most, ms. Absent where no
   * exchange with Redis has shown it.
   */
  clockBoundMs?: number | undefined;
}

export type Verdict = 'PASS' | 'FAIL' | 'INVALID';

export interface LatencySummary {
  avg: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface CriterionResult {
  /** A CriterionName. */
  name: string;
  /** As people write it: `≥ 500/min`. */
  target: string;
  /** As people write it: `501.2/min`; «no data» when there was none. */
  actual: string;
  /** The same as numbers, for machines; null = no data or not applicable. */
  targetValue: number | null;
  actualValue: number | null;
  verdict: 'PASS' | 'FAIL' | 'NOT_APPLICABLE';
  mandatory: boolean;
  /** What it was counted on: «P99 of 2,320,123 first attempts, 12 censored». */
  basis: string;
}

export interface CostSummary {
  totalUsd: number;
  perHourUsd: number;
  budgetUsd: number;
  perThousandTasksUsd: number;
  parts: Array<{ part: string; usd: number; basis: string }>;
  /** True when some price was taken over from another region. */
  assumed: boolean;
  /** Prices older than a year at the start of the run. */
  stale: boolean;
  /** For how long (ms) there were how many agents, fewest first: prices the same run on another deployment. */
  agentTime?: Array<{ agents: number; ms: number }> | undefined;
  /** What the bill does not hold, in sentences for people. */
  remarks?: string[] | undefined;
}

/**
 * Columns of equal length, one row per bucket of `bucketMs` (chosen from the run's length so that there are at most
 * 2,160 rows). `null` = nothing was measured in that bucket.
 */
export interface ReportSeries {
  bucketMs: number;
  start: number;
  /** Tasks/min. */
  offered: number[];
  completed: number[];
  /** Failed for good and shed, tasks/min. */
  failed: number[];
  shed: number[];
  retried: number[];
  /** Response latency of the bucket, ms. */
  p50: Array<number | null>;
  p90: Array<number | null>;
  p99: Array<number | null>;
  completionP99: Array<number | null>;
  /** Deepest in the bucket. */
  queueDepth: number[];
  agentsTarget: number[];
  /** Fewest in the bucket. */
  agentsActive: number[];
  /** Fewest in the bucket, by zone label. */
  agentsByZone: Record<string, number[]>;
  /** Means of the bucket, 0–1. */
  utilization: number[];
  cpu: number[];
  /** Bytes at the end of the bucket. */
  memory: number[];
  /** US dollars so far at the end of the bucket. */
  cost: number[];
  availability: Array<number | null>;
  /** Worst dispatch lag, ms. */
  dispatchLag: number[];
}
