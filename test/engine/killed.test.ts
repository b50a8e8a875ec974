import { truncateSync } from 'node:fs';

import { EngineProject, expectSuccess, type StateResource } from './harness.js';
import { deployment, optionsOf } from './samples.js';

const POOL = 'gcp:container/nodePool:NodePool';
const BUCKET = 'aws:s3/bucket:Bucket';
const WORKLOAD = 'kubernetes:apps/v1:Deployment';
const OPERATOR = 'deployment/cnpg-system/cnpg-controller-manager';

let project: EngineProject;

/** What a person finds in the cloud for something an update had begun: its id there. */
function foundInCloud({ urn, type }: StateResource): string | undefined {
  const name = urn.split('::').slice(3).join('::');
  return project.cloud.resources().find((one) => one.type === type && one.name === name)?.id;
}

const created = (type: string, name: string): boolean =>
  project.cloud.log().some((entry) => entry.op === 'create' && entry.type === type && entry.name === name);

/** Deletes by hand what exists of it. */
function deleteByHand(begun: readonly StateResource[]): void {
  for (const one of begun) {
    const id = foundInCloud(one);
    if (id !== undefined) project.cloud.remove(one.type, id);
  }
}

/** Type and id of everything in the cloud, but for what its controllers made. */
const inCloud = (): string[] =>
  project.cloud
    .resources()
    .filter(({ type }) => type !== 'kubernetes:core/v1:PersistentVolumeClaim')
    .map(({ type, id }) => `${type} ${id}`)
    .sort();

/** The same for what the engine believes there is. */
const inState = async (): Promise<string[]> =>
  (await project.state())
    .filter(({ custom, type }) => custom && /^(gcp|aws|kubernetes):/.test(type))
    .map(({ type, id }) => `${type} ${id}`)
    .sort();

describe('an up that was killed with all its processes', () => {
  beforeEach(async () => {
    project = await EngineProject.create(optionsOf(1, deployment));
  });

  afterEach(() => {
    project.dispose();
  });

  it('is completed as the runbook says, with everything there once', async () => {
    // A node pool was asked for, and made; the answer never came.
    const first = await project.up({
      faults: [{ type: ':NodePool', name: 'agent-pool', on: 'create', does: 'lost' }],
      killWhen: () => created(POOL, 'agent-pool'),
    });
    expect(first.code).toBe(-1);
    project.removeEmptyAttributes();
    const locked = await project.refresh();
    expect(locked.code).not.toBe(0);
    expect(locked.stdout + locked.stderr).toContain('locked');
    await project.cancel();
    const begun = await project.pending();
    expect(begun.map(({ type }) => type)).toContain(POOL);
    deleteByHand(begun);
    expectSuccess(await project.refresh(), 'refresh');
    expect(await inState()).toEqual(inCloud());

    // Next, a bucket of a name that nobody chose, and a workload that the engine was waiting for.
    const second = await project.up({
      faults: [
        { type: 's3/bucket:Bucket', on: 'create', does: 'lost' },
        { type: ':Deployment', name: OPERATOR, on: 'create', does: 'lost' },
      ],
      killWhen: () => created(BUCKET, 'archive') && created(WORKLOAD, OPERATOR),
    });
    expect(second.code).toBe(-1);
    project.removeEmptyAttributes();
    // A kill while a file backend writes can leave an empty file of attributes beside the state: here it always does.
    truncateSync(project.checkpoint.attributes);
    const unreadable = await project.tryCancel();
    expect(unreadable.code).not.toBe(0);
    expect(unreadable.stdout + unreadable.stderr).toContain('failed to load checkpoint: EOF');
    project.removeEmptyAttributes();
    await project.cancel();
    const left = await project.pending();
    expect(left.map(({ type }) => type)).toEqual(expect.arrayContaining([BUCKET, WORKLOAD]));
    const inCluster = left.filter(({ type }) => type.startsWith('kubernetes:'));
    deleteByHand(left.filter((one) => !inCluster.includes(one)));
    expectSuccess(await project.refresh(), 'refresh');

    // What was not deleted by hand and has a name of its own is in the way, until it is.
    const inTheWay = await project.up();
    expect(inTheWay.code).not.toBe(0);
    expect(inTheWay.stdout + inTheWay.stderr).toContain('already exists');
    deleteByHand(inCluster);
    expectSuccess(await project.up(), 'up');
    expectSuccess(await project.up({ args: ['--expect-no-changes'] }), 'up again');
    expect(await inState()).toEqual(inCloud());
  });
});
