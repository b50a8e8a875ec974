import type { Experiment } from '../spec/experiment.js';
import { piecesOf, type AgentCurve } from './agent-curve.js';
import { CostModel, type CostEstimate } from './cost-model.js';
import { PRICES, type PriceTable } from './price-table.js';
import { defaultSizing } from './deployment-sizing.js';
import type { Sizing } from './sizing.js';

/** What a cost estimate is made from. */
export interface CostQuestion {
  readonly experiment: Experiment;
  /** Agents over the run, reserve included. */
  readonly agentCurve: AgentCurve;
  /** @default the prices that come with the program */
  readonly prices?: PriceTable;
  /** @default what the default deployment of the experiment has */
  readonly sizing?: Sizing;
  /** When prices are judged for their age, epoch ms. @default the start of the run */
  readonly atMs?: number;
}

/**
 * What the run costs on a cluster in `budget.region`, from its first to its last planned moment; bringing the
 * cluster up and down comes on top. Throws PRICE_UNKNOWN for a SKU without any price.
 */
export function estimateCost({ experiment, agentCurve, prices, sizing, atMs }: CostQuestion): CostEstimate {
  const model = new CostModel(experiment, prices ?? PRICES, sizing ?? defaultSizing(experiment));
  let agentNodeMs = 0;
  for (const { agents, spanMs } of piecesOf(agentCurve, experiment.durationMs))
    agentNodeMs += model.nodes(agents) * spanMs;
  return model.estimate({ elapsedMs: experiment.durationMs, agentNodeMs }, atMs);
}
