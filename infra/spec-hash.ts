import { createHash } from 'node:crypto';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import type { WorkloadName } from './workloads.js';

/** Annotation of pods: changes when what the role reads of the spec does, so that its pods are replaced then. */
export const SPEC_HASH_ANNOTATION = 'agent-experiment/spec-hash';

/**
 * Fingerprint of the part of the spec a workload works by. Agents know tasks, queue and how they themselves behave: a
 * new budget or another load must not replace two hundred of them.
 */
export function specHash(workload: WorkloadName, experiment: Experiment, deployment: Deployment): string {
  const { tasks, queue, simulation, fleet } = experiment;
  const { slots, recycle, drainTimeoutMs, zones } = fleet;
  const part =
    workload === 'agent'
      ? { tasks, queue, simulation, slots, recycle, drainTimeoutMs, zones }
      : { experiment, zones: deployment.zones, archive: deployment.archive, schedule: deployment.schedule };
  return createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
}
