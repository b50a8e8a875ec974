import { ArchiveExport } from '../../infra/archive-export.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/index.js';
import { ControlToken } from '../../infra/control-token.js';
import { Runtime } from '../../infra/runtime.js';
import { nameIn, recordResources, resourceOf, resourcesOf, settled, valueOf } from './mocks.js';
import { expectRestricted, named, roleContext } from './runtime-context.js';

const DEPLOYMENT = 'kubernetes:apps/v1:Deployment';

async function declared(options: object = {}, changes: object = {}) {
  recordResources();
  const context = roleContext(3, options, changes);
  const before = new ConfigMap('before', { metadata: { name: 'before' } });
  const runtime = new Runtime('runtime', context, { dependsOn: [before] });
  new ArchiveExport('archive-export', context);
  await settled();
  return { runtime, context };
}

const podOf = (name: string) => named(DEPLOYMENT, name).inputs.spec.template;
const envOf = (name: string): { name: string; value?: string; valueFrom?: object }[] =>
  podOf(name).spec.containers[0].env;

describe('the runtime', () => {
  test('has the runbook’s names and numbers', async () => {
    const { context } = await declared();
    const replicas = resourcesOf(DEPLOYMENT).map(({ inputs }) => [inputs.metadata.name, inputs.spec.replicas]);
    expect(Object.fromEntries(replicas)).toEqual({
      'miyabi-coordinator': 3,
      'miyabi-agent': context.deployment.roles.agent.replicas,
      'miyabi-autoscaler': 1,
      'miyabi-chaos': 1,
      'miyabi-monitor': 1,
      'miyabi-archiver': 1,
    });
    expect(context.deployment.roles.agent.replicas).toBeGreaterThanOrEqual(200);
  });

  test('waits for what it is said to depend on, every part of it', async () => {
    await declared();
    const own = resourcesOf(DEPLOYMENT).filter(({ name }) => name.startsWith('runtime'));
    expect(own).toHaveLength(5);
    for (const { opts } of own) expect(opts.dependsOn.map(nameIn)).toContain('before');
  });

  test('is of restricted pod security, sized and by digest in every container', async () => {
    await declared();
    for (const { inputs } of resourcesOf(DEPLOYMENT)) expectRestricted(inputs.spec.template);
  });

  test('has probes that leave time to start and look at the process alone', async () => {
    await declared();
    for (const { inputs } of resourcesOf(DEPLOYMENT)) {
      const [{ startupProbe, livenessProbe, readinessProbe }] = inputs.spec.template.spec.containers;
      expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBeGreaterThanOrEqual(120);
      expect(livenessProbe).toMatchObject({ httpGet: { path: '/healthz', port: 'health' }, failureThreshold: 6 });
      expect(readinessProbe.httpGet.path).toBe('/readyz');
    }
  });

  test('gives each role the stores it needs and no others', async () => {
    await declared();
    const stores = (name: string): string =>
      envOf(name)
        .filter((variable) => variable.name.endsWith('_PASSWORD'))
        .map((variable) => variable.name.replace('_PASSWORD', '').toLowerCase())
        .join(' ');
    expect(stores('miyabi-agent')).toBe('redis');
    expect(stores('miyabi-chaos')).toBe('redis');
    expect(stores('miyabi-coordinator')).toBe('redis postgres');
    expect(stores('miyabi-autoscaler')).toBe('redis influxdb');
    expect(stores('miyabi-monitor')).toBe('redis postgres influxdb elasticsearch');
    expect(stores('miyabi-archiver')).toBe('postgres influxdb elasticsearch');
  });

  test('gives the token of the control API and that of Kubernetes to those who use them', async () => {
    await declared();
    const all = resourcesOf(DEPLOYMENT).map(({ inputs }) => inputs.metadata.name as string);
    const withToken = all.filter((name) => envOf(name).some((variable) => variable.name === 'CONTROL_TOKEN'));
    expect(withToken.sort()).toEqual(['miyabi-coordinator', 'miyabi-monitor']);
    const mounted = all.filter((name) => podOf(name).spec.automountServiceAccountToken);
    expect(mounted.sort()).toEqual(['miyabi-autoscaler', 'miyabi-chaos', 'miyabi-coordinator', 'miyabi-monitor']);
  });

  test('tells every role who and where it is', async () => {
    await declared({ heartbeatUrl: 'https://alive.test/x' });
    expect(podOf('miyabi-agent').spec.containers[0].args).toEqual(['role', 'agent']);
    const env = Object.fromEntries(
      envOf('miyabi-agent').map(({ name, value, valueFrom }) => [name, value ?? valueFrom]),
    );
    expect(env).toMatchObject({
      ROLE: 'agent',
      SPEC_FILE: '/etc/agent-experiment/spec.json',
      NAMESPACE: 'miyabi-experiment',
      POD_IP: { fieldRef: { fieldPath: 'status.podIP' } },
      NODE_NAME: { fieldRef: { fieldPath: 'spec.nodeName' } },
    });
    expect(Object.values(JSON.parse(env['ZONE_LABELS'] as string)).flat()).toEqual(['A', 'B', 'C', 'D']);
    expect(envOf('miyabi-monitor')).toContainEqual({ name: 'HEARTBEAT_URL', value: 'https://alive.test/x' });
    expect(envOf('miyabi-agent').map(({ name }) => name)).not.toContain('HEARTBEAT_URL');
  });

  test('keeps roles to their pools where nodes have roles, and nowhere else', async () => {
    await declared();
    expect(podOf('miyabi-agent').spec.nodeSelector).toEqual({ role: 'agent' });
    expect(podOf('miyabi-monitor').spec.nodeSelector).toEqual({ role: 'monitoring' });
    await declared({ placement: 'any' });
    expect(podOf('miyabi-agent').spec.nodeSelector).toBeUndefined();
  });

  test('is not public', async () => {
    await declared();
    const services = resourcesOf('kubernetes:core/v1:Service').map(({ inputs }) => inputs);
    expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(['miyabi-coordinator', 'miyabi-monitor']);
    for (const { spec } of services) expect(spec.type).toBe('ClusterIP');
  });

  test('says where the control API is', async () => {
    const { runtime } = await declared();
    expect(await valueOf(runtime.controlUrl)).toBe('http://miyabi-coordinator.miyabi-experiment.svc:8081');
  });
});

describe('agents', () => {
  test('are counted by the autoscaler once they are there', async () => {
    await declared();
    expect(named(DEPLOYMENT, 'miyabi-agent').opts.ignoreChanges).toEqual(['spec.replicas']);
    expect(podOf('miyabi-agent').metadata.annotations).toMatchObject({
      'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
    });
  });

  test('have longer to end than their longest task takes, and drain first', async () => {
    const { context } = await declared();
    const { spec } = podOf('miyabi-agent');
    expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(context.experiment.tasks.timeoutMs);
    expect(spec.containers[0].lifecycle.preStop.httpGet.path).toBe('/drain');
  });

  test('are spread over zones without waiting for one that is out, and replaced above the floor', async () => {
    await declared();
    expect(podOf('miyabi-agent').spec.topologySpreadConstraints).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
    ]);
    expect(named(DEPLOYMENT, 'miyabi-agent').inputs.spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
  });

  test('and coordinators are targets of chaos, nobody else is', async () => {
    await declared();
    const targets = resourcesOf(DEPLOYMENT)
      .filter(({ inputs }) => inputs.spec.template.metadata.labels['agent-experiment/chaos-target'] === 'true')
      .map(({ inputs }) => inputs.metadata.name as string);
    expect(targets.sort()).toEqual(['miyabi-agent', 'miyabi-coordinator']);
  });

  test('and coordinators keep most of their pods through a maintenance of nodes', async () => {
    await declared();
    const budget = (name: string) => named('kubernetes:policy/v1:PodDisruptionBudget', name).inputs.spec.maxUnavailable;
    expect(budget('miyabi-agent')).toBe('10%');
    expect(budget('miyabi-coordinator')).toBe(1);
  });

  test('are replaced when tasks change, and left alone when the load or the budget does', async () => {
    const hash = (name: string): string => podOf(name).metadata.annotations['agent-experiment/spec-hash'];
    const { context } = await declared();
    const [agent, monitor] = [hash('miyabi-agent'), hash('miyabi-monitor')];
    await declared({}, { budget: { ...context.experiment.budget, maxUsd: 1 } });
    expect(hash('miyabi-agent')).toBe(agent);
    expect(hash('miyabi-monitor')).not.toBe(monitor);
    await declared({}, { tasks: { ...context.experiment.tasks, timeoutMs: 1 } });
    expect(hash('miyabi-agent')).not.toBe(agent);
  });
});

describe('coordinators', () => {
  test('take the experiment’s mode from where what the runbook sets wins', async () => {
    await declared();
    const [{ name, env, envFrom }] = podOf('miyabi-coordinator').spec.containers;
    expect(name).toBe('coordinator');
    expect(envFrom).toEqual([{ configMapRef: { name: 'experiment-mode' } }]);
    expect(env.map((variable: { name: string }) => variable.name)).not.toContain('EXPERIMENT_MODE');
    expect(named('kubernetes:core/v1:ConfigMap', 'experiment-mode').inputs.data).toEqual({ EXPERIMENT_MODE: 'true' });
  });
});

describe('the control token', () => {
  test('is drawn, or the given one, and a secret either way', async () => {
    recordResources();
    const { deployment } = roleContext();
    new ControlToken('control-token', { deployment });
    await settled();
    const { inputs, opts } = resourceOf('kubernetes:core/v1:Secret');
    expect(inputs.stringData.token).toHaveLength(40);
    expect(opts.secretInputs).toContain('stringData');

    recordResources();
    new ControlToken('control-token', { deployment, token: 'mine' });
    await settled();
    expect(resourceOf('kubernetes:core/v1:Secret').inputs.stringData.token).toBe('mine');
    expect(resourceOf('kubernetes:core/v1:Secret').opts.secretInputs).toContain('stringData');
    expect(resourcesOf('random:index/randomPassword:RandomPassword')).toHaveLength(0);
  });
});

describe('the export to the archive', () => {
  test('happens within the grace of a pod that a destroy waits for', async () => {
    await declared();
    const { metadata, spec } = named(DEPLOYMENT, 'miyabi-archiver').inputs;
    expect(metadata.annotations['pulumi.com/deletionPropagationPolicy']).toBe('foreground');
    expect(spec.template.spec.terminationGracePeriodSeconds).toBe(1_800);
    expect(spec.strategy.type).toBe('Recreate');
  });

  test('shows AWS a token made for it, and needs none elsewhere', async () => {
    const audience = () =>
      podOf('miyabi-archiver').spec.volumes.find(({ name }: { name: string }) => name === 'identity')?.projected
        .sources[0].serviceAccountToken.audience;
    await declared();
    expect(audience()).toBe('sts.amazonaws.com');
    expect(podOf('miyabi-archiver').spec.serviceAccountName).toBe('archiver');
    await declared({ archive: { provider: 's3-compatible', bucket: 'archive', endpoint: 'http://s3.test:7070' } });
    expect(audience()).toBeUndefined();
  });
});
