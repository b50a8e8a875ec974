import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Sizing } from '../cost/sizing.js';
import { ExperimentError } from '../kernel/errors.js';
import { writeWhole } from '../record/run-folder.js';
import type { ReportInput } from '../report/build.js';

/** In the folder of a run whose roles are processes. */
const FILE = 'basis.json';

/** What the monitor of a run is told beside the experiment itself. */
export interface RunBasis {
  readonly experimentId: string;
  /** What the run is priced on. */
  readonly sizing: Sizing;
  readonly provenance: Omit<ReportInput['provenance'], 'sinks' | 'queue'>;
}

const schema = z.object({
  experimentId: z.string(),
  sizing: z.custom<Sizing>((value) => typeof value === 'object' && value !== null && 'pools' in value),
  provenance: z.object({
    ...{ version: z.string(), commit: z.string(), imageDigest: z.string().nullable(), schemaVersion: z.number() },
    ...{ specHash: z.string(), seed: z.number() },
  }),
});

export async function writeBasis(folder: string, basis: RunBasis): Promise<void> {
  await writeWhole(join(folder, FILE), `${JSON.stringify(basis, null, 2)}\n`);
}

/** @throws ExperimentError FILE_UNREADABLE when there is none, or it is none of ours. */
export async function readBasis(folder: string): Promise<RunBasis> {
  const file = join(folder, FILE);
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = 'whoever starts the run writes it there; RESULTS_DIR names the folder';
    throw new ExperimentError('FILE_UNREADABLE', `${file} cannot be read`, [{ path: file, message, hint }], {
      cause: error,
    });
  }
}
