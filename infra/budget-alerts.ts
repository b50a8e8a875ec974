import { Budget as AwsBudget } from '@pulumi/aws/budgets/budget.js';
import { Budget as GcpBudget } from '@pulumi/gcp/billing/budget.js';
import { getProjectOutput } from '@pulumi/gcp/organizations/getProject.js';
import { ComponentResource, interpolate, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { BudgetAlerts as BudgetAlertRules } from '../runtime/spec/deployment/deployment.js';

export interface BudgetAlertsArgs {
  readonly rules: BudgetAlertRules;
  /** Most the run may cost, US dollars. Each cloud is held to all of it: neither knows the other's bill. */
  readonly maxUsd: number;
  /** Name of the budgets: `agent-experiment phase 3`. */
  readonly title: string;
  /** Google Cloud project that is paid for; null = nothing of GCP is deployed. */
  readonly project: string | null;
  /** Whether the archive is on AWS. */
  readonly aws: boolean;
}

/**
 * The clouds' own alerts, for what the run's meter cannot see. They come hours late and stop nothing: the meter and
 * the deadline do that. A cloud without somebody to tell (a billing account, e-mail addresses) gets none.
 */
export class BudgetAlerts extends ComponentResource {
  constructor(name: string, args: BudgetAlertsArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:BudgetAlerts', name, {}, opts);
    const { rules, project, aws } = args;
    if (project !== null && rules.billingAccount !== null) this.onGcp(name, args, project, rules.billingAccount);
    if (aws && rules.emails.length > 0) this.onAws(name, args);
    this.registerOutputs({});
  }

  /** Google tells the account's billing administrators. */
  private onGcp(
    name: string,
    { rules, maxUsd, title }: BudgetAlertsArgs,
    projectId: string,
    billingAccount: string,
  ): void {
    const project = getProjectOutput({ projectId }, { parent: this });
    new GcpBudget(
      `${name}-gcp`,
      {
        billingAccount,
        displayName: title,
        // By its number: budgets give a project back so, and would differ for ever.
        budgetFilter: { projects: [interpolate`projects/${project.number}`] },
        amount: { specifiedAmount: { currencyCode: 'USD', units: String(Math.ceil(maxUsd)) } },
        thresholdRules: rules.thresholds.map((thresholdPercent) => ({ thresholdPercent })),
      },
      { parent: this },
    );
  }

  private onAws(name: string, { rules, maxUsd, title }: BudgetAlertsArgs): void {
    new AwsBudget(
      `${name}-aws`,
      {
        name: title,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        limitAmount: String(maxUsd),
        limitUnit: 'USD',
        // All there is of us on AWS. Tags would not do: they count only once somebody has activated them for billing.
        costFilters: [{ name: 'Service', values: ['Amazon Simple Storage Service'] }],
        notifications: rules.thresholds.map((share) => ({
          notificationType: 'ACTUAL',
          comparisonOperator: 'GREATER_THAN',
          thresholdType: 'PERCENTAGE',
          threshold: Math.round(share * 1_000) / 10,
          subscriberEmailAddresses: [...rules.emails],
        })),
      },
      { parent: this },
    );
  }
}
