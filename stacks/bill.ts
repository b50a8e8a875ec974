import { floorCurve, worstCaseCurve } from '../runtime/cost/agent-curve.js';
import { keptArchive } from '../runtime/cost/archive.js';
import { CostModel, formatQuantity } from '../runtime/cost/cost-model.js';
import { sizingOf } from '../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../runtime/cost/estimate.js';
import { assumptionOf, PRICES } from '../runtime/cost/price-table.js';
import type { Sizing } from '../runtime/cost/sizing.js';
import { HOUR } from '../runtime/kernel/units.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';

/**
 * What a deployment costs, in US dollars, as shown among the stack's outputs. It is made from the stack's config and
 * the price list alone, on two curves of agents that `plan` shows for the same stack file as well:
 *
 * - the **floor**: the agents the run begins with (or its stages) and its reserve, never scaled up. `plan` calls it
 *   “Cost at the floor”.
 * - the **worst case**: the most agents there can ever be, from beginning to end. Budget policies judge by it.
 *
 * `plan` knows a third curve, that of a rehearsal which lies under `results/`. It is no part of the outputs: they
 * would change with files that are on one person's disk.
 */
export interface Bill {
  /** The run on the floor curve. */
  readonly runUsd: number;
  /** The run on the worst-case curve. */
  readonly worstCaseUsd: number;
  /** An hour of the run, on the floor curve. */
  readonly perHourUsd: number;
  /** An hour of the run, on the worst-case curve. */
  readonly worstCasePerHourUsd: number;
  /** An hour in which everything stands there and there is no task: the agents' nodes at their fewest. */
  readonly idleHourUsd: number;
  /** What goes on costing after `pulumi destroy`. */
  readonly afterDestroy: AfterDestroy;
  /** By part, for the run, on the floor curve. */
  readonly parts: Readonly<Record<string, number>>;
  /** Parts whose price was taken over from elsewhere or assumed. */
  readonly assumed: readonly string[];
  /** What this bill leaves out. */
  readonly notPriced: readonly string[];
}

/**
 * The archive after `pulumi destroy`, with what one whole run has written to it; the bucket is named by the output
 * `leftAfterDestroy`. Nothing of it comes on top of the run's bill, which holds its whole retention (part S3 storage).
 */
export interface AfterDestroy {
  /** GB there are before the bucket's rules begin to delete; 0 = nothing is left, null = not known. */
  readonly archiveGb: number | null;
  /** A month of that, to a hundredth of a cent, less and less as the rules delete; null = its price is not known. */
  readonly perMonthUsd: number | null;
  /** How it was reckoned, for people. */
  readonly basis: string;
}

/** The bill by the estimator that `plan` and the policies use. Throws PRICE_UNKNOWN for a machine without a price. */
export function billOf(experiment: Experiment, deployment: Deployment): Bill {
  const sizing = sizingOf(deployment);
  const run = estimateCost({ experiment, agentCurve: floorCurve(experiment), sizing });
  const worst = estimateCost({ experiment, agentCurve: worstCaseCurve(experiment), sizing });
  return {
    runUsd: cents(run.totalUsd),
    worstCaseUsd: cents(worst.totalUsd),
    perHourUsd: cents(run.perHourUsd),
    worstCasePerHourUsd: cents(worst.perHourUsd),
    idleHourUsd: cents(idleHour(experiment, sizing)),
    afterDestroy: afterDestroy(experiment, deployment, sizing),
    parts: Object.fromEntries(run.parts.map(({ part, usd }) => [part, cents(usd)])),
    assumed: run.parts.filter(({ price }) => price.assumed).map(({ part }) => part),
    notPriced: sizing.unpriced,
  };
}

/** Without tasks there is no traffic of theirs, no log to archive and no call of a model. */
function idleHour(experiment: Experiment, sizing: Sizing): number {
  const idle: Experiment = { ...experiment, load: { ...experiment.load, segments: [] } };
  return new CostModel(idle, PRICES, sizing).totalUsd({ elapsedMs: HOUR, agentNodeMs: sizing.minAgentNodes * HOUR });
}

function afterDestroy(experiment: Experiment, { archive }: Deployment, sizing: Sizing): AfterDestroy {
  // A bucket on somebody's server is not the stack's to delete; one on AWS goes with the stack unless it is retained.
  if (archive?.provider === 's3-compatible')
    return { archiveGb: null, perMonthUsd: null, basis: 'the archive stays on its S3-compatible server: not priced' };
  const kept = archive?.retain === true ? keptArchive(experiment, PRICES, sizing) : null;
  if (kept === null) return { archiveGb: 0, perMonthUsd: 0, basis: 'nothing is left' };
  const { gb, perMonthUsd, price } = kept;
  const assumption = assumptionOf(price);
  const mark = assumption === null ? '' : ` [assumed: ${assumption}]`;
  return {
    archiveGb: rounded(gb, 3),
    perMonthUsd: rounded(perMonthUsd, 4),
    basis: `${formatQuantity(gb)} GB × $${price.usd} a month (${price.region}, ${price.asOf}, ${price.source})${mark}`,
  };
}

function cents(usd: number): number {
  return rounded(usd, 2);
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
