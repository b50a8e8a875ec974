import { DISPATCH_LAG_LIMIT_MS } from '../observe/criteria.js';
import type { ReportFacts } from './findings-numbers.js';
import type { Phrases } from './findings-phrases.en.js';
import { PHRASES } from './findings-phrases.js';
import { formatFor, type Format } from './format.js';
import { translateName, type Language } from './i18n.js';
import type { CriterionResult } from './model.js';

/** The facts and the language they are told in: what every finding is made from. */
export interface Speaker {
  readonly report: ReportFacts;
  readonly p: Phrases;
  readonly f: Format;
  /** The text for a name found in data. */
  readonly name: (family: Parameters<typeof translateName>[1], name: string) => string;
  readonly list: (items: readonly string[]) => string;
}

export function speakerFor(report: ReportFacts, language: Language): Speaker {
  return {
    report,
    p: PHRASES[language],
    f: formatFor(language),
    name: (family, name) => translateName(language, family, name),
    list: (items) => items.join(language === 'ja' ? '、' : ', '),
  };
}

/** A criterion's target as the report has it, which is English; only `stable` says it in words. */
export function targetInWords({ report, p, f }: Speaker, { name, target, targetValue }: CriterionResult): string {
  if (name !== 'stable') return target;
  return p['stable.target']({
    text: target,
    agents: f.count(report.metadata.agents),
    duration: f.duration(targetValue),
  });
}

export function actualInWords({ report, p, f }: Speaker, { name, actual, actualValue }: CriterionResult): string {
  if (name !== 'stable') return actual;
  return p['stable.actual']({ text: actual, held: f.duration(actualValue), min: f.count(report.agents.minActive) });
}

/** Why the measurement is not valid, from the report's numbers; the reasons as recorded where these do not show it. */
export function reasonsInWords({ report, p, f, list }: Speaker): string {
  const { load, performance, ledger, states, invalid } = report;
  const lagInWords = ({ dispatchLag, machineLag }: typeof performance): string => {
    const said = { lag: f.duration(dispatchLag.p999), limit: f.duration(DISPATCH_LAG_LIMIT_MS) };
    // Whose lateness it was: a machine that lets nobody be in time wants another machine, not another program.
    return machineLag === undefined
      ? p['invalid.lag'](said)
      : p['invalid.lagBeside']({ ...said, machine: f.duration(machineLag.p999) });
  };
  const reasons = [
    ...(states.some(({ to }) => to === 'aborted') ? [p['invalid.aborted']()] : []),
    ...(ledger.balanced ? [] : [p['invalid.ledger']()]),
    ...(load.dropped > 0 ? [p['invalid.dropped']({ count: f.count(load.dropped) })] : []),
    ...(performance.dispatchLag.p999 > DISPATCH_LAG_LIMIT_MS ? [lagInWords(performance)] : []),
  ];
  return list(reasons.length < invalid.length ? invalid : reasons);
}

/** `P0 0%, P1 0%, P2 4.1%, P3 62%`. */
export function shedInWords({ p, f, list }: Speaker, shares: readonly number[]): string {
  return list(shares.map((share, i) => p['shed.one']({ priority: `P${i}`, share: f.share(share) })));
}

/** A monitor's name and value in words. */
export function valueOf(
  { p, f }: Speaker,
  { monitor, value, unit }: ReportFacts['monitors'][number],
): { monitor: string; value: string } {
  if (monitor === 'memory_leak') {
    return { monitor: p['monitor.memory_leak'](), value: p['value.memory_leak']({ value: f.decimal(value, 1) }) };
  }
  if (monitor === 'connection_pool') {
    return {
      monitor: p['monitor.connection_pool'](),
      value: p['value.connection_pool']({ value: f.decimal(value, 2) }),
    };
  }
  return { monitor, value: `${f.decimal(value)} ${unit}` };
}
