import { fileWith, kubeconfigFor, strictServer } from '../stacks/kubeconfigs.js';
import { Dependencies } from './dependencies.js';
import { expectExportFirst, expectNodesLast, expectOperatorLast } from './destroy-order.js';
import { EngineProject, expectSuccess } from './harness.js';
import { deployment, existing, optionsOf } from './samples.js';

const cases = [
  { title: 'phase 1 on GKE', phase: 1, where: deployment },
  { title: 'phase 2 on GKE', phase: 2, where: deployment },
  { title: 'phase 3 on GKE', phase: 3, where: deployment },
  { title: 'phase 1 on an existing cluster', phase: 1, where: existing },
];

/**
 * What stays for the archive's sake: the bucket, and the rules without which it would be open, unencrypted or kept for
 * ever. None of them costs anything beside what is in the bucket. The account that wrote to it is gone.
 */
const RETAINED = [
  'aws:s3/bucket:Bucket',
  'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration',
  'aws:s3/bucketOwnershipControls:BucketOwnershipControls',
  'aws:s3/bucketPolicy:BucketPolicy',
  'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
  'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
];

let project: EngineProject | undefined;
/** All an existing cluster is asked by the program: the stand-in of its provider asks it nothing. */
let apiServer: Awaited<ReturnType<typeof strictServer>>;

beforeAll(async () => {
  apiServer = await strictServer();
});

afterAll(() => apiServer.close());

afterEach(() => {
  project?.dispose();
  project = undefined;
});

describe.each(cases)('$title', ({ phase, where }) => {
  it('is previewed, deployed, unchanged the second time, and destroyed but for the archive, workloads before nodes', async () => {
    const cluster = where === existing ? { kubeconfig: fileWith(kubeconfigFor(apiServer.address)) } : {};
    project = await EngineProject.create(optionsOf(phase, { ...where, ...cluster }));
    expectSuccess(await project.preview({ policies: true }), 'preview');
    expect(project.cloud.log()).toEqual([]);
    expectSuccess(await project.up({ policies: true }), 'up');
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'second up');
    const gcp = project.cloud.resources().filter(({ type }) => type.startsWith('gcp:'));
    expect(gcp.length > 0).toBe(where === deployment);
    const state = await project.state();
    const before = project.cloud.log().length;
    expectSuccess(await project.destroy(), 'destroy');
    expect(await project.state()).toEqual([]);
    const left = project.cloud.resources().map(({ type }) => type);
    expect(left.sort()).toEqual(where === deployment ? RETAINED : []);
    const dependencies = new Dependencies(state);
    const destroyed = project.cloud.log().slice(before);
    expectOperatorLast(dependencies);
    if (where !== deployment) return;
    expectExportFirst(dependencies, destroyed);
    expectNodesLast(dependencies, destroyed);
  });
});

describe.each([2, 3])('phase %i on an existing cluster', (phase) => {
  it('is previewed with nothing of a cloud', async () => {
    const cluster = { kubeconfig: fileWith(kubeconfigFor(apiServer.address)) };
    project = await EngineProject.create(optionsOf(phase, { ...existing, ...cluster }));
    const preview = await project.preview({ policies: true });
    expectSuccess(preview, 'preview');
    const providers = [...new Set(preview.steps.map(({ type }) => type.split(':')[0]))].sort();
    expect(providers).toEqual(['agent-experiment', 'kubernetes', 'pulumi', 'random']);
    expect(preview.steps.length).toBeGreaterThan(90);
    expect(project.cloud.log()).toEqual([]);
  });
});

describe('the policies', () => {
  it.each([
    ['half its budget, below the estimate', { budget: { max: '$300' } }, /run-cost/, [/\$439\.1\d/, /\$300/]],
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
