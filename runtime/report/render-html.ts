import { costSection, ledgerSection, loadSection, provenanceSection } from './html/accounts.js';
import { changesSection, discussionSection, faultsSection, incidentsSection } from './html/events.js';
import { criteriaSection, header, overviewSection } from './html/header.js';
import { markup, trusted, type Markup } from './html/markup.js';
import { detailSection, linearitySection, performanceSection } from './html/performance.js';
import { stylesheet } from './html/stylesheet.js';
import type { Language, MessageKey } from './i18n.js';
import type { ExperimentReport } from './model.js';
import { tell, titleOf, type Telling } from './telling.js';

/**
 * The report as one HTML page that is complete in itself: no script, no request, charts as inline SVG, light and
 * dark, phone to print. The same report gives the same bytes; a run of 72 h (2,160 buckets) stays under 2 MB.
 */
export function renderHtml(report: ExperimentReport, language: Language): string {
  const told = tell(report, language);
  const page = markup`${trusted('<!doctype html>')}
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="agent-experiment ${report.provenance.version}">
<title>${report.verdict} – ${titleOf(told)}</title>
<style>${trusted(stylesheet())}</style>
</head>
<body>
<div class="page">
${header(told, navigation(told))}
<main>
${overviewSection(told)}
${criteriaSection(told)}
${performanceSection(told)}
${incidentsSection(told)}
${discussionSection(told)}
${faultsSection(told)}
${linearitySection(told)}
${ledgerSection(told)}
${detailSection(told)}
${changesSection(told)}
${loadSection(told)}
${costSection(told)}
${provenanceSection(told)}
</main>
<footer><p>${told.t('page.colophon', { zone: told.f.zone })}</p></footer>
</div>
</body>
</html>
`;
  return page.text;
}

const SECTIONS: ReadonlyArray<readonly [id: string, key: MessageKey & `heading.${string}`]> = [
  ['summary', 'heading.summary'],
  ['performance', 'heading.performance'],
  ['incidents', 'heading.incidents'],
  ['discussion', 'heading.discussion'],
  ['faults', 'heading.faults'],
  ['ledger', 'heading.ledger'],
  ['detail', 'heading.tasks'],
  ['events', 'heading.events'],
  ['load', 'heading.load'],
  ['cost', 'heading.cost'],
  ['provenance', 'heading.provenance'],
];

function navigation({ t }: Telling): Markup {
  return markup`<nav aria-label="${t('nav.label')}"><ul>${SECTIONS.map(([id, key]) => markup`<li><a href="#${id}">${t(key)}</a></li>`)}</ul></nav>`;
}
