import { readOperatorManifest, typeToken } from '../../infra/operator-manifest.js';
import { Postgres } from '../../infra/postgres.js';
import { nameIn, recordResources, resourceOf, resourcesOf, settled } from './mocks.js';
import { IMAGES, storeArgs } from './store-setup.js';

const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: cnpg-system }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: hooks }
webhooks: []
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: clusters.postgresql.cnpg.io }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cnpg-controller-manager, namespace: cnpg-system }
spec:
  template:
    spec:
      containers:
        - name: manager
          image: upstream/operator:1
          imagePullPolicy: Always
          env:
            - { name: OPERATOR_IMAGE_NAME, value: upstream/operator:1 }
            - { name: OTHER, value: kept }
---
`;

async function declared(written: object = {}) {
  recordResources();
  const postgres = new Postgres('postgres', { ...storeArgs(written), operatorManifest: MANIFEST });
  await settled();
  return { postgres, cluster: resourceOf('kubernetes:postgresql.cnpg.io/v1:Cluster') };
}

describe('an operator’s manifest', () => {
  test('is split into what must be there first and the rest; empty documents are nothing', () => {
    const { definitions, others } = readOperatorManifest(MANIFEST);
    expect(definitions.map(({ kind }) => kind)).toEqual(['Namespace', 'CustomResourceDefinition']);
    expect(others.map(({ kind }) => kind)).toEqual(['ValidatingWebhookConfiguration', 'Deployment']);
    expect(typeToken(definitions[0]!)).toBe('kubernetes:core/v1:Namespace');
  });

  test.each(['just text', 'kind: Namespace', 'a: [1'])('that is none is refused: %s', (text) => {
    expect(() => readOperatorManifest(text)).toThrow(/document 1 of the operator’s manifest/);
  });
});

describe('Postgres', () => {
  test('has the operator with our image, watching our namespace', async () => {
    await declared();
    const [container] = resourceOf('kubernetes:apps/v1:Deployment').inputs.spec.template.spec.containers;
    expect(container).toMatchObject({ image: IMAGES.postgresOperator, imagePullPolicy: 'IfNotPresent' });
    expect(container.env).toEqual([
      { name: 'OTHER', value: 'kept' },
      { name: 'OPERATOR_IMAGE_NAME', value: IMAGES.postgresOperator },
      { name: 'WATCH_NAMESPACE', value: 'miyabi-experiment' },
    ]);
  });

  test('is made after its operator, so that it is deleted before', async () => {
    const { cluster } = await declared();
    expect(cluster.opts.dependsOn.map(nameIn)).toEqual(
      expect.arrayContaining([
        'customresourcedefinition/clusters.postgresql.cnpg.io',
        'deployment/cnpg-system/cnpg-controller-manager',
        'validatingwebhookconfiguration/hooks',
      ]),
    );
    const hooks = resourcesOf('kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration')[0]!;
    expect(hooks.opts.dependsOn.map(nameIn)).toContain('deployment/cnpg-system/cnpg-controller-manager');
  });

  test('has three instances on nodes of their own, and commits when a replica has it', async () => {
    const { cluster } = await declared();
    expect(cluster.inputs.spec).toMatchObject({
      instances: 3,
      imageName: IMAGES.postgres,
      enableSuperuserAccess: false,
      storage: { size: '500Gi' },
      postgresql: { synchronous: { method: 'any', number: 1, dataDurability: 'required' } },
      affinity: { podAntiAffinityType: 'required', nodeSelector: { role: 'coordinator' } },
      monitoring: { enablePodMonitor: false },
      bootstrap: { initdb: { database: 'experiment', owner: 'experiment', secret: { name: 'postgres-app' } } },
    });
  });

  test('waits for no replica where there is none', async () => {
    const { cluster } = await declared({ stores: { postgres: { instances: 1 } } });
    expect(cluster.inputs.spec.postgresql.synchronous).toBeUndefined();
  });
});
