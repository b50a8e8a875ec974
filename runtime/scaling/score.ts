import type { ScalingMetric, ScalingMetricName } from '../spec/experiment.js';
import type { ScalingInputs } from './port.js';
import { MINUTE } from '../kernel/units.js';

/** A metric far beyond its threshold counts at most this much, so that it cannot hide the others. */
const HIGHEST_NORMALISED = 2;

/**
 * x̂ = (x − scaleDown) ÷ (scaleUp − scaleDown) clamped to [0, 2]: 0 and 1 are the document's thresholds, and metrics
 * of different units become comparable (design.md §2).
 */
export function normalise(value: number, metric: ScalingMetric): number {
  const normalised = (value - metric.scaleDown) / (metric.scaleUp - metric.scaleDown);
  return Math.min(HIGHEST_NORMALISED, Math.max(0, normalised));
}

/**
 * A metric's value in its own unit (tasks, ms, share, share). Refused tasks count as queued: a queue kept short by
 * refusing work is no sign of enough agents.
 */
export function metricValue(name: ScalingMetricName, inputs: ScalingInputs, windowMs: number): number {
  switch (name) {
    case 'queue_depth':
      return inputs.queueDepth + (inputs.refusedPerMin * windowMs) / MINUTE;
    case 'avg_wait_time':
      return inputs.avgWaitMs;
    case 'cpu_utilization':
      return inputs.cpu;
    case 'error_rate':
      return inputs.errorRate;
  }
}

/** Σ weight·x̂ over all metrics: 0 = all at or below their lower thresholds, 1 = all at their upper ones, 2 at most. */
export function scoreOf(metrics: readonly ScalingMetric[], inputs: ScalingInputs, windowMs: number): number {
  return metrics.reduce(
    (sum, metric) => sum + metric.weight * normalise(metricValue(metric.name, inputs, windowMs), metric),
    0,
  );
}
