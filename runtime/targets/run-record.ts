import { z } from 'zod';
import { ExperimentError } from '../kernel/errors.js';
import { nanToText, textToNan } from '../kernel/json-numbers.js';
import { Tally } from '../observe/tally.js';
import type { Experiment } from '../spec/experiment.js';
import type { RunRecord } from './observation.js';

/** What `record.json` holds: the record of a run, and whether the run had ended when it was written. */
export interface StoredRecord {
  readonly record: RunRecord;
  /** False = the process ended without a word after this was written. */
  readonly ended: boolean;
}

export function recordToJson(record: RunRecord, ended: boolean): string {
  return [...recordSlices(record, ended)].join('');
}

/**
 * The same text in pieces, so that a live run can send its tasks between them. The record is copied before the first
 * piece is handed out: what happens meanwhile does not get into it.
 */
export function recordSlices(record: RunRecord, ended: boolean): Generator<string> {
  return slices({ schemaVersion: 1, ended, record: { ...record, tally: record.tally.toJSON() } }, SLICE_DEPTH, '\n');
}

/** Down to the columns of the series and the single histograms. */
const SLICE_DEPTH = 4;

function* slices(value: unknown, depth: number, end = ''): Generator<string> {
  if (depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value) || 'toJSON' in value) {
    yield JSON.stringify(value, nanToText) + end;
    return;
  }
  let before = '{';
  for (const [key, part] of Object.entries(value) as Array<[string, unknown]>) {
    if (part === undefined) continue;
    yield `${before}${JSON.stringify(key)}:`;
    yield* slices(part, depth - 1);
    before = ',';
  }
  yield `${before === '{' ? '{' : ''}}${end}`;
}

const stored = z.object({
  schemaVersion: z.literal(1),
  ended: z.boolean(),
  record: z.looseObject({
    experimentId: z.string(),
    target: z.enum(['rehearsal', 'local', 'cluster']),
    endedAt: z.number(),
    tally: z.looseObject({}),
  }),
});

/** Reads `record.json` back. Throws RECORD_UNREADABLE for what is no record, or one of another version. */
export function parseRecord(text: string, file: string, experiment: Experiment): StoredRecord {
  try {
    const json = stored.parse(JSON.parse(text, textToNan));
    const record = json.record as unknown as RunRecord & { readonly tally: never };
    return { ended: json.ended, record: { ...record, tally: Tally.fromJSON(experiment, record.tally) } };
  } catch (error) {
    throw new ExperimentError(
      'RECORD_UNREADABLE',
      'the record of the run cannot be read',
      [
        {
          path: file,
          message: error instanceof Error ? error.message : String(error),
          hint: 'the file is damaged or of another version; the events and metrics beside it may still be whole',
        },
      ],
      { cause: error },
    );
  }
}
