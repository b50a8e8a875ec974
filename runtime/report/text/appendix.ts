import { NOTHING } from '../format.js';
import { summarizeFaults, summarizeSegments } from '../facts.js';
import type { ExperimentReport, LatencySummary } from '../model.js';
import { queueText } from '../queue-text.js';
import type { Telling } from '../telling.js';
import { code, markdownTable, plain } from './markdown.js';

/** Most rows of a list written out in full; the HTML report and report.json have them all. */
const ROWS_SHOWN = 20;

/** What the document's template has no place for: ledger, faults, scalings, tasks, load, cost, provenance. */
export function appendix(told: Telling): string[] {
  return [
    ledger(told),
    faults(told),
    tasks(told),
    scalings(told),
    alerts(told),
    load(told),
    ...linearity(told),
    cost(told),
    provenance(told),
  ];
}

function ledger({ report, t, f }: Telling): string {
  const { ledger: account, summary } = report;
  const count = (value: number): string => f.count(value);
  const examples = (indices: readonly number[]): string =>
    indices.length === 0 ? '' : ` (${t('ledger.examples', { indices: indices.join(', ') })})`;
  return [
    `## ${t('heading.ledger')}`,
    '',
    t('ledger.identity', {
      submitted: count(account.submitted),
      completed: count(account.completed),
      failed: count(account.failed),
      shed: count(account.shed),
      queued: count(account.queued),
      leased: count(account.leased),
    }),
    '',
    `- ${account.balanced ? `✓ ${t('ledger.balanced')}` : `✗ ${t('ledger.unbalanced')}`}`,
    `- ${t('ledger.lost', { count: count(account.lost) })}${examples(account.examples.lost)}`,
    `- ${t('ledger.doubleCounted', { count: count(account.doubleCounted) })}${examples(account.examples.doubleCounted)}`,
    `- ${t('ledger.attempts', {
      retried: count(summary.retriedAttempts),
      expired: count(summary.expiredAttempts),
      superseded: count(summary.supersededResults),
      unstarted: count(summary.unstartedTasks),
    })}`,
  ].join('\n');
}

function faults(told: Telling): string {
  const { report, t, f } = told;
  const head = `## ${t('heading.faults')}\n`;
  if (report.faults.length === 0) return `${head}\n${t('noFaults')}`;
  const summary = markdownTable(
    [
      t('column.fault'),
      t('column.count'),
      `${t('column.serviceRecovery')} (${t('column.median')})`,
      `${t('column.serviceRecovery')} (${t('column.worst')})`,
      `${t('column.capacityRecovery')} (${t('column.worst')})`,
      t('column.unrecovered'),
    ],
    summarizeFaults(report.faults).map((row) => [
      plain(told.name('fault', row.type)),
      f.count(row.count),
      f.duration(row.medianServiceMs),
      f.duration(row.worstServiceMs),
      f.duration(row.worstCapacityMs),
      f.count(row.notRecovered),
    ]),
  );
  const slowest = slowestFaults(report.faults);
  const list = markdownTable(
    [
      t('column.time'),
      t('column.fault'),
      t('column.hit'),
      t('column.tasksHeld'),
      t('column.serviceRecovery'),
      t('column.capacityRecovery'),
      t('column.detail'),
    ],
    slowest.map((fault) => [
      f.clock(fault.injectedAt),
      `${plain(told.name('fault', fault.type))}${fault.voluntary ? '' : ` (${t('involuntary')})`}`,
      f.count(fault.subjects.length),
      f.count(fault.tasksHeld),
      fault.serviceRecoveryMs === null ? `✗ ${t('notRecovered')}` : f.duration(fault.serviceRecoveryMs),
      f.duration(fault.capacityRecoveryMs),
      plain(fault.detail),
    ]),
  );
  return [head, summary, '', list, ...rest(told, report.faults.length)].join('\n');
}

/** The longest service recoveries, in order of time; those that never recovered count as longest. */
function slowestFaults(all: ExperimentReport['faults']): ExperimentReport['faults'] {
  const time = (fault: ExperimentReport['faults'][number]): number => fault.serviceRecoveryMs ?? Infinity;
  return [...all]
    .sort((a, b) => (time(a) === time(b) ? 0 : time(b) - time(a)))
    .slice(0, ROWS_SHOWN)
    .sort((a, b) => a.injectedAt - b.injectedAt);
}

function tasks(told: Telling): string {
  const { report, t, f } = told;
  const { performance, summary } = report;
  const row = (name: string, latency: LatencySummary): string[] => [
    name,
    ...[latency.avg, latency.p50, latency.p90, latency.p99, latency.max].map((ms) => f.duration(ms)),
  ];
  return [
    `## ${t('heading.tasks')}\n`,
    markdownTable(
      [t('heading.latency'), t('column.mean'), 'P50', 'P90', 'P99', t('latency.max')],
      [
        row(t('latency.response'), performance.latency),
        row(t('latency.completion'), performance.completion),
        row(t('latency.service'), performance.service),
        row(t('latency.dispatchLag'), performance.dispatchLag),
      ],
    ),
    '',
    `${t('latency.note')} ${t('latency.stretch', {
      p50: f.decimal(performance.stretch.p50),
      p99: f.decimal(performance.stretch.p99),
    })}`,
    '',
    markdownTable(
      [t('column.type'), t('column.completed'), t('column.failed'), t('column.meanService')],
      Object.entries(summary.byType).map(([name, figures]) => [
        plain(told.name('type', name)),
        f.count(figures.completed),
        f.count(figures.failed),
        f.duration(figures.meanServiceTime),
      ]),
    ),
    '',
    markdownTable(
      [t('column.priority'), t('column.submitted'), t('column.shed'), 'P99'],
      summary.submittedByPriority.map((submitted, priority) => [
        `P${priority}`,
        f.count(submitted),
        f.count(summary.shedByPriority[priority] ?? 0),
        f.duration(performance.byPriority.find((item) => item.priority === `P${priority}`)?.latency.p99 ?? null),
      ]),
    ),
  ].join('\n');
}

function scalings(told: Telling): string {
  const { report, t, f } = told;
  const head = `## ${t('heading.scalings')}\n`;
  if (report.scalings.length === 0) return `${head}\n${t('noScalings')}`;
  const rows = report.scalings
    .slice(0, ROWS_SHOWN)
    .map(({ at, decision }) => [
      f.clock(at),
      `${f.count(decision.from)} → ${f.count(decision.to)}`,
      plain(decision.mode.replaceAll('_', ' ')),
      f.decimal(decision.score),
      plain(decision.reason),
    ]);
  const columns = [t('column.time'), t('column.agents'), t('column.mode'), t('column.score'), t('column.reason')];
  return [head, markdownTable(columns, rows), ...rest(told, report.scalings.length)].join('\n');
}

function alerts(told: Telling): string {
  const { report, t, f } = told;
  const head = `## ${t('heading.alerts')}\n`;
  if (report.alerts.length === 0) return `${head}\n${t('noAlerts')}`;
  const rows = report.alerts
    .slice(0, ROWS_SHOWN)
    .map((alert) => [
      f.clock(alert.firedAt),
      plain(alert.name.replaceAll('_', ' ')),
      plain(told.name('severity', alert.severity)),
      alert.resolvedAt === null ? t('stillFiring') : f.duration(alert.resolvedAt - alert.firedAt),
      f.decimal(alert.peak, 4),
      plain(alert.actions.join(', ').replaceAll('_', ' ')) || NOTHING,
    ]);
  const columns = [
    t('column.time'),
    t('column.alert'),
    t('column.severity'),
    t('column.duration'),
    t('column.peak'),
    t('column.actions'),
  ];
  return [head, markdownTable(columns, rows), ...rest(told, report.alerts.length)].join('\n');
}

function rest({ t, f }: Telling, total: number): string[] {
  return total <= ROWS_SHOWN
    ? []
    : ['', `… ${t('more', { count: f.count(total - ROWS_SHOWN) })} (report.html, report.json)`];
}

function load(told: Telling): string {
  const { report, t, f } = told;
  const law = report.performance.littlesLaw;
  const segments = summarizeSegments(report.segments).map((row) => [
    plain(row.label),
    f.count(row.count),
    f.duration(row.totalMs),
    row.lowest === row.highest ? f.rate(row.lowest) : `${f.rate(row.lowest)} – ${f.rate(row.highest)}`,
  ]);
  const monitors = report.monitors.map(
    (monitor) =>
      `- ${monitor.ok ? '✓' : '✗'} ${plain(monitor.monitor.replaceAll('_', ' '))}: ${plain(monitor.finding)}`,
  );
  return [
    `## ${t('heading.load')}\n`,
    `- ${t('load.scheduled')}: ${f.count(report.load.scheduled)}`,
    `- ${t('load.sent')}: ${f.count(report.load.sent)}`,
    `- ${t('load.late')}: ${f.count(report.load.late)}`,
    `- ${t('load.dropped')}: ${f.count(report.load.dropped)}`,
    `- ${t('load.dispatchLag')}: ${f.duration(report.performance.dispatchLag.p999)}`,
    ...(report.performance.machineLag === undefined
      ? []
      : [`- ${t('load.machineLag')}: ${f.duration(report.performance.machineLag.p999)}`]),
    `- ${t('load.steadyWindow')}: ${f.clock(report.steadyWindow.start)} – ${f.clock(report.steadyWindow.end)}`,
    `- ${t('load.littlesLaw')}: ${t('load.littlesLaw.value', {
      L: f.decimal(law.L, 1),
      lambdaW: f.decimal(law.lambdaPerMs * law.W, 1),
      error: f.share(law.error),
    })}`,
    '',
    markdownTable([t('column.label'), t('column.count'), t('column.total'), `${t('column.rate')} /min`], segments),
    ...(monitors.length === 0 ? [] : ['', `### ${t('heading.monitors')}\n`, ...monitors]),
    ...forecast(told),
  ].join('\n');
}

function forecast({ report, t, f }: Telling): string[] {
  const found = report.forecast;
  if (found === null) return [];
  return [
    '',
    `### ${t('heading.forecast')}\n`,
    `- ${t('forecast.chosen', { model: plain(found.chosen) })}`,
    ...found.candidates.map(
      (candidate) => `- ${plain(candidate.model)}: ${t('column.error')} ${f.share(candidate.error)}`,
    ),
    ...(found.coverage === null ? [] : [`- ${t('forecast.coverage', { share: f.share(found.coverage) })}`]),
    ...(found.feedForwardError === null
      ? []
      : [`- ${t('forecast.feedForward', { error: f.share(found.feedForwardError) })}`]),
  ];
}

function linearity({ report, t, f }: Telling): string[] {
  const found = report.linearity;
  if (found === null) return [];
  const rows = found.points.map((point) => [
    f.count(point.agents),
    f.rate(point.throughput),
    f.decimal(point.perAgent, 3),
  ]);
  const usl =
    found.usl === null
      ? []
      : [
          '',
          t('linearity.usl', {
            lambda: f.decimal(found.usl.lambda, 3),
            sigma: f.decimal(found.usl.sigma, 6),
            kappa: found.usl.kappa.toExponential(2),
          }),
        ];
  const columns = [t('column.agents'), `${t('column.throughput')} /min`, `${t('column.perAgent')} /min`];
  return [
    [
      `## ${t('heading.linearity')}\n`,
      markdownTable(columns, rows),
      '',
      t('linearity.ratio', { ratio: f.share(found.ratio) }),
      ...usl,
    ].join('\n'),
  ];
}

function cost({ report, t, f }: Telling): string {
  const { cost: bill } = report;
  return [
    `## ${t('heading.cost')}\n`,
    markdownTable(
      [t('column.part'), t('column.basis'), t('column.usd')],
      [
        ...bill.parts.map((part) => [plain(part.part), plain(part.basis), f.usd(part.usd)]),
        [`**${t('cost.total')}**`, t('cost.budget', { usd: f.usd(bill.budgetUsd) }), `**${f.usd(bill.totalUsd)}**`],
      ],
    ),
    '',
    `- ${t('cost.perHour', { usd: f.usd(bill.perHourUsd) })}`,
    `- ${t('cost.perThousand', { usd: f.usd(bill.perThousandTasksUsd) })}`,
    ...(bill.assumed ? [`- ⚠ ${t('cost.assumed')}`] : []),
    ...(bill.stale ? [`- ⚠ ${t('cost.stale')}`] : []),
    ...(bill.remarks ?? []).map((remark) => `- ${plain(remark)}`),
  ].join('\n');
}

function provenance({ report, t, f }: Telling): string {
  const { provenance: origin } = report;
  return [
    `## ${t('heading.provenance')}\n`,
    `- ${t('overview.run')}: ${code(report.metadata.experimentId)}`,
    `- ${t('provenance.version')}: ${code(origin.version)}`,
    `- ${t('provenance.commit')}: ${code(origin.commit)}`,
    `- ${t('provenance.image')}: ${origin.imageDigest === null ? NOTHING : code(origin.imageDigest)}`,
    `- ${t('provenance.spec')}: ${code(origin.specHash)}`,
    `- ${t('provenance.seed')}: ${origin.seed}`,
    `- ${t('provenance.schema')}: ${origin.schemaVersion}`,
    ...(origin.queue === undefined ? [] : [`- ${t('provenance.queue')}: ${queueText(origin.queue, t)}`]),
    '',
    markdownTable(
      [t('column.sink'), t('column.records'), t('column.complete'), t('column.note')],
      origin.sinks.map((sink) => [
        code(sink.name),
        f.count(sink.records),
        sink.complete ? `✓ ${t('yes')}` : `✗ ${t('no')}`,
        plain(sink.note) || NOTHING,
      ]),
    ),
  ].join('\n');
}
