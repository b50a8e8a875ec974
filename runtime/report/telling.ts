import { missedMandatory } from './facts.js';
import { deriveFindings } from './findings.js';
import { actualInWords, reasonsInWords, speakerFor, targetInWords } from './findings-speaker.js';
import { formatFor, NOTHING, type Format } from './format.js';
import { translateName, translator, type Language, type Translate } from './i18n.js';
import type { CriterionResult, ExperimentReport, Verdict } from './model.js';

/** A report and the language it is told in: what every part of a rendering is given. */
export interface Telling {
  readonly report: ExperimentReport;
  readonly language: Language;
  readonly t: Translate;
  readonly f: Format;
  /** The text for a name found in data (criterion, fault, state, …). */
  readonly name: (family: Parameters<typeof translateName>[1], name: string) => string;
  /** Findings and recommendations in the language; the report itself holds them in English. */
  readonly findings: ExperimentReport['findings'];
  readonly recommendations: readonly string[];
}

export function tell(report: ExperimentReport, language: Language): Telling {
  const { findings, recommendations } = language === 'en' ? report : deriveFindings(report, language);
  return {
    report,
    language,
    t: translator(language),
    f: formatFor(language),
    name: (family, name) => translateName(language, family, name),
    findings,
    recommendations,
  };
}

/** Signs that tell verdicts apart without colour. */
export const VERDICT_SIGN: Readonly<Record<Verdict | CriterionResult['verdict'], string>> = {
  PASS: '✓',
  FAIL: '✗',
  INVALID: '⚠',
  NOT_APPLICABLE: NOTHING,
};

/** A criterion's target in the report's language. */
export function shownTarget({ report, language }: Telling, criterion: CriterionResult): string {
  return language === 'en' ? criterion.target : targetInWords(speakerFor(report, language), criterion);
}

/** What a criterion measured in the report's language. */
export function shownActual({ report, language, t }: Telling, criterion: CriterionResult): string {
  if (criterion.actual === 'no data') return t('noData');
  return language === 'en' ? criterion.actual : actualInWords(speakerFor(report, language), criterion);
}

/** Title after template 12.1, with the scenario where one replaced the phase's load. */
export function titleOf(told: Telling): string {
  const { metadata } = told.report;
  const title = told.t('title', { phase: metadata.phase });
  if (metadata.scenario === null) return title;
  return told.t('title.scenario', { title, scenario: told.name('scenario', metadata.scenario) });
}

/** What the verdict rests on, in one sentence. */
export function verdictSentence(told: Telling): string {
  const { report, t } = told;
  if (report.verdict === 'PASS') return t('verdict.PASS');
  if (report.verdict === 'INVALID') {
    return t('verdict.INVALID', { reasons: reasonsInWords(speakerFor(report, told.language)) || t('noData') });
  }
  const names = missedMandatory(report).map((criterion) => told.name('criterion', criterion.name));
  if (names.length === 0) return t('verdict.FAIL.unnamed');
  return t('verdict.FAIL', { names: names.join(told.language === 'ja' ? '、' : ', ') });
}

/** What the fleet did, in one sentence. */
export function workSentence({ report, t, f }: Telling): string {
  return t('sentence', {
    agents: f.count(report.metadata.agents),
    tasks: f.count(report.summary.completedTasks),
    duration: f.duration(report.metadata.duration),
    throughput: f.rate(report.performance.throughput.avg),
  });
}

/** Why the run ended early; null when it did not. */
export function cutShortSentence({ report, t }: Telling): string | null {
  if (!report.metadata.cutShort) return null;
  return t('cutShort', { reason: report.metadata.cutShortReason ?? t('cutShort.unknown') });
}

/** The duration, with the planned one where the run did not reach it. */
export function durationText({ report, t, f }: Telling): string {
  const { duration, plannedDuration } = report.metadata;
  const actual = f.duration(duration);
  const planned = f.duration(plannedDuration);
  return duration >= plannedDuration || actual === planned
    ? actual
    : t('overview.durationPlanned', { actual, planned });
}
