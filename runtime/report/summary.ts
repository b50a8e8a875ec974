import { formatFor } from './format.js';
import { worstRecoveryMs } from './facts.js';
import type { Language } from './i18n.js';
import type { CriterionResult, ExperimentReport, Verdict } from './model.js';
import {
  cutShortSentence,
  shownActual,
  shownTarget,
  tell,
  VERDICT_SIGN,
  verdictSentence,
  workSentence,
  type Telling,
} from './telling.js';
import { displayWidth, padDisplay, wrapDisplay } from './text/columns.js';

/** Widest line, in terminal columns. */
const WIDTH = 100;

export interface SummaryOptions {
  /** ANSI colours; signs tell the verdicts apart without them. */
  readonly color: boolean;
  /** Default `en`. */
  readonly language?: Language;
}

/**
 * What a run says on the terminal when it is over: the verdict, every criterion with its target and result, and the
 * key numbers. At most 100 columns; ends with a newline.
 */
export function renderSummary(report: ExperimentReport, options: SummaryOptions): string {
  const told = tell(report, options.language ?? 'en');
  const paint = options.color ? colored : plain;
  const cutShort = cutShortSentence(told);
  const lines = [
    `${paint(
      toneOf(report.verdict),
      `${VERDICT_SIGN[report.verdict]} ${report.verdict}`,
    )}  ${clean(report.metadata.title)}`,
    ...[verdictSentence(told), workSentence(told), ...(cutShort === null ? [] : [cutShort])].flatMap(sentenceLines),
    ...report.invalid.flatMap((reason) => wrapDisplay(clean(`- ${reason}`), WIDTH - 4).map((line) => `    ${line}`)),
    '',
    ...criteriaTable(told, paint),
    '',
    ...keyNumbers(told),
  ];
  return `${lines.join('\n')}\n`;
}

function sentenceLines(sentence: string): string[] {
  return wrapDisplay(clean(sentence), WIDTH - 2).map((line) => `  ${line}`);
}

type Tone = 'good' | 'bad' | 'doubtful' | 'quiet' | 'head';
type Paint = (tone: Tone, text: string) => string;

const ANSI: Readonly<Record<Tone, string>> = { good: '32;1', bad: '31;1', doubtful: '33;1', quiet: '2', head: '1' };

function colored(tone: Tone, text: string): string {
  return `\u001b[${ANSI[tone]}m${text}\u001b[0m`;
}

function plain(_tone: Tone, text: string): string {
  return text;
}

function toneOf(verdict: Verdict | CriterionResult['verdict']): Tone {
  if (verdict === 'PASS') return 'good';
  if (verdict === 'FAIL') return 'bad';
  return verdict === 'INVALID' ? 'doubtful' : 'quiet';
}

function criteriaTable(told: Telling, paint: Paint): string[] {
  const { report, t } = told;
  const head = ['', t('column.metric'), t('column.target'), t('column.actual'), t('column.mandatory')];
  const rows = report.criteria.map((criterion) => [
    VERDICT_SIGN[criterion.verdict],
    told.name('criterion', criterion.name),
    shownTarget(told, criterion),
    shownActual(told, criterion),
    criterion.mandatory ? t('yes') : t('no'),
  ]);
  const limits = [1, 24, 28, 26, 9];
  const widths = limits.map((limit, column) =>
    Math.min(limit, Math.max(...[head, ...rows].map((row) => displayWidth(clean(row[column] ?? ''))))),
  );
  const layOut = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => padDisplay(clean(cell), widths[column] ?? 0)).join('  ')}`.trimEnd();
  return [
    paint('quiet', layOut(head)),
    ...rows.map((row, index) => {
      const verdict = report.criteria[index]?.verdict ?? 'NOT_APPLICABLE';
      const line = layOut(row);
      // Only the sign is coloured where all is well: what is wrong should catch the eye.
      if (verdict === 'PASS') return line.replace(VERDICT_SIGN.PASS, paint('good', VERDICT_SIGN.PASS));
      return paint(toneOf(verdict), line);
    }),
  ];
}

function keyNumbers({ report, t, language }: Telling): string[] {
  const f = formatFor(language);
  const { summary, performance, ledger, cost } = report;
  const faults = report.faults.length;
  const pairs: Array<[string, string]> = [
    [
      t('heading.tasks'),
      `${f.count(summary.completedTasks)} ${t('column.completed').toLowerCase()}, ${t('number.failedShed', { failed: f.count(summary.failedTasks), shed: f.count(summary.shedTasks) })}`,
    ],
    [
      t('latency.response'),
      `P50 ${f.duration(performance.latency.p50)}, P90 ${f.duration(performance.latency.p90)}, P99 ${f.duration(performance.latency.p99)}`,
    ],
    [
      t('number.ledger'),
      `${f.count(ledger.lost)} / ${f.count(ledger.doubleCounted)} (${t(ledger.balanced ? 'number.balanced' : 'number.unbalanced')})`,
    ],
    [
      t('heading.faults'),
      faults === 0
        ? t('none')
        : t('faults.summary', {
            count: f.count(faults),
            involuntary: f.count(report.faults.filter((fault) => !fault.voluntary).length),
            worst: f.duration(worstRecoveryMs(report.faults)),
          }),
    ],
    [t('number.utilization'), `${f.share(report.agents.avgUtilization)}, CPU ${f.share(report.agents.avgCpu)}`],
    [
      t('number.cost'),
      `${f.usd(cost.totalUsd)} (${t('number.ofBudget', { share: f.share(cost.totalUsd / cost.budgetUsd), budget: f.usd(cost.budgetUsd) })})`,
    ],
  ];
  const width = Math.max(...pairs.map(([name]) => displayWidth(name)));
  return pairs.flatMap(([name, value]) => {
    const [first = '', ...others] = wrapDisplay(value, WIDTH - width - 4);
    const indent = ' '.repeat(width + 4);
    return [`  ${padDisplay(name, width)}  ${first}`, ...others.map((line) => indent + line)];
  });
}

/** Text from a run must not move the cursor or colour the terminal. */
function clean(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
