import type { ExperimentReport } from '../../runtime/report/model.js';
import { makeReport, START } from './fixture.js';

/** A run that ended before anything happened: every figure is missing. */
export function emptyRun(): Partial<ExperimentReport> {
  const report = makeReport();
  const nothing = { avg: NaN, p50: NaN, p90: NaN, p99: NaN, max: NaN };
  const series = Object.fromEntries(
    Object.entries(report.series).map(([key, value]) => [key, Array.isArray(value) ? [] : value]),
  );
  return {
    verdict: 'INVALID',
    invalid: ['the dispatch lag was not measured: no arrival was sent'],
    metadata: { ...report.metadata, endTime: START, duration: 0, cutShort: true },
    summary: { ...report.summary, totalTasks: 0, completedTasks: 0, failedTasks: 0, successRate: NaN, byType: {} },
    performance: {
      ...report.performance,
      throughput: { avg: NaN, min: NaN, max: NaN, p50: NaN, p99: NaN },
      latency: nothing,
      completion: nothing,
      service: nothing,
      dispatchLag: { ...nothing, p999: NaN },
      stretch: { p50: NaN, p99: NaN },
      byPriority: [],
      littlesLaw: { L: NaN, lambdaPerMs: NaN, W: NaN, error: NaN },
    },
    agents: { ...report.agents, avgUtilization: NaN, avgCpu: NaN, agentSeconds: 0 },
    availability: { canaries: 0, answered: 0, withinTarget: 0, share: NaN },
    criteria: report.criteria.map((criterion) => ({
      ...criterion,
      actual: 'no data',
      actualValue: null,
      verdict: 'FAIL',
    })),
    series: { ...(series as unknown as ExperimentReport['series']), agentsByZone: {} },
    latencyHistogram: [],
    faults: [],
    scalings: [],
    alerts: [],
    states: [],
    segments: [],
    incidents: [],
    monitors: [],
    forecast: null,
    cost: { ...report.cost, totalUsd: 0, perHourUsd: NaN, perThousandTasksUsd: NaN, parts: [] },
  };
}

/** Two minutes, a second an interval, with figures missing and faults that have not ended. */
export function shortRun(): Partial<ExperimentReport> {
  const report = makeReport();
  const cut = Object.fromEntries(
    Object.entries(report.series).map(([key, value]) => [key, Array.isArray(value) ? value.slice(0, 120) : value]),
  ) as unknown as ExperimentReport['series'];
  return {
    metadata: { ...report.metadata, endTime: START + 120_000, duration: 120_000, target: 'local' },
    series: {
      ...cut,
      bucketMs: 1_000,
      agentsByZone: {},
      p99: cut.p99.map(() => null),
      availability: cut.availability.map(() => null),
    },
    faults: report.faults
      .slice(0, 3)
      .map((fault) => ({ ...fault, endedAt: null, serviceRecoveryMs: null, capacityRecoveryMs: null, endSeen: null })),
  };
}
