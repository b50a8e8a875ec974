import type { CriterionName, Targets } from '../spec/experiment.js';
import { besideLimit, duration, number, percent, perMinute } from './wording.js';

/**
 * What a run is judged by: numbers only, taken over the steady window unless said otherwise. NaN means that nothing
 * was measured.
 */
export interface Measures {
  readonly stable: {
    /** How long the run was to take and how long it took, ms (draining at its end not counted). */
    readonly plannedMs: number;
    readonly actualMs: number;
    /** Agents the phase promises to have ready. */
    readonly floor: number;
    /** Longest time in a row with fewer ready agents than the floor; the 30 s after each fault do not count. */
    readonly longestBelowFloorMs: number;
    /** Fewest ready agents of the run, those 30 s included. */
    readonly minActive: number;
  };
  /** Tasks scheduled in the steady window and completed, per minute of it. */
  readonly throughputPerMin: number;
  readonly steadyWindowMs: number;
  /** First attempts that the response latency was taken from, the censored ones included. */
  readonly firstAttempts: number;
  /** P99 of response latency, ms. */
  readonly p99LatencyMs: number;
  /** Tasks that had not started when the run ended: in the latencies with the time they had waited by then. */
  readonly censored: number;
  readonly availability: { readonly canaries: number; readonly within: number };
  /** Tasks failed for good ÷ tasks finished, 0–1. */
  readonly errorRate: number;
  readonly finished: number;
  readonly recovery: {
    /** Did the plan contain faults? */
    readonly planned: boolean;
    readonly faults: number;
    readonly unrecovered: number;
    /** Worst service recovery among the recovered ones, ms; null = none recovered. */
    readonly worstMs: number | null;
    readonly worstFaultId: string | null;
  };
  /** Throughput per agent at the largest fleet ÷ at the smallest; null = not measured. */
  readonly linearity: number | null;
  /** Mean CPU of the active agents, 0–1 of their share. */
  readonly cpu: number;
  /** P99 of completion latency ÷ own service time. */
  readonly stretchP99: number;
  readonly ledger: { readonly lost: number; readonly doubleCounted: number };
}

/** Same shape as in `report.json` (report/model.ts); defined here because `observe` does not know `report`. */
export interface CriterionResult {
  /** A {@link CriterionName}, or `ledger`. */
  name: string;
  /** As people write it: `≥ 500/min`. */
  target: string;
  /** As people write it: `501.2/min`; «no data» when there was none. */
  actual: string;
  /** The same as numbers; null = no data or not applicable. */
  targetValue: number | null;
  actualValue: number | null;
  verdict: 'PASS' | 'FAIL' | 'NOT_APPLICABLE';
  mandatory: boolean;
  /** What it was counted on. */
  basis: string;
}

export type Verdict = 'PASS' | 'FAIL' | 'INVALID';

/** All criteria in the order in which reports show them. */
export const CRITERIA: readonly CriterionName[] = [
  'stable',
  'throughput',
  'p99_latency',
  'availability',
  'error_rate',
  'recovery',
  'linearity',
  'cpu',
  'stretch',
];

/** What {@link invalidReasons} looks at. */
export interface MeasurementHealth {
  readonly droppedArrivals: number;
  /** P99.9 of dispatch lag, ms; NaN = no arrival was sent. */
  readonly dispatchLagP999Ms: number;
  /**
   * How far times told by different processes can be off from each other's clock, ms, after what is known of their
   * clocks has been put right; left out where one clock tells them all.
   */
  readonly clockSkewMs?: number;
  readonly ledgerBalanced: boolean;
  readonly aborted: boolean;
}

/** A generator whose P99.9 dispatch lag is above this does not offer the load it claims to (design.md §2). */
export const DISPATCH_LAG_LIMIT_MS = 50;
/** Clocks known less well than this falsify latencies by more than the dispatch lag may. */
const CLOCK_SKEW_LIMIT_MS = 50;
/** A run that ends less than this before its time took its full time: durations are sampled once a second. */
const DURATION_RESOLUTION_MS = 1_000;
/** Shares such as 99.9 % are not exact in binary; a value this close to its limit (relatively) is on it. */
const ROUNDING = 1e-9;
const NO_DATA = 'no data';
const NOT_APPLICABLE = '–';

/** The outcome of every criterion, `ledger` last. `targets.judged` says which of them bind this run. */
export function judgeCriteria(targets: Targets, measures: Measures): CriterionResult[] {
  const results = CRITERIA.map((name) => {
    const finding = MEASURERS[name](targets, measures);
    const judged = targets.judged.includes(name) && finding.applies !== false;
    return result(name, finding, judged, targets.mandatory.includes(name));
  });
  return [...results, result('ledger', ledger(measures), true, true)];
}

/** PASS = every mandatory criterion met; a measurement at fault outranks every finding about the fleet. */
export function overallVerdict(criteria: readonly CriterionResult[], invalid: readonly string[]): Verdict {
  if (invalid.length > 0) return 'INVALID';
  return criteria.some((criterion) => criterion.mandatory && criterion.verdict === 'FAIL') ? 'FAIL' : 'PASS';
}

/** Why the measurement cannot be trusted, one sentence each; empty = it can. */
export function invalidReasons(health: MeasurementHealth): string[] {
  const { droppedArrivals, dispatchLagP999Ms, clockSkewMs, ledgerBalanced, aborted } = health;
  const reasons: string[] = [];
  if (aborted) reasons.push('the run was aborted');
  if (!ledgerBalanced)
    reasons.push('the ledger does not balance: submitted ≠ completed + failed + shed + queued + leased');
  if (droppedArrivals !== 0) {
    const dropped = Number.isNaN(droppedArrivals) ? 'unknown' : number(droppedArrivals);
    reasons.push(`arrivals dropped by the load generator: ${dropped} (limit 0)`);
  }
  if (Number.isNaN(dispatchLagP999Ms)) {
    reasons.push('the dispatch lag was not measured: no arrival was sent');
  } else if (dispatchLagP999Ms > DISPATCH_LAG_LIMIT_MS) {
    const lag = besideLimit(dispatchLagP999Ms, DISPATCH_LAG_LIMIT_MS, 1, (ms, digits) => `${number(ms, digits)} ms`);
    reasons.push(`the load generator fell behind: dispatch lag P99.9 ${lag} (limit ${DISPATCH_LAG_LIMIT_MS} ms)`);
  }
  if (clockSkewMs !== undefined && !(Math.abs(clockSkewMs) <= CLOCK_SKEW_LIMIT_MS)) {
    const skew = Number.isNaN(clockSkewMs) ? 'an unknown time' : `${number(Math.abs(clockSkewMs), 1)} ms`;
    reasons.push(`the machines' clocks may differ by ${skew} (limit ${CLOCK_SKEW_LIMIT_MS} ms)`);
  }
  return reasons;
}

// ---- the criteria ---------------------------------------------------------------------------------------------

/** One criterion before it is known whether it binds. */
interface Finding {
  readonly target: string;
  readonly targetValue: number;
  /** Null = nothing was measured. */
  readonly actual: { readonly text: string; readonly value: number | null; readonly met: boolean } | null;
  readonly basis: string;
  /** False when the question does not arise in this run, although the criterion is among the judged. */
  readonly applies?: boolean;
}

type Measurer = (targets: Targets, measures: Measures) => Finding;

const MEASURERS: Readonly<Record<CriterionName, Measurer>> = {
  stable: (_targets, { stable }) => {
    const { plannedMs, floor, longestBelowFloorMs, minActive } = stable;
    const complete = stable.actualMs >= plannedMs - DURATION_RESOLUTION_MS;
    const lasted = complete ? plannedMs : stable.actualMs;
    const measured = [plannedMs, stable.actualMs, longestBelowFloorMs, minActive].every(Number.isFinite);
    const below = longestBelowFloorMs > 0 ? `, below ${number(floor)} for ${duration(longestBelowFloorMs)}` : '';
    return {
      target: `≥ ${number(floor)} agents for ${duration(plannedMs)}`,
      targetValue: plannedMs,
      actual: measured
        ? {
            text: `${besideLimit(lasted, plannedMs, 1, duration)}${below}`,
            value: lasted - longestBelowFloorMs,
            met: complete && longestBelowFloorMs <= 0,
          }
        : null,
      basis: `ready agents once a second, the 30 s after a fault left out; fewest at any time ${number(minActive)}`,
    };
  },

  throughput: (targets, measures) => ({
    target: `≥ ${perMinute(targets.throughputPerMin)}`,
    targetValue: targets.throughputPerMin,
    actual: atLeast(measures.throughputPerMin, targets.throughputPerMin * (1 - targets.tolerance), 1, perMinute),
    basis: `tasks scheduled in the steady window of ${duration(measures.steadyWindowMs)} and completed; tolerance ${percent(targets.tolerance, 2)}`,
  }),

  p99_latency: (targets, measures) => ({
    target: `≤ ${duration(targets.p99LatencyMs)}`,
    targetValue: targets.p99LatencyMs,
    actual: atMost(measures.firstAttempts > 0 ? measures.p99LatencyMs : NaN, targets.p99LatencyMs, 2, duration),
    basis: `P99 of ${number(measures.firstAttempts)} first attempts, ${number(measures.censored)} censored`,
  }),

  availability: (targets, { availability: { canaries, within } }) => ({
    target: `≥ ${percent(targets.availability, 3)}`,
    targetValue: targets.availability,
    actual: atLeast(canaries > 0 ? within / canaries : NaN, targets.availability, 3, percent),
    basis: `${number(within)} of ${number(canaries)} canaries answered in time`,
  }),

  error_rate: (targets, measures) => ({
    target: `≤ ${percent(targets.errorRate, 3)}`,
    targetValue: targets.errorRate,
    actual: atMost(measures.finished > 0 ? measures.errorRate : NaN, targets.errorRate, 3, percent),
    basis: `failed for good among ${number(measures.finished)} finished tasks`,
  }),

  recovery: (targets, { recovery }) => ({
    target: `≤ ${duration(targets.recoveryMs)}`,
    targetValue: targets.recoveryMs,
    actual: recoveryActual(targets.recoveryMs, recovery),
    basis: recoveryBasis(recovery),
    applies: recovery.planned || recovery.faults > 0,
  }),

  linearity: (targets, measures) => ({
    target: `≥ ${number(targets.linearity, 3)}`,
    targetValue: targets.linearity,
    actual: atLeast(measures.linearity ?? NaN, targets.linearity, 3, number),
    basis: 'throughput per agent at saturation, largest fleet ÷ smallest',
  }),

  cpu: (targets, measures) => ({
    target: `≤ ${percent(targets.cpu)}`,
    targetValue: targets.cpu,
    actual: atMost(measures.cpu, targets.cpu, 1, percent),
    basis: 'mean process CPU of the active agents in the steady window',
  }),

  stretch: (targets, measures) => ({
    target: `≤ ${number(targets.stretch, 2)}`,
    targetValue: targets.stretch,
    actual: atMost(measures.stretchP99, targets.stretch, 2, number),
    basis: 'P99 of completion latency ÷ own service time',
  }),
};

function ledger({ ledger: { lost, doubleCounted } }: Measures): Finding {
  const known = Number.isFinite(lost) && Number.isFinite(doubleCounted);
  return {
    target: '0 lost, 0 counted twice',
    targetValue: 0,
    actual: known
      ? {
          text: `${number(lost)} lost, ${number(doubleCounted)} counted twice`,
          value: lost + doubleCounted,
          met: lost === 0 && doubleCounted === 0,
        }
      : null,
    basis: 'the generator’s and the agents’ journals against the queue',
  };
}

function recoveryActual(limitMs: number, recovery: Measures['recovery']): Finding['actual'] {
  if (recovery.faults === 0) return null;
  if (recovery.unrecovered > 0) {
    return {
      text: `${number(recovery.unrecovered)} of ${number(recovery.faults)} never recovered`,
      value: null,
      met: false,
    };
  }
  return atMost(recovery.worstMs ?? NaN, limitMs, 1, duration);
}

function recoveryBasis({ planned, faults, unrecovered, worstFaultId }: Measures['recovery']): string {
  if (faults === 0)
    return planned ? 'faults were planned, none was injected' : 'no fault was planned and none happened';
  const worst = worstFaultId === null ? '' : `; worst ${worstFaultId}`;
  return `service recovery of ${number(faults)} faults, ${number(unrecovered)} unrecovered${worst}`;
}

// ---- comparison -----------------------------------------------------------------------------------------------

type Render = (value: number, digits: number) => string;

function atLeast(value: number, limit: number, digits: number, render: Render): Finding['actual'] {
  if (!Number.isFinite(value)) return null;
  return { text: besideLimit(value, limit, digits, render), value, met: value >= limit - Math.abs(limit) * ROUNDING };
}

function atMost(value: number, limit: number, digits: number, render: Render): Finding['actual'] {
  if (!Number.isFinite(value)) return null;
  return { text: besideLimit(value, limit, digits, render), value, met: value <= limit + Math.abs(limit) * ROUNDING };
}

/** Missing data fails a criterion that binds, and says nothing about one that does not. */
function result(name: string, finding: Finding, judged: boolean, mandatory: boolean): CriterionResult {
  const { target, targetValue, actual, basis } = finding;
  if (!judged) {
    return {
      name,
      target,
      actual: actual?.text ?? NOT_APPLICABLE,
      targetValue,
      actualValue: actual?.value ?? null,
      verdict: 'NOT_APPLICABLE',
      mandatory,
      basis: finding.applies === false ? basis : `not judged in this run; ${basis}`,
    };
  }
  return {
    name,
    target,
    actual: actual?.text ?? NO_DATA,
    targetValue,
    actualValue: actual?.value ?? null,
    verdict: actual?.met === true ? 'PASS' : 'FAIL',
    mandatory,
    basis,
  };
}
