import { join } from 'node:path';
import { EngineProject, expectSuccess } from './harness.js';

const program = join(__dirname, 'programs/small');
const DEPLOYMENT = 'kubernetes:apps/v1:Deployment';

describe('the engine with its stand-ins', () => {
  let project: EngineProject;

  beforeEach(async () => {
    project = await EngineProject.create({ program, stack: 'test' });
  });

  afterEach(() => {
    project.dispose();
  });

  it('previews without touching a cloud, deploys, changes only what a parameter touches, and destroys all but the archive', async () => {
    const preview = await project.preview({ policies: true });
    expectSuccess(preview, 'preview');
    expect(project.cloud.resources()).toEqual([]);
    expect(project.cloud.log()).toEqual([]);

    expectSuccess(await project.up(), 'up');
    const types = project.cloud.resources().map(({ type }) => type.split(':')[2]);
    expect(types.sort()).toEqual([
      'Bucket',
      'Cluster',
      'ConfigMap',
      'Deployment',
      'Namespace',
      'NodePool',
      'PersistentVolumeClaim',
      'PersistentVolumeClaim',
      'StatefulSet',
    ]);

    const again = await project.up({ args: ['--expect-no-changes'] });
    expectSuccess(again, 'second up');

    project.configure({ 'small:text': 'second' });
    const changed = await project.up();
    expectSuccess(changed, 'changed up');
    expect(changed.steps).toEqual([{ op: 'update', type: 'kubernetes:core/v1:ConfigMap', name: 'settings' }]);

    expectSuccess(await project.destroy(), 'destroy');
    expect(project.cloud.resources().map(({ type }) => type)).toEqual(['aws:s3/bucket:Bucket']);
    const order = [':Deployment', ':StatefulSet', ':Namespace', ':NodePool', ':Cluster'].map((type) =>
      project.cloud.deletionOf(type),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('refuses what a mandatory policy forbids before any resource is touched', async () => {
    project.configure({ 'small:text': 'forbidden' });
    const refused = await project.preview({ policies: true });
    expect(refused.code).not.toBe(0);
    expect(refused.violations).toEqual([
      expect.objectContaining({ policy: 'no-text-of-this-kind', level: 'mandatory' }),
    ]);
    expect(project.cloud.resources()).toEqual([]);
  });

  it('goes on after an interruption with refresh and up', async () => {
    const waits = (): boolean => project.cloud.log().some(({ type, op }) => op === 'create' && type === DEPLOYMENT);
    const interrupted = await project.up({
      faults: [{ type: ':Deployment', on: 'create', does: 'hang' }],
      interruptWhen: waits,
    });
    expect(interrupted.code).not.toBe(0);
    expectSuccess(await project.refresh(), 'refresh');
    expectSuccess(await project.up(), 'up after the interruption');
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'up again');
  });

  it('leaves replicas to whoever scales, as their changes are ignored', async () => {
    expectSuccess(await project.up(), 'up');
    project.cloud.scaleAs('autoscaler', DEPLOYMENT, 'small/deployment', 7);
    expectSuccess(await project.refresh(), 'refresh');
    project.configure({ 'small:replicas': 3 });
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'up');
    const deployment = project.cloud.resources().find(({ type }) => type === DEPLOYMENT);
    expect(deployment?.properties['spec']).toMatchObject({ replicas: 7 });
  });

  it('does not adopt what exists already', async () => {
    expectSuccess(await project.up(), 'up');
    const other = await EngineProject.create({ program, stack: 'test' });
    try {
      other.cloud.copyFrom(project.cloud);
      const refused = await other.up();
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain('already exists');
    } finally {
      other.dispose();
    }
  });
});
