import { linearityFigure } from '../charts/linearity-chart.js';
import { runFigures } from '../charts/run-charts.js';
import { hatchDefinition, lanesOf, markSample, stripDefinition, type Lane } from '../charts/strip.js';
import { SIZES } from '../charts/svg.js';
import { isDense, timePlot } from '../charts/time-chart.js';
import { timelineOf, type Timeline } from '../charts/timeline.js';
import type { LatencySummary } from '../model.js';
import type { Telling } from '../telling.js';
import { markup, trusted, when, type Markup } from './markup.js';
import { facts, table, type Column } from './table.js';

/** All charts, with the definitions of the marks they share and the key to them. */
export function performanceSection(told: Telling): Markup {
  const { report, t, f } = told;
  const head = markup`<h2 id="performance-title">${t('heading.performance')}</h2>`;
  if (report.series.offered.length === 0) {
    return markup`<section id="performance" aria-labelledby="performance-title">${head}<p class="quiet">${t('chart.empty')}</p></section>`;
  }
  const timeline = timelineOf(report);
  const definitions = SIZES.map((size) => stripDefinition(timeline, size, timePlot(timeline, size), t)).join('');
  const dense = SIZES.some((size) => isDense(report.series.offered.length, timeline, size));
  const start = `${f.dateTime(report.metadata.startTime)} ${f.zone}`;
  return markup`<section id="performance" aria-labelledby="performance-title">${head}
<svg class="definitions" aria-hidden="true"><defs>${trusted(hatchDefinition() + definitions)}</defs></svg>
<div class="key quiet">${t('chart.intro', { start, bucket: f.duration(report.series.bucketMs) })} ${dense ? t('chart.intro.dense') : ''}
${key(timeline, told)}</div>
<div class="charts">${runFigures(told, timeline)}</div></section>`;
}

const MARK_NAMES = {
  faults: 'mark.faults',
  scalings: 'mark.scalings',
  alerts: 'mark.alerts',
  pauses: 'mark.pauses',
} as const satisfies Record<Lane, string>;

function key(timeline: Timeline, { t }: Telling): Markup {
  const lanes = lanesOf(timeline);
  if (lanes.length === 0) return markup`${t('mark.none')}`;
  return markup`${t('chart.intro.marks')} <ul class="legend">${lanes.map(
    (lane) => markup`<li><b>${t(`lane.${lane}`)}</b>${trusted(markSample(lane))}${t(MARK_NAMES[lane])}</li>`,
  )}</ul>`;
}

/** Latency of every kind, by priority and by task type, and the agents. */
export function detailSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { performance, agents } = report;
  const kinds: Array<{ name: string; latency: LatencySummary }> = [
    { name: t('latency.response'), latency: performance.latency },
    { name: t('latency.completion'), latency: performance.completion },
    { name: t('latency.service'), latency: performance.service },
    { name: t('latency.dispatchLag'), latency: performance.dispatchLag },
  ];
  const stretch = { p50: f.decimal(performance.stretch.p50), p99: f.decimal(performance.stretch.p99) };
  return markup`<section id="detail" aria-labelledby="detail-title"><h2 id="detail-title">${t('heading.tasks')}</h2>
<div class="columns">
<div class="card"><h3>${t('heading.latency')}</h3>
${table([{ title: t('column.type'), heading: true, cell: (row) => row.name }, ...latencyColumns<{ latency: LatencySummary }>(told)], kinds, { caption: t('heading.latency') })}
<p class="note">${t('latency.note')} ${t('latency.stretch', stretch)}</p></div>
<div class="card"><h3>${t('heading.byType')}</h3>${byType(told)}</div>
<div class="card"><h3>${t('heading.byPriority')}</h3>${byPriority(told)}</div>
<div class="card"><h3>${t('heading.agents')}</h3>${facts([
    [t('agents.deployed'), f.count(agents.deployed)],
    [t('agents.active'), `${f.count(agents.minActive)} – ${f.count(agents.maxActive)}`],
    [t('agents.utilization'), f.share(agents.avgUtilization)],
    [t('agents.cpu'), f.share(agents.avgCpu)],
    [t('agents.restarts'), f.count(agents.restarts)],
    [t('agents.recycled'), f.count(agents.recycled)],
    [t('agents.hours'), f.decimal(agents.agentSeconds / 3_600, 1)],
  ])}</div>
</div></section>`;
}

function latencyColumns<Row extends { latency: LatencySummary }>({ t, f }: Telling): Array<Column<Row>> {
  const names = { avg: t('column.mean'), p50: 'P50', p90: 'P90', p99: 'P99', max: t('latency.max') } as const;
  return (['avg', 'p50', 'p90', 'p99', 'max'] as const).map((key) => ({
    title: names[key],
    numeric: true,
    cell: (row) => f.duration(row.latency[key]),
  }));
}

function byType(told: Telling): Markup {
  const { report, t, f } = told;
  const rows = Object.entries(report.summary.byType).map(([name, figures]) => ({ name, ...figures }));
  return table(
    [
      { title: t('column.type'), heading: true, cell: (row) => told.name('type', row.name) },
      { title: t('column.completed'), numeric: true, cell: (row) => f.count(row.completed) },
      { title: t('column.failed'), numeric: true, cell: (row) => f.count(row.failed) },
      { title: t('column.meanService'), numeric: true, cell: (row) => f.duration(row.meanServiceTime) },
    ],
    rows,
    { caption: t('heading.byType') },
  );
}

function byPriority(told: Telling): Markup {
  const { report, t, f } = told;
  const { submittedByPriority, shedByPriority } = report.summary;
  const rows = submittedByPriority.map((submitted, priority) => {
    const latency = report.performance.byPriority.find((row) => row.priority === `P${priority}`)?.latency ?? null;
    return { priority: `P${priority}`, submitted, shed: shedByPriority[priority] ?? 0, latency };
  });
  return table(
    [
      { title: t('column.priority'), heading: true, cell: (row) => row.priority },
      { title: t('column.submitted'), numeric: true, cell: (row) => f.count(row.submitted) },
      { title: t('column.shed'), numeric: true, cell: (row) => f.count(row.shed) },
      {
        title: t('column.share'),
        numeric: true,
        cell: (row) => f.share(row.submitted === 0 ? null : row.shed / row.submitted),
      },
      { title: 'P50', numeric: true, cell: (row) => f.duration(row.latency?.p50 ?? null) },
      { title: 'P99', numeric: true, cell: (row) => f.duration(row.latency?.p99 ?? null) },
    ],
    rows,
    { caption: t('heading.byPriority') },
  );
}

/** Linearity and its chart; nothing where the run did not measure it. */
export function linearitySection(told: Telling): Markup {
  const { report, t, f } = told;
  const { linearity } = report;
  return when(linearity !== null && linearity.points.length > 0, () => {
    if (linearity === null) return markup``;
    const usl = linearity.usl;
    return markup`<section id="linearity" aria-labelledby="linearity-title"><h2 id="linearity-title">${t('heading.linearity')}</h2>
<div class="columns"><div class="card">
${table(
  [
    { title: t('column.agents'), heading: true, numeric: true, cell: (row) => f.count(row.agents) },
    { title: `${t('column.throughput')} /min`, numeric: true, cell: (row) => f.rate(row.throughput) },
    { title: `${t('column.perAgent')} /min`, numeric: true, cell: (row) => f.decimal(row.perAgent, 3) },
  ],
  linearity.points,
  { caption: t('heading.linearity') },
)}
<p>${t('linearity.ratio', { ratio: f.share(linearity.ratio) })}</p>
${usl === null ? null : markup`<p class="note">${t('linearity.usl', { lambda: f.decimal(usl.lambda, 3), sigma: f.decimal(usl.sigma, 6), kappa: usl.kappa.toExponential(2) })}</p>`}
</div>${linearityFigure(told, linearity)}</div></section>`;
  });
}
