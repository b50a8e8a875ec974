import { identityHolds } from '../../runtime/observe/audit.js';
import type { LedgerCounts } from '../../runtime/queue/port.js';
import type { ExperimentReport, LatencySummary } from '../../runtime/report/model.js';

/** Largest error of Little's law: the rounding of sums over a few thousand tasks. */
const LITTLES_LAW_ERROR = 1e-6;

/** What a report says that cannot be true of any run. */
export function reportProblems(report: ExperimentReport, counts: LedgerCounts, takenUp: boolean): string[] {
  const { ledger, performance, summary, availability, load, metadata, agents, cost } = report;
  const problems: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) problems.push(`report: ${what}`);
  };
  must(ledger.lost === 0, `${ledger.lost} tasks lost (${ledger.examples.lost.join(', ')})`);
  must(
    ledger.doubleCounted === 0,
    `${ledger.doubleCounted} tasks counted twice (${ledger.examples.doubleCounted.join(', ')})`,
  );
  must(ledger.balanced && identityHolds(counts), 'the ledger does not balance');
  // Aborted, or over before the first arrival: such a run may say nothing.
  const excused = /abort|no arrival was sent/i;
  must(!report.invalid.some((reason) => !excused.test(reason)), `invalid: ${report.invalid.join('; ')}`);
  must(load.scheduled === ledger.submitted, `${load.scheduled} arrivals and ${ledger.submitted} tasks submitted`);
  must(load.late === 0 && load.dropped === 0, `${load.late} late and ${load.dropped} dropped in virtual time`);
  must(summary.totalTasks === counts.submitted, `${summary.totalTasks} of ${counts.submitted} tasks tallied`);
  must(
    summary.completedTasks === counts.completed,
    `${summary.completedTasks} of ${counts.completed} completed tallied`,
  );
  must(summary.failedTasks === counts.failed, `${summary.failedTasks} of ${counts.failed} failed tallied`);
  must(summary.shedTasks === counts.shed, `${summary.shedTasks} of ${counts.shed} shed tallied`);
  must(summary.retriedAttempts === counts.retried, `${summary.retriedAttempts} of ${counts.retried} retries tallied`);
  must(summary.expiredAttempts === counts.expired, `${summary.expiredAttempts} of ${counts.expired} expiries tallied`);
  must(
    summary.supersededResults === counts.superseded,
    `${summary.supersededResults} of ${counts.superseded} superseded tallied`,
  );
  must(summary.unstartedTasks <= counts.queued + counts.leased, `${summary.unstartedTasks} tasks never started`);
  must(
    performance.littlesLaw.error <= LITTLES_LAW_ERROR,
    `Little's law is off by ${performance.littlesLaw.error} (L ${performance.littlesLaw.L})`,
  );
  for (const kind of ['latency', 'completion', 'service', 'dispatchLag'] as const) {
    must(rises(performance[kind]), `${kind} is ${JSON.stringify(performance[kind])}`);
  }
  must(
    availability.withinTarget <= availability.answered && availability.answered <= availability.canaries + 5,
    `canaries: ${JSON.stringify(availability)}`,
  );
  must(metadata.endTime >= metadata.startTime, `it ended at ${metadata.endTime}, before ${metadata.startTime}`);
  must(report.steadyWindow.end >= report.steadyWindow.start, `steady window ${JSON.stringify(report.steadyWindow)}`);
  must(!(agents.avgUtilization < 0), `utilisation ${agents.avgUtilization}`);
  must(cost.totalUsd >= 0, `cost ${cost.totalUsd}`);
  for (const fault of report.faults) {
    const { id, serviceRecoveryMs, capacityRecoveryMs, endedAt, injectedAt } = fault;
    must(!(Number(serviceRecoveryMs) < 0 || Number(capacityRecoveryMs) < 0), `fault ${id} recovered before it hit`);
    must(endedAt !== null, `fault ${id} (${fault.type}) has no end`);
    must(endedAt === null || endedAt >= injectedAt, `fault ${id} ended before it began`);
  }
  must(new Set(report.faults.map(({ id }) => id)).size === report.faults.length, 'two faults have one name');
  for (const alert of report.alerts) {
    must(alert.resolvedAt === null || alert.resolvedAt >= alert.firedAt, `alert ${alert.name} ended before it began`);
  }
  let from = 'created';
  for (const state of report.states) {
    must(state.from === from || (takenUp && state.from === 'created'), `the states go from ${from} to ${state.from}`);
    from = state.to;
  }
  const offered = report.series.offered.reduce((sum, perMin) => sum + (perMin * report.series.bucketMs) / 60_000, 0);
  must(
    Math.abs(offered - counts.submitted) < 0.01 * Math.max(10, counts.submitted),
    `the chart shows ${offered} tasks`,
  );
  return problems;
}

function rises({ avg, p50, p90, p99, max }: LatencySummary): boolean {
  if (Number.isNaN(p50)) return [avg, p90, p99, max].every((value) => Number.isNaN(value));
  // Percentiles are the upper ends of the histogram's bins.
  return p50 >= 0 && p50 <= p90 && p90 <= p99 && p99 <= max * 1.02 + 1 && avg <= max * (1 + 1e-9) + 1e-6;
}
