import { ExperimentError, type Problem } from '../kernel/errors.js';
import type { ScalingMode, ScenarioName } from '../spec/experiment.js';
import { checkOverrides, type ExperimentOverrides } from '../spec/overrides.js';
import { nearest } from '../spec/problems.js';
import { SCALING_MODES, SCENARIO_NAMES } from '../spec/schema-scenarios.js';
import { parseDuration, parseRate, QuantityError } from '../spec/units.js';

/** The flags that say what the experiment is, as commander hands them over: text, `true` for a bare flag. */
export interface ExperimentFlags {
  readonly phase?: string;
  readonly scenario?: string;
  readonly agents?: string;
  readonly rate?: string;
  readonly duration?: string;
  readonly chaos?: string | true;
  readonly scaling?: string;
  readonly seed?: string;
  readonly config?: string;
}

/** Collects what is wrong with flags, so that all of it is told at once. */
export class FlagReader {
  readonly problems: Problem[] = [];

  /** A whole number from 0, written with digits only. */
  whole(flag: string, text: string | undefined): number | undefined {
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text.trim())) return Number(text);
    this.refuse(flag, text, 'must be a whole number, written without sign or unit');
    return undefined;
  }

  /** A quantity with its unit, read by one of the spec's own parsers. */
  quantity(flag: string, text: string | undefined, parse: (value: unknown) => number): number | undefined {
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      this.refuse(flag, text, error.message, error.hint);
      return undefined;
    }
  }

  /** One of a few names. */
  choice<Name extends string>(flag: string, text: string | undefined, names: readonly Name[]): Name | undefined {
    if (text === undefined) return undefined;
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const meant = nearest(text, names);
    const hint = meant === null ? undefined : `did you mean ${flag} ${meant}?`;
    this.refuse(flag, text, `must be one of ${names.join(', ')}`, hint);
    return undefined;
  }

  /** `--flag`, `--flag=true`, `--flag=false`; on and off as well. */
  toggle(flag: string, value: string | true | undefined): boolean | undefined {
    if (value === undefined || value === true) return value;
    if (['true', 'on', 'yes'].includes(value)) return true;
    if (['false', 'off', 'no'].includes(value)) return false;
    this.refuse(flag, value, 'must be true or false', `${flag} alone means ${flag}=true`);
    return undefined;
  }

  refuse(path: string, value: string | undefined, message: string, hint?: string): void {
    this.problems.push({
      path,
      message,
      ...(value === undefined ? {} : { value: JSON.stringify(value) }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** What the flags change of the file; what is wrong with them goes to `reader`. */
export function readOverrides(flags: ExperimentFlags, reader: FlagReader): ExperimentOverrides {
  const overrides = {
    phase: reader.whole('--phase', flags.phase),
    scenario: reader.choice<ScenarioName>('--scenario', flags.scenario, SCENARIO_NAMES),
    agents: reader.whole('--agents', flags.agents),
    rate: reader.quantity('--rate', flags.rate, parseRate),
    duration: reader.quantity('--duration', flags.duration, parseDuration),
    chaos: reader.toggle('--chaos', flags.chaos),
    scaling: reader.choice<ScalingMode>('--scaling', flags.scaling, SCALING_MODES),
    seed: reader.whole('--seed', flags.seed),
  };
  reader.problems.push(...checkOverrides(overrides));
  return overrides;
}

/** Throws USAGE when anything was wrong. */
export function refuseFlags(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const number = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new ExperimentError('USAGE', `${number} on the command line`, problems);
}
