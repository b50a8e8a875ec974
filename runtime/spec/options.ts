import { DEFAULTS } from './defaults.js';
import { merge } from './merge.js';
import { PHASES } from './phases.js';
import { experimentOptions, type ExperimentOptions } from './schema.js';

/** `T` with nothing left out, section by section; lists are taken as they are. */
export type Complete<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }
    : T;

/** The options stage with every default in. */
export type CompleteOptions = Complete<ExperimentOptions>;

/**
 * Fills in what `options` leaves out: first from the phase, then from the defaults. Sections are merged key by key;
 * lists, and the task mix, are replaced as a whole.
 *
 * @param phase the phase to complete with; default: the one the options name, else 1.
 */
export function withDefaults(
  options: ExperimentOptions,
  phase: number = options.phase ?? DEFAULTS.phase,
): CompleteOptions {
  const layers = [defaultOptions(), phaseOptions(phase), { ...options, phase }];
  const merged = layers.reduce<object>(merge, {}) as CompleteOptions;
  const types = options.tasks?.types;
  if (types === undefined) return merged;
  const known = (defaultOptions() as CompleteOptions).tasks.types;
  const mix = Object.entries(types).map(([name, type]) => [name, merge(known[name] ?? OWN_TYPE, type)] as const);
  return { ...merged, tasks: { ...merged.tasks, types: Object.fromEntries(mix) as CompleteOptions['tasks']['types'] } };
}

/** A task type the document does not have; its tokens are assumed, like those of the others. */
const OWN_TYPE = { tokens: { input: 8_000, output: 1_000 } };

let parsedDefaults: ExperimentOptions | null = null;
const parsedPhases = new Map<number, ExperimentOptions>();

function defaultOptions(): ExperimentOptions {
  parsedDefaults ??= experimentOptions.parse(DEFAULTS);
  return parsedDefaults;
}

function phaseOptions(phase: number): ExperimentOptions {
  let options = parsedPhases.get(phase);
  if (options === undefined) {
    options = experimentOptions.parse(PHASES[phase]?.options ?? {});
    parsedPhases.set(phase, options);
  }
  return options;
}
