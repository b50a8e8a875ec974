import { stat, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';
import { nearest } from '../spec/problems.js';

/** Where runs are, unless they were given another folder: below the folder the command is called in. */
export const RESULTS_FOLDER = 'results';

/** Shown of the runs there are. */
const MOST_SHOWN = 10;

/** Names of the runs under `results/`, newest first. */
export async function knownRuns(cwd: string): Promise<string[]> {
  const root = join(cwd, RESULTS_FOLDER);
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const runs = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ({ name, at: (await stat(join(root, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  return runs.sort((a, b) => b.at - a.at || a.name.localeCompare(b.name)).map(({ name }) => name);
}

/**
 * The folder of a run named as people name it: its id under `results/`, a path to its folder, or to a file in it.
 * Throws NO_RUN, with the nearest name, when there is none.
 */
export async function folderOfRun(named: string, cwd: string): Promise<string> {
  for (const path of [resolve(cwd, named), join(cwd, RESULTS_FOLDER, named)]) {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory() === true) return path;
    if (found?.isFile() === true) return dirname(path);
  }
  const known = await knownRuns(cwd);
  const meant = nearest(named, known);
  const there = known.length === 0 ? 'there is none under results/' : `there are: ${shown(known)}`;
  throw new ExperimentError('NO_RUN', 'no such run', [
    {
      path: 'RUN',
      value: named,
      message: `is neither a run under ${RESULTS_FOLDER}/ nor a folder; ${there}`,
      hint: meant === null ? 'name the folder the run was recorded in' : `did you mean ${meant}?`,
    },
  ]);
}

function shown(runs: readonly string[]): string {
  return runs.length <= MOST_SHOWN
    ? runs.join(', ')
    : `${runs.slice(0, MOST_SHOWN).join(', ')} and ${runs.length - MOST_SHOWN} more`;
}
