import { floorCurve, worstCaseCurve } from '../cost/agent-curve.js';
import type { CostEstimate } from '../cost/cost-model.js';
import { asInDocument, defaultSizing, documentSizing } from '../cost/deployment-sizing.js';
import { estimateCost, type CostQuestion } from '../cost/estimate.js';
import { formatCost } from '../cost/format.js';
import type { Sizing } from '../cost/sizing.js';
import type { Experiment } from '../spec/experiment.js';
import { formatMoney } from '../spec/units.js';
import type { RehearsedCurve } from '../record/rehearsed-curve.js';

/** The line of the bill that is missing where the nodes are somebody else's. */
const AGENT_NODES = 'agent-pool nodes';

/** What an experiment costs, seen from all sides. */
export interface Bills {
  /** On the agents a rehearsal of this very experiment had, for as long as it took; null without one. */
  readonly rehearsed: CostEstimate | null;
  /** Name of that rehearsal under `results/`. */
  readonly run: string | null;
  /** Without ever scaling up. */
  readonly floor: CostEstimate;
  /** The most agents for the whole run. */
  readonly worst: CostEstimate;
  /** On the document's cluster, at on-demand prices, without ever scaling up. */
  readonly document: CostEstimate;
}

type Agents = Pick<CostQuestion, 'agentCurve' | 'elapsedMs'>;

/** All bills of an experiment on a deployment. */
export function billsOf(experiment: Experiment, sizing: Sizing, rehearsal: RehearsedCurve | null): Bills {
  const on = ({ agentCurve, elapsedMs = experiment.durationMs }: Agents): CostEstimate =>
    estimateCost({ experiment, agentCurve, elapsedMs, sizing });
  return {
    rehearsed: rehearsal === null ? null : on(rehearsal),
    run: rehearsal?.run ?? null,
    floor: on({ agentCurve: floorCurve(experiment) }),
    worst: on({ agentCurve: worstCaseCurve(experiment) }),
    document: documentBill(experiment, sizing),
  };
}

/** The experiment's bill on the document's cluster, with the disks of `sizing`. */
function documentBill(experiment: Experiment, sizing: Sizing): CostEstimate {
  const asWritten = asInDocument(experiment);
  const own = sizing.agentMachine === null ? defaultSizing(experiment) : sizing;
  return estimateCost({ experiment: asWritten, agentCurve: floorCurve(asWritten), sizing: documentSizing(own) });
}

/** The bills for people, at most 100 columns wide. */
export function formatBills(experiment: Experiment, bills: Bills): string {
  const { rehearsed, floor, worst, document, run } = bills;
  const shown = rehearsed ?? floor;
  const title =
    rehearsed === null ? `Cost at the floor (${agentsText(experiment)})` : 'Cost on the rehearsed agent curve';
  const origin =
    run === null
      ? 'No rehearsal of this very experiment lies under results/: with one, its agents are priced.'
      : `Agents as in results/${run}; at the floor (${agentsText(experiment)}) it is ${formatMoney(floor.totalUsd)}.`;
  return [
    formatCost(shown, title, { heading: 'document', estimate: document }),
    '',
    origin,
    shareText(shown, document),
    worstCaseText(worst.totalUsd, experiment.budget.maxUsd),
  ].join('\n');
}

function shareText(shown: CostEstimate, document: CostEstimate): string {
  if (!shown.parts.some(({ part }) => part === AGENT_NODES)) {
    return `On a cluster of its own, sized as in the document and on demand, it would be ${formatMoney(document.totalUsd)}.`;
  }
  const share = `${((shown.totalUsd / document.totalUsd) * 100).toFixed(1)} %`;
  return (
    `That is ${share} of ${formatMoney(document.totalUsd)}, the document's sizing: n2-standard-4 on demand,\n` +
    'four agents a node, 20 to 70 nodes, the same disks, traffic and archive.'
  );
}

function worstCaseText(totalUsd: number, maxUsd: number): string {
  const text = `Worst case, the most agents for the whole run: ${formatMoney(totalUsd)}`;
  return totalUsd > maxUsd ? `${text}. The run pauses when the budget of ${formatMoney(maxUsd)} is used up.` : text;
}

function agentsText({ fleet }: Experiment): string {
  if (fleet.stages.length > 0) return 'as staged';
  return `${fleet.agents} agents${fleet.reserve === 0 ? '' : ` and ${fleet.reserve} in reserve`}`;
}
