import { readFileSync } from 'node:fs';
import { ExperimentError } from '../kernel/errors.js';
import type { Experiment } from '../spec/experiment.js';
import { specHash } from '../spec/spec-hash.js';

/**
 * The compiled experiment of a role: `spec.json` of a run's folder, or of the ConfigMap `experiment-spec`.
 *
 * @param checked digest of the experiment as somebody else has checked it. What has this digest is not checked again:
 *   for an agent, one of hundreds, that is a large part of its start.
 * @throws ExperimentError FILE_UNREADABLE when there is no such file or it is no JSON, RECORD_UNREADABLE when it is no
 * compiled experiment.
 */
export async function readSpec(file: string, checked: string | null): Promise<Experiment> {
  const hint = 'SPEC_FILE names the spec.json of a run, or of the ConfigMap experiment-spec';
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (checked !== null && isExperiment(json, checked)) return json;
    const { parseCompiledExperiment } = await import('../spec/compiled-schema.js');
    return parseCompiledExperiment(json, file);
  } catch (error) {
    if (error instanceof ExperimentError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ExperimentError('FILE_UNREADABLE', `${file} cannot be read`, [{ path: file, message, hint }], {
      cause: error,
    });
  }
}

function isExperiment(json: unknown, checked: string): json is Experiment {
  return typeof json === 'object' && json !== null && specHash(json as Experiment) === checked;
}
