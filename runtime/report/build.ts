import type { MachineLagSummary } from '../kernel/machine-lag.js';
import type { Histogram } from '../kernel/histogram.js';
import type { LedgerJudgement } from '../observe/audit.js';
import { identityHolds } from '../observe/audit.js';
import { invalidReasons, judgeCriteria, overallVerdict, type Measures } from '../observe/criteria.js';
import type { ExperimentEvent, FaultRecord } from '../observe/events.js';
import { linearity } from '../observe/linearity.js';
import type { Tally } from '../observe/tally.js';
import { number } from '../observe/wording.js';
import { priorityLabel, type LedgerCounts } from '../queue/port.js';
import { PRIORITIES, type Experiment } from '../spec/experiment.js';
import { buildSeries, latencyBars } from './build-series.js';
import { deriveFindings } from './findings.js';
import { digestEvents, type EventDigest } from './from-events.js';
import type { ExperimentReport, LatencySummary } from './model.js';

/** All a report is made of. */
export interface ReportInput {
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly target: ExperimentReport['metadata']['target'];
  readonly tally: Tally;
  /** In the order in which they happened. */
  readonly events: readonly ExperimentEvent[];
  readonly ledger: {
    /** The queue's counters at the end. */
    readonly counts: LedgerCounts;
    readonly judgement: LedgerJudgement;
  };
  /** What the load generator counted. */
  readonly load: ExperimentReport['load'];
  readonly cost: ExperimentReport['cost'];
  readonly provenance: ExperimentReport['provenance'];
  /** Epoch ms; of the last thing that was recorded where the run did not live to its end. */
  readonly endedAt: number;
  /** Why the run ended before its time; null = it did not. */
  readonly cutShort: string | null;
  readonly forecast: ExperimentReport['forecast'];
  readonly monitors: ExperimentReport['monitors'];
  /** The fault records as the recovery tracker left them. Default: as last told by the events. */
  readonly faults?: readonly FaultRecord[];
  /** The alerts with their peaks, from the alert engine. Default: from the events, which know no peaks. */
  readonly alerts?: ExperimentReport['alerts'];
  /** How late bare timers fired on the machine of the load generator, in a live run. */
  readonly machineLag?: MachineLagSummary;
}

/**
 * Makes the report. Pure: the same input gives the same report, byte for byte. Figures nothing was measured for are
 * NaN (`null` in JSON).
 */
export function buildReport(input: ReportInput): ExperimentReport {
  const { experiment, tally, endedAt, cost, provenance, load, monitors, forecast } = input;
  const told = digestEvents(input.events, endedAt);
  const events = { ...told, faults: [...(input.faults ?? told.faults)], alerts: input.alerts ?? told.alerts };
  const stages = linearity(
    tally.stages.map(({ agents, throughputPerMin }) => ({ agents, throughput: throughputPerMin })),
  );
  const invalid = findInvalid(input, events);
  const criteria = judgeCriteria(experiment.targets, measure(input, events.faults, stages?.ratio ?? null));
  const report: ExperimentReport = {
    metadata: metadata(input),
    summary: summary(tally, experiment),
    performance: {
      ...performance(tally, endedAt),
      ...(input.machineLag === undefined ? {} : { machineLag: { ...input.machineLag } }),
    },
    agents: agents(tally),
    incidents: events.incidents,
    recommendations: [],
    schemaVersion: 1,
    verdict: overallVerdict(criteria, invalid),
    invalid,
    criteria,
    availability: availability(tally, endedAt),
    ledger: ledger(input),
    load: { ...load },
    steadyWindow: { start: tally.window.start, end: Math.max(tally.window.start, Math.min(tally.window.end, endedAt)) },
    faults: events.faults,
    scalings: events.scalings,
    alerts: events.alerts,
    states: events.states,
    segments: events.segments,
    monitors,
    forecast,
    linearity: stages,
    cost,
    ...(tally.usage === null ? {} : { usage: { ...tally.usage } }),
    findings: { wentWell: [], wentWrong: [], change: [] },
    series: buildSeries(tally.series, endedAt),
    latencyHistogram: latencyBars(tally.responseLatency()),
    provenance,
  };
  return { ...report, ...deriveFindings(report) };
}

/** What the criteria are judged on. */
function measure(
  { experiment, tally, endedAt, ledger }: ReportInput,
  faults: readonly FaultRecord[],
  ratio: number | null,
): Measures {
  const { counts, fleet } = tally;
  const finished = counts.completed + counts.failed;
  const response = tally.responseLatency();
  const canaries = tally.availability(endedAt);
  return {
    stable: {
      plannedMs: experiment.durationMs,
      actualMs: tally.carriedOutMs(endedAt),
      floor: experiment.fleet.agents,
      longestBelowFloorMs: fleet.stable.longestBelowFloorMs,
      minActive: fleet.stable.minActive,
    },
    throughputPerMin: tally.throughput.avg,
    steadyWindowMs: tally.window.lengthMs,
    firstAttempts: response.count,
    p99LatencyMs: response.quantile(0.99),
    censored: counts.censored,
    availability: { canaries: canaries.canaries, within: canaries.withinTarget },
    errorRate: counts.failed / finished,
    finished,
    recovery: recovery(experiment, faults),
    linearity: ratio,
    cpu: fleet.cpu,
    stretchP99: tally.stretch.quantile(0.99),
    ledger: { lost: ledger.judgement.lost, doubleCounted: ledger.judgement.doubleCounted },
  };
}

function recovery({ chaos }: Experiment, faults: readonly FaultRecord[]): Measures['recovery'] {
  let worstMs: number | null = null;
  let worstFaultId: string | null = null;
  for (const { id, serviceRecoveryMs } of faults) {
    if (serviceRecoveryMs === null || (worstMs !== null && serviceRecoveryMs <= worstMs)) continue;
    worstMs = serviceRecoveryMs;
    worstFaultId = id;
  }
  return {
    planned: chaos.enabled && chaos.injections.length > 0,
    faults: faults.length,
    unrecovered: faults.filter(({ serviceRecoveryMs }) => serviceRecoveryMs === null).length,
    worstMs,
    worstFaultId,
  };
}

/**
 * Why the measurement cannot be trusted. Lost and double-counted tasks are not among it: they are the fleet's doing,
 * proven by books that balance, and fail the mandatory criterion `ledger`. Books that do not balance, or that the
 * journals contradict, prove nothing.
 */
function findInvalid({ tally, load, ledger, cutShort, provenance }: ReportInput, { lastState }: EventDigest): string[] {
  const { unbacked, unresolved } = ledger.judgement;
  const clockSkewMs = provenance.queue?.clockBoundMs;
  const reasons = invalidReasons({
    droppedArrivals: load.dropped,
    dispatchLagP999Ms: tally.dispatchLag.quantile(0.999),
    ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    ledgerBalanced: identityHolds(ledger.counts),
    aborted: lastState === 'aborted' || (cutShort !== null && lastState !== 'stopped'),
  });
  if (unbacked > 0) reasons.push(`${number(unbacked)} tasks were counted as completed that no agent has completed`);
  if (unresolved > 0) reasons.push(`${number(unresolved)} tasks were offered and never answered for`);
  return reasons;
}

function metadata({
  experiment,
  experimentId,
  target,
  tally,
  endedAt,
  cutShort,
}: ReportInput): ExperimentReport['metadata'] {
  return {
    experimentId,
    phase: experiment.phase,
    startTime: tally.startedAt,
    endTime: endedAt,
    duration: tally.carriedOutMs(endedAt),
    title: experiment.title,
    scenario: experiment.scenario,
    target,
    plannedDuration: experiment.durationMs,
    agents: experiment.fleet.agents,
    queueBound: experiment.queue.bound,
    cutShort: cutShort !== null,
    cutShortReason: cutShort,
  };
}

/** `successRate` is completed ÷ finished, the complement of the error rate: shed tasks are told beside it. */
function summary(tally: Tally, { tasks }: Experiment): ExperimentReport['summary'] {
  const { counts } = tally;
  const byType = tally.types.map(({ completed, failed, meanServiceMs }, type) => [
    tasks.types[type]?.name ?? `type ${type}`,
    { completed, failed, meanServiceTime: meanServiceMs },
  ]);
  return {
    totalTasks: counts.submitted,
    completedTasks: counts.completed,
    failedTasks: counts.failed,
    successRate: counts.completed / (counts.completed + counts.failed),
    shedTasks: counts.shed,
    shedByPriority: [...counts.shedByPriority],
    submittedByPriority: [...counts.submittedByPriority],
    retriedAttempts: counts.retried,
    expiredAttempts: counts.expired,
    supersededResults: counts.superseded,
    unstartedTasks: counts.censored,
    byType: Object.fromEntries(byType) as ExperimentReport['summary']['byType'],
  };
}

function performance(tally: Tally, endedAt: number): ExperimentReport['performance'] {
  const { dispatchLag, stretch } = tally;
  return {
    throughput: { ...tally.throughput },
    latency: summarize(tally.responseLatency()),
    completion: summarize(tally.completion),
    service: summarize(tally.service),
    dispatchLag: { ...summarize(dispatchLag), p999: dispatchLag.quantile(0.999) },
    stretch: { p50: stretch.quantile(0.5), p99: stretch.quantile(0.99) },
    byPriority: PRIORITIES.map((priority) => ({
      priority: priorityLabel(priority),
      latency: summarize(tally.responseLatency(priority)),
    })),
    littlesLaw: { ...tally.littlesLaw(endedAt) },
  };
}

function summarize(histogram: Histogram): LatencySummary {
  return {
    avg: histogram.mean,
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    max: histogram.count > 0 ? histogram.max : NaN,
  };
}

function agents({ fleet }: Tally): ExperimentReport['agents'] {
  return {
    deployed: fleet.deployed,
    maxActive: fleet.maxActive,
    minActive: fleet.minActive,
    avgUtilization: fleet.utilization,
    restarts: fleet.restarts,
    avgCpu: fleet.cpu,
    agentSeconds: fleet.agentSeconds,
    recycled: fleet.recycled,
  };
}

function availability(tally: Tally, endedAt: number): ExperimentReport['availability'] {
  const { canaries, answered, withinTarget } = tally.availability(endedAt);
  return { canaries, answered, withinTarget, share: withinTarget / canaries };
}

function ledger({ ledger: { counts, judgement } }: ReportInput): ExperimentReport['ledger'] {
  const { submitted, completed, failed, shed, queued, leased } = counts;
  const { lost, doubleCounted, examples } = judgement;
  return {
    submitted,
    completed,
    failed,
    shed,
    queued,
    leased,
    balanced: identityHolds(counts),
    lost,
    doubleCounted,
    examples: { lost: [...examples.lost], doubleCounted: [...examples.doubleCounted] },
  };
}
