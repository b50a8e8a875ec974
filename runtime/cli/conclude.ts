import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunEnd } from '../coordinator/run.js';
import { EXIT } from '../kernel/errors.js';
import { RUN_FILES } from '../record/run-folder.js';
import type { ExperimentReport, Verdict } from '../report/model.js';
import type { Language } from '../report/i18n.js';
import { renderJson } from '../report/render-json.js';
import { renderSummary } from '../report/summary.js';
import type { Io } from './io.js';
import { nextSteps } from './next-steps.js';
import { shownPath } from './shown.js';
import { writeReport } from './write-report.js';

export interface Conclusion {
  readonly report: ExperimentReport;
  readonly folder: string;
  readonly language: Language;
  /** Also write report.md and report.html. */
  readonly forPeople: boolean;
  /** Print report.json instead of the summary. */
  readonly json: boolean;
  /** The file the experiment came from, when it was given. */
  readonly config?: string | undefined;
}

/**
 * Writes the report of a run, and says how it went, where the report is and what to type next. When the files cannot
 * be written the figures are printed all the same before the error goes on.
 */
export async function conclude(conclusion: Conclusion, io: Io): Promise<void> {
  const { report, folder, json } = conclusion;
  const written = await writeReport(report, folder, conclusion).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (json) io.stdout.write(renderJson(report));
  else io.stdout.write(renderSummary(report, { color: io.stdout.color, language: conclusion.language }));
  warnOfGaps(report, io);
  if (written !== null) throw written.error;
  (json ? io.stderr : io.stdout).write(`\n${where(conclusion, io.cwd)}`);
}

/** The exit code for how a run ended: one that was aborted is that, whatever its figures say. */
export function exitCodeOf(verdict: Verdict, end: RunEnd['state']): number {
  if (end === 'aborted') return EXIT.aborted;
  return { PASS: EXIT.met, FAIL: EXIT.notMet, INVALID: EXIT.invalid }[verdict];
}

/** A record with holes in it must not go unnoticed until somebody needs it. */
function warnOfGaps(report: ExperimentReport, io: Io): void {
  for (const { name, complete, note } of report.provenance.sinks) {
    if (!complete) io.stderr.write(`The record (${name}) is not complete: ${note}\n`);
  }
}

function where({ report, folder, forPeople, config }: Conclusion, cwd: string): string {
  const shown = shownPath(folder, cwd);
  const files = forPeople
    ? [
        [join(shown, RUN_FILES.html), 'charts; open it in a browser, it needs no network'],
        [join(shown, RUN_FILES.markdown), 'the same as text'],
        [join(shown, RUN_FILES.json), 'the same for machines'],
      ]
    : [[join(shown, RUN_FILES.json), 'for machines']];
  const snapshot = existsSync(join(folder, RUN_FILES.snapshot));
  const steps = nextSteps({ report, config, folder: shown, snapshot }).map(({ command, purpose }) => [
    command,
    purpose,
  ]);
  return `Report\n${columns(files)}\nNext\n${columns(steps)}`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([first = '']) => first.length));
  return rows.map(([first = '', second = '']) => `  ${first.padEnd(width)}  ${second}\n`).join('');
}
