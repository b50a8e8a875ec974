import type { types } from '@pulumi/kubernetes';

/** The pools of the document; nodes carry the name as their label `role`. */
export type PoolRole = 'coordinator' | 'agent' | 'monitoring';

/** Label of the nodes of a pool (document 11.1). */
export const ROLE_LABEL = 'role';

/** Key of the taint that keeps other pods off a pool; its value is the role. The monitoring pool has none: there is
 * where the cluster's own pods run. */
export const ROLE_TAINT = 'agent-experiment/role';

/** Where pods may run: the part of a pod spec that says so. */
export type Placement = Pick<types.input.core.v1.PodSpec, 'nodeSelector' | 'tolerations'>;

/**
 * Binds pods to the nodes of a pool.
 *
 * @param by `any` where nodes carry no role labels: pods then run wherever there is room.
 */
export function placedOn(role: PoolRole, by: 'role' | 'any'): Placement {
  if (by === 'any') return {};
  return {
    nodeSelector: { [ROLE_LABEL]: role },
    ...(role === 'monitoring'
      ? {}
      : { tolerations: [{ key: ROLE_TAINT, operator: 'Equal', value: role, effect: 'NoSchedule' }] }),
  };
}
