import type { Price } from './price-table.js';

/** What has been used of the things that grow with time and agents. */
export interface ResourceUse {
  readonly elapsedMs: number;
  /** Node-milliseconds of the agent pool. */
  readonly agentNodeMs: number;
  /** What agents have reported for their model calls, US dollars; absent = nothing yet, and the plan's figure holds. */
  readonly modelUsd?: number;
}

/** What one line of the bill is computed from. */
export interface CostItem {
  readonly part: string;
  readonly price: Price;
  /** What is counted, for people: `100 GiB × 3 volumes`. */
  readonly what: string;
  quantityOf(use: ResourceUse): number;
}
