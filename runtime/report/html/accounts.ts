import { NOTHING } from '../format.js';
import { summarizeSegments } from '../facts.js';
import { queueText } from '../queue-text.js';
import type { Telling } from '../telling.js';
import { section } from './events.js';
import { markup, trusted, when, type Markup } from './markup.js';
import { facts, table } from './table.js';

/** What happened to every task, with the identity written out. */
export function ledgerSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { ledger, summary } = report;
  const identity = t('ledger.identity', {
    submitted: f.count(ledger.submitted),
    completed: f.count(ledger.completed),
    failed: f.count(ledger.failed),
    shed: f.count(ledger.shed),
    queued: f.count(ledger.queued),
    leased: f.count(ledger.leased),
  });
  const sign = ledger.balanced
    ? markup`<span class="tag pass">✓ ${t('ledger.balanced')}</span>`
    : markup`<span class="tag fail">✗ ${t('ledger.unbalanced')}</span>`;
  return section(
    'ledger',
    t('heading.ledger'),
    markup`<div class="card"><p class="identity">${identity}</p><p>${sign}</p>
<p>${judged(t('ledger.lost', { count: f.count(ledger.lost) }), ledger.lost, examples(told, ledger.examples.lost))}
<br>${judged(t('ledger.doubleCounted', { count: f.count(ledger.doubleCounted) }), ledger.doubleCounted, examples(told, ledger.examples.doubleCounted))}</p>
<p class="note">${t('ledger.attempts', {
      retried: f.count(summary.retriedAttempts),
      expired: f.count(summary.expiredAttempts),
      superseded: f.count(summary.supersededResults),
      unstarted: f.count(summary.unstartedTasks),
    })}</p></div>`,
  );
}

function judged(text: string, count: number, examples: string): Markup {
  const good = count === 0;
  return markup`<span class="tag ${good ? 'pass' : 'fail'}">${good ? '✓' : '✗'}</span> ${text}${examples}`;
}

function examples({ t }: Telling, indices: readonly number[]): string {
  return indices.length === 0 ? '' : ` (${t('ledger.examples', { indices: indices.join(', ') })})`;
}

/** Generator, steady window, Little's law, segments of the load. */
export function loadSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { load, steadyWindow, performance } = report;
  const law = performance.littlesLaw;
  return section(
    'load',
    t('heading.load'),
    markup`<div class="columns"><div class="card">${facts([
      [t('load.scheduled'), f.count(load.scheduled)],
      [t('load.sent'), f.count(load.sent)],
      [t('load.late'), f.count(load.late)],
      [t('load.dropped'), f.count(load.dropped)],
      [t('load.dispatchLag'), f.duration(performance.dispatchLag.p999)],
      ...(performance.machineLag === undefined
        ? []
        : [[t('load.machineLag'), f.duration(performance.machineLag.p999)] as const]),
      [t('load.steadyWindow'), `${f.clock(steadyWindow.start)} – ${f.clock(steadyWindow.end)}`],
      [
        t('load.littlesLaw'),
        t('load.littlesLaw.value', {
          L: f.decimal(law.L, 1),
          lambdaW: f.decimal(law.lambdaPerMs * law.W, 1),
          error: f.share(law.error),
        }),
      ],
    ])}</div>
<div class="card"><h3>${t('heading.segments')}</h3>${table(
      [
        { title: t('column.label'), heading: true, cell: (row) => row.label },
        { title: t('column.count'), numeric: true, cell: (row) => f.count(row.count) },
        { title: t('column.total'), numeric: true, cell: (row) => f.duration(row.totalMs) },
        {
          title: `${t('column.rate')} /min`,
          numeric: true,
          cell: (row) =>
            row.lowest === row.highest ? f.rate(row.lowest) : `${f.rate(row.lowest)} – ${f.rate(row.highest)}`,
        },
      ],
      summarizeSegments(report.segments),
      { caption: t('heading.segments') },
    )}</div>
${when(report.monitors.length > 0, () => monitors(told))}
${when(report.forecast !== null, () => forecast(told))}</div>`,
  );
}

function monitors(told: Telling): Markup {
  const { report, t, f } = told;
  return markup`<div class="card"><h3>${t('heading.monitors')}</h3>${table(
    [
      { title: t('column.monitor'), heading: true, cell: (row) => row.monitor.replaceAll('_', ' ') },
      { title: t('column.value'), numeric: true, cell: (row) => `${f.decimal(row.value, 3)} ${row.unit}` },
      {
        title: t('column.finding'),
        cell: (row) =>
          markup`<span class="tag ${row.ok ? 'pass' : 'fail'}">${row.ok ? '✓' : '✗'}</span> ${row.finding}`,
      },
    ],
    report.monitors,
    { caption: t('heading.monitors') },
  )}</div>`;
}

function forecast(told: Telling): Markup {
  const { report, t, f } = told;
  const found = report.forecast;
  if (found === null) return markup``;
  return markup`<div class="card"><h3>${t('heading.forecast')}</h3>${table(
    [
      { title: t('column.model'), heading: true, cell: (row) => row.model },
      { title: t('column.error'), numeric: true, cell: (row) => f.share(row.error) },
    ],
    found.candidates,
    { caption: t('heading.forecast') },
  )}
<p>${t('forecast.chosen', { model: found.chosen })} ${found.coverage === null ? '' : t('forecast.coverage', { share: f.share(found.coverage) })}</p>
${found.feedForwardError === null ? null : markup`<p class="note">${t('forecast.feedForward', { error: f.share(found.feedForwardError) })}</p>`}</div>`;
}

/** The bill by part. */
export function costSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { cost } = report;
  return section(
    'cost',
    t('heading.cost'),
    markup`<div class="card"><p class="lead"><b>${f.usd(cost.totalUsd)}</b> · ${t('cost.perHour', { usd: f.usd(cost.perHourUsd) })} · ${t('cost.perThousand', { usd: f.usd(cost.perThousandTasksUsd) })} · ${t('cost.budget', { usd: f.usd(cost.budgetUsd) })}</p>
${table(
  [
    { title: t('column.part'), heading: true, cell: (row) => row.part },
    { title: t('column.basis'), cell: (row) => markup`<span class="quiet">${row.basis}</span>` },
    { title: t('column.usd'), numeric: true, cell: (row) => f.usd(row.usd) },
    { title: t('column.share'), cell: (row) => shareBar(row.usd / cost.totalUsd) },
  ],
  cost.parts,
  { caption: t('heading.cost'), onPhone: 'cards' },
)}
${when(cost.assumed, () => markup`<p class="note warn">⚠ ${t('cost.assumed')}</p>`)}
${when(cost.stale, () => markup`<p class="note warn">⚠ ${t('cost.stale')}</p>`)}
${(cost.remarks ?? []).map((remark) => markup`<p class="note">${remark}</p>`)}</div>`,
  );
}

function shareBar(share: number): Markup {
  const percent = Number.isFinite(share) ? Math.min(Math.max(share * 100, 0), 100) : 0;
  return markup`<span class="share" aria-hidden="true">${trusted(`<i style="width:${percent.toFixed(1)}%"></i>`)}</span>`;
}

/** What made this report, and what was recorded. */
export function provenanceSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { provenance } = report;
  const code = (text: string): Markup => markup`<code>${text}</code>`;
  return section(
    'provenance',
    t('heading.provenance'),
    markup`<div class="columns"><div class="card">${facts([
      [t('overview.run'), code(report.metadata.experimentId)],
      [t('provenance.version'), code(provenance.version)],
      [t('provenance.commit'), code(provenance.commit)],
      [t('provenance.image'), provenance.imageDigest === null ? NOTHING : code(provenance.imageDigest)],
      [t('provenance.spec'), code(provenance.specHash)],
      [t('provenance.seed'), code(String(provenance.seed))],
      [t('provenance.schema'), code(String(provenance.schemaVersion))],
      ...(provenance.queue === undefined ? [] : [[t('provenance.queue'), queueText(provenance.queue, t)] as const]),
    ])}</div>
<div class="card"><h3>${t('heading.sinks')}</h3>${table(
      [
        { title: t('column.sink'), heading: true, cell: (row) => code(row.name) },
        { title: t('column.records'), numeric: true, cell: (row) => f.count(row.records) },
        { title: t('column.complete'), cell: (row) => (row.complete ? `✓ ${t('yes')}` : `✗ ${t('no')}`) },
        { title: t('column.note'), cell: (row) => markup`<span class="quiet">${row.note || NOTHING}</span>` },
      ],
      provenance.sinks,
      { caption: t('heading.sinks') },
    )}</div></div>`,
  );
}
