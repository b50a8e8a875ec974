import type { Histogram } from '../kernel/histogram.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { Series } from '../observe/series.js';
import type { ExperimentReport, ReportSeries } from './model.js';

/** The columns of the charts, for a run that ended at `endedAt`. Rounded: they are looked at, not calculated with. */
export function buildSeries(series: Series, endedAt: number): ReportSeries {
  const { start, rowMs, columns, zones } = series.snapshot();
  // The last row is as long as the run went on in it.
  const minutes = Array.from(
    columns.offered,
    (_, row) => Math.min(rowMs, Math.max(SECOND, endedAt - start - row * rowMs)) / MINUTE,
  );
  const perMinute = (counts: Float64Array): number[] =>
    Array.from(counts, (count, row) => rounded(count / (minutes[row] as number), 2));
  const means = (sums: Float64Array, weights: Float64Array): number[] =>
    continued(Array.from(sums, (sum, row) => rounded(sum / (weights[row] as number), 4)));
  return {
    bucketMs: rowMs,
    start,
    offered: perMinute(columns.offered),
    completed: perMinute(columns.completed),
    failed: perMinute(columns.failed),
    shed: perMinute(columns.shed),
    retried: perMinute(columns.retried),
    p50: gaps(columns.p50, 2),
    p90: gaps(columns.p90, 2),
    p99: gaps(columns.p99, 2),
    completionP99: gaps(columns.completionP99, 1),
    queueDepth: continued([...columns.queueDepth]),
    agentsTarget: continued([...columns.agentsTarget]),
    agentsActive: continued([...columns.agentsActive]),
    agentsByZone: Object.fromEntries([...zones].map(([zone, agents]) => [zone, continued([...agents])])),
    utilization: means(columns.busySlots, columns.slots),
    cpu: means(columns.cpu, columns.samples),
    memory: continued(Array.from(columns.memory, (bytes) => rounded(bytes, 0))),
    cost: continued(Array.from(columns.cost, (usd) => rounded(usd, 4))),
    availability: Array.from(columns.canaries, (sent, row) =>
      sent === 0 ? null : rounded((columns.canariesWithin[row] as number) / sent, 4),
    ),
    dispatchLag: Array.from(columns.dispatchLag, (lag) => (Number.isNaN(lag) ? 0 : rounded(lag, 2))),
  };
}

/** Bars per factor of ten. */
const PER_DECADE = 10;

/**
 * A latency distribution in bars that grow by 10^(1/10), from 1 ms on and without gaps; the first bar also holds
 * everything below. Empty when nothing was measured.
 */
export function latencyBars(histogram: Histogram): ExperimentReport['latencyHistogram'] {
  const bars: ExperimentReport['latencyHistogram'] = [];
  for (const { to, count } of histogram.bars()) {
    const last = Math.max(0, Math.ceil(PER_DECADE * Math.log10(Math.max(to, 1e-3)) - 1e-6));
    for (let exponent = bars.length; exponent <= last; exponent += 1) {
      bars.push({ upToMs: Number((10 ** (exponent / PER_DECADE)).toPrecision(3)), count: 0 });
    }
    const bar = bars[last];
    if (bar !== undefined) bar.count += count;
  }
  return bars;
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

function gaps(values: Float64Array, digits: number): Array<number | null> {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : rounded(value, digits)));
}

/** Rows nobody looked at are as the row before; before the first look, 0. */
function continued(values: number[]): number[] {
  let last = 0;
  return values.map((value) => (last = Number.isNaN(value) ? last : value));
}
