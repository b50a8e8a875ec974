import { readFileSync } from 'node:fs';
import { ExperimentError } from '../kernel/errors.js';
import { parseCompiledExperiment } from '../spec/compiled-schema.js';
import type { Experiment } from '../spec/experiment.js';

/**
 * The compiled experiment of a role: `spec.json` of a run's folder, or of the ConfigMap `experiment-spec`.
 *
 * @throws ExperimentError FILE_UNREADABLE when there is no such file or it is no JSON, RECORD_UNREADABLE when it is no
 * compiled experiment.
 */
export function readSpec(file: string): Experiment {
  const hint = 'SPEC_FILE names the spec.json of a run, or of the ConfigMap experiment-spec';
  try {
    return parseCompiledExperiment(JSON.parse(readFileSync(file, 'utf8')), file);
  } catch (error) {
    if (error instanceof ExperimentError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ExperimentError('FILE_UNREADABLE', `${file} cannot be read`, [{ path: file, message, hint }], {
      cause: error,
    });
  }
}
