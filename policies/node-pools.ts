import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { at, listAt, numberAt, textAt, UNKNOWN } from './known.js';
import { ofTypes, type Described } from './resources.js';

/** The type of a GKE node pool. */
export const NODE_POOL = 'gcp:container/nodePool:NodePool';

/** The roles of the document's pools, as nodes carry them in their label `role`. */
export const POOL_ROLES = ['coordinator', 'agent', 'monitoring'] as const;
export type PoolRole = (typeof POOL_ROLES)[number];

/** A pool of nodes: what is declared of it where that is known, else what the deployment says. */
export interface NodePool {
  readonly role: PoolRole;
  /** `agent-pool` */
  readonly name: string;
  readonly machineType: string;
  /** Fewest and most nodes, in all zones together. */
  readonly min: number;
  readonly max: number;
  readonly spot: boolean;
}

/** The pools of the stack; none on a cluster that was there before, as its nodes are nobody's to say. */
export function nodePools(resources: readonly Described[], { platform, pools }: Deployment): NodePool[] {
  if (platform.kind === 'existing') return [];
  const written = ofTypes(resources, [NODE_POOL]);
  return POOL_ROLES.map((role) => {
    const base =
      role === 'agent' ? pools.agent : { ...pools[role], min: pools[role].nodes, max: pools[role].nodes, spot: false };
    const props = written.find((pool) => textAt(pool.props, 'nodeConfig', 'labels', 'role') === role)?.props;
    const name = textAt(props, 'name') ?? `${role}-pool`;
    return {
      role,
      name,
      machineType: textAt(props, 'nodeConfig', 'machineType') ?? base.machineType,
      min: counted(props, 'min') ?? base.min,
      max: counted(props, 'max') ?? base.max,
      spot: spotOf(props) ?? base.spot,
    };
  });
}

/** Nodes in all zones; undefined where that is not declared, or not known. */
function counted(props: unknown, bound: 'min' | 'max'): number | undefined {
  const [total, perZone] =
    bound === 'min'
      ? (['totalMinNodeCount', 'minNodeCount'] as const)
      : (['totalMaxNodeCount', 'maxNodeCount'] as const);
  const zones = listAt(props, 'nodeLocations').length;
  const inEachZone = (count: number | undefined): number | undefined =>
    count === undefined || zones === 0 ? undefined : count * zones;
  if (at(props, 'autoscaling') === undefined)
    return inEachZone(numberAt(props, 'nodeCount') ?? numberAt(props, 'initialNodeCount'));
  return numberAt(props, 'autoscaling', total) ?? inEachZone(numberAt(props, 'autoscaling', perZone));
}

function spotOf(props: unknown): boolean | undefined {
  if (props === undefined) return undefined;
  const spot = at(props, 'nodeConfig', 'spot');
  if (spot === UNKNOWN || at(props, 'nodeConfig') === UNKNOWN) return undefined;
  return spot === true || at(props, 'nodeConfig', 'preemptible') === true;
}
