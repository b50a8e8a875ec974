import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { compose } from '../../stacks/compose.js';
import { readSettings, type Settings } from '../../stacks/settings.js';
import { nameIn, recordResources, settled, type Recorded } from '../infra/mocks.js';

const image = (name: string): string => `registry.example/${name}@sha256:${'1'.repeat(64)}`;
const IMAGES = {
  redis: image('redis:7.2.7'),
  postgres: image('postgresql:15.13'),
  postgresOperator: image('cloudnative-pg:1.26.0'),
  influxdb: image('influxdb:2.7.12'),
  elasticsearch: image('elasticsearch:8.17.0'),
};

/** An operator with one of each of the kinds that matter for the order. */
const OPERATOR_MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: cnpg-system }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: cnpg-manager, namespace: cnpg-system }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: clusters.postgresql.cnpg.io }
spec: { group: postgresql.cnpg.io, scope: Namespaced, names: { kind: Cluster, plural: clusters }, versions: [] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cnpg-controller-manager, namespace: cnpg-system }
spec:
  selector: { matchLabels: { app: cnpg } }
  template:
    metadata: { labels: { app: cnpg } }
    spec:
      containers: [{ name: manager, image: 'ghcr.io/cloudnative-pg/cloudnative-pg:1.26.0' }]
`;

/** The settings of a phase's own stack file, with this deployment. */
function settingsOf(phase: 1 | 2 | 3, deployment: object): Settings {
  const { config } = parse(readFileSync(`Pulumi.phase${phase}.yaml`, 'utf8')) as { config: Record<string, unknown> };
  const values = { ...config, 'agent-experiment:deployment': deployment };
  return readSettings(
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)])),
    `phase${phase}`,
  );
}

async function declare(settings: Settings) {
  const recorded = recordResources({ stack: `phase${settings.experiment.phase}` });
  const deployed = compose(settings, {
    images: IMAGES,
    operatorManifest: OPERATOR_MANIFEST,
    kubeconfig: null,
    firstDeployedAt: new Date('2026-11-02T00:00:00Z'),
    archiveCredentials: null,
    controlToken: null,
  });
  await settled();
  return { recorded, deployed };
}

const GKE = { project: 'test-project', image: { reference: image('agent-experiment') } };
const EXISTING = { platform: 'existing', context: 'lab', image: { reference: image('agent-experiment') } };

const listOf = (recorded: readonly Recorded[]): string[] =>
  recorded
    .filter(({ type }) => !type.startsWith('agent-experiment:infra:'))
    .map(({ type, name }) => `${type} ${name}`)
    .sort();

describe('the resources of a stack', () => {
  it.each([1, 2, 3] as const)('of phase %d on GKE are these', async (phase) => {
    const { recorded } = await declare(settingsOf(phase, GKE));
    expect(listOf(recorded)).toMatchSnapshot();
  });

  it('on an existing cluster are these, and none is of a cloud', async () => {
    const { recorded } = await declare(settingsOf(3, EXISTING));
    expect(listOf(recorded)).toMatchSnapshot();
    expect(recorded.filter(({ type }) => /^(gcp|aws):/.test(type))).toEqual([]);
  });

  it('have the weekly run on the stack of phase 1 only', async () => {
    const names = (recorded: readonly Recorded[]): unknown[] =>
      recorded
        .filter(({ type }) => type === 'kubernetes:batch/v1:CronJob')
        .map(({ inputs }) => (inputs as { metadata: { name: string } }).metadata.name);
    expect(names((await declare(settingsOf(1, GKE))).recorded)).toContain('experiment-phase1');
    expect(names((await declare(settingsOf(3, GKE))).recorded)).not.toContain('experiment-phase1');
  });

  it('are all deleted with the stack: nothing is protected, and only the archive is kept', async () => {
    const { recorded } = await declare(settingsOf(3, GKE));
    expect(recorded.filter(({ opts }) => opts.protect)).toEqual([]);
    const kept = recorded.filter(({ opts }) => opts.retainOnDelete).map(({ type }) => type.split(/[:/]/)[1]);
    expect(new Set(kept)).toEqual(new Set(['s3']));
  });

  it('in the cluster are made after the node pools, and gone before them', async () => {
    const { recorded } = await declare(settingsOf(3, GKE));
    const provider = recorded.find(({ type }) => type === 'pulumi:providers:kubernetes') as Recorded;
    expect(provider.opts.dependsOn.map(nameIn).filter((name) => name.includes('pool')).length).toBeGreaterThanOrEqual(
      3,
    );
    const inCluster = recorded.filter(({ type }) => type.startsWith('kubernetes:'));
    expect(inCluster.length).toBeGreaterThan(50);
    expect(inCluster.filter(({ opts }) => !opts.provider.includes('::cluster'))).toEqual([]);
  });

  it('keep their volumes when a label changes: claims cannot be changed, and a replaced set loses its data', async () => {
    const claims = async (labels: object): Promise<unknown[]> =>
      (await declare(settingsOf(3, { ...GKE, labels }))).recorded
        .filter(({ type }) => type === 'kubernetes:apps/v1:StatefulSet')
        .map(({ inputs }) => (inputs as { spec: { volumeClaimTemplates: unknown } }).spec.volumeClaimTemplates);
    const before = await claims({ owner: 'one', 'cost-center': 'a' });
    expect(before).toHaveLength(3);
    expect(await claims({ owner: 'two', 'cost-center': 'a' })).toEqual(before);
  });

  it('do not follow their storage class when it is replaced', async () => {
    const { recorded } = await declare(settingsOf(3, GKE));
    const classes = recorded.filter(({ type }) => type === 'kubernetes:storage.k8s.io/v1:StorageClass');
    expect(classes).toHaveLength(2);
    const sets = recorded.filter(({ type }) => type === 'kubernetes:apps/v1:StatefulSet');
    // They wait for it, and no input of theirs comes from it.
    for (const set of sets) {
      expect(set.opts.dependsOn.map(nameIn)).toEqual(expect.arrayContaining(classes.map(({ name }) => name)));
      expect(set.opts.inputsFrom.map(nameIn).filter((name) => classes.some((one) => one.name === name))).toEqual([]);
    }
  });

  it('make the operator after the account it runs under', async () => {
    const { recorded } = await declare(settingsOf(3, GKE));
    const operator = recorded.find(({ name }) => name.endsWith('/cnpg-controller-manager')) as Recorded;
    expect(operator.opts.dependsOn.map(nameIn)).toContain('serviceaccount/cnpg-system/cnpg-manager');
  });

  it('come with a deadline and with what is left after destroy', async () => {
    const { deployed } = await declare(settingsOf(3, GKE));
    // 72 h and 6 h of grace after the first deployment.
    expect(deployed.deadline).toBe('2026-11-05T06:00:00.000Z');
    expect(deployed.leftAfterDestroy).toMatch(/bucket/);
    expect((await declare(settingsOf(3, EXISTING))).deployed.leftAfterDestroy).toBe('nothing');
  });
});
