import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import type { Deployment } from '../../runtime/spec/deployment/deployment.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';

/** The deployment of a phase's own stack, on GKE, with these options besides. */
export function sampleDeployment(phase: 1 | 2 | 3, options: object = {}): Deployment {
  const file = path.join(__dirname, '..', '..', `Pulumi.phase${phase}.yaml`);
  return compileDeployment({ project: 'sample-project', ...options }, loadExperiment(readFileSync(file, 'utf8'), file));
}
