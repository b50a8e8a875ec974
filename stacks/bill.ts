import { floorCurve, worstCaseCurve } from '../runtime/cost/agent-curve.js';
import { keptArchive } from '../runtime/cost/archive.js';
import { CostModel, formatQuantity } from '../runtime/cost/cost-model.js';
import { sizingOf } from '../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../runtime/cost/estimate.js';
import { assumptionOf, PRICES } from '../runtime/cost/price-table.js';
import type { Sizing } from '../runtime/cost/sizing.js';
import { HOUR } from '../runtime/kernel/units.js';
import type { RehearsedCurve } from '../runtime/record/rehearsed-curve.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';

/**
 * What a deployment costs, in US dollars, as shown among the stack's outputs: the same figures that `plan` shows for
 * the same stack file, on the same curves of agents.
 *
 * - the run on the agents a **rehearsal** of this very experiment had, where one lies under `results/`;
 * - otherwise on the **floor**: the agents the run begins with (or its stages) and its reserve, never scaled up;
 * - the **worst case**: the most agents there can ever be, from beginning to end. Policies judge by it alone, so that
 *   nobody's files decide what may be deployed.
 */
export interface Bill {
  /** The curve of `runUsd`, `perHourUsd` and `parts`: `the floor`, or the rehearsal with its verdict. */
  readonly curve: string;
  /** The run. */
  readonly runUsd: number;
  /** The run on the worst-case curve. */
  readonly worstCaseUsd: number;
  /** An hour of the run. */
  readonly perHourUsd: number;
  /** An hour of the run, on the worst-case curve. */
  readonly worstCasePerHourUsd: number;
  /** An hour in which everything stands there and there is no task: the agents' nodes at their fewest. */
  readonly idleHourUsd: number;
  /** What goes on costing after `pulumi destroy`. */
  readonly afterDestroy: AfterDestroy;
  /** By part, for the run. */
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
export function billOf(experiment: Experiment, deployment: Deployment, rehearsed: RehearsedCurve | null): Bill {
  const sizing = sizingOf(deployment);
  const run = estimateCost({ experiment, sizing, ...(rehearsed ?? { agentCurve: floorCurve(experiment) }) });
  const worst = estimateCost({ experiment, agentCurve: worstCaseCurve(experiment), sizing });
  return {
    curve: rehearsed === null ? 'the floor' : `rehearsal ${rehearsed.run} (${rehearsed.verdict})`,
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
