import type { Markup } from '../html/markup.js';
import { errorRateOf, largest, present, smallest, targetOf } from '../facts.js';
import type { Telling } from '../telling.js';
import { DISPATCH_LAG_LIMIT_MS } from '../../observe/criteria.js';
import { niceAbove } from './axis.js';
import { histogramFigure, type ValueMark } from './histogram-chart.js';
import type { ColorName } from './palette.js';
import { timeFigure, type ChartLine, type TargetLine, type TimeChart } from './time-chart.js';
import type { Timeline } from './timeline.js';

/** Every chart of a run, in reading order: what was done, how well, by what, at what cost. */
export function runFigures(told: Telling, timeline: Timeline): Markup[] {
  const { bucketMs } = told.report.series;
  const draw = (chart: TimeChart): Markup => timeFigure(chart, timeline, bucketMs);
  return [
    draw(throughputChart(told)),
    draw(latencyChart(told)),
    ...(told.report.latencyHistogram.some((bar) => bar.count > 0) ? [distributionFigure(told)] : []),
    ...[errorRateChart, failuresChart, queueChart, agentsChart, utilizationChart, availabilityChart].map((make) =>
      draw(make(told)),
    ),
    ...[dispatchLagChart, memoryChart, costChart].map((make) => draw(make(told))),
  ];
}

function throughputChart({ report, t, f }: Telling): TimeChart {
  const { throughput } = report.performance;
  return {
    id: 'chart-throughput',
    title: t('chart.throughput'),
    unit: t('chart.tasksPerMin'),
    text: t('chartText.throughput', {
      avg: f.rate(throughput.avg),
      min: f.rate(throughput.min),
      max: f.rate(throughput.max),
    }),
    lines: [
      { name: t('line.completed'), values: report.series.completed, color: 'blue', area: true },
      { name: t('line.offered'), values: report.series.offered, color: 'orange', dash: [2, 2], width: 1 },
    ],
    targets: targetLine(targetOf(report, 'throughput'), (value) => t('line.target', { value: f.rate(value) })),
    axis: { scale: 'linear', format: (value) => f.count(value) },
  };
}

function latencyChart({ report, t, f }: Telling): TimeChart {
  const { latency } = report.performance;
  const { p50, p90, p99 } = report.series;
  return {
    id: 'chart-latency',
    title: t('chart.latency'),
    unit: t('chart.logScale'),
    text: t('chartText.latency', {
      p50: f.duration(latency.p50),
      p90: f.duration(latency.p90),
      p99: f.duration(latency.p99),
      max: f.duration(latency.max),
    }),
    lines: [
      { name: 'P99', values: p99, color: 'orange', width: 1.5 },
      { name: 'P90', values: p90, color: 'blue', width: 1.2, dash: [4, 2] },
      { name: 'P50', values: p50, color: 'green', width: 1.2, dash: [1, 2] },
    ],
    targets: targetLine(targetOf(report, 'p99_latency'), (value) => t('line.target', { value: f.duration(value) })),
    axis: logOfDurations([...p99, targetOf(report, 'p99_latency')], f.duration),
  };
}

function distributionFigure(told: Telling): Markup {
  const { report, t, f } = told;
  const target = targetOf(report, 'p99_latency');
  const { latency } = report.performance;
  const bars = report.latencyHistogram;
  const total = bars.reduce((sum, bar) => sum + bar.count, 0);
  const limit = target ?? latency.p99;
  const within = bars.filter((bar) => bar.upToMs <= limit * 1.0005).reduce((sum, bar) => sum + bar.count, 0);
  const percentiles: ValueMark[] = (['p50', 'p90', 'p99'] as const).map((name) => ({
    label: `${name.toUpperCase()} ${f.duration(latency[name])}`,
    value: latency[name],
    strong: false,
  }));
  const targets = targetLine(target, (value) => t('line.target', { value: f.duration(value) }));
  const marks = [...percentiles, ...targets.map((line) => ({ ...line, strong: true }))];
  return histogramFigure(
    {
      id: 'chart-distribution',
      title: t('chart.distribution'),
      unit: `${t('chart.tasks')}, ${t('chart.logScale')}`,
      text: t('chartText.distribution', { share: f.share(within / total), target: f.duration(limit) }),
      bars,
      // A percentile of 0 ms has no place on a logarithmic axis.
      marks: marks.filter((mark) => mark.value >= 1),
    },
    f,
  );
}

function errorRateChart({ report, t, f }: Telling): TimeChart {
  const { completed, failed } = report.series;
  const rates = failed.map((value, index) => {
    const finished = value + (completed[index] ?? 0);
    return finished > 0 ? (value / finished) * 100 : null;
  });
  return {
    id: 'chart-error-rate',
    title: t('chart.errorRate'),
    unit: t('chart.ofTasks'),
    text: t('chartText.errorRate', {
      failed: f.count(report.summary.failedTasks),
      finished: f.count(report.summary.completedTasks + report.summary.failedTasks),
      rate: f.share(errorRateOf(report)),
    }),
    lines: [{ name: t('line.errorRate'), values: rates, color: 'red', area: true, typical: 'mean' }],
    targets: percentTarget(targetOf(report, 'error_rate'), t, f),
    axis: { scale: 'linear', format: (value) => `${f.decimal(value, 3)} %` },
  };
}

function failuresChart({ report, t, f }: Telling): TimeChart {
  const { failed, shed, retried } = report.series;
  return {
    id: 'chart-failures',
    title: t('chart.failures'),
    unit: t('chart.tasksPerMin'),
    text: t('chartText.failures', {
      failed: f.count(report.summary.failedTasks),
      shed: f.count(report.summary.shedTasks),
      retried: f.count(report.summary.retriedAttempts),
    }),
    lines: [
      { name: t('line.retried'), values: retried, color: 'amber', width: 1.3, typical: 'mean' },
      { name: t('line.shed'), values: shed, color: 'purple', dash: [4, 2], typical: 'mean' },
      { name: t('line.failed'), values: failed, color: 'red', dash: [1, 2], width: 1.8, typical: 'mean' },
    ],
    targets: [],
    axis: { scale: 'linear', format: (value) => f.decimal(value, 1) },
  };
}

function queueChart({ report, t, f }: Telling): TimeChart {
  const bound = report.metadata.queueBound ?? null;
  return {
    id: 'chart-queue',
    title: t('chart.queue'),
    unit: t('chart.tasks'),
    text: t('chartText.queue', { max: f.count(largest(present(report.series.queueDepth)) ?? NaN) }),
    lines: [{ name: t('line.queueDepth'), values: report.series.queueDepth, color: 'blue', area: true }],
    targets: targetLine(bound, (value) => t('line.bound', { value: f.count(value) })),
    axis: { scale: 'linear', format: (value) => f.count(value) },
  };
}

const ZONE_COLORS: readonly ColorName[] = ['blue', 'amber', 'green', 'purple', 'grey', 'red'];

function agentsChart({ report, t, f }: Telling): TimeChart {
  const { agentsActive, agentsTarget, agentsByZone } = report.series;
  const zones = Object.entries(agentsByZone).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    id: 'chart-agents',
    title: t('chart.agents'),
    unit: '',
    text: t('chartText.agents', {
      min: f.count(report.agents.minActive),
      max: f.count(report.agents.maxActive),
      restarts: f.count(report.agents.restarts),
    }),
    lines: [
      ...zones.map(([zone, values], index): ChartLine => ({
        name: t('line.zone', { zone }),
        values,
        color: ZONE_COLORS[index % ZONE_COLORS.length] ?? 'grey',
        area: true,
        stacked: true,
        width: 0.8,
        reduction: 'mean',
      })),
      { name: t('line.agentsActive'), values: agentsActive, color: 'ink', width: 0.9 },
      { name: t('line.agentsTarget'), values: agentsTarget, color: 'orange', dash: [6, 3], width: 1.6, step: true },
    ],
    targets: [],
    axis: { scale: 'linear', format: (value) => f.count(value) },
  };
}

function utilizationChart({ report, t, f }: Telling): TimeChart {
  const percent = (values: readonly number[]): number[] => values.map((value) => value * 100);
  return {
    id: 'chart-utilization',
    title: t('chart.utilization'),
    unit: t('chart.percent'),
    text: t('chartText.utilization', {
      utilization: f.share(report.agents.avgUtilization),
      cpu: f.share(report.agents.avgCpu),
    }),
    lines: [
      {
        name: t('line.utilization'),
        values: percent(report.series.utilization),
        color: 'blue',
        area: true,
        width: 1.2,
      },
      { name: t('line.cpu'), values: percent(report.series.cpu), color: 'orange', dash: [4, 2], width: 1.2 },
    ],
    targets: percentTarget(targetOf(report, 'cpu'), t, f),
    axis: { scale: 'linear', max: 100, format: (value) => `${f.count(value)} %` },
  };
}

function availabilityChart({ report, t, f }: Telling): TimeChart {
  const values = report.series.availability.map((value) => (value === null ? null : value * 100));
  const target = targetOf(report, 'availability');
  const lowest = Math.min(smallest(present(values)) ?? 100, (target ?? 1) * 100);
  return {
    id: 'chart-availability',
    title: t('chart.availability'),
    unit: t('chart.ofChecks'),
    text: t('chartText.availability', {
      within: f.count(report.availability.withinTarget),
      canaries: f.count(report.availability.canaries),
      share: f.share(report.availability.share),
    }),
    lines: [{ name: t('line.availability'), values, color: 'green', typical: 'mean' }],
    targets: percentTarget(target, t, f),
    // Nearly 100 % all the time: the axis shows what is missing, twice as far down as the worst.
    axis: {
      scale: 'linear',
      min: Math.max(0, 100 - niceAbove(Math.max((100 - lowest) * 1.25, 0.1))),
      max: 100,
      format: (value) => `${f.decimal(value, 2)} %`,
    },
  };
}

function dispatchLagChart({ report, t, f }: Telling): TimeChart {
  const { dispatchLag } = report.performance;
  return {
    id: 'chart-dispatch-lag',
    title: t('chart.dispatchLag'),
    unit: t('chart.logScale'),
    text: t('chartText.dispatchLag', { p999: f.duration(dispatchLag.p999), max: f.duration(dispatchLag.max) }),
    lines: [{ name: t('line.dispatchLag'), values: report.series.dispatchLag, color: 'purple' }],
    targets: targetLine(DISPATCH_LAG_LIMIT_MS, (value) => t('line.limit', { value: f.duration(value) })),
    axis: logOfDurations([...report.series.dispatchLag, DISPATCH_LAG_LIMIT_MS], f.duration),
  };
}

function memoryChart({ report, t, f }: Telling): TimeChart {
  const memory = present(report.series.memory);
  const gibibyte = 1_024 ** 3;
  return {
    id: 'chart-memory',
    title: t('chart.memory'),
    unit: 'GiB',
    text: t('chartText.memory', {
      first: f.bytes(memory[0] ?? NaN),
      last: f.bytes(memory.at(-1) ?? NaN),
      max: f.bytes(largest(memory) ?? NaN),
    }),
    lines: [
      {
        name: t('line.memory'),
        values: report.series.memory.map((value) => value / gibibyte),
        color: 'purple',
        area: true,
      },
    ],
    targets: [],
    axis: { scale: 'linear', format: (value) => f.decimal(value, 2) },
  };
}

function costChart({ report, t, f }: Telling): TimeChart {
  return {
    id: 'chart-cost',
    title: t('chart.cost'),
    unit: t('chart.usd'),
    text: t('chartText.cost', { total: f.usd(report.cost.totalUsd), budget: f.usd(report.cost.budgetUsd) }),
    lines: [
      { name: t('line.cost'), values: report.series.cost, color: 'green', area: true, width: 1.8, reduction: 'last' },
    ],
    targets: targetLine(finite(report.cost.budgetUsd), (value) => t('line.budget', { value: f.usd(value) })),
    axis: { scale: 'linear', format: (value) => `$${f.decimal(value)}` },
  };
}

function targetLine(value: number | null, label: (value: number) => string): TargetLine[] {
  return value === null ? [] : [{ value, label: label(value) }];
}

function percentTarget(share: number | null, t: Telling['t'], f: Telling['f']): TargetLine[] {
  if (share === null) return [];
  return [{ value: share * 100, label: t('line.target', { value: `${f.decimal(share * 100, 3)} %` }) }];
}

/** A logarithmic axis of whole decades around the values, from 1 ms at the lowest. */
function logOfDurations(
  values: ReadonlyArray<number | null>,
  format: (ms: number) => string,
): { scale: 'log'; min: number; max: number; format: (ms: number) => string } {
  const highest = Math.max(largest(present(values)) ?? 1_000, 10);
  return { scale: 'log', min: 1, max: 10 ** Math.ceil(Math.log10(highest * 1.05)), format };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
