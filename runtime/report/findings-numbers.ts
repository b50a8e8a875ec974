import { SECOND } from '../kernel/units.js';
import { PHASES } from '../spec/phases.js';
import { parseDuration, parseRate } from '../spec/units.js';
import { largest, present } from './facts.js';
import type { CriterionResult, ExperimentReport } from './model.js';

/** A report before its findings: what they are derived from. */
export type ReportFacts = Omit<ExperimentReport, 'findings' | 'recommendations'>;

/** Share of its slots a fleet is planned with (design.md §2). */
const PLANNED_SHARE = 0.8;
/** A fleet is saturated where this share of its slots is busy. */
const SATURATED_SHARE = 0.95;

/** What was used most, and whether it was the limit. */
export interface Bottleneck {
  readonly limit: 'slots' | 'cpu' | 'dispatch' | 'none';
  /** Busy share of the slots, and CPU, in their worst intervals; NaN = not measured. */
  readonly peakUtilization: number;
  readonly peakCpu: number;
  /** Intervals in which the slots were saturated. */
  readonly saturated: number;
  readonly intervals: number;
}

/**
 * What limited the run: its slots where they were saturated, its CPU where it passed its target, the way from queue to
 * agent where tasks waited longer than allowed although slots were free, else nothing.
 */
export function bottleneckOf(report: ReportFacts): Bottleneck {
  const { utilization, cpu } = report.series;
  const peakUtilization = largest(present(utilization)) ?? NaN;
  const peakCpu = largest(present(cpu)) ?? NaN;
  const saturated = utilization.filter((share) => share >= SATURATED_SHARE).length;
  const measured = { peakUtilization, peakCpu, saturated, intervals: utilization.length };
  if (saturated > 0) return { limit: 'slots', ...measured };
  if (peakCpu > (criterionNamed(report, 'cpu')?.targetValue ?? 1)) return { limit: 'cpu', ...measured };
  const latency = criterionNamed(report, 'p99_latency');
  const late = latency?.verdict === 'FAIL' && latency.actualValue !== null;
  return { limit: late ? 'dispatch' : 'none', ...measured };
}

export function criterionNamed(report: ReportFacts, name: string): CriterionResult | null {
  return report.criteria.find((criterion) => criterion.name === name) ?? null;
}

/** Agents deployed on average; NaN for an empty run. */
export function meanAgents({ agents, metadata }: ReportFacts): number {
  return (agents.agentSeconds * SECOND) / metadata.duration;
}

/** Agents with which the busiest interval would have kept {@link PLANNED_SHARE} of their slots busy; NaN = not known. */
export function agentsForPeak(report: ReportFacts): number {
  const { utilization, agentsActive } = report.series;
  const needs = utilization.map((share, i) => (share * (agentsActive[i] ?? NaN)) / PLANNED_SHARE);
  const most = largest(present(needs));
  return most === null ? NaN : Math.ceil(most - 1e-9);
}

/**
 * Tasks a minute the fleet as deployed could complete with {@link PLANNED_SHARE} of its slots busy, by the
 * utilisation law U = X·S/N (Denning and Buzen 1978): throughput grows with the share of busy slots. NaN = not known.
 */
export function plannedCapacityPerMin(report: ReportFacts): number {
  return (report.performance.throughput.avg * PLANNED_SHARE) / report.agents.avgUtilization;
}

/** What the next phase asks for, and what this run says about it. */
export interface NextPhase {
  readonly phase: number;
  readonly agents: number;
  readonly ratePerMin: number;
  /** Null where the phase has no bursts. */
  readonly burstPerMin: number | null;
  /** Share of its slots that its loads would keep busy, if its agents work as this run's; NaN = not known. */
  readonly utilization: number;
  readonly burstUtilization: number | null;
  /** Agents with which its highest load keeps {@link PLANNED_SHARE} of the slots busy; NaN = not known. */
  readonly agentsForPeak: number;
  /** Its bill if cost grows with agents and hours, US dollars. */
  readonly usd: number;
}

/** Null after the last phase. */
export function nextPhaseOf(report: ReportFacts): NextPhase | null {
  const { phase } = report.metadata;
  const load = phaseLoad(phase + 1);
  if (load === null) return null;
  const slotShare = report.agents.avgUtilization * meanAgents(report);
  const agentsPerTaskRate = slotShare / report.performance.throughput.avg;
  const utilizationAt = (ratePerMin: number): number => (ratePerMin * agentsPerTaskRate) / load.agents;
  const peak = Math.max(load.ratePerMin, load.burstPerMin ?? 0);
  const hours = load.durationMs / 3_600_000;
  return {
    phase: phase + 1,
    agents: load.agents,
    ratePerMin: load.ratePerMin,
    burstPerMin: load.burstPerMin,
    utilization: utilizationAt(load.ratePerMin),
    burstUtilization: load.burstPerMin === null ? null : utilizationAt(load.burstPerMin),
    agentsForPeak: Math.ceil((peak * agentsPerTaskRate) / PLANNED_SHARE - 1e-9),
    usd: ((report.cost.perHourUsd * load.agents) / meanAgents(report)) * hours,
  };
}

interface PhaseLoad {
  readonly agents: number;
  readonly ratePerMin: number;
  readonly burstPerMin: number | null;
  readonly durationMs: number;
}

function phaseLoad(phase: number): PhaseLoad | null {
  const options = PHASES[phase]?.options;
  if (options === undefined) return null;
  const load = part(options['load']);
  const bursts = part(load['bursts']);
  return {
    agents: Number(options['agents']),
    ratePerMin: parseRate(load['rate']),
    burstPerMin: bursts['rate'] === undefined ? null : parseRate(bursts['rate']),
    durationMs: parseDuration(options['duration']),
  };
}

/** An object's properties; none of anything else. */
function part(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** How often the autoscaler changed its direction. */
export function scalingReversals(scalings: ReportFacts['scalings']): number {
  const directions = scalings
    .map(({ decision }) => Math.sign(decision.to - decision.from))
    .filter((sign) => sign !== 0);
  return directions.filter((sign, i) => i > 0 && sign !== directions[i - 1]).length;
}

/** Share of each priority's submitted tasks that were shed; 0 where none were submitted. */
export function shedShares({ summary }: ReportFacts): number[] {
  return summary.shedByPriority.map((shed, i) => (shed === 0 ? 0 : shed / (summary.submittedByPriority[i] ?? NaN)));
}

/** Was the least important work refused first? */
export function isShedFromBelow(shares: readonly number[]): boolean {
  return shares.every((share, i) => i === 0 || share >= (shares[i - 1] as number));
}

/** Attempts that had to be repeated (failed, or lost with their agent) ÷ all attempts; NaN when there were none. */
export function repeatedShare({ summary }: ReportFacts): number {
  const { retriedAttempts, expiredAttempts, completedTasks, failedTasks } = summary;
  const repeated = retriedAttempts + expiredAttempts;
  return repeated / (repeated + completedTasks + failedTasks);
}

/** The intervals of the run in which P99 response was above `limitMs`. */
export function slowIntervals(
  report: ReportFacts,
  limitMs: number,
): { count: number; of: number; worstMs: number; worstAt: number } {
  const { p99, start, bucketMs } = report.series;
  let count = 0;
  let worstMs = 0;
  let worstAt = start;
  p99.forEach((value, i) => {
    if (value === null || !(value > limitMs)) return;
    count += 1;
    if (value <= worstMs) return;
    worstMs = value;
    worstAt = start + i * bucketMs;
  });
  return { count, of: present(p99).length, worstMs, worstAt };
}
