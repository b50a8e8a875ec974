import { isAlive, readControlFile, removeControlFile } from '../../control/control-file.js';
import { EXIT, ExperimentError } from '../../kernel/errors.js';
import { folderOfRun } from '../../record/known-runs.js';
import { conclude } from '../conclude.js';
import { FlagReader, refuseFlags } from '../flags.js';
import type { Io } from '../io.js';
import { rebuildReport } from '../../targets/rebuild-report.js';

export interface ReportFlags {
  readonly lang?: string;
  readonly json?: true;
}

/** Builds the report of a run again from what was recorded. Answers 0 whatever the verdict: the report was built. */
export async function report(named: string, flags: ReportFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const language = reader.choice('--lang', flags.lang, ['en', 'ja'] as const) ?? 'en';
  refuseFlags(reader.problems);
  const folder = await folderOfRun(named, io.cwd);
  const control = await readControlFile(folder);
  if (control !== null && isAlive(control)) {
    throw new ExperimentError('RUN_ACTIVE', 'the run is still under way', [
      {
        path: 'RUN',
        value: named,
        message: 'writes its own report when it ends',
        hint: 'look at it with status or watch, or end it with stop',
      },
    ]);
  }
  const rebuilt = await rebuildReport(folder);
  for (const note of rebuilt.notes) io.stderr.write(`${note}\n`);
  await conclude({ report: rebuilt.report, folder, language, forPeople: true, json: flags.json === true }, io);
  // What is left of a process that is gone would be taken for a run that can be controlled.
  if (control !== null) await removeControlFile(folder);
  return EXIT.met;
}
