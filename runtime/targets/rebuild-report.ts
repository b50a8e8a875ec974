import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';
import type { ExperimentEvent } from '../observe/events.js';
import { EVENTS_FILE } from '../record/files.js';
import { readNdjson } from '../record/read-ndjson.js';
import { RUN_FILES } from '../record/run-folder.js';
import { buildReport } from '../report/build.js';
import type { ExperimentReport } from '../report/model.js';
import { parseCompiledExperiment } from '../spec/compiled-schema.js';
import type { Experiment } from '../spec/experiment.js';
import { parseRecord } from './run-record.js';

export interface Rebuilt {
  readonly report: ExperimentReport;
  /** What people should know about it; empty where all there ever was could be read. */
  readonly notes: readonly string[];
}

/**
 * Builds the report of a run from what it recorded: `spec.json`, `record.json`, `events.ndjson.gz`. Of a run that
 * ended in order it is the same report again; of one whose process was killed, what had been written down until then.
 * Throws RECORD_UNREADABLE when spec or record are missing or damaged.
 */
export async function rebuildReport(folder: string): Promise<Rebuilt> {
  const experiment = await readSpec(folder);
  const recordFile = join(folder, RUN_FILES.record);
  const { record, ended } = parseRecord(await readNeeded(folder, RUN_FILES.record), recordFile, experiment);
  const { lines, whole } = await readNdjson(join(folder, EVENTS_FILE));
  const events = lines as readonly ExperimentEvent[];
  if (ended) {
    const note = `${EVENTS_FILE} is damaged or missing: the report lacks what happened after ${lastTime(events)}`;
    return { report: buildReport({ ...record, experiment, events }), notes: whole ? [] : [note] };
  }
  const upTo = new Date(record.endedAt).toISOString();
  const cutShort = `the process ended without a word; figures up to ${upTo}`;
  // Events after the last record would tell of what the figures do not know yet.
  const known = events.filter(({ at }) => at <= record.endedAt);
  const report = buildReport({ ...record, experiment, events: known, cutShort });
  return { report, notes: [`The run was cut short: ${cutShort}.`] };
}

async function readSpec(folder: string): Promise<Experiment> {
  const text = await readNeeded(folder, RUN_FILES.spec);
  const file = join(folder, RUN_FILES.spec);
  try {
    return parseCompiledExperiment(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof ExperimentError) throw error;
    throw unreadable(folder, RUN_FILES.spec, error);
  }
}

async function readNeeded(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    throw await withRest(folder, name, error);
  }
}

/** Says what there is beside the file that is missing. */
async function withRest(folder: string, name: string, cause: unknown): Promise<ExperimentError> {
  const files = (await readdir(folder).catch(() => [])).sort();
  const left = files.length === 0 ? 'the folder is empty' : `left are ${files.join(', ')}`;
  return unreadable(folder, name, cause, left);
}

function unreadable(folder: string, name: string, cause: unknown, left = ''): ExperimentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ExperimentError(
    'RECORD_UNREADABLE',
    'the report cannot be built from this folder',
    [
      {
        path: join(folder, name),
        message: [reason, left].filter((part) => part !== '').join('; '),
        hint: 'is it the results folder of a run? A run has all it takes a second after it began',
      },
    ],
    { cause },
  );
}

function lastTime(events: readonly ExperimentEvent[]): string {
  const at = events.at(-1)?.at;
  return at === undefined ? 'its start' : new Date(at).toISOString();
}
