import type { Purchase } from './price-table.js';

/** What a cluster for an experiment is made of, as far as it costs money and the experiment does not say. */
export interface Sizing {
  readonly agentMachine: string;
  /** Nodes the agent pool keeps when fewer would do. */
  readonly minAgentNodes: number;
  /** Pools of fixed size, always bought on demand. */
  readonly pools: readonly { readonly name: string; readonly machine: string; readonly nodes: number }[];
  readonly bootDisk: { readonly sku: string; readonly gib: number };
  /** Volumes of the stores in the cluster. */
  readonly volumes: readonly {
    readonly name: string;
    readonly sku: string;
    readonly count: number;
    readonly gib: number;
  }[];
  readonly natAddresses: number;
  readonly archive: {
    /** AWS region of the bucket. */
    readonly region: string;
    /** Compressed log of a task attempt. */
    readonly bytesPerAttempt: number;
    /** Compressed metrics and events of one sample of `storage.timeSeries.resolutionMs`. */
    readonly bytesPerSample: number;
    readonly bytesPerObject: number;
  };
}

/**
 * The document's pools (11.1) and databases; Redis keeps its data in memory and needs no volume. The sizes of the
 * document's stores that it leaves open, boot disks and archive figures are assumptions of ours.
 */
export const DEFAULT_SIZING: Sizing = {
  agentMachine: 'n2-standard-4',
  minAgentNodes: 0,
  pools: [
    { name: 'coordinator-pool', machine: 'n2-standard-8', nodes: 3 },
    { name: 'monitoring-pool', machine: 'n2-standard-4', nodes: 3 },
  ],
  bootDisk: { sku: 'pd-balanced', gib: 50 },
  volumes: [
    { name: 'Postgres', sku: 'pd-ssd', count: 3, gib: 500 },
    { name: 'InfluxDB', sku: 'pd-ssd', count: 1, gib: 200 },
    { name: 'Elasticsearch', sku: 'pd-balanced', count: 3, gib: 100 },
  ],
  natAddresses: 1,
  archive: { region: 'us-east-1', bytesPerAttempt: 2_048, bytesPerSample: 512, bytesPerObject: 8 * 2 ** 20 },
};

/** How the agents' nodes are bought. */
export function agentPurchase(spot: boolean): Purchase {
  return spot ? 'spot' : 'on-demand';
}

/** Nodes that hold so many agents. */
export function nodesFor(agents: number, agentsPerNode: number, sizing: Sizing): number {
  return Math.max(sizing.minAgentNodes, Math.ceil(agents / agentsPerNode));
}
