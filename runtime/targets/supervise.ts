import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunControl } from '../control/port.js';
import type { RunEnd } from '../coordinator/run.js';
import { Aborted } from '../kernel/clock.js';
import { ExperimentError } from '../kernel/errors.js';
import { MachineLag, type MachineLagSummary } from '../kernel/machine-lag.js';
import { EVENTS_FILE } from '../record/files.js';
import { readNdjson } from '../record/read-ndjson.js';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';
import { buildReport } from '../report/build.js';
import type { ExperimentReport } from '../report/model.js';
import type { FiringAlert } from '../observe/alerts.js';
import type { ExperimentEvent } from '../observe/events.js';
import type { Experiment } from '../spec/experiment.js';
import { Supervisor, type SupervisorOptions } from './processes/supervisor.js';
import { parseRecord, recordToJson } from './run-record.js';
import type { RunQueueMaker } from './run-queue.js';

/** As people are told of it. */
type SuperviseAlert = Pick<FiringAlert, 'name' | 'severity' | 'condition'>;

export interface SuperviseOptions extends SupervisorOptions {
  readonly queue: RunQueueMaker;
  /** Called as soon as there is a run, before it begins. `save`: there is nothing to save here. */
  readonly onRun: (run: RunControl, folder: string, save: () => Promise<void>) => void | Promise<void>;
  readonly onAlert: (alert: SuperviseAlert) => void;
}

/** What came of a run in many processes. */
export interface Supervised {
  readonly report: ExperimentReport;
  readonly end: RunEnd;
  readonly folder: string;
}

/**
 * Carries out a run all of whose roles are processes: starts them, keeps them up, and builds the report from what the
 * monitor has recorded. Everything is down again when it returns, on every way out.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { folder, queue, onRun, onAlert, onError, experiment } = options;
  let begun = false;
  let supervisor: Supervisor | null = null;
  let machine: MachineLag | null = null;
  try {
    supervisor = await Supervisor.open(options);
    queue([supervisor.observer]);
    await supervisor.start();
    const { run } = supervisor;
    run.onEvent((event) => {
      const alert = firing(event, experiment);
      if (alert !== null) onAlert(alert);
    });
    await onRun(run, folder, () => Promise.resolve());
    begun = true;
    machine = new MachineLag();
    const { end, recordCutShort } = await supervisor.carryOut();
    const machineLag = await machine.stop();
    // What is left is only in the way from here on.
    const report = await reportOf(options, { events: run.events, recordCutShort, machineLag });
    return { report, end, folder };
  } catch (error) {
    if (!begun) {
      // Whoever still runs would write on.
      await supervisor?.close().catch(onError);
      supervisor = null;
      // Of a run that never began nothing is left lying about; all that is in its folder is its own.
      await rm(folder, { recursive: true, force: true });
    }
    if (!(error instanceof Aborted)) throw error;
    throw new ExperimentError('INTERNAL', 'The start was called off; nothing was left behind.', [], { cause: error });
  } finally {
    await machine?.stop();
    await supervisor?.close().catch(onError);
  }
}

interface Known {
  /** As the board has told them. */
  readonly events: readonly ExperimentEvent[];
  readonly recordCutShort: string | null;
  readonly machineLag: MachineLagSummary | null;
}

async function reportOf(
  { folder, experiment, onError }: SuperviseOptions,
  { events, recordCutShort, machineLag }: Known,
): Promise<ExperimentReport> {
  const file = join(folder, RUN_FILES.record);
  const { record: told } = parseRecord(await readRecord(file, recordCutShort), file, experiment);
  const record = machineLag === null ? told : { ...told, machineLag };
  if (recordCutShort !== null) {
    const cutShort = `${recordCutShort}; figures up to ${new Date(record.endedAt).toISOString()}`;
    // How it ended has to be known, what happened after the last record would not fit its figures.
    const known = events.filter(({ at, type }) => at <= record.endedAt || type === 'run_state');
    return buildReport({ ...record, experiment, events: known, cutShort });
  }
  // The figures are there: a full disk must not keep them from whoever waits for them.
  await writeWhole(file, recordToJson(record, true)).catch(onError);
  const { lines } = await readNdjson(join(folder, EVENTS_FILE));
  return buildReport({ ...record, experiment, events: lines as readonly ExperimentEvent[] });
}

async function readRecord(file: string, recordCutShort: string | null): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const message = recordCutShort ?? (cause instanceof Error ? cause.message : String(cause));
    const hint = 'processes.log in the folder of the run tells what each of its processes said';
    throw new ExperimentError('INTERNAL', 'The run left no record', [{ path: file, message, hint }], { cause });
  }
}

/** An alert that begins to fire, as people are told of it. */
function firing(event: ExperimentEvent, { alerts }: Experiment): SuperviseAlert | null {
  if (event.type !== 'alert' || event.state !== 'firing') return null;
  const { name, severity, value } = event;
  const metric = alerts.find((rule) => rule.name === name)?.metric ?? 'its metric';
  return { name, severity, condition: `${metric} is ${value}` };
}
