import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { timedCurve, type TimedCurve } from '../cost/agent-time.js';
import { knownRuns, RESULTS_FOLDER } from './known-runs.js';
import { RUN_FILES } from './run-folder.js';
import { specHash } from '../spec/spec-hash.js';
import type { Experiment } from '../spec/experiment.js';

/** The agents a rehearsal of an experiment had, and for how long. */
export interface RehearsedCurve extends TimedCurve {
  /** The folder below `results/`. */
  readonly run: string;
  readonly verdict: string;
}

/** As much of a report as is needed; everything else may be of any version. */
const Report = z.looseObject({
  verdict: z.string(),
  metadata: z.looseObject({ target: z.string(), cutShort: z.boolean() }),
  provenance: z.looseObject({ specHash: z.string() }),
  cost: z.looseObject({
    agentTime: z.array(z.object({ agents: z.number().nonnegative(), ms: z.number().positive() })).min(1),
  }),
});

/** The newest whole rehearsal of this very experiment under `results/`; null when there is none. */
export async function rehearsedCurve(experiment: Experiment, cwd: string): Promise<RehearsedCurve | null> {
  const hash = specHash(experiment);
  for (const run of await knownRuns(cwd)) {
    const text = await readFile(join(cwd, RESULTS_FOLDER, run, RUN_FILES.json), 'utf8').catch(() => null);
    // Most reports are of other experiments: their series need not be read.
    if (text?.includes(hash) !== true) continue;
    const parsed = Report.safeParse(jsonOf(text));
    if (!parsed.success) continue;
    const { metadata, provenance, cost, verdict } = parsed.data;
    if (metadata.target !== 'rehearsal' || metadata.cutShort || provenance.specHash !== hash) continue;
    return { run, verdict, ...timedCurve(cost.agentTime) };
  }
  return null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
