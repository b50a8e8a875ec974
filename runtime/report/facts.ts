import type { CriterionResult, ExperimentReport } from './model.js';

/** The five rows of template 12.1, in its order. */
export const TEMPLATE_CRITERIA = ['throughput', 'p99_latency', 'availability', 'error_rate', 'recovery'] as const;

export function criterionOf(report: ExperimentReport, name: string): CriterionResult | null {
  return report.criteria.find((criterion) => criterion.name === name) ?? null;
}

/** Target of a criterion as a number, null when it has none. */
export function targetOf(report: ExperimentReport, name: string): number | null {
  const value = criterionOf(report, name)?.targetValue ?? null;
  return value !== null && Number.isFinite(value) ? value : null;
}

export function missedMandatory(report: ExperimentReport): CriterionResult[] {
  return report.criteria.filter((criterion) => criterion.mandatory && criterion.verdict === 'FAIL');
}

/** Failed for good ÷ finished, 0–1; NaN when nothing finished. */
export function errorRateOf(report: ExperimentReport): number {
  const finished = report.summary.completedTasks + report.summary.failedTasks;
  return finished === 0 ? NaN : report.summary.failedTasks / finished;
}

/** Recovery figures of the faults of one type. */
export interface FaultSummary {
  readonly type: string;
  readonly count: number;
  readonly involuntary: number;
  /** ms; null when none of them recovered (or has such a recovery). */
  readonly worstServiceMs: number | null;
  readonly medianServiceMs: number | null;
  readonly worstCapacityMs: number | null;
  readonly notRecovered: number;
}

/** One line per fault type, most frequent first. */
export function summarizeFaults(faults: ExperimentReport['faults']): FaultSummary[] {
  const types = [...new Set(faults.map((fault) => fault.type))];
  return types
    .map((type) =>
      summarizeType(
        type,
        faults.filter((fault) => fault.type === type),
      ),
    )
    .sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1));
}

function summarizeType(type: string, faults: ExperimentReport['faults']): FaultSummary {
  const service = present(faults.map((fault) => fault.serviceRecoveryMs));
  const capacity = present(faults.map((fault) => fault.capacityRecoveryMs));
  return {
    type,
    count: faults.length,
    involuntary: faults.filter((fault) => !fault.voluntary).length,
    worstServiceMs: largest(service),
    medianServiceMs: median(service),
    worstCapacityMs: largest(capacity),
    notRecovered: faults.length - service.length,
  };
}

/** Longest service recovery of all faults, ms; null when there is none. */
export function worstRecoveryMs(faults: ExperimentReport['faults']): number | null {
  return largest(present(faults.map((fault) => fault.serviceRecoveryMs)));
}

/** From–to of every pause, epoch ms; a pause nobody ended lasts until the end of the run. */
export function pausesOf(report: ExperimentReport): Array<{ from: number; to: number }> {
  return report.states.flatMap((state, index) =>
    state.to === 'paused' ? [{ from: state.at, to: report.states[index + 1]?.at ?? report.metadata.endTime }] : [],
  );
}

/** Segments with the same label taken together. */
export function summarizeSegments(
  segments: ExperimentReport['segments'],
): Array<{ label: string; count: number; totalMs: number; lowest: number; highest: number }> {
  const labels = [...new Set(segments.map((segment) => segment.label))];
  return labels.map((label) => {
    const own = segments.filter((segment) => segment.label === label);
    const rates = own.map((segment) => segment.ratePerMin);
    return {
      label,
      count: own.length,
      totalMs: own.reduce((sum, segment) => sum + segment.end - segment.start, 0),
      lowest: Math.min(...rates),
      highest: Math.max(...rates),
    };
  });
}

/** The values that are numbers. */
export function present(values: ReadonlyArray<number | null>): number[] {
  return values.filter((value): value is number => value !== null && Number.isFinite(value));
}

/** null for an empty list. */
export function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
}

/** null for an empty list. */
export function smallest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b));
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
