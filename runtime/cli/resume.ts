import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isAlive, readControlFile } from '../control/control-file.js';
import { sizingSchema } from '../cost/sizing-schema.js';
import { ExperimentError } from '../kernel/errors.js';
import { folderOfRun } from '../record/known-runs.js';
import { RUN_FILES } from '../record/run-folder.js';
import { parseCompiledExperiment } from '../spec/compiled-schema.js';
import type { RunSnapshot } from '../targets/snapshot.js';

const snapshotFile = z.looseObject({
  schemaVersion: z.literal(1),
  experimentId: z.string(),
  experiment: z.looseObject({}),
  sizing: sizingSchema.optional(),
  target: z.enum(['rehearsal', 'local']),
  takenAt: z.number(),
  startedAt: z.number(),
  state: z.string(),
  generator: z.looseObject({}),
  unfinished: z.array(z.looseObject({})),
  counts: z.looseObject({}),
  tally: z.looseObject({}),
  audit: z.looseObject({}),
  scaler: z.looseObject({}),
  agents: z.number(),
  fleet: z.looseObject({}),
  cost: z.looseObject({}),
  faults: z.array(z.looseObject({})),
  alerts: z.array(z.looseObject({})),
  chaos: z.boolean(),
  events: z.array(z.looseObject({ type: z.string(), at: z.number() })),
});

/**
 * Reads the snapshot a run is taken up from: a file, or a run with one in its folder. Throws RUN_ACTIVE while that run
 * is still under way (there must be one at a time), RECORD_UNREADABLE when the file is none.
 */
export async function readSnapshot(named: string, cwd: string): Promise<RunSnapshot> {
  const asFile = resolve(cwd, named);
  const found = await stat(asFile).catch(() => null);
  const folder = await folderOfRun(named, cwd);
  const file = found?.isFile() === true ? asFile : join(folder, RUN_FILES.snapshot);
  const control = await readControlFile(folder);
  if (control !== null && isAlive(control)) {
    throw new ExperimentError('RUN_ACTIVE', 'the run is still under way', [
      {
        path: '--resume',
        value: named,
        message: `process ${control.pid} carries it out; two must not carry out one run`,
        hint: 'stop it first: ./experiment.sh stop',
      },
    ]);
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error, 'take one of a live run with ./experiment.sh snapshot');
  });
  return parseSnapshot(text, file);
}

function parseSnapshot(text: string, file: string): RunSnapshot {
  try {
    const snapshot = snapshotFile.parse(JSON.parse(text));
    const experiment = parseCompiledExperiment(snapshot.experiment, file);
    return { ...snapshot, experiment } as unknown as RunSnapshot;
  } catch (error) {
    if (error instanceof ExperimentError) throw error;
    throw unreadable(file, error, 'the file is damaged, or of another version');
  }
}

function unreadable(file: string, cause: unknown, hint: string): ExperimentError {
  const message = cause instanceof z.ZodError ? cause.issues.map(issueText).join('; ') : messageOf(cause);
  return new ExperimentError('RECORD_UNREADABLE', 'the snapshot cannot be read', [{ path: file, message, hint }], {
    cause,
  });
}

function issueText({ path, message }: z.core.$ZodIssue): string {
  return `${path.map(String).join('.')}: ${message}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
