import { sizingOf } from '../../cost/deployment-sizing.js';
import type { Sizing } from '../../cost/sizing.js';
import type { Experiment } from '../../spec/experiment.js';
import { describeExperiment } from '../../spec/describe.js';
import type { Language } from '../../report/i18n.js';
import type { RunSnapshot } from '../../targets/snapshot.js';
import { conclude, exitCodeOf } from '../conclude.js';
import { conduct } from '../conduct.js';
import { readDeployment } from '../deployment-source.js';
import { readExperiment } from '../experiment-source.js';
import { FlagReader, refuseFlags, type ExperimentFlags } from '../flags.js';
import type { Io } from '../io.js';
import { preflight } from '../preflight.js';
import { readRedis, refuseFaults, type RedisFlags } from '../redis-flags.js';
import { readSnapshot } from '../resume.js';

export interface StartFlags extends ExperimentFlags, RedisFlags {
  readonly out?: string;
  readonly lang?: string;
  readonly report?: string | true;
  readonly force?: true;
  readonly json?: true;
}

/** Flags that say what the experiment is: a run that is taken up again has one already. */
const EXPERIMENT_FLAGS = [
  'phase',
  'scenario',
  'agents',
  'rate',
  'duration',
  'chaos',
  'scaling',
  'seed',
  'config',
] as const;

/** Runs an experiment on this machine, shows how it goes, writes the report. Answers the exit code. */
export async function start(flags: StartFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const target = readTarget(flags, reader);
  const redis = readRedis(flags, reader, process.env);
  const language: Language = reader.choice('--lang', flags.lang, ['en', 'ja'] as const) ?? 'en';
  const forPeople = reader.toggle('--report', flags.report) ?? true;
  const json = flags.json === true;
  const { experiment, sizing, resume } =
    flags.resume === undefined
      ? await begin(flags, reader, io.cwd)
      : await takeUp(flags, flags.resume, target, reader, io.cwd);
  refuseFaults(experiment, redis, reader, process.env);
  refuseFlags(reader.problems);
  const notes = sizing === null ? [] : preflight(experiment, sizing, flags.force === true);
  for (const text of [...describeExperiment(experiment), ...notes]) io.stderr.write(`${text}\n`);
  const out = flags.out ?? null;
  return conduct(
    { experiment, sizing, target: resume?.target ?? target ?? 'rehearsal', out, resume, redis },
    io,
    async ({ report, folder, end }) => {
      await conclude({ report, folder, language, forPeople, json, config: flags.config }, io);
      return exitCodeOf(report.verdict, end.state);
    },
  );
}

function readTarget(flags: StartFlags, reader: FlagReader): 'rehearsal' | 'local' | undefined {
  const { target, resume } = flags;
  if (target === 'cluster') {
    reader.refuse('--target', target, 'comes with a later version', 'take rehearsal or local for now');
    return undefined;
  }
  if (target === undefined && resume === undefined) {
    const targets = '--target rehearsal (virtual time, seconds) or --target local (real time, on this machine)';
    reader.refuse('--target', undefined, 'is missing: where is the experiment to run?', targets);
  }
  return reader.choice('--target', target, ['rehearsal', 'local'] as const);
}

/** What a start is made from. */
interface Beginning {
  readonly experiment: Experiment;
  /** null = that of the run which is taken up. */
  readonly sizing: Sizing | null;
  readonly resume: RunSnapshot | null;
}

async function begin(flags: StartFlags, reader: FlagReader, cwd: string): Promise<Beginning> {
  const experiment = await readExperiment(flags, reader, cwd);
  return { experiment, sizing: sizingOf(await readDeployment(flags, experiment, cwd)), resume: null };
}

async function takeUp(
  flags: StartFlags,
  named: string,
  target: StartFlags['target'],
  reader: FlagReader,
  cwd: string,
): Promise<Beginning> {
  for (const flag of EXPERIMENT_FLAGS) {
    if (flags[flag] === undefined) continue;
    reader.refuse(`--${flag}`, undefined, 'cannot be given with --resume: the run goes on as it was begun');
  }
  refuseFlags(reader.problems);
  const resume = await readSnapshot(named, cwd);
  if (target !== undefined && target !== resume.target) {
    reader.refuse('--target', target, `the run that is taken up is a ${resume.target} run`, 'leave --target out');
  }
  return { experiment: resume.experiment, sizing: null, resume };
}
