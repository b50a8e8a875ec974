import { criterionOf, errorRateOf, worstRecoveryMs } from '../facts.js';
import type { CriterionResult } from '../model.js';
import {
  cutShortSentence,
  durationText,
  shownActual,
  shownTarget,
  titleOf,
  VERDICT_SIGN,
  verdictSentence,
  workSentence,
  type Telling,
} from '../telling.js';
import { markup, when, type Content, type Markup } from './markup.js';
import { facts, table, type Column } from './table.js';

/** Sign and word for a criterion's verdict; the sign tells it without colour. */
function mark(told: Telling, verdict: CriterionResult['verdict']): Markup {
  const tone = verdict === 'PASS' ? 'pass' : verdict === 'FAIL' ? 'fail' : 'quiet';
  return markup`<span class="tag ${tone}"><span aria-hidden="true">${VERDICT_SIGN[verdict]}</span> ${told.t(`met.${verdict}`)}</span>`;
}

/** Title, verdict, what was done, and the key numbers. */
export function header(told: Telling, navigation: Markup): Markup {
  const { report, t } = told;
  const { metadata } = report;
  const sentences = [verdictSentence(told), workSentence(told), cutShortSentence(told)];
  return markup`<header>
<div><p class="kicker">${metadata.title} · ${t(`target.${metadata.target}`)} · ${metadata.experimentId}</p>
<h1>${titleOf(told)}</h1></div>
<div class="verdict ${report.verdict}"><strong><span aria-hidden="true">${VERDICT_SIGN[report.verdict]}</span>${report.verdict}</strong>
<div>${sentences.map((sentence) => (sentence === null ? null : markup`<p>${sentence}</p>`))}</div></div>
${keyNumbers(told)}
${navigation}
</header>`;
}

/** The list at the top of template 12.1. */
export function overviewSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { metadata } = report;
  return markup`<section id="overview" aria-labelledby="overview-title"><h2 id="overview-title">${t('heading.overview')}</h2>
<div class="card">${facts([
    [
      t('overview.when'),
      markup`${f.dateTime(metadata.startTime)} – ${f.dateTime(metadata.endTime)} <small>${f.zone}</small>`,
    ],
    [t('overview.duration'), durationText(told)],
    [t('overview.agents'), f.count(metadata.agents)],
    [t('overview.totalTasks'), f.count(report.summary.totalTasks)],
  ])}</div></section>`;
}

function keyNumbers(told: Telling): Markup {
  const { report, t, f } = told;
  const { summary, cost, ledger } = report;
  const budget = { share: f.share(cost.totalUsd / cost.budgetUsd), budget: f.usd(cost.budgetUsd) };
  return markup`<dl class="numbers" aria-label="${t('heading.keyNumbers')}">
${criterionNumber(told, 'throughput', t('number.throughput'), `${f.rate(report.performance.throughput.avg)}/min`)}
${criterionNumber(told, 'p99_latency', t('number.p99'), f.duration(report.performance.latency.p99))}
${criterionNumber(told, 'availability', t('number.availability'), f.share(report.availability.share))}
${criterionNumber(told, 'error_rate', t('number.errorRate'), f.share(errorRateOf(report)))}
${criterionNumber(told, 'recovery', t('number.recovery'), f.duration(worstRecoveryMs(report.faults)))}
${number(t('number.tasks'), f.count(summary.completedTasks), t('number.failedShed', { failed: f.count(summary.failedTasks), shed: f.count(summary.shedTasks) }))}
${number(
  t('number.ledger'),
  markup`${f.count(ledger.lost)} / ${f.count(ledger.doubleCounted)}`,
  t(ledger.balanced ? 'number.balanced' : 'number.unbalanced'),
)}
${number(t('number.cost'), f.usd(cost.totalUsd), t('number.ofBudget', budget))}
</dl>`;
}

function criterionNumber(told: Telling, name: string, label: string, fallback: string): Markup {
  const criterion = criterionOf(told.report, name);
  if (criterion === null || criterion.verdict === 'NOT_APPLICABLE') {
    return number(label, fallback, told.t('notApplicable'));
  }
  const tone = criterion.verdict === 'PASS' ? 'pass' : 'fail';
  const sign = markup`${shownActual(told, criterion)} <span class="tag ${tone}" role="img" aria-label="${told.t(`met.${criterion.verdict}`)}">${VERDICT_SIGN[criterion.verdict]}</span>`;
  return number(label, sign, told.t('number.target', { target: shownTarget(told, criterion) }));
}

function number(label: string, value: Content, note: string): Markup {
  return markup`<div><dt>${label}</dt><dd><span class="big">${value}</span><span class="note">${note}</span></dd></div>`;
}

/** Every criterion with its target, result and basis. */
export function criteriaSection(told: Telling): Markup {
  const { report, t } = told;
  const columns: Array<Column<CriterionResult>> = [
    { title: t('column.metric'), heading: true, cell: (row) => told.name('criterion', row.name) },
    { title: t('column.target'), cell: (row) => shownTarget(told, row) },
    { title: t('column.actual'), cell: (row) => markup`<b>${shownActual(told, row)}</b>` },
    { title: t('column.verdict'), cell: (row) => mark(told, row.verdict) },
    {
      title: t('column.mandatory'),
      cell: (row) => markup`<span class="when">${t(row.mandatory ? 'yes' : 'no')}</span>`,
    },
    { title: t('column.basis'), cell: (row) => markup`<span class="quiet">${row.basis}</span>` },
  ];
  return markup`<section id="summary" aria-labelledby="summary-title"><h2 id="summary-title">${t('heading.summary')}</h2>
<div class="card">${table(columns, report.criteria, { caption: t('heading.summary'), onPhone: 'cards' })}
${when(report.invalid.length > 0, () => markup`<h4 class="warn">${t('terminal.invalid')}</h4><ul>${report.invalid.map((reason) => markup`<li>${reason}</li>`)}</ul>`)}
</div></section>`;
}
