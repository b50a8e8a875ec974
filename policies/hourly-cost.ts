import type { StackValidationPolicy } from '@pulumi/policy';
import { costRefusal, type CostLimit } from './cost-limit.js';
import { reportedSpec } from './experiment-spec.js';
import { settingsOf } from './settings.js';

interface Settings {
  /** Most an hour may cost whatever its budget says; 0 = only the budget counts. */
  readonly maxUsdPerHour: number;
}

const DEFAULTS: Settings = { maxUsdPerHour: 0 };

/** An hour of the run, with the most agents, costs no more than its budget allows; without a limit all do. */
export const hourlyCost: StackValidationPolicy = {
  name: 'hourly-cost',
  description: 'The worst case of an hour costs no more than budget.maxPerHour.',
  configSchema: {
    properties: {
      maxUsdPerHour: {
        type: 'number',
        minimum: 0,
        default: DEFAULTS.maxUsdPerHour,
        description: 'Most an hour may cost, in US dollars, whatever its budget says; 0 = only the budget counts.',
      },
    },
  },
  validateStack: (args, report) => {
    const spec = reportedSpec(args.resources, report);
    if (spec === undefined) return;
    const { maxUsdPerHour } = settingsOf(args, DEFAULTS);
    const { maxPerHourUsd } = spec.experiment.budget;
    const limits: CostLimit[] = [];
    if (maxPerHourUsd !== null) limits.push({ name: 'budget.maxPerHour', usd: maxPerHourUsd });
    if (maxUsdPerHour > 0) limits.push({ name: 'the maxUsdPerHour of policy hourly-cost', usd: maxUsdPerHour });
    const refusal = costRefusal(args.resources, spec, {
      subject: 'An hour of the run',
      limits,
      amount: (estimate) => estimate.perHourUsd,
    });
    if (refusal !== undefined) report(refusal, spec.urn);
  },
};
