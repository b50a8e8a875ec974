import type { ScalingMetricName } from '../spec/experiment.js';

/** A number short enough to read: four decimals at most. */
export function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** A metric's value as the document writes it: tasks, seconds, percent. */
export function formatMetric(name: ScalingMetricName, value: number): string {
  switch (name) {
    case 'queue_depth':
      return `${oneDecimal(value)}`;
    case 'avg_wait_time':
      return `${oneDecimal(value / 1_000)} s`;
    case 'cpu_utilization':
    case 'error_rate':
      return `${oneDecimal(value * 100)} %`;
  }
}

/** `1 agent`, `99 agents`. */
export function formatAgents(agents: number): string {
  return agents === 1 ? '1 agent' : `${agents} agents`;
}

/** A rate for people: `500/min`. */
export function formatRate(perMin: number): string {
  return `${oneDecimal(perMin)}/min`;
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
