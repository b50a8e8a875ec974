import { floorCurve } from '../cost/agent-curve.js';
import { estimateCost } from '../cost/estimate.js';
import { unpricedRemark, type Sizing } from '../cost/sizing.js';
import { ExperimentError, type Problem } from '../kernel/errors.js';
import type { Experiment } from '../spec/experiment.js';
import { assessFeasibility, formatFeasibility, infeasibleError } from '../spec/feasibility.js';
import { formatMoney } from '../spec/units.js';

const FORCE_HINT = 'Or start anyway with --force.';

/**
 * What is checked before a start: does the load fit the fleet, and the bill the budget?
 *
 * @param sizing of the deployment the bill is for.
 * @param force say what is wrong instead of refusing it.
 * @returns what people should know before the run begins; empty when all is well.
 * @throws ExperimentError LOAD_INFEASIBLE or OVER_BUDGET, with both when both are the case.
 */
export function preflight(experiment: Experiment, sizing: Sizing, force: boolean): string[] {
  const feasibility = assessFeasibility(experiment);
  const tooMuch = feasibility.verdict === 'infeasible' ? infeasibleError(feasibility) : null;
  const tooDear = budgetProblem(experiment, sizing);
  const unpriced = unpricedRemark(sizing);
  if (!force && tooMuch !== null) {
    const problems = [...tooMuch.problems, ...(tooDear === null ? [] : [tooDear])];
    throw new ExperimentError(tooMuch.code, tooMuch.headline, withForce(problems));
  }
  if (!force && tooDear !== null) {
    throw new ExperimentError('OVER_BUDGET', 'The run would cost more than its budget.', withForce([tooDear]));
  }
  return [
    ...(feasibility.verdict === 'feasible' ? [] : [formatFeasibility(feasibility)]),
    ...(tooDear === null ? [] : [`Over budget: ${tooDear.message}. The run pauses when the budget is used up.`]),
    ...(unpriced === null ? [] : [unpriced]),
  ];
}

function budgetProblem(experiment: Experiment, sizing: Sizing): Problem | null {
  const { maxUsd } = experiment.budget;
  const { totalUsd } = estimateCost({ experiment, agentCurve: floorCurve(experiment), sizing });
  if (totalUsd <= maxUsd) return null;
  return {
    path: 'budget.max',
    value: formatMoney(maxUsd),
    message: `on a cluster the run costs at least ${formatMoney(totalUsd)}, without ever scaling up`,
    hint: 'raise the budget, shorten the run, or take fewer agents',
  };
}

function withForce(problems: readonly Problem[]): Problem[] {
  return problems.map((problem, index) =>
    index < problems.length - 1 ? problem : { ...problem, hint: sentences(problem.hint, FORCE_HINT) },
  );
}

function sentences(first: string | undefined, second: string): string {
  if (first === undefined) return second;
  return `${first}${first.endsWith('.') ? '' : '.'} ${second}`;
}
