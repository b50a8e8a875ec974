/**
 * What the autoscaler is told, and what it asks of a forecast model. Rates are tasks/min, durations ms, shares 0–1,
 * times epoch ms unless a name says otherwise.
 */

/** The fleet and its load, as means over the scaling window (60 s). */
export interface ScalingInputs {
  /** Tasks ready to be claimed, mean over the window. */
  readonly queueDepth: number;
  /** Mean wait of the attempts started in the window. */
  readonly avgWaitMs: number;
  /** Mean process CPU of the active agents, 0–1 of their share. */
  readonly cpu: number;
  /** Tasks failed for good ÷ tasks finished, 0–1. */
  readonly errorRate: number;
  /** Arrivals, refused ones included. */
  readonly offeredPerMin: number;
  readonly refusedPerMin: number;
  /** Agents wanted now. */
  readonly agents: number;
  readonly readyAgents: number;
  /** Measured mean service time; 0 while nothing has been measured, then the mean of the task mix stands in. */
  readonly meanServiceMs: number;
}

/** The state of the run at an evaluation. */
export interface ScalingContext {
  /** The run's state is `running`: neither paused nor draining nor over. */
  readonly running: boolean;
  readonly experimentMode: boolean;
  /** The halt object exists. */
  readonly halted: boolean;
  /** Position in the arrival schedule, ms: run time without pauses. Default: time since the start of the run. */
  readonly scheduleMs?: number;
}

/** What is wanted beside the reaction to the metrics. */
export interface ScalingPlan {
  /** Agents promised: the phase's count with its reserve, or what an operator set. */
  readonly floor: number;
  readonly planned: PlannedAgents | null;
}

/** Agents wanted because of arrivals that are expected, not measured. */
export interface PlannedAgents {
  readonly agents: number;
  readonly source: 'forecast' | 'feed_forward';
  /** For people: `forecast of 612/min by 10:00 needs 122 agents`. */
  readonly detail: string;
}

/** Arrivals in buckets of equal width without gaps, oldest first; the last bucket is the last one closed. */
export interface ArrivalSeries {
  readonly bucketMs: number;
  /** Buckets in 24 h. */
  readonly perDay: number;
  /** tasks/min, one value per bucket. */
  readonly perMin: Float64Array;
}

/** Forecast of one bucket, tasks/min: the value expected, and the bounds of the interval asked for. */
export interface ForecastStep {
  readonly point: number;
  readonly lower: number;
  readonly upper: number;
}

/** A way to forecast arrivals. It must be deterministic, and it keeps nothing from one call to the next. */
export interface ForecastModel {
  readonly name: string;
  /**
   * Forecasts the `steps` buckets after the end of the series, with two-sided intervals of the given confidence
   * (0–1). Null = not enough data for this model, or no fit found.
   */
  forecast(series: ArrivalSeries, steps: number, confidence: number): readonly ForecastStep[] | null;
}

/** What the report says of the forecast; errors as shares of the arrivals (WAPE: Σ|forecast − actual| ÷ Σ actual). */
export interface ForecastReport {
  chosen: string;
  candidates: Array<{ model: string; error: number }>;
  /** Share of the buckets that fell inside the interval used; null = none has been judged yet. */
  coverage: number | null;
  /** The same error for the run's own schedule taken as the forecast; null = nothing to compare yet. */
  feedForwardError: number | null;
}
