import { EngineProject, expectSuccess } from './harness.js';
import { deployment, existing, optionsOf } from './samples.js';

const cases = [
  { title: 'phase 1 on GKE', phase: 1, where: deployment },
  { title: 'phase 2 on GKE', phase: 2, where: deployment },
  { title: 'phase 3 on GKE', phase: 3, where: deployment },
  { title: 'phase 1 on an existing cluster', phase: 1, where: existing },
];

let project: EngineProject | undefined;

afterEach(() => {
  project?.dispose();
  project = undefined;
});

describe.each(cases)('$title', ({ phase, where }) => {
  it('is previewed, deployed, unchanged the second time, and destroyed but for the archive, workloads before nodes', async () => {
    project = await EngineProject.create(optionsOf(phase, where));
    expectSuccess(await project.preview({ policies: true }), 'preview');
    expect(project.cloud.log()).toEqual([]);
    expectSuccess(await project.up({ policies: true }), 'up');
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'second up');
    const gcp = project.cloud.resources().filter(({ type }) => type.startsWith('gcp:'));
    expect(gcp.length > 0).toBe(where === deployment);
    expectSuccess(await project.destroy(), 'destroy');
    const left = project.cloud.resources().map(({ type }) => type);
    expect(left.filter((type) => !type.startsWith('aws:s3/'))).toEqual([]);
    const log = project.cloud.log();
    const deletions = log.flatMap(({ op, type }, index) => (op === 'delete' ? [{ type, index }] : []));
    const last = (end: string): number =>
      Math.max(-1, ...deletions.filter(({ type }) => type.endsWith(end)).map(({ index }) => index));
    if (where === deployment) expect(last(':Deployment')).toBeLessThan(project.cloud.deletionOf(':NodePool'));
    // An operator's objects before the operator that would tidy up after them.
    const definitions = project.cloud.deletionOf(':CustomResourceDefinition');
    const objects = deletions.filter(({ type }) => type.includes('postgresql.cnpg.io')).map(({ index }) => index);
    if (definitions >= 0) expect(Math.max(-1, ...objects)).toBeLessThan(definitions);
  });
});

describe('a changed parameter', () => {
  it('touches nothing of the cluster and of the stores when it is about budget alerts', async () => {
    const base = {
      ...deployment,
      budgetAlerts: { billingAccount: '000000-000000-000000', emails: ['sre@example.test'] },
    };
    project = await EngineProject.create(optionsOf(1, base));
    expectSuccess(await project.up(), 'up');
    const changed = { ...base, budgetAlerts: { ...base.budgetAlerts, thresholds: ['40%', '80%'] } };
    project.configure({ 'agent-experiment:deployment': changed });
    const outcome = await project.up();
    expectSuccess(outcome, 'changed up');
    const touched = [...new Set(outcome.steps.map(({ type }) => type.split(':')[2] ?? type))].sort();
    expect(touched.filter((type) => !['Budget', 'ConfigMap', 'Stack'].includes(type))).toEqual([]);
    expect(touched).toContain('Budget');
  });
});

describe('the policies', () => {
  it.each([
    ['half its budget, below the estimate', { budget: { max: '$300' } }, /run-cost/, [/\$439\.7\d/, /\$300/]],
    ['a load its fleet cannot carry', { agents: 100, fleet: { slots: 1 } }, /load-feasible/, [/500/, /318/]],
  ])('refuse %s with the numbers, before anything is touched', async (_, experiment, policy, numbers) => {
    project = await EngineProject.create(optionsOf(3, deployment, experiment));
    const refused = await project.preview({ policies: true });
    expect(refused.code).not.toBe(0);
    for (const number of numbers) expect(refused.stdout + refused.stderr).toMatch(number);
    expect(refused.violations.map((violation) => violation.policy).join(' ')).toMatch(policy);
    expect(project.cloud.resources()).toEqual([]);
  });
});

describe('an interrupted up', () => {
  it('is completed by refresh and up', async () => {
    project = await EngineProject.create(optionsOf(1, deployment));
    const { cloud } = project;
    const interrupted = await project.up({
      faults: [{ type: ':Deployment', on: 'create', does: 'hang' }],
      interruptWhen: () => cloud.log().some(({ type, op }) => op === 'create' && type.endsWith(':Deployment')),
    });
    expect(interrupted.code).not.toBe(0);
    expectSuccess(await project.refresh(), 'refresh');
    expectSuccess(await project.up(), 'up');
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'up again');
  });
});
