import { relative } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';
import { folderOfRun, knownRuns, RESULTS_FOLDER } from '../record/known-runs.js';
import { isAlive, readControlFile, type ControlFile } from './control-file.js';

/** A run that is under way on this machine. */
export interface LiveRun {
  readonly folder: string;
  readonly control: ControlFile;
}

/**
 * The live run that is meant: the one that is chosen, or the only one there is under `results/`. Throws NO_RUN when
 * there is none, with what to do, and when there are several, with their names.
 */
export async function findLiveRun(choice: string | undefined, cwd: string): Promise<LiveRun> {
  if (choice !== undefined) return chosenRun(await folderOfRun(choice, cwd), cwd);
  const found = await recordedRuns(cwd);
  const live = found.filter(({ control }) => isAlive(control));
  const [only] = live;
  if (only !== undefined && live.length === 1) return only;
  if (live.length > 1) throw several(live);
  const [newest] = found;
  throw newest === undefined ? noRun() : goneWithoutAWord(newest.folder, cwd);
}

/** Every live run under `results/`, newest first. */
export async function liveRuns(cwd: string): Promise<LiveRun[]> {
  return (await recordedRuns(cwd)).filter(({ control }) => isAlive(control));
}

/** What a run whose process is gone is told as. */
function goneWithoutAWord(folder: string, cwd: string): ExperimentError {
  const shown = relative(cwd, folder);
  return new ExperimentError('NO_RUN', 'the run ended without a word', [
    {
      path: shown,
      message: 'its process is gone (killed, or the machine went down)',
      hint: `build its report from what was recorded: ./experiment.sh report ${shown}`,
    },
  ]);
}

async function chosenRun(folder: string, cwd: string): Promise<LiveRun> {
  const control = await readControlFile(folder);
  if (control === null) {
    throw new ExperimentError('NO_RUN', 'this run is not under way', [
      {
        path: relative(cwd, folder),
        message: 'has no control.json: the run is over, or was a rehearsal, which has no control',
        hint: 'its report is in that folder; ./experiment.sh report RUN builds it again',
      },
    ]);
  }
  if (!isAlive(control)) throw goneWithoutAWord(folder, cwd);
  return { folder, control };
}

/** Runs under `results/` with a control file, newest first. */
async function recordedRuns(cwd: string): Promise<LiveRun[]> {
  const runs = await Promise.all(
    (await knownRuns(cwd)).map(async (name) => {
      const folder = await folderOfRun(`${RESULTS_FOLDER}/${name}`, cwd);
      return { folder, control: await readControlFile(folder) };
    }),
  );
  return runs.filter((run): run is LiveRun => run.control !== null);
}

function noRun(): ExperimentError {
  return new ExperimentError('NO_RUN', 'no run is under way here', [
    {
      path: `${RESULTS_FOLDER}/`,
      message: 'no run in it is being controlled; a rehearsal has no control, it is over in seconds',
      hint: 'start one with ./experiment.sh start --phase 1 --target local, or name the folder of a run with --run FOLDER',
    },
  ]);
}

function several(runs: readonly LiveRun[]): ExperimentError {
  return new ExperimentError(
    'NO_RUN',
    `${runs.length} runs are under way: say which one`,
    runs.map(({ folder, control }) => ({
      path: control.experimentId,
      message: `in ${folder}, process ${control.pid}`,
      hint: `--run ${folder.split('/').at(-1) ?? folder}`,
    })),
  );
}
