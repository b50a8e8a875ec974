import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentCurve, AgentCurveStep } from '../cost/agent-curve.js';
import { knownRuns, RESULTS_FOLDER } from '../record/known-runs.js';
import { RUN_FILES } from '../record/run-folder.js';
import { specHash } from '../spec/spec-hash.js';
import type { Experiment } from '../spec/experiment.js';

/** The agents a rehearsal of an experiment had. */
export interface RehearsedCurve {
  /** The folder below `results/`. */
  readonly run: string;
  readonly curve: AgentCurve;
  readonly verdict: string;
}

/** As much of a report as is needed; everything else may be of any version. */
const Report = z.looseObject({
  verdict: z.string(),
  metadata: z.looseObject({ target: z.string(), cutShort: z.boolean() }),
  provenance: z.looseObject({ specHash: z.string() }),
  series: z.looseObject({ bucketMs: z.number().positive(), agentsTarget: z.array(z.number().nonnegative()).min(1) }),
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
    const { metadata, provenance, series, verdict } = parsed.data;
    if (metadata.target !== 'rehearsal' || metadata.cutShort || provenance.specHash !== hash) continue;
    return { run, curve: curveOf(series), verdict };
  }
  return null;
}

/** The agents of a report's series as a curve: a step wherever their number changes. */
export function curveOf(series: { readonly bucketMs: number; readonly agentsTarget: readonly number[] }): AgentCurve {
  const steps: AgentCurveStep[] = [];
  for (const [index, agents] of series.agentsTarget.entries()) {
    if (steps.at(-1)?.agents !== agents) steps.push({ atMs: index * series.bucketMs, agents });
  }
  return steps;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
