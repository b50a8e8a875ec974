import { formatCount, formatMoney } from '../runtime/spec/units.js';
import type { ExperimentSpec } from './experiment-spec.js';
import type { Described } from './resources.js';
import { worstCase, type WorstCase } from './worst-case-cost.js';

/** What a cost rule holds an estimate against. */
export interface CostLimit {
  /** `budget.max` */
  readonly name: string;
  readonly usd: number;
}

/** Which figure of the estimate is held against which limits. */
export interface CostQuestion {
  /** `The run`, `An hour of the run` */
  readonly subject: string;
  readonly limits: readonly CostLimit[];
  readonly amount: (worst: WorstCase['estimate']) => number;
}

/** The refusal of a cost above its limits: by how much, and what to change; undefined when it is within them. */
export function costRefusal(
  resources: readonly Described[],
  spec: ExperimentSpec,
  { subject, limits, amount }: CostQuestion,
): string | undefined {
  const strictest = limits.reduce<CostLimit | undefined>(
    (least, limit) => (least === undefined || limit.usd < least.usd ? limit : least),
    undefined,
  );
  if (strictest === undefined) return undefined;
  const worst = priced(resources, spec);
  if (typeof worst === 'string') return worst;
  const usd = amount(worst.estimate);
  if (usd <= strictest.usd) return undefined;
  const dearest = worst.estimate.parts.toSorted((a, b) => b.usd - a.usd).slice(0, 3);
  const share = dearest.map((part) => `${part.part} ${formatMoney(part.usd)}`).join(', ');
  return (
    `${subject} would cost ${formatMoney(usd)} at worst, ${formatMoney(usd - strictest.usd)} above ${strictest.name} of ` +
    `${formatMoney(strictest.usd)} (${formatCount(worst.agents)} agents on ${formatCount(worst.nodes)} nodes for the ` +
    `whole run; most of the run's ${formatMoney(worst.estimate.totalUsd)}: ${share}): ` +
    `${waysOut(spec, worst, strictest, amount).join(', ')}.`
  );
}

/** The worst case, or what is wrong with its prices. */
function priced(resources: readonly Described[], spec: ExperimentSpec): WorstCase | string {
  try {
    return worstCase(resources, spec);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function waysOut(
  { experiment }: ExperimentSpec,
  worst: WorstCase,
  limit: CostLimit,
  amount: CostQuestion['amount'],
): string[] {
  const ways = [`raise ${limit.name}`];
  const { fleet, durationMs } = experiment;
  const floor = fleet.agents + fleet.reserve;
  const affordable = mostAgents(worst, (agents) => amount(worst.withAgents(agents)) <= limit.usd);
  if (affordable !== undefined && affordable >= floor)
    ways.push(`lower horizontalScaling.actions.scaleUp.max from ${worst.agents} to ${affordable}`);
  else if (floor < worst.agents)
    ways.push(
      `lower horizontalScaling.actions.scaleUp.max from ${worst.agents} to ${floor} ` +
        `(${formatMoney(amount(worst.withAgents(floor)))}) and agents or duration with it`,
    );
  else ways.push(`lower agents from ${fleet.agents}`);
  if (amount(worst.estimate) === worst.estimate.totalUsd) {
    const hours = Math.floor((durationMs / 3_600_000) * (limit.usd / worst.estimate.totalUsd));
    if (hours >= 1) ways.push(`shorten duration to about ${hours}h`);
  }
  if (!fleet.spot.enabled) ways.push('run the agents on Spot (fleet.spot)');
  ways.push('or choose smaller pools and stores (agent-experiment:deployment)');
  return ways;
}

/** The most agents for which it holds, cost growing with them; undefined when it does not hold even for none. */
function mostAgents(worst: WorstCase, holds: (agents: number) => boolean): number | undefined {
  if (!holds(0)) return undefined;
  let [fits, fails] = [0, worst.agents];
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (holds(middle)) fits = middle;
    else fails = middle;
  }
  return fits;
}
