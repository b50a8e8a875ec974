import type { types } from '@pulumi/kubernetes';
import { selectorOf, type WorkloadName } from './workloads.js';

/**
 * Spreads the pods of a workload evenly, as far as there is room: while a zone is out, its share runs elsewhere rather
 * than not at all.
 *
 * @param over labels of nodes: `topology.kubernetes.io/zone`, `kubernetes.io/hostname`.
 */
export function spreadOver(
  workload: WorkloadName,
  over: readonly string[],
): types.input.core.v1.TopologySpreadConstraint[] {
  return over.map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(workload) },
    // Pods of an old version, on their way out, do not count.
    matchLabelKeys: ['pod-template-hash'],
  }));
}
