import { NOTHING } from '../format.js';
import { summarizeFaults, worstRecoveryMs, type FaultSummary } from '../facts.js';
import type { ExperimentReport } from '../model.js';
import type { Telling } from '../telling.js';
import { markup, type Content, type Markup } from './markup.js';
import { bullets, longTable, table, type Column } from './table.js';

type Fault = ExperimentReport['faults'][number];
type Incident = ExperimentReport['incidents'][number];
type Scaling = ExperimentReport['scalings'][number];
type Alert = ExperimentReport['alerts'][number];
type State = ExperimentReport['states'][number];

/** Time of day and time into the run. */
function moment<Row>({ report, t, f }: Telling, at: (row: Row) => number): Column<Row> {
  return {
    title: t('column.time'),
    heading: true,
    cell: (row) =>
      markup`<span class="when">${f.clock(at(row))}</span> <small class="when">${f.elapsed(at(row) - report.metadata.startTime)}</small>`,
  };
}

export function incidentsSection(told: Telling): Markup {
  const { report, t, f } = told;
  const columns: Array<Column<Incident>> = [
    moment(told, (row) => row.timestamp),
    { title: t('column.severity'), cell: (row) => severity(told, row.severity) },
    {
      title: t('column.incident'),
      cell: (row) => markup`<b>${row.type.replaceAll('_', ' ')}</b><span class="note">${row.description}</span>`,
    },
    { title: t('column.duration'), numeric: true, cell: (row) => f.duration(row.duration) },
    { title: t('column.response'), cell: (row) => row.resolution || NOTHING },
  ];
  const body =
    report.incidents.length === 0
      ? markup`<p class="quiet">${t('noIncidents')}</p>`
      : longTable(columns, report.incidents, { caption: t('heading.incidents'), onPhone: 'cards', more: more(told) });
  return section('incidents', t('heading.incidents'), markup`<div class="card">${body}</div>`);
}

export function discussionSection(told: Telling): Markup {
  const { t } = told;
  const part = (title: string, items: readonly string[]): Markup =>
    markup`<div class="card"><h3>${title}</h3>${bullets(items, t('noFindings'))}</div>`;
  return section(
    'discussion',
    t('heading.discussion'),
    markup`<div class="columns three">
${part(t('heading.wentWell'), told.findings.wentWell)}
${part(t('heading.wentWrong'), told.findings.wentWrong)}
${part(t('heading.change'), told.findings.change)}
</div><div class="card"><h3>${t('heading.recommendations')}</h3>${bullets(told.recommendations, t('noFindings'))}</div>`,
  );
}

export function faultsSection(told: Telling): Markup {
  const { report, t, f } = told;
  const { faults } = report;
  if (faults.length === 0)
    return section(
      'faults',
      t('heading.faults'),
      markup`<div class="card"><p class="quiet">${t('noFaults')}</p></div>`,
    );
  const involuntary = faults.filter((fault) => !fault.voluntary).length;
  const sentence = t('faults.summary', {
    count: f.count(faults.length),
    involuntary: f.count(involuntary),
    worst: f.duration(worstRecoveryMs(faults)),
  });
  return section(
    'faults',
    t('heading.faults'),
    markup`<div class="card"><p class="lead">${sentence}</p>
${table(faultSummaryColumns(told), summarizeFaults(faults), { caption: t('heading.faults') })}
<h4>${t('heading.events')}</h4>
${longTable(faultColumns(told), faults, { caption: t('heading.faults'), more: more(told) })}</div>`,
  );
}

function faultSummaryColumns(told: Telling): Array<Column<FaultSummary>> {
  const { t, f } = told;
  return [
    { title: t('column.fault'), heading: true, cell: (row) => told.name('fault', row.type) },
    { title: t('column.count'), numeric: true, cell: (row) => f.count(row.count) },
    {
      title: `${t('column.serviceRecovery')}, ${t('column.median')}`,
      numeric: true,
      cell: (row) => f.duration(row.medianServiceMs),
    },
    { title: t('column.worst'), numeric: true, cell: (row) => f.duration(row.worstServiceMs) },
    {
      title: `${t('column.capacityRecovery')}, ${t('column.worst')}`,
      numeric: true,
      cell: (row) => f.duration(row.worstCapacityMs),
    },
    { title: t('column.unrecovered'), numeric: true, cell: (row) => f.count(row.notRecovered) },
  ];
}

const SUBJECTS_SHOWN = 3;

function faultColumns(told: Telling): Array<Column<Fault>> {
  const { report, t, f } = told;
  const recoveryTarget = report.criteria.find((criterion) => criterion.name === 'recovery')?.targetValue ?? Infinity;
  return [
    moment(told, (row) => row.injectedAt),
    {
      title: t('column.fault'),
      cell: (row) =>
        markup`${told.name('fault', row.type)}${row.voluntary ? '' : ` (${t('involuntary')})`} <small>${row.id}</small>`,
    },
    { title: t('column.hit'), cell: (row) => subjects(row.subjects) },
    { title: t('column.tasksHeld'), numeric: true, cell: (row) => f.count(row.tasksHeld) },
    {
      title: t('column.serviceRecovery'),
      numeric: true,
      cell: (row) => recovery(told, row.serviceRecoveryMs, recoveryTarget),
    },
    { title: t('column.capacityRecovery'), numeric: true, cell: (row) => f.duration(row.capacityRecoveryMs) },
    { title: t('column.probe'), cell: (row) => probe(told, row) },
    { title: t('column.detail'), cell: (row) => markup`<span class="quiet">${row.detail}</span>` },
  ];
}

function subjects(names: readonly string[]): Content {
  const shown = names.slice(0, SUBJECTS_SHOWN).join(', ');
  const rest = names.length - SUBJECTS_SHOWN;
  if (rest <= 0) return shown || NOTHING;
  return markup`${shown} <small class="when">+ ${rest}</small>`;
}

function recovery(told: Telling, ms: number | null, target: number): Content {
  if (ms === null) return markup`<span class="fail">✗ ${told.t('notRecovered')}</span>`;
  return ms > target ? markup`<span class="fail">✗ ${told.f.duration(ms)}</span>` : told.f.duration(ms);
}

function probe({ t }: Telling, fault: Fault): Content {
  if (fault.effectSeen === null && fault.endSeen === null) return markup`<span class="quiet">${NOTHING}</span>`;
  const word = (seen: boolean | null): string =>
    seen === null ? t('probe.notProbed') : t(seen ? 'probe.seen' : 'probe.notSeen');
  if (fault.effectSeen === true && fault.endSeen === true)
    return markup`<span aria-hidden="true">✓</span> ${t('probe.seen')}`;
  return markup`${t('probe.effect', { seen: word(fault.effectSeen) })}, ${t('probe.end', { seen: word(fault.endSeen) })}`;
}

export function changesSection(told: Telling): Markup {
  const { report, t } = told;
  const scalings =
    report.scalings.length === 0
      ? markup`<p class="quiet">${t('noScalings')}</p>`
      : longTable(scalingColumns(told), report.scalings, {
          caption: t('heading.scalings'),
          shown: 12,
          more: more(told),
        });
  const alerts =
    report.alerts.length === 0
      ? markup`<p class="quiet">${t('noAlerts')}</p>`
      : longTable(alertColumns(told), report.alerts, { caption: t('heading.alerts'), more: more(told) });
  return section(
    'events',
    t('heading.events'),
    markup`<div class="card"><h3>${t('heading.scalings')}</h3>${scalings}</div>
<div class="card"><h3>${t('heading.alerts')}</h3>${alerts}</div>
<div class="card"><h3>${t('heading.states')}</h3>${longTable(stateColumns(told), report.states, { caption: t('heading.states'), more: more(told) })}</div>`,
  );
}

function scalingColumns(told: Telling): Array<Column<Scaling>> {
  const { t, f } = told;
  return [
    moment(told, (row) => row.at),
    {
      title: t('column.agents'),
      cell: ({ decision }) =>
        markup`<span class="when"><span aria-hidden="true">${decision.to >= decision.from ? '▲' : '▼'}</span> ${f.count(decision.from)} → ${f.count(decision.to)}</span>`,
    },
    { title: t('column.mode'), cell: ({ decision }) => decision.mode.replaceAll('_', ' ') },
    { title: t('column.score'), numeric: true, cell: ({ decision }) => f.decimal(decision.score) },
    { title: t('column.reactive'), numeric: true, cell: ({ decision }) => f.count(decision.reactive) },
    { title: t('column.predictive'), numeric: true, cell: ({ decision }) => f.decimal(decision.predictive, 0) },
    { title: t('column.floor'), numeric: true, cell: ({ decision }) => f.count(decision.floor) },
    { title: t('column.reason'), cell: ({ decision }) => markup`<span class="quiet">${decision.reason}</span>` },
  ];
}

function alertColumns(told: Telling): Array<Column<Alert>> {
  const { t, f } = told;
  return [
    moment(told, (row) => row.firedAt),
    { title: t('column.alert'), cell: (row) => row.name.replaceAll('_', ' ') },
    { title: t('column.severity'), cell: (row) => severity(told, row.severity) },
    {
      title: t('column.duration'),
      numeric: true,
      cell: (row) => (row.resolvedAt === null ? t('stillFiring') : f.duration(row.resolvedAt - row.firedAt)),
    },
    { title: t('column.peak'), numeric: true, cell: (row) => f.decimal(row.peak, 4) },
    {
      title: t('column.actions'),
      cell: (row) => row.actions.map((action) => action.replaceAll('_', ' ')).join(', ') || NOTHING,
    },
  ];
}

function stateColumns(told: Telling): Array<Column<State>> {
  const { t } = told;
  return [
    moment(told, (row) => row.at),
    { title: t('column.state'), cell: (row) => `${told.name('state', row.from)} → ${told.name('state', row.to)}` },
    { title: t('column.reason'), cell: (row) => markup`<span class="quiet">${row.reason || NOTHING}</span>` },
  ];
}

function severity(told: Telling, name: string): Markup {
  const tone = name === 'critical' ? 'fail' : name === 'warning' ? 'warn' : 'quiet';
  const sign = name === 'critical' ? '●' : name === 'warning' ? '▲' : '○';
  return markup`<span class="tag ${tone}"><span aria-hidden="true">${sign}</span> ${told.name('severity', name)}</span>`;
}

function more({ t, f }: Telling): (count: number) => string {
  return (count) => t('more', { count: f.count(count) });
}

/** A section with its heading, which names it for screen readers. */
export function section(id: string, title: string, body: Markup): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>`;
}
