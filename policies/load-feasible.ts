import type { StackValidationPolicy } from '@pulumi/policy';
import { assessFeasibility, infeasibleError } from '../runtime/spec/feasibility.js';
import { reportedSpec } from './experiment-spec.js';

/** The load fits the declared fleet, or the experiment says that it is not meant to (`expect`). */
export const loadFeasible: StackValidationPolicy = {
  name: 'load-feasible',
  description: 'The load fits the fleet, unless the scenario declares its overload.',
  validateStack: ({ resources }, report) => {
    const spec = reportedSpec(resources, report);
    if (spec === undefined) return;
    const feasibility = assessFeasibility(spec.experiment);
    if (feasibility.verdict === 'infeasible') report(infeasibleError(feasibility).message, spec.urn);
  },
};
