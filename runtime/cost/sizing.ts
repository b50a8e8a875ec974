import type { Purchase } from './price-table.js';

/**
 * What a cluster for an experiment is made of, as far as it costs money and the experiment does not say. Its agents'
 * machine, how many of them share a node and whether they are bought as Spot is the experiment's `fleet`.
 */
export interface Sizing {
  /** Machine of the agent pool; null = machines that are there already, which nothing is known of. */
  readonly agentMachine: string | null;
  /** Nodes the agent pool keeps when fewer would do. */
  readonly minAgentNodes: number;
  /** Nodes the agent pool never exceeds: agents beyond them stay pending. */
  readonly maxAgentNodes: number;
  /** Pools of fixed size, always bought on demand. */
  readonly pools: readonly { readonly name: string; readonly machine: string; readonly nodes: number }[];
  /** Whether Google's fee for a cluster is paid. */
  readonly clusterFee: boolean;
  readonly bootDisk: { readonly sku: string; readonly gib: number };
  /** Volumes of the stores in the cluster. */
  readonly volumes: readonly {
    readonly name: string;
    readonly sku: string;
    readonly count: number;
    readonly gib: number;
  }[];
  /** External addresses of the NAT gateway; 0 = there is no gateway of ours. */
  readonly natAddresses: number;
  /** What crosses from zone to zone inside the cluster; null = its price is not known. */
  readonly interZone: {
    /** Task, result, journal and their copies in replicas. */
    readonly bytesPerAttempt: number;
    /** One beat of one agent, with its answer. */
    readonly bytesPerBeat: number;
  } | null;
  /** Images in a registry that is paid for, GiB. */
  readonly imageGib: number;
  /** null = no archive, or one whose price is not known. */
  readonly archive: {
    /** AWS region of the bucket. */
    readonly region: string;
    /** Compressed log of a task attempt. */
    readonly bytesPerAttempt: number;
    /** Compressed metrics and events of one sample of `storage.timeSeries.resolutionMs`. */
    readonly bytesPerSample: number;
    readonly bytesPerObject: number;
  } | null;
  /** What is used but not priced, for people. */
  readonly unpriced: readonly string[];
}

/** What a bill on this sizing does not hold, as a sentence; null = nothing is missing. */
export function unpricedRemark({ unpriced }: Sizing): string | null {
  return unpriced.length === 0 ? null : `Not in the bill: ${unpriced.join('; ')}.`;
}

/** How the agents' nodes are bought. */
export function agentPurchase(spot: boolean): Purchase {
  return spot ? 'spot' : 'on-demand';
}

/** Nodes that hold so many agents, within the bounds of the pool. */
export function nodesFor(agents: number, agentsPerNode: number, sizing: Sizing): number {
  const needed = Math.max(sizing.minAgentNodes, Math.ceil(agents / agentsPerNode));
  return Math.min(sizing.maxAgentNodes, needed);
}
