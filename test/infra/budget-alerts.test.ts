import { BudgetAlerts, type BudgetAlertsArgs } from '../../infra/budget-alerts.js';
import { recordResources, resourceOf, resourcesOf, settled, type Recorded } from './mocks.js';

const GCP = 'gcp:billing/budget:Budget';
const AWS = 'aws:budgets/budget:Budget';

const ARGS: BudgetAlertsArgs = {
  rules: { billingAccount: '012345-6789AB-CDEF01', emails: ['team@example.com'], thresholds: [0.5, 0.9, 1] },
  maxUsd: 899.5,
  title: 'agent-experiment phase 3',
  project: 'sample-project',
  aws: true,
};

async function alerts(args: Partial<BudgetAlertsArgs> = {}): Promise<void> {
  recordResources();
  new BudgetAlerts('alerts', { ...ARGS, ...args });
  await settled();
}

test('Google watches the project by its number, in US dollars, and tells at each share of the budget', async () => {
  await alerts();
  expect(resourceOf(GCP).inputs).toEqual({
    billingAccount: '012345-6789AB-CDEF01',
    displayName: 'agent-experiment phase 3',
    budgetFilter: { projects: ['projects/123456789'] },
    // Whole dollars only.
    amount: { specifiedAmount: { currencyCode: 'USD', units: '900' } },
    thresholdRules: [{ thresholdPercent: 0.5 }, { thresholdPercent: 0.9 }, { thresholdPercent: 1 }],
  });
});

test('AWS watches its storage and writes to everybody at each share of the budget', async () => {
  await alerts({ rules: { ...ARGS.rules, emails: ['team@example.com', 'boss@example.com'] } });
  const { inputs } = resourceOf(AWS);
  expect(inputs).toMatchObject({
    budgetType: 'COST',
    limitAmount: '899.5',
    limitUnit: 'USD',
    costFilters: [{ name: 'Service', values: ['Amazon Simple Storage Service'] }],
  });
  expect(inputs['notifications'].map((notification: Recorded['inputs']) => notification.threshold)).toEqual([
    50, 90, 100,
  ]);
  for (const notification of inputs['notifications'])
    expect(notification.subscriberEmailAddresses).toEqual(['team@example.com', 'boss@example.com']);
});

test('a cloud nothing is deployed to is not watched', async () => {
  await alerts({ project: null });
  expect(resourcesOf(GCP)).toEqual([]);
  await alerts({ aws: false });
  expect(resourcesOf(AWS)).toEqual([]);
});

test('a cloud without anybody to tell is not watched', async () => {
  await alerts({ rules: { ...ARGS.rules, billingAccount: null } });
  expect(resourcesOf(GCP)).toEqual([]);
  await alerts({ rules: { ...ARGS.rules, emails: [] } });
  expect(resourcesOf(AWS)).toEqual([]);
});
