import type { StackValidationPolicy } from '@pulumi/policy';
import { costRefusal, type CostLimit } from './cost-limit.js';
import { lacksSpec, reportedSpec, SPEC_CONFIG_MAP } from './experiment-spec.js';
import { settingsOf } from './settings.js';

interface Settings {
  /** Most a run may cost whatever its budget says; 0 = only the budget counts. */
  readonly maxUsd: number;
}

const DEFAULTS: Settings = { maxUsd: 0 };

/** The run, with the most agents all the time, costs no more than its budget. */
export const runCost: StackValidationPolicy = {
  name: 'run-cost',
  description: 'The worst case of the run costs no more than budget.max.',
  configSchema: {
    properties: {
      maxUsd: {
        type: 'number',
        minimum: 0,
        default: DEFAULTS.maxUsd,
        description: 'Most a run may cost, in US dollars, whatever its budget says; 0 = only the budget counts.',
      },
    },
  },
  validateStack: (args, report) => {
    const spec = reportedSpec(args.resources, report);
    if (spec === undefined) {
      if (lacksSpec(args.resources))
        report(
          `The stack has workloads but no ConfigMap ${SPEC_CONFIG_MAP}: neither cost nor load can be judged. ` +
            'Declare the experiment (agent-experiment:experiment in the config of the stack).',
        );
      return;
    }
    const { maxUsd } = settingsOf(args, DEFAULTS);
    const limits: CostLimit[] = [{ name: 'budget.max', usd: spec.experiment.budget.maxUsd }];
    if (maxUsd > 0) limits.push({ name: 'the maxUsd of policy run-cost', usd: maxUsd });
    const refusal = costRefusal(args.resources, spec, {
      subject: 'The run',
      limits,
      amount: (estimate) => estimate.totalUsd,
    });
    if (refusal !== undefined) report(refusal, spec.urn);
  },
};
