import { floorCurve, worstCaseCurve } from '../runtime/cost/agent-curve.js';
import { CostModel } from '../runtime/cost/cost-model.js';
import { sizingOf } from '../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../runtime/cost/estimate.js';
import { PRICES } from '../runtime/cost/price-table.js';
import { HOUR } from '../runtime/kernel/units.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';

/** What a deployment costs, in US dollars, as shown among the stack's outputs. */
export interface Bill {
  /** The run with the agents at their floor. */
  readonly runUsd: number;
  /** The run with the most agents from beginning to end: what the policy goes by. */
  readonly worstCaseUsd: number;
  /** An hour of the run. */
  readonly perHourUsd: number;
  /** An hour in which everything stands there and nothing runs: the agents' nodes at their fewest. */
  readonly idleHourUsd: number;
  /** By part, for the run. */
  readonly parts: Readonly<Record<string, number>>;
  /** Parts whose price was taken over from elsewhere or assumed. */
  readonly assumed: readonly string[];
  /** What this bill leaves out. */
  readonly notPriced: readonly string[];
}

/** The bill by the estimator that `plan` and the policies use. Throws PRICE_UNKNOWN for a machine without a price. */
export function billOf(experiment: Experiment, deployment: Deployment): Bill {
  const sizing = sizingOf(deployment);
  const run = estimateCost({ experiment, agentCurve: floorCurve(experiment), sizing });
  const worst = estimateCost({ experiment, agentCurve: worstCaseCurve(experiment), sizing });
  const idle = new CostModel(experiment, PRICES, sizing).estimate({
    elapsedMs: HOUR,
    agentNodeMs: sizing.minAgentNodes * HOUR,
  });
  return {
    runUsd: cents(run.totalUsd),
    worstCaseUsd: cents(worst.totalUsd),
    perHourUsd: cents(run.perHourUsd),
    idleHourUsd: cents(idle.totalUsd),
    parts: Object.fromEntries(run.parts.map(({ part, usd }) => [part, cents(usd)])),
    assumed: run.parts.filter(({ price }) => price.assumed).map(({ part }) => part),
    notPriced: sizing.unpriced,
  };
}

function cents(usd: number): number {
  return Math.round(usd * 100) / 100;
}
