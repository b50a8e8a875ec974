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
  /** How long the run took from its first moment to its last, ms. @default as planned */
  readonly elapsedMs?: number;
  /** When prices are judged for their age, epoch ms. @default the start of the run */
  readonly atMs?: number;
}

/**
 * What the run costs on a cluster in `budget.region`, from its first to its last moment; bringing the cluster up and
 * down comes on top. On the agents a run had and for as long as it took (`timedCurve` of its report's
 * `cost.agentTime`) that is what its meter showed at its end. Throws PRICE_UNKNOWN for a SKU without any price.
 */
export function estimateCost(question: CostQuestion): CostEstimate {
  const { experiment, agentCurve, prices, sizing, atMs, elapsedMs = experiment.durationMs } = question;
  const model = new CostModel(experiment, prices ?? PRICES, sizing ?? defaultSizing(experiment));
  let agentNodeMs = 0;
  for (const { agents, spanMs } of piecesOf(agentCurve, elapsedMs)) agentNodeMs += model.nodes(agents) * spanMs;
  return model.estimate({ elapsedMs, agentNodeMs }, atMs);
}
