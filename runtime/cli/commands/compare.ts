import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, ExperimentError } from '../../kernel/errors.js';
import { folderOfRun } from '../../record/known-runs.js';
import { RUN_FILES } from '../../record/run-folder.js';
import { compareReports } from '../../report/compare.js';
import type { ExperimentReport } from '../../report/model.js';
import { renderComparison } from '../../report/render-comparison.js';
import { parseReport } from '../../report/render-json.js';
import { FlagReader, refuseFlags } from '../flags.js';
import type { Io } from '../io.js';
import { COMMAND, shellWord } from '../shown.js';

export interface CompareFlags {
  readonly lang?: string;
  readonly json?: true;
}

/** Sets the reports of several runs side by side. */
export async function compare(named: readonly string[], flags: CompareFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const language = reader.choice('--lang', flags.lang, ['en', 'ja'] as const) ?? 'en';
  refuseFlags(reader.problems);
  const reports = await Promise.all(named.map((name) => readReport(name, io.cwd)));
  const comparison = compareReports(reports);
  io.stdout.write(
    flags.json === true ? `${JSON.stringify(comparison, null, 2)}\n` : renderComparison(comparison, language),
  );
  return EXIT.met;
}

async function readReport(named: string, cwd: string): Promise<ExperimentReport> {
  const file = join(await folderOfRun(named, cwd), RUN_FILES.json);
  const hint = `build it again: ${COMMAND} report ${shellWord(named)}`;
  try {
    return parseReport(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const problems =
      error instanceof ExperimentError
        ? error.problems.map((problem) => ({ ...problem, path: `${file}: ${problem.path}`, hint }))
        : [{ path: file, message: error instanceof Error ? error.message : String(error), hint }];
    throw new ExperimentError('RECORD_UNREADABLE', 'a report cannot be read', problems, { cause: error });
  }
}
