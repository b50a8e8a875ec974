import type { ExperimentReport } from '../report/model.js';
import { COMMAND, shellWord } from './shown.js';

/** A command worth typing after a run, and what it is for. */
export interface NextStep {
  readonly command: string;
  readonly purpose: string;
}

export interface FinishedRun {
  readonly report: Pick<ExperimentReport, 'metadata' | 'verdict'>;
  /** The file the experiment came from, when it was given. */
  readonly config: string | undefined;
  /** The run's folder as people write it. */
  readonly folder: string;
  /** A snapshot of it was taken. */
  readonly snapshot: boolean;
}

const LAST_PHASE = 3;

/** What to type next: at most three commands. */
export function nextSteps({ report, config, folder, snapshot }: FinishedRun): NextStep[] {
  const { phase, scenario, target, cutShort } = report.metadata;
  const which = [
    config === undefined ? `--phase ${phase}` : `--config ${shellWord(config)}`,
    ...(scenario === null ? [] : [`--scenario ${scenario}`]),
  ].join(' ');
  const steps: NextStep[] = [];
  const add = (command: string, purpose: string): void => {
    steps.push({ command: `${COMMAND} ${command}`, purpose });
  };
  if (cutShort && snapshot) add(`start --resume ${shellWord(folder)}`, 'takes the run up where its snapshot stands');
  if (target === 'rehearsal' && !cutShort) {
    add(`start ${which} --target local --duration 2m`, 'the same live on this machine, for two minutes');
  }
  if (report.verdict === 'FAIL' && !cutShort)
    add(`plan ${which}`, 'where the load and the fleet do not fit, and the cost');
  if (report.verdict === 'PASS' && config === undefined && target === 'rehearsal') {
    if (scenario === null && phase < LAST_PHASE) {
      add(`start --phase ${phase + 1} --target rehearsal`, 'the next phase');
    } else if (scenario !== 'stress') {
      add(`start --phase ${phase} --scenario stress --target rehearsal`, 'the same fleet far beyond what it can carry');
    }
  }
  add(`compare ${shellWord(folder)} RUN…`, 'this run beside others');
  return steps.slice(0, 3);
}
