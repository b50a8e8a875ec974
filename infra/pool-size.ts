/** Size of a pool, in all zones together. */
export type PoolSize =
  | { readonly kind: 'fixed'; readonly nodes: number }
  | { readonly kind: 'autoscaled'; readonly initial: number; readonly min: number; readonly max: number };

/** The part of a GKE node pool that says how many nodes there are, and where. */
export interface PoolCounts {
  readonly nodeLocations: string[];
  /** Per zone; only of a fixed pool: beside autoscaling it would undo what the autoscaler did. */
  readonly nodeCount?: number;
  /** Per zone, when the pool is made. */
  readonly initialNodeCount?: number;
  readonly autoscaling?: { totalMinNodeCount: number; totalMaxNodeCount: number; locationPolicy: string };
}

/**
 * Says the size of a pool as GKE wants it said. In a regional cluster it counts nodes per zone: 50 would be 200 in
 * four zones. So limits are given as totals, and counts are divided.
 *
 * A pool keeps to as many zones as can hold a permitted number of nodes evenly: a fixed pool of 3 has one node in each
 * of three zones, however many there are. Where the initial nodes of an autoscaled pool cannot be divided evenly, it
 * begins with less than one node a zone more, within its limits; the autoscaler takes away what nothing needs.
 *
 * @param zones Those the cluster has; at least one. Doubles are ignored.
 */
export function poolCounts(size: PoolSize, zones: readonly string[]): PoolCounts {
  const distinct = [...new Set(zones)];
  const { min, max, initial } = size.kind === 'fixed' ? limits(size.nodes) : size;
  const used = evenZones(min, max, distinct.length);
  const perZone = Math.min(Math.ceil(initial / used), Math.floor(max / used));
  const nodeLocations = distinct.slice(0, used);
  if (size.kind === 'fixed') return { nodeLocations, nodeCount: perZone };
  return {
    nodeLocations,
    initialNodeCount: perZone,
    // ANY takes nodes where there are some: on Spot, zones run out one by one.
    autoscaling: { totalMinNodeCount: min, totalMaxNodeCount: max, locationPolicy: 'ANY' },
  };
}

const limits = (nodes: number) => ({ min: nodes, initial: nodes, max: nodes });

/** The most zones of which each can hold the same number of nodes, with a total within the limits and above 0. */
function evenZones(min: number, max: number, zones: number): number {
  for (let used = zones; used > 1; used--) {
    const most = Math.floor(max / used) * used;
    if (most > 0 && most >= min) return used;
  }
  return 1;
}
