import { join, resolve } from 'node:path';
import { openControlApi, type ControlApi } from '../control/api.js';
import type { RunControl } from '../control/port.js';
import type { Sizing } from '../cost/sizing.js';
import { ExperimentError } from '../kernel/errors.js';
import { SECOND } from '../kernel/units.js';
import { RESULTS_FOLDER } from '../record/known-runs.js';
import type { Experiment } from '../spec/experiment.js';
import { execute, type Executed, type ToldAlert } from '../targets/execute.js';
import type { RedisChoice } from '../targets/redis-run.js';
import type { RunSnapshot } from '../targets/snapshot.js';
import { Interruption } from './interruption.js';
import type { Io } from './io.js';
import { Progress } from './progress.js';
import { COMMAND, shellWord, shownPath } from './shown.js';

export interface Conduct {
  readonly experiment: Experiment;
  /** What the run is priced on; null = what the run that is taken up was. */
  readonly sizing: Sizing | null;
  readonly target: 'rehearsal' | 'local';
  readonly out: string | null;
  readonly resume: RunSnapshot | null;
  /** null = the tasks are kept in this process. */
  readonly redis: RedisChoice | null;
}

/** Errors behind the scenes that are told; of more there is only a count. */
const MOST_ERRORS = 5;
/** What a run is given to end by itself after an error nobody caught. */
const GRACE_MS = 10 * SECOND;

/**
 * Runs an experiment in sight of a person: progress, Ctrl-C, and for a live run its control from other terminals.
 * `conclude` is called when it is over, while `control.json` is still there: who waits for the run finds the report.
 */
export async function conduct<Result>(
  { experiment, sizing, target, out, resume, redis }: Conduct,
  io: Io,
  conclude: (executed: Executed) => Promise<Result>,
): Promise<Result> {
  const errors = new ErrorNotes(io);
  const broken = io.clock.deferred<never>();
  const releases: (() => void)[] = [];
  let progress: Progress | null = null;
  let control: ControlApi | null = null;
  errors.say = (text) => {
    if (progress === null) io.stderr.write(`${text}\n`);
    else progress.note(text);
  };
  // Until there is a run to interrupt, its start is called off.
  const start = new AbortController();
  const release = redis === null ? () => undefined : io.onSignal(() => start.abort());
  const onRun = async (run: RunControl, folder: string, save: () => Promise<void>): Promise<void> => {
    const shown = new Progress(io.stderr, io.clock, () => run.status(), target);
    progress = shown;
    release();
    run.onSample(() => {
      shown.sampled();
    });
    const interruption = new Interruption(run, experiment.fleet.drainTimeoutMs, (text) => {
      shown.note(text);
    });
    releases.push(
      io.onSignal((signal) => {
        if (!interruption.interrupt(signal)) broken.reject(brokenOff('the run was broken off', folder, io.cwd));
      }),
    );
    releases.push(
      io.onCrash((error) => {
        const giveUp = (): void => {
          broken.reject(brokenOff('the run broke off after an internal error', folder, io.cwd));
        };
        const say = (text: string): void => {
          shown.note(text);
        };
        releases.push(crashed(error, { run, save, giveUp, say }, io));
      }),
    );
    if (target === 'local') {
      control = await openControlApi({ run, folder, clock: io.clock });
      shown.note(howToControl(folder, io.cwd));
    }
  };
  try {
    const executed = await Promise.race([
      execute({
        experiment,
        target,
        out: out === null ? null : resolve(io.cwd, out),
        root: join(io.cwd, RESULTS_FOLDER),
        ...(sizing === null ? {} : { sizing }),
        ...(resume === null ? {} : { resume }),
        ...(redis === null ? {} : { redis }),
        signal: start.signal,
        onProgress: (text) => {
          io.stderr.write(`${text}\n`);
        },
        onRun,
        onAlert: (alert) => {
          if (target === 'local') progress?.note(alertText(alert));
        },
        onError: (error) => {
          errors.add(error);
        },
      }),
      broken.promise,
    ]);
    (progress as Progress | null)?.finish();
    errors.summarise();
    return await conclude(executed);
  } finally {
    for (const each of [release, ...releases]) each();
    await (control as ControlApi | null)?.close();
  }
}

/** An error nobody caught: the run is ended and written down, in order where that is still possible. */
function crashed(error: unknown, { run, save, giveUp, say }: Crash, io: Io): () => void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`An internal error, which ends the run: ${message}`);
  const last = (): void => {
    save().then(giveUp, giveUp);
  };
  try {
    // That it could not be carried out is seen by its not ending.
    Promise.resolve(run.emergencyStop('an internal error')).catch(() => undefined);
    const grace = io.clock.after(GRACE_MS, last);
    return () => {
      grace.cancel();
    };
  } catch {
    last();
    return () => undefined;
  }
}

interface Crash {
  readonly run: RunControl;
  readonly save: () => Promise<void>;
  readonly giveUp: () => void;
  readonly say: (text: string) => void;
}

function brokenOff(headline: string, folder: string, cwd: string): ExperimentError {
  const shown = shownPath(folder, cwd);
  return new ExperimentError('INTERNAL', headline, [
    {
      path: shown,
      message: 'holds what was recorded until then',
      hint: `build its report: ${COMMAND} report ${shellWord(shown)}`,
    },
  ]);
}

/** Tells each error behind the scenes once, and not too many of them. */
class ErrorNotes {
  private readonly told = new Set<string>();
  private more = 0;
  say: (text: string) => void = () => undefined;

  constructor(private readonly io: Io) {}

  add(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.told.has(message) || this.told.size >= MOST_ERRORS) {
      this.more += 1;
      return;
    }
    this.told.add(message);
    this.say(`Something failed, the run goes on: ${message}`);
  }

  summarise(): void {
    if (this.more > 0) this.io.stderr.write(`${this.more} more errors of the kinds above.\n`);
  }
}

function alertText({ severity, condition, name }: ToldAlert): string {
  return `${severity} alert ${name}: ${condition}`;
}

function howToControl(folder: string, cwd: string): string {
  const shown = shownPath(folder, cwd);
  const run = shown.startsWith(`${RESULTS_FOLDER}/`) ? '' : ` --run ${shellWord(folder)}`;
  return [
    `Recording into ${shown}. From another terminal, in this folder:`,
    `  ${COMMAND} watch${run}      a live view (status: one look)`,
    `  ${COMMAND} pause${run}      also resume, drain, scale N, chaos on|off, snapshot, stop, emergency-stop`,
    'Ctrl-C lets running tasks finish and ends the run; a second one aborts it. Both leave a report.',
  ].join('\n');
}
