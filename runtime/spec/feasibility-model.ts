import type { Expectation } from './experiment.js';
import type { SegmentForecast } from './load-forecast.js';

/** Whether the offered load fits the fleet, and by how much. Plain data: durations in ms, shares 0–1, tasks/min. */
export interface Feasibility {
  readonly verdict: 'feasible' | 'declared_overload' | 'infeasible';
  readonly expect: Expectation | null;
  readonly targetP99Ms: number;
  readonly queueBound: number;
  readonly slotsPerAgent: number;
  readonly meanServiceMs: number;
  /** Coefficient of variation of the service times over the whole task mix. */
  readonly serviceCv: number;
  /** Failed attempts come again: attempts per task, 1 when none fails. */
  readonly attemptsPerTask: number;
  /** All load segments, in order of time. */
  readonly segments: readonly SegmentAssessment[];
  /** The same, segments of equal label and rate taken together. */
  readonly groups: readonly SegmentGroup[];
  /** What would make it fit; null when it fits. */
  readonly remedy: Remedy | null;
  /** Further sentences for people: what the faults do to the load, what was assumed. */
  readonly notes: readonly string[];
}

export interface SegmentAssessment extends SegmentForecast {
  readonly verdict: 'fits' | 'overload';
  readonly breaks: readonly Break[];
}

/** What does not hold in an overloaded segment. */
export type Break = 'p99_wait' | 'queue_bound' | 'admission';

/** Segments shown as one line: the worst wait and backlog, the sum of the refused. */
export interface SegmentGroup {
  readonly label: string;
  readonly count: number;
  readonly totalMs: number;
  /** Lowest and highest of the group. */
  readonly ratePerMin: readonly [number, number];
  /** Of the segment with the highest utilisation. */
  readonly agents: number;
  readonly slots: number;
  readonly busySlots: number;
  readonly utilisation: number;
  readonly p99WaitMs: number;
  readonly method: SegmentForecast['method'];
  readonly backlogAtEnd: number;
  readonly backlogPeak: number;
  readonly refused: number;
  readonly verdict: SegmentAssessment['verdict'];
  readonly breaks: readonly Break[];
}

/** Changes each of which alone would make the load fit. Null = none was found. */
export interface Remedy {
  /** Floor of the fleet. */
  readonly agents: number | null;
  /** Slots per agent with the agents there are. */
  readonly slots: number | null;
  /** Highest rate of the heaviest segment, with all rates lowered alike. */
  readonly maxRatePerMin: number | null;
  /** Feed-forward scaling within the limits there are. */
  readonly feedForward: boolean;
}
