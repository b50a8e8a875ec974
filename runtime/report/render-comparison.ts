import type { Advice, ComparedRun, Comparison, Nearness, Overhead } from './compare.js';
import { formatFor, NOTHING, type Format } from './format.js';
import { translateName, translator, type Language, type Translate } from './i18n.js';
import { VERDICT_SIGN } from './telling.js';
import { displayWidth, padDisplay } from './text/columns.js';
import { plain } from './text/markdown.js';

interface Words {
  readonly language: Language;
  readonly t: Translate;
  readonly f: Format;
}

/**
 * The comparison as Markdown that is also readable on a terminal: a table with a column per run, then linearity,
 * bottleneck, communication overhead and what to do next. Ends with a newline.
 */
export function renderComparison(comparison: Comparison, language: Language): string {
  const words: Words = { language, t: translator(language), f: formatFor(language) };
  const { t } = words;
  const section = (title: string, lines: readonly string[]): string =>
    `## ${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
  const parts = [
    `# ${t('comparison.title', { count: comparison.runs.length })}`,
    alignedTable(rowsOf(comparison.runs, words)),
    t('comparison.note.capacity'),
    section(t('comparison.heading.linearity'), linearityLines(comparison, words)),
    section(
      t('comparison.heading.bottleneck'),
      comparison.runs.map((run) => bottleneckLine(run, words)),
    ),
    section(t('comparison.heading.overhead'), overheadLines(comparison.overhead, words)),
    section(
      t('comparison.heading.next'),
      comparison.next.map((advice) => adviceLine(advice, words)),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** First row: the runs; then one row per figure. */
function rowsOf(runs: readonly ComparedRun[], words: Words): string[][] {
  const { t, f } = words;
  const row = (title: string, cell: (run: ComparedRun) => string): string[] => [title, ...runs.map(cell)];
  return [
    row(t('comparison.run'), (run) => plain(run.run)),
    row(t('comparison.phase'), (run) => String(run.phase)),
    row(t('comparison.agents'), (run) => f.count(run.agents)),
    row(t('comparison.verdict'), (run) => `${VERDICT_SIGN[run.verdict]} ${run.verdict}`),
    row(t('comparison.duration'), (run) => f.duration(run.durationMs)),
    row(t('comparison.throughput'), (run) => f.rate(run.throughputPerMin)),
    row(`– ${t('comparison.perAgent')}`, (run) => f.decimal(run.perAgentPerMin)),
    row(t('comparison.utilization'), (run) => f.share(run.utilization)),
    row(t('comparison.capacity'), (run) => f.rate(run.capacityPerMin)),
    row(`– ${t('comparison.capacityPerAgent')}`, (run) => f.decimal(run.capacityPerAgentPerMin)),
    row(t('comparison.linearity'), (run) =>
      f.decimal(run.capacityPerAgentPerMin / (runs[0]?.capacityPerAgentPerMin ?? NaN), 3),
    ),
    row(t('comparison.p50'), (run) => f.duration(run.responseP50Ms)),
    row(t('comparison.p99'), (run) => f.duration(run.responseP99Ms)),
    row(t('comparison.service'), (run) => f.duration(run.serviceMs)),
    row(t('comparison.dispatchLag'), (run) => f.duration(run.dispatchLagP99Ms)),
    row(t('comparison.stretch'), (run) => f.decimal(run.stretchP99)),
    row(t('comparison.errorRate'), (run) => f.share(run.errorRate)),
    row(t('comparison.availability'), (run) => f.share(run.availability)),
    row(t('comparison.recovery'), (run) => f.duration(run.recoveryMs)),
    row(t('comparison.cpu'), (run) => f.share(run.cpu)),
    row(t('comparison.cost'), (run) => f.usd(run.costUsd)),
    row(`– ${t('comparison.costPerThousand')}`, (run) => f.usd(run.costPerThousandUsd)),
    row(t('comparison.bottleneck'), (run) => nearnessText(run.limits[0] ?? null, words)),
  ];
}

/** A Markdown table whose columns also line up where it is not rendered. */
function alignedTable(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => padDisplay(cell, widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}

function nearnessText(nearness: Nearness | null, { t, f }: Words): string {
  return nearness === null ? NOTHING : `${t(`resource.${nearness.resource}`)} ${f.share(nearness.share)}`;
}

function linearityLines({ linearity, measured }: Comparison, { t, f }: Words): string[] {
  const inferred =
    linearity === null
      ? t('comparison.linear.oneSize')
      : t('comparison.linear', {
          from: f.count(linearity.from),
          to: f.count(linearity.to),
          ratio: f.decimal(linearity.ratio, 3),
          judgement: t(linearity.ratio >= linearity.target ? 'comparison.linear.yes' : 'comparison.linear.no', {
            target: f.decimal(linearity.target, 3),
          }),
        });
  return [
    inferred,
    ...measured.map(({ run, ratio }) =>
      t('comparison.linear.measured', { run: plain(run), ratio: f.decimal(ratio, 3) }),
    ),
  ];
}

function bottleneckLine(run: ComparedRun, { t, f }: Words): string {
  if (run.bottleneck === null) return `${plain(run.run)}: ${t('noData')}`;
  return t('comparison.bottleneck.of', {
    run: plain(run.run),
    resource: t(`resource.${run.bottleneck.resource}`),
    share: f.share(run.bottleneck.share),
  });
}

function overheadLines(overhead: Overhead | null, { t, f }: Words): string[] {
  if (overhead === null) return [t('comparison.linear.oneSize')];
  const { before, after, signs } = overhead;
  const growth = t('comparison.overhead.growth', {
    from: f.count(before.agents),
    to: f.count(after.agents),
    lagBefore: f.duration(before.dispatchLagP99Ms),
    lagAfter: f.duration(after.dispatchLagP99Ms),
    serviceBefore: f.duration(before.serviceMs),
    serviceAfter: f.duration(after.serviceMs),
    responseBefore: f.duration(before.responseP99Ms),
    responseAfter: f.duration(after.responseP99Ms),
  });
  const found = signs.map((sign) =>
    sign === 'service'
      ? t('comparison.overhead.service', { growth: f.share(overhead.serviceGrowth) })
      : t('comparison.overhead.lag', { growth: f.decimal(overhead.lagFactor, 1) }),
  );
  return [growth, ...(found.length === 0 ? [t('comparison.overhead.none')] : found)];
}

function adviceLine(advice: Advice, { t, f, language }: Words): string {
  switch (advice.kind) {
    case 'invalid':
      return t('comparison.next.invalid', { run: plain(advice.run) });
    case 'failed': {
      const names = advice.names.map((name) => plain(translateName(language, 'criterion', name)));
      return t('comparison.next.failed', {
        run: plain(advice.run),
        names: names.join(language === 'ja' ? '、' : ', '),
      });
    }
    case 'linearity':
    case 'overhead':
    case 'measure':
      return t(`comparison.next.${advice.kind}`);
    case 'grow':
    case 'done':
      return t(`comparison.next.${advice.kind}`, {
        resource: t(`resource.${advice.resource}`),
        share: f.share(advice.share),
      });
    default:
      return t(`comparison.next.${advice.kind}`, { run: plain(advice.run), share: f.share(advice.share) });
  }
}
