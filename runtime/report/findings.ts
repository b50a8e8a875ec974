import { DISPATCH_LAG_LIMIT_MS } from '../observe/criteria.js';
import { TOO_SHORT } from '../observe/wording.js';
import { largest, present } from './facts.js';
import { changes, recommendations } from './findings-advice.js';
import {
  criterionNamed,
  isShedFromBelow,
  repeatedShare,
  shedShares,
  slowIntervals,
  type ReportFacts,
} from './findings-numbers.js';
import {
  reasonsInWords,
  shedInWords,
  speakerFor,
  targetInWords,
  actualInWords,
  valueOf,
  type Speaker,
} from './findings-speaker.js';
import type { Language } from './i18n.js';
import type { CriterionResult, ExperimentReport } from './model.js';

/** Attempts repeated beyond this share are worth a sentence. */
const REPEATED_WORTH_SAYING = 0.01;
/** Little's law holds in every run up to what is cut off at its ends. */
const LITTLES_LAW_LIMIT = 0.02;
/** Ids shown of a longer list. */
const MOST_EXAMPLES = 5;

/**
 * What went well, what did not, what to change, and what to do next. Every sentence follows from the report's own
 * numbers and carries them; the same report gives the same sentences. `report.json` holds them in English; a report
 * told in another language derives them again.
 */
export function deriveFindings(
  report: ReportFacts,
  language: Language = 'en',
): { findings: ExperimentReport['findings']; recommendations: string[] } {
  const speaker = speakerFor(report, language);
  return {
    findings: { wentWell: wentWell(speaker), wentWrong: wentWrong(speaker), change: changes(speaker) },
    recommendations: recommendations(speaker),
  };
}

// ---- what went well -------------------------------------------------------------------------------------------

function wentWell(speaker: Speaker): string[] {
  return [
    ...speaker.report.criteria
      .filter(({ verdict }) => verdict === 'PASS')
      .flatMap((criterion) => metCriterion(speaker, criterion)),
    ...keptSchedule(speaker),
    ...shedFromBelow(speaker),
    ...quietAlerts(speaker),
    ...monitorsAlright(speaker),
    ...withinBudget(speaker),
  ];
}

function metCriterion(speaker: Speaker, criterion: CriterionResult): string[] {
  const { report, p, f, name } = speaker;
  if (criterion.name === 'ledger') return [p['ledger.whole']({ tasks: f.count(report.summary.totalTasks) })];
  if (criterion.name === 'recovery') return recoveredFaults(speaker, criterion);
  return [
    p['met']({
      name: name('criterion', criterion.name),
      actual: actualInWords(speaker, criterion),
      target: targetInWords(speaker, criterion),
      margin: marginInWords(speaker, criterion),
    }),
  ];
}

/** How much room was left, in the way that fits the criterion; empty where no number says it. */
function marginInWords({ p, f }: Speaker, { name, targetValue, actualValue }: CriterionResult): string {
  if (targetValue === null || actualValue === null || targetValue <= 0) return '';
  switch (name) {
    case 'throughput':
    case 'linearity':
      return actualValue > targetValue ? p['margin.above']({ share: f.share(actualValue / targetValue - 1) }) : '';
    case 'availability':
      return targetValue < 1 ? p['margin.budget']({ share: f.share((1 - actualValue) / (1 - targetValue)) }) : '';
    case 'p99_latency':
    case 'error_rate':
    case 'cpu':
    case 'stretch':
      return p['margin.used']({ share: f.share(actualValue / targetValue) });
    default:
      return '';
  }
}

function recoveredFaults({ report, p, f, name }: Speaker, criterion: CriterionResult): string[] {
  const worst = report.faults.reduce<(typeof report.faults)[number] | null>(
    (slowest, fault) => ((fault.serviceRecoveryMs ?? -1) > (slowest?.serviceRecoveryMs ?? -1) ? fault : slowest),
    null,
  );
  if (worst === null) return [];
  return [
    p['faults.recovered']({
      faults: f.count(report.faults.length),
      worst: f.duration(worst.serviceRecoveryMs),
      id: worst.id,
      type: name('fault', worst.type),
      target: f.duration(criterion.targetValue),
    }),
  ];
}

function keptSchedule({ report, p, f }: Speaker): string[] {
  const { dispatchLag } = report.performance;
  const { sent, dropped } = report.load;
  if (sent === 0 || dropped > 0 || !(dispatchLag.p999 <= DISPATCH_LAG_LIMIT_MS)) return [];
  return [
    p['load.kept']({
      sent: f.count(sent),
      lag: f.duration(dispatchLag.p999),
      limit: f.duration(DISPATCH_LAG_LIMIT_MS),
    }),
  ];
}

function shedFromBelow(speaker: Speaker): string[] {
  const shares = shedShares(speaker.report);
  if (speaker.report.summary.shedTasks === 0 || !isShedFromBelow(shares)) return [];
  return [speaker.p['shed.fromBelow']({ shares: shedInWords(speaker, shares) })];
}

function quietAlerts({ report, p, f }: Speaker): string[] {
  return report.alerts.length === 0 ? [p['alerts.none']({ duration: f.duration(report.metadata.duration) })] : [];
}

function monitorsAlright(speaker: Speaker): string[] {
  const fine = speaker.report.monitors.filter(({ ok, finding }) => ok && !finding.startsWith(TOO_SHORT));
  return fine.map((monitor) => speaker.p['monitor.ok'](valueOf(speaker, monitor)));
}

function withinBudget({ report, p, f }: Speaker): string[] {
  const { totalUsd, budgetUsd, perThousandTasksUsd } = report.cost;
  if (!(totalUsd > 0) || !(totalUsd <= budgetUsd)) return [];
  return [
    p['cost.within']({
      usd: f.usd(totalUsd),
      budget: f.usd(budgetUsd),
      share: f.share(totalUsd / budgetUsd),
      perThousand: f.usd(perThousandTasksUsd),
    }),
  ];
}

// ---- what went wrong ------------------------------------------------------------------------------------------

function wentWrong(speaker: Speaker): string[] {
  return [
    ...invalidMeasurement(speaker),
    ...cutShort(speaker),
    ...speaker.report.criteria
      .filter(({ verdict }) => verdict === 'FAIL')
      .map((criterion) => missedCriterion(speaker, criterion)),
    ...faultsInDoubt(speaker),
    ...refusedLoad(speaker),
    ...alertsByName(speaker),
    ...slowPeriods(speaker),
    ...monitorsAlarmed(speaker),
    ...repeatedAttempts(speaker),
    ...otherDamage(speaker),
  ];
}

function invalidMeasurement(speaker: Speaker): string[] {
  if (speaker.report.invalid.length === 0) return [];
  return [speaker.p['invalid']({ reasons: reasonsInWords(speaker) })];
}

function cutShort({ report, p, f }: Speaker): string[] {
  const { cutShort: isCutShort, cutShortReason, duration, plannedDuration } = report.metadata;
  if (!isCutShort) return [];
  const reason = cutShortReason ?? p['cutShort.unknown']();
  return [p['cutShort']({ actual: f.duration(duration), planned: f.duration(plannedDuration), reason })];
}

function missedCriterion(speaker: Speaker, criterion: CriterionResult): string {
  const { report, p, f, name, list } = speaker;
  if (criterion.name === 'ledger') {
    const { lost, doubleCounted, examples } = report.ledger;
    const indices = [...examples.lost, ...examples.doubleCounted].map(String);
    return p['ledger.broken']({
      lost: f.count(lost),
      double: f.count(doubleCounted),
      examples: indices.length === 0 ? '' : p['ledger.examples']({ indices: list(indices) }),
    });
  }
  const said = { name: name('criterion', criterion.name), target: targetInWords(speaker, criterion) };
  if (criterion.actualValue === null && criterion.actual === 'no data') return p['missed.noData'](said);
  const unrecovered = report.faults.filter(({ serviceRecoveryMs }) => serviceRecoveryMs === null);
  if (criterion.name === 'recovery' && unrecovered.length > 0) {
    return p['faults.stuck']({
      count: f.count(unrecovered.length),
      faults: f.count(report.faults.length),
      ids: someIds(speaker, unrecovered),
    });
  }
  const phrase = criterion.mandatory ? p['missed'] : p['missed.optional'];
  return phrase({ ...said, actual: actualInWords(speaker, criterion) });
}

function faultsInDoubt(speaker: Speaker): string[] {
  const { report, p, f } = speaker;
  const blind = report.faults.filter(({ effectSeen }) => effectSeen === false);
  const left = report.faults.filter(({ endSeen }) => endSeen === false);
  return [
    ...(blind.length === 0 ? [] : [p['faults.blind']({ count: f.count(blind.length), ids: someIds(speaker, blind) })]),
    ...(left.length === 0 ? [] : [p['faults.left']({ count: f.count(left.length), ids: someIds(speaker, left) })]),
  ];
}

function someIds({ list }: Speaker, faults: readonly { readonly id: string }[]): string {
  const ids = faults.slice(0, MOST_EXAMPLES).map(({ id }) => id);
  return list(faults.length > MOST_EXAMPLES ? [...ids, '…'] : ids);
}

function refusedLoad(speaker: Speaker): string[] {
  const { report, p, f } = speaker;
  const { shedTasks, totalTasks } = report.summary;
  if (shedTasks === 0) return [];
  const shares = shedInWords(speaker, shedShares(report));
  return [p['shed']({ count: f.count(shedTasks), share: f.share(shedTasks / totalTasks), shares })];
}

function alertsByName({ report, p, f, list }: Speaker): string[] {
  const names = [...new Set(report.alerts.map(({ name }) => name))];
  return names.map((name) => {
    const firings = report.alerts.filter((alert) => alert.name === name);
    const longest = largest(
      firings.map(({ firedAt, resolvedAt }) => (resolvedAt ?? report.metadata.endTime) - firedAt),
    );
    const actions = [...new Set(firings.flatMap((alert) => alert.actions))];
    return p['alert']({
      name,
      times: p['alert.times']({ count: f.count(firings.length) }),
      longest: f.duration(longest),
      actions: actions.length === 0 ? p['alert.noActions']() : list(actions),
    });
  });
}

/** A P99 over the whole run hides bad minutes: they are named whether the criterion is met or not. */
function slowPeriods({ report, p, f }: Speaker): string[] {
  const latency = criterionNamed(report, 'p99_latency');
  if (latency === null || latency.verdict === 'NOT_APPLICABLE' || latency.targetValue === null) return [];
  const { count, of, worstMs, worstAt } = slowIntervals(report, latency.targetValue);
  if (count === 0) return [];
  return [
    p['slow']({
      count: f.count(count),
      of: f.count(of),
      target: f.duration(latency.targetValue),
      worst: f.duration(worstMs),
      at: f.elapsed(worstAt - report.metadata.startTime),
    }),
  ];
}

function monitorsAlarmed(speaker: Speaker): string[] {
  const alarmed = speaker.report.monitors.filter(({ ok }) => !ok);
  return alarmed.map((monitor) => speaker.p['monitor.bad'](valueOf(speaker, monitor)));
}

function repeatedAttempts({ report, p, f }: Speaker): string[] {
  const { retriedAttempts, expiredAttempts } = report.summary;
  const share = repeatedShare(report);
  if (!(share > REPEATED_WORTH_SAYING)) return [];
  return [p['retried']({ share: f.share(share), count: f.count(retriedAttempts), expired: f.count(expiredAttempts) })];
}

function otherDamage({ report, p, f, list }: Speaker): string[] {
  const { summary, cost, performance, provenance } = report;
  const incomplete = provenance.sinks.filter(({ complete }) => !complete).map(({ name }) => name);
  const error = largest(present([performance.littlesLaw.error].map(Math.abs))) ?? 0;
  return [
    ...(summary.unstartedTasks > 0 ? [p['unstarted']({ count: f.count(summary.unstartedTasks) })] : []),
    ...(cost.totalUsd > cost.budgetUsd
      ? [p['overBudget']({ usd: f.usd(cost.totalUsd), budget: f.usd(cost.budgetUsd) })]
      : []),
    ...(error > LITTLES_LAW_LIMIT ? [p['littlesLaw']({ error: f.share(error) })] : []),
    ...(incomplete.length > 0 ? [p['sinks']({ names: list(incomplete) })] : []),
  ];
}
