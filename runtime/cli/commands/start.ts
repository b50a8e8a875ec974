import { relative } from 'node:path';
import type { RunStatus } from '../../control/port.js';
import { EXIT } from '../../kernel/errors.js';
import type { Language } from '../../report/i18n.js';
import type { ExperimentReport } from '../../report/model.js';
import { renderSummary } from '../../report/summary.js';
import { describeExperiment } from '../../spec/describe.js';
import { execute, type Executed } from '../../targets/execute.js';
import type { ExperimentRun } from '../../targets/experiment-run.js';
import { readExperiment } from '../experiment-source.js';
import { FlagReader, type ExperimentFlags } from '../flags.js';
import type { Io } from '../io.js';
import { preflight } from '../preflight.js';
import { Progress } from '../progress.js';
import { writeReport } from '../write-report.js';

export interface StartFlags extends ExperimentFlags {
  readonly target?: string;
  readonly out?: string;
  readonly lang?: string;
  readonly report?: string | true;
  readonly force?: true;
  readonly json?: true;
}

/** `start`: runs an experiment, shows how it goes, writes the report. Answers the exit code. */
export async function start(flags: StartFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const target = reader.choice('--target', flags.target ?? 'rehearsal', ['rehearsal', 'local'] as const) ?? 'rehearsal';
  const language: Language = reader.choice('--lang', flags.lang, ['en', 'ja'] as const) ?? 'en';
  const experiment = await readExperiment(flags, reader, io.cwd);
  const notes = preflight(experiment, flags.force === true);
  for (const line of [...describeExperiment(experiment), ...notes]) io.stderr.write(`${line}\n`);
  const executed = await execute({
    experiment,
    target,
    out: flags.out ?? null,
    onRun: (run: ExperimentRun) => {
      const progress = new Progress(io.stderr, io.clock, (): RunStatus => run.status(), target);
      run.onSample(() => {
        progress.sampled();
      });
    },
    onError: (error) => {
      io.stderr.write(`${String(error)}\n`);
    },
  });
  io.stderr.write('\n');
  const json = await writeReport(executed.report, executed.folder, { language, forPeople: true });
  if (flags.json === true) io.stdout.write(json);
  else io.stdout.write(renderSummary(executed.report, { color: io.stdout.color, language }));
  io.stderr.write(`\nReport: ${relative(io.cwd, executed.folder)}/report.html\n`);
  return exitCodeOf(executed);
}

/** The exit code a run ends with: an aborted run is aborted, whatever its figures say. */
export function exitCodeOf({ report, end }: Pick<Executed, 'end'> & { report: Pick<ExperimentReport, 'verdict'> }): number {
  if (end.state === 'aborted') return EXIT.aborted;
  return { PASS: EXIT.met, FAIL: EXIT.notMet, INVALID: EXIT.invalid }[report.verdict];
}
