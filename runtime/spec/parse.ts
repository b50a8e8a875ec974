import type { z } from 'zod';
import { ExperimentError, type Problem } from '../kernel/errors.js';
import { contradictions } from './checks.js';
import type { Contradiction } from './contradiction.js';
import { withDefaults } from './options.js';
import { formatPath, problemAt, problemsOf, type Locate, type Path } from './problems.js';
import { experimentOptions, type ExperimentOptions } from './schema.js';

/** Where the options were written. */
export interface Source {
  /** `Pulumi.phase3.yaml` */
  readonly file: string;
  /** Where the object stands in the file: `config.agent-experiment:experiment`; empty for the whole file. */
  readonly pathPrefix: string;
  /** Finds the line of a value, where the text is at hand. */
  readonly locate?: Locate;
}

/**
 * Reads what people wrote: checks keys, types and units, then what must hold between options (defaults included).
 *
 * @throws ExperimentError CONFIG_INVALID with every problem there is, each with path, value, what is allowed and a hint.
 */
export function parseExperiment(value: unknown, source: Source): ExperimentOptions {
  const parsed = experimentOptions.safeParse(value);
  const problems = parsed.success ? [] : problemsOf(parsed.error.issues, value, experimentOptions, source.locate);
  const bad = parsed.success ? [] : parsed.error.issues.flatMap(badPaths);
  // What is wrong by itself is taken out, so that contradictions among the rest are told in the same message.
  const usable = parsed.success ? parsed.data : experimentOptions.safeParse(without(value, bad)).data;
  if (usable !== undefined) problems.push(...contradictionProblems(usable, value, bad, source.locate));
  if (problems.length === 0 && usable !== undefined) return usable;
  throw configInvalid(source, problems);
}

/** The error for problems found in a source. */
function configInvalid({ file, pathPrefix }: Source, problems: readonly Problem[]): ExperimentError {
  const place = pathPrefix === '' ? '' : ` under ${pathPrefix}`;
  const number = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new ExperimentError('CONFIG_INVALID', `${file}: ${number} in the experiment${place}`, problems);
}

function contradictionProblems(
  options: ExperimentOptions,
  root: unknown,
  bad: readonly Path[],
  locate: Locate | undefined,
): Problem[] {
  const dropped = bad.map(formatPath);
  const rests = ({ path, related }: Contradiction): boolean =>
    [path, ...related].some((one) => dropped.some((drop) => isWithin(one, drop) || isWithin(drop, one)));
  return contradictions(withDefaults(options), options)
    .filter((contradiction) => !rests(contradiction))
    .map(({ path, message, hint }) => problemAt(root, parsePath(path), message, hint, locate));
}

/** What an issue takes exception to: the unknown keys, or the value. */
export function badPaths(issue: z.core.$ZodIssue): Path[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
}

/** Is `path` the same as, or inside, `outer`? */
export function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`) || path.startsWith(`${outer}[`);
}

/** Back from {@link formatPath}. */
function parsePath(path: string): Path {
  return path
    .split(/\.|\[|\]\.?/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** A copy of the value without the paths; of a list with something bad in it nothing is kept. */
export function without(value: unknown, paths: readonly Path[], at: Path = []): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([key, inner]) => {
    const path = formatPath([...at, key]);
    return !paths.some((bad) => formatPath(bad) === path || (Array.isArray(inner) && isWithin(formatPath(bad), path)));
  });
  return Object.fromEntries(kept.map(([key, inner]) => [key, without(inner, paths, [...at, key])]));
}
