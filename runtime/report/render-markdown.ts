import { NOTHING } from './format.js';
import { criterionOf, largest, present, smallest, TEMPLATE_CRITERIA } from './facts.js';
import type { Language } from './i18n.js';
import type { CriterionResult, ExperimentReport } from './model.js';
import {
  cutShortSentence,
  durationText,
  shownActual,
  shownTarget,
  tell,
  titleOf,
  VERDICT_SIGN,
  verdictSentence,
  workSentence,
  type Telling,
} from './telling.js';
import { appendix } from './text/appendix.js';
import { code, markdownList, markdownTable, plain } from './text/markdown.js';
import { sparkline, textBar } from './text/sparkline.js';

/**
 * The report after the document's template 12.1, section by section in its order, with the verdict under the title,
 * all criteria after its table of five, and what the template has no place for at the end. Graphs are lines of text.
 */
export function renderMarkdown(report: ExperimentReport, language: Language): string {
  const told = tell(report, language);
  const sections = [
    head(told),
    overview(told),
    summary(told),
    performance(told),
    incidents(told),
    discussion(told),
    recommendations(told),
    ...appendix(told),
  ];
  return `${sections.join('\n\n')}\n`;
}

function head(told: Telling): string {
  const { verdict } = told.report;
  const cutShort = cutShortSentence(told);
  return [
    `# ${plain(titleOf(told))}`,
    '',
    `> **${VERDICT_SIGN[verdict]} ${verdict}** – ${plain(verdictSentence(told))}`,
    `> ${plain(workSentence(told))}`,
    ...(cutShort === null ? [] : [`> ${plain(cutShort)}`]),
  ].join('\n');
}

function overview(told: Telling): string {
  const { report, t, f } = told;
  const { metadata } = report;
  return [
    `## ${t('heading.overview')}`,
    `- ${t('overview.when')}: ${f.dateTime(metadata.startTime)} - ${f.dateTime(metadata.endTime)} ${f.zone}`,
    `- ${t('overview.duration')}: ${durationText(told)}`,
    `- ${t('overview.agents')}: ${f.count(metadata.agents)}`,
    `- ${t('overview.totalTasks')}: ${f.count(report.summary.totalTasks)}`,
    `- ${t('overview.target')}: ${t(`target.${metadata.target}`)}`,
    `- ${t('overview.run')}: ${code(metadata.experimentId)}`,
    `- ${t('overview.cost')}: ${f.usd(report.cost.totalUsd)} (${t('cost.budget', { usd: f.usd(report.cost.budgetUsd) })})`,
  ].join('\n');
}

function summary(told: Telling): string {
  const { report, t } = told;
  const columns = [t('column.metric'), t('column.target'), t('column.actual'), t('column.verdict')];
  const five = TEMPLATE_CRITERIA.map((name) => criterionOf(report, name)).filter((criterion) => criterion !== null);
  const row = (criterion: CriterionResult): string[] => [
    plain(told.name('criterion', criterion.name)),
    plain(shownTarget(told, criterion)),
    plain(shownActual(told, criterion)),
    VERDICT_SIGN[criterion.verdict],
  ];
  const all = report.criteria.map((criterion) => [
    ...row(criterion),
    criterion.mandatory ? '✓' : '-',
    plain(criterion.basis),
  ]);
  const reasons = report.invalid.map((reason) => `- ⚠ ${plain(reason)}`);
  return [
    `## ${t('heading.summary')}\n`,
    markdownTable(columns, five.map(row)),
    '',
    `### ${t('heading.criteria')}\n`,
    markdownTable([...columns, t('column.mandatory'), t('column.basis')], all),
    ...(reasons.length === 0 ? [] : ['', t('terminal.invalid'), '', ...reasons]),
  ].join('\n');
}

/** Characters of a graph: a table row of this width still fits a page. */
const GRAPH_WIDTH = 60;

function performance(told: Telling): string {
  const { report, t, f } = told;
  const { series } = report;
  if (series.offered.length === 0) return `## ${t('heading.performance')}\n\n${t('chart.empty')}`;
  const percent = (values: readonly number[]): string[] => [
    f.share(smallest(present(values))),
    f.share(meanOf(values)),
    f.share(largest(present(values))),
  ];
  const rates = (values: readonly number[]): string[] =>
    [smallest(present(values)), meanOf(values), largest(present(values))].map((value) => f.rate(value ?? NaN));
  const line = (
    name: string,
    values: ReadonlyArray<number | null>,
    figures: readonly string[],
    top?: number,
  ): string[] => [name, `\`${sparkline(values, GRAPH_WIDTH, 'mean', top)}\``, ...figures];
  const columns = [t('column.item'), `0 → ${f.duration(report.metadata.duration)}`, 'min', t('column.mean'), 'max'];
  const top = largest(present([...series.offered, ...series.completed])) ?? 0;
  const errorRates = series.failed.map(
    (failed, index) => failed / Math.max(failed + (series.completed[index] ?? 0), 1e-9),
  );
  return [
    `## ${t('heading.performance')}\n`,
    `### ${t('chart.throughput')} (${t('chart.tasksPerMin')})\n`,
    markdownTable(columns, [
      line(t('line.completed'), series.completed, rates(series.completed), top),
      line(t('line.offered'), series.offered, rates(series.offered), top),
      line(t('chart.queue'), series.queueDepth, rates(series.queueDepth)),
      line(t('chart.agents'), series.agentsActive, rates(series.agentsActive)),
      line(t('line.utilization'), series.utilization, percent(series.utilization), 1),
      line(t('line.cpu'), series.cpu, percent(series.cpu), 1),
    ]),
    '',
    `### ${t('chart.distribution')}\n`,
    latencyBars(told),
    '',
    `### ${t('chart.errorRate')}\n`,
    markdownTable(columns, [line(t('line.errorRate'), errorRates, percent(errorRates))]),
  ].join('\n');
}

function latencyBars(told: Telling): string {
  const { report, t, f } = told;
  const { latency } = report.performance;
  const target = criterionOf(report, 'p99_latency')?.targetValue ?? latency.max;
  const bar = (name: string, ms: number): string[] => [
    name,
    `\`${textBar(ms, target, 40).padEnd(1, '·')}\``,
    f.duration(ms),
  ];
  const rows = [bar('P50', latency.p50), bar('P90', latency.p90), bar('P99', latency.p99)];
  const criterion = criterionOf(report, 'p99_latency');
  const judged =
    criterion === null ? [] : [[t('column.target'), `\`${'─'.repeat(40)}\``, plain(shownTarget(told, criterion))]];
  return markdownTable([t('heading.latency'), '', ''], [...rows, ...judged]);
}

function incidents(told: Telling): string {
  const { report, t, f } = told;
  const title = `## ${t('heading.incidents')}\n`;
  if (report.incidents.length === 0) return `${title}\n${t('noIncidents')}`;
  const rows = report.incidents.map((incident) => [
    f.clock(incident.timestamp),
    plain(incident.type.replaceAll('_', ' ')),
    `${plain(told.name('severity', incident.severity))}, ${f.duration(incident.duration)}: ${plain(incident.description)}`,
    plain(incident.resolution) || NOTHING,
  ]);
  const columns = [t('column.time'), t('column.incident'), t('column.impact'), t('column.response')];
  return `${title}\n${markdownTable(columns, rows)}`;
}

function discussion({ findings, t }: Telling): string {
  const part = (title: string, items: readonly string[]): string =>
    `### ${title}\n${markdownList(items, t('noFindings'))}`;
  return [
    `## ${t('heading.discussion')}`,
    part(t('heading.wentWell'), findings.wentWell),
    part(t('heading.wentWrong'), findings.wentWrong),
    part(t('heading.change'), findings.change),
  ].join('\n\n');
}

function recommendations(told: Telling): string {
  const { t } = told;
  return `## ${t('heading.recommendations')}\n${markdownList(told.recommendations, t('noFindings'))}`;
}

function meanOf(values: readonly number[]): number {
  const numbers = present(values);
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
