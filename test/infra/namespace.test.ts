import { ExperimentNamespace } from '../../infra/namespace.js';
import { cpuQuantity, memoryQuantity } from '../../infra/pod-resources.js';
import { SpecConfig } from '../../infra/spec-config.js';
import { recordResources, resourceOf, resourcesOf, settled } from './mocks.js';
import { named, roleContext } from './runtime-context.js';

async function declared() {
  recordResources();
  const context = roleContext();
  new ExperimentNamespace('namespace', context);
  new SpecConfig('spec', context);
  await settled();
  return context;
}

describe('the namespace', () => {
  test('takes only pods of restricted security', async () => {
    await declared();
    const { metadata } = resourceOf('kubernetes:core/v1:Namespace').inputs;
    expect(metadata.name).toBe('miyabi-experiment');
    expect(metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'app.kubernetes.io/part-of': 'agent-experiment',
      'cost-center': expect.any(String),
    });
  });

  test('denies all traffic but the look-up of names', async () => {
    await declared();
    expect(named('kubernetes:networking.k8s.io/v1:NetworkPolicy', 'default-deny').inputs.spec).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
    const { egress } = named('kubernetes:networking.k8s.io/v1:NetworkPolicy', 'allow-dns').inputs.spec;
    expect(egress.flatMap(({ ports }: { ports: { port: number }[] }) => ports.map(({ port }) => port))).toEqual([
      53, 53,
    ]);
  });

  test('has a quota above the largest fleet that admits nothing public', async () => {
    const { experiment } = await declared();
    const { hard } = resourceOf('kubernetes:core/v1:ResourceQuota').inputs.spec;
    expect(Number(hard.pods)).toBeGreaterThan(experiment.fleet.max * 1.5);
    expect(Number(hard.pods)).toBeLessThan(experiment.fleet.max * 2);
    expect(hard).toMatchObject({ 'services.loadbalancers': '0', 'services.nodeports': '0' });
  });

  test('lets agents yield to stores, and stores to those who steer', async () => {
    await declared();
    const classes = resourcesOf('kubernetes:scheduling.k8s.io/v1:PriorityClass').map(({ inputs }) => inputs);
    const byValue = [...classes].sort((a, b) => a.value - b.value).map(({ metadata }) => metadata.name);
    expect(byValue).toEqual(['agent', 'store', 'control'].map((name) => `miyabi-experiment-${name}`));
    expect(classes.every(({ value }) => value > 0)).toBe(true);
  });

  test('holds the compiled experiment and deployment as plain JSON', async () => {
    const { experiment, deployment } = await declared();
    const { metadata, data } = named('kubernetes:core/v1:ConfigMap', 'experiment-spec').inputs;
    expect(metadata.namespace).toBe('miyabi-experiment');
    expect(JSON.parse(data['spec.json'])).toEqual(experiment);
    expect(JSON.parse(data['deployment.json'])).toEqual(deployment);
  });
});

test('quantities are written as Kubernetes gives them back', () => {
  expect([400, 2_000].map(cpuQuantity)).toEqual(['400m', '2']);
  expect([2 ** 30, 1.5 * 2 ** 30, 5_000_000, 1_001].map(memoryQuantity)).toEqual(['1Gi', '1536Mi', '5M', '1001']);
});
