import { ExperimentError } from '../kernel/errors.js';
import { criterionOf, errorRateOf, largest, missedMandatory, present, worstRecoveryMs } from './facts.js';
import { meanAgents } from './findings-numbers.js';
import type { ExperimentReport, Verdict } from './model.js';

/** What several runs say together that none says alone: linearity, bottleneck, overhead, what to do next. */
export interface Comparison {
  /** Smallest fleet first. */
  readonly runs: readonly ComparedRun[];
  /** Capacity per agent of the largest fleet ÷ of the smallest; null with one fleet size or nothing measured. */
  readonly linearity: {
    readonly from: number;
    readonly to: number;
    readonly ratio: number;
    readonly target: number;
  } | null;
  /** Runs that measured linearity at saturation themselves (scenario scale_out). */
  readonly measured: ReadonlyArray<{ readonly run: string; readonly ratio: number }>;
  readonly overhead: Overhead | null;
  /** Most urgent first. */
  readonly next: readonly Advice[];
}

/** One run in figures that can be held against other runs. Rates are tasks/min, times ms, shares 0–1; NaN = not known. */
export interface ComparedRun {
  readonly run: string;
  readonly phase: number;
  readonly agents: number;
  readonly verdict: Verdict;
  readonly durationMs: number;
  readonly throughputPerMin: number;
  readonly perAgentPerMin: number;
  readonly utilization: number;
  /** What the fleet would carry with every slot busy. */
  readonly capacityPerMin: number;
  readonly capacityPerAgentPerMin: number;
  readonly responseP50Ms: number;
  readonly responseP99Ms: number;
  readonly serviceMs: number;
  readonly dispatchLagP99Ms: number;
  readonly stretchP99: number;
  readonly errorRate: number;
  readonly availability: number;
  readonly recoveryMs: number | null;
  readonly cpu: number;
  readonly costUsd: number;
  readonly costPerThousandUsd: number;
  /** How near the run came to each of its limits (1 = at it), nearest first. */
  readonly limits: readonly Nearness[];
  /** The nearest of the limits more load would run into. */
  readonly bottleneck: Nearness | null;
  /** Names of the mandatory criteria it misses. */
  readonly missed: readonly string[];
}

export type Resource = 'slots' | 'cpu' | 'latency' | 'queue' | 'recovery' | 'error_rate' | 'budget';

export interface Nearness {
  readonly resource: Resource;
  readonly share: number;
}

/** How handing over and carrying out the same tasks changed from the smallest to the largest fleet. */
export interface Overhead {
  readonly before: ComparedRun;
  readonly after: ComparedRun;
  /** Growth of the mean service time, the mix of task types held constant; 0.05 = 5 % longer. NaN = not known. */
  readonly serviceGrowth: number;
  /** Factor by which P99 dispatch lag grew. */
  readonly lagFactor: number;
  readonly signs: ReadonlyArray<'service' | 'lag'>;
}

export type Advice =
  | { readonly kind: 'invalid'; readonly run: string }
  | { readonly kind: 'failed'; readonly run: string; readonly names: readonly string[] }
  | { readonly kind: Resource; readonly run: string; readonly share: number }
  | { readonly kind: 'linearity' | 'overhead' | 'measure' }
  | { readonly kind: 'grow' | 'done'; readonly resource: Resource; readonly share: number };

/** A limit used up to this share is worth a word. */
const NEAR = 0.8;
/** Growth of service times that is more than the noise of two runs. */
const SERVICE_GROWTH = 0.05;
/** A lag that doubled, and that can be felt. */
const LAG_FACTOR = 2;
const LAG_FELT_MS = 5;
const DEFAULT_LINEARITY = 0.95;
const LAST_PHASE = 3;

/** Compares runs of any phases and scenarios. Throws an {@link ExperimentError} (`USAGE`) when there is none. */
export function compareReports(reports: readonly ExperimentReport[]): Comparison {
  if (reports.length === 0) {
    throw new ExperimentError('USAGE', 'There is nothing to compare.', [
      { path: 'RUN', message: 'name at least one run, better two: compare RUN RUN…' },
    ]);
  }
  const ordered = [...reports].sort(
    (a, b) => a.metadata.agents - b.metadata.agents || a.metadata.phase - b.metadata.phase,
  );
  const runs = ordered.map(figuresOf);
  // What was measured wrongly must not decide about the design.
  const valid = ordered.map((report, index) => ({ report, run: runs[index] as ComparedRun })).filter(isValid);
  const first = valid[0];
  const last = valid.at(-1);
  const grown = first !== undefined && last !== undefined && last.run.agents > first.run.agents;
  const partial = {
    runs,
    linearity: grown ? inferLinearity(first.run, last.run, last.report) : null,
    measured: ordered.flatMap(({ metadata, linearity }) =>
      linearity === null ? [] : [{ run: metadata.experimentId, ratio: linearity.ratio }],
    ),
    overhead: grown ? overheadOf(first, last) : null,
  };
  return { ...partial, next: advise(partial) };
}

interface Compared {
  readonly report: ExperimentReport;
  readonly run: ComparedRun;
}

function isValid({ report }: Compared): boolean {
  return report.verdict !== 'INVALID';
}

function figuresOf(report: ExperimentReport): ComparedRun {
  const { metadata, performance, agents, cost } = report;
  const throughput = performance.throughput.avg;
  const fleet = meanAgents(report);
  // Utilisation law (Denning and Buzen 1978): X = U · C, so C = X / U. Runs under different loads become comparable.
  const capacity = agents.avgUtilization > 0 ? throughput / agents.avgUtilization : NaN;
  const limits = limitsOf(report);
  return {
    run: metadata.experimentId,
    phase: metadata.phase,
    agents: metadata.agents,
    verdict: report.verdict,
    durationMs: metadata.duration,
    throughputPerMin: throughput,
    perAgentPerMin: throughput / fleet,
    utilization: agents.avgUtilization,
    capacityPerMin: capacity,
    capacityPerAgentPerMin: capacity / fleet,
    responseP50Ms: performance.latency.p50,
    responseP99Ms: performance.latency.p99,
    serviceMs: performance.service.avg,
    dispatchLagP99Ms: performance.dispatchLag.p99,
    stretchP99: performance.stretch.p99,
    errorRate: errorRateOf(report),
    availability: report.availability.share,
    recoveryMs: worstRecoveryMs(report.faults),
    cpu: agents.avgCpu,
    costUsd: cost.totalUsd,
    costPerThousandUsd: cost.perThousandTasksUsd,
    limits,
    bottleneck: limits.find(({ resource }) => CAPACITY_LIMITS.has(resource)) ?? null,
    missed: missedMandatory(report).map((criterion) => criterion.name),
  };
}

const CAPACITY_LIMITS: ReadonlySet<Resource> = new Set(['slots', 'cpu', 'latency', 'queue']);

function limitsOf(report: ExperimentReport): Nearness[] {
  const { series, metadata, cost } = report;
  const peak = (values: readonly number[]): number => largest(present(values)) ?? NaN;
  const shares: Array<[Resource, number]> = [
    ['slots', peak(series.utilization)],
    ['cpu', usedShare(report, 'cpu')],
    ['latency', usedShare(report, 'p99_latency')],
    ['queue', peak(series.queueDepth) / (metadata.queueBound ?? NaN)],
    ['recovery', usedShare(report, 'recovery')],
    ['error_rate', usedShare(report, 'error_rate')],
    ['budget', cost.totalUsd / cost.budgetUsd],
  ];
  return shares
    .filter(([, share]) => Number.isFinite(share))
    .map(([resource, share]) => ({ resource, share }))
    .sort((a, b) => b.share - a.share);
}

/** Actual ÷ target of an «at most» criterion; NaN when it was not measured. */
function usedShare(report: ExperimentReport, name: string): number {
  const criterion = criterionOf(report, name);
  return (criterion?.actualValue ?? NaN) / (criterion?.targetValue ?? NaN);
}

function inferLinearity(first: ComparedRun, last: ComparedRun, report: ExperimentReport): Comparison['linearity'] {
  const ratio = last.capacityPerAgentPerMin / first.capacityPerAgentPerMin;
  if (!Number.isFinite(ratio)) return null;
  const target = criterionOf(report, 'linearity')?.targetValue ?? DEFAULT_LINEARITY;
  return { from: first.agents, to: last.agents, ratio, target };
}

function overheadOf(first: Compared, last: Compared): Overhead {
  const before = first.run;
  const after = last.run;
  const serviceGrowth = serviceGrowthOf(first.report, last.report);
  const lagFactor = after.dispatchLagP99Ms / before.dispatchLagP99Ms;
  const signs: Array<'service' | 'lag'> = [];
  if (serviceGrowth > SERVICE_GROWTH) signs.push('service');
  if (lagFactor >= LAG_FACTOR && after.dispatchLagP99Ms >= LAG_FELT_MS) signs.push('lag');
  return { before, after, serviceGrowth, lagFactor, signs };
}

/** Growth of mean service time, type by type and weighted by the later run's tasks, so that the mix plays no part. */
function serviceGrowthOf(before: ExperimentReport, after: ExperimentReport): number {
  const earlier = before.summary.byType;
  const shared = Object.entries(after.summary.byType).flatMap(([name, { completed, meanServiceTime }]) => {
    const base = earlier[name]?.meanServiceTime ?? NaN;
    const growth = meanServiceTime / base - 1;
    return Number.isFinite(growth) && completed > 0 ? [{ growth, completed }] : [];
  });
  const total = shared.reduce((sum, type) => sum + type.completed, 0);
  return shared.reduce((sum, type) => sum + type.growth * type.completed, 0) / total;
}

function advise({ runs, linearity, measured, overhead }: Omit<Comparison, 'next'>): Advice[] {
  const invalid = runs.filter((run) => run.verdict === 'INVALID').map(({ run }): Advice => ({ kind: 'invalid', run }));
  const failed = runs
    .filter((run) => run.verdict === 'FAIL')
    .map(({ run, missed }): Advice => ({ kind: 'failed', run, names: missed }));
  const bent = linearity !== null && linearity.ratio < linearity.target;
  const slowed = overhead !== null && overhead.signs.length > 0;
  return [
    ...invalid,
    ...failed,
    ...nearLimits(runs),
    ...(bent ? [{ kind: 'linearity' } as const] : []),
    ...(slowed ? [{ kind: 'overhead' } as const] : []),
    ...(measured.length === 0 && !bent ? [{ kind: 'measure' } as const] : []),
    ...(invalid.length + failed.length === 0 ? onwards(runs) : []),
  ];
}

/** The limits the largest fleet came near to; those it broke are named by the criteria already. */
function nearLimits(runs: readonly ComparedRun[]): Advice[] {
  const largestRun = runs.at(-1);
  if (largestRun === undefined || largestRun.verdict === 'INVALID') return [];
  return largestRun.limits
    .filter(({ share }) => share >= NEAR && share <= 1)
    .map(({ resource, share }) => ({ kind: resource, run: largestRun.run, share }));
}

function onwards(runs: readonly ComparedRun[]): Advice[] {
  const nearest = runs.at(-1)?.limits[0];
  if (nearest === undefined) return [];
  const reached = Math.max(...runs.map((run) => run.phase));
  return [{ kind: reached >= LAST_PHASE ? 'done' : 'grow', ...nearest }];
}
