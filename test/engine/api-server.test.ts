import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { compose } from '../../stacks/compose.js';
import { readSettings, type Settings } from '../../stacks/settings.js';
import { CHAOS_TARGET_LABEL } from '../../infra/workloads.js';
import { recordResources, settled } from '../infra/mocks.js';
import { ApiServer, type Answer, type KubernetesObject } from './api-server.js';

/*
 * Everything a stack declares in the cluster, shown to a real API server with the real definitions of CloudNativePG:
 * its schemas, its admission, its authorizer.
 */

const CNPG = { module: 'github.com/cloudnative-pg/cloudnative-pg', version: 'v1.26.0' };

const image = (name: string): string => `registry.example/${name}@sha256:${'1'.repeat(64)}`;

/** Before everything that lives in them or is of them. */
const FIRST = ['Namespace', 'CustomResourceDefinition', 'PriorityClass', 'StorageClass', 'ServiceAccount'];

/** The operator's release manifest, by way of the Go module proxy, which keeps what it once had. */
function operatorManifest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cnpg-'));
  try {
    const said = execFileSync('go', ['mod', 'download', '-json', `${CNPG.module}@${CNPG.version}`], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off' },
    });
    const { Dir } = JSON.parse(said) as { Dir: string };
    return readFileSync(join(Dir, 'releases', `cnpg-${CNPG.version.slice(1)}.yaml`), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function settingsOf(phase: 1 | 2 | 3): Settings {
  const { config } = parse(readFileSync(`Pulumi.phase${phase}.yaml`, 'utf8')) as { config: Record<string, unknown> };
  const deployment = { project: 'test-project', image: { reference: image('agent-experiment') } };
  const values = { ...config, 'agent-experiment:deployment': deployment };
  return readSettings(
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)])),
    `phase${phase}`,
  );
}

/** The objects of a stack, in the order they can be made in. */
async function objectsOf(settings: Settings, manifest: string): Promise<KubernetesObject[]> {
  const recorded = recordResources({ stack: `phase${settings.experiment.phase}` });
  compose(settings, {
    images: {
      redis: image('redis:7.2.7'),
      postgres: image('postgresql:15.13'),
      postgresOperator: image('cloudnative-pg:1.26.0'),
      influxdb: image('influxdb:2.7.12'),
      elasticsearch: image('elasticsearch:8.17.0'),
    },
    operatorManifest: manifest,
    kubeconfig: null,
    firstDeployedAt: new Date('2026-11-02T00:00:00Z'),
    archiveCredentials: null,
    controlToken: null,
  });
  await settled();
  const rank = ({ kind }: KubernetesObject): number =>
    kind.endsWith('WebhookConfiguration') ? 2 * FIRST.length : (FIRST.indexOf(kind) + FIRST.length) % FIRST.length;
  return recorded
    .filter(({ type }) => type.startsWith('kubernetes:'))
    .map(({ inputs }) => inputs as KubernetesObject)
    .map((object) => ({ object, at: FIRST.includes(object.kind) ? rank(object) : rank(object) + FIRST.length }))
    .sort((a, b) => a.at - b.at)
    .map(({ object }) => object);
}

/** Fields of `sent` that were kept otherwise, with both values: what a refresh would show as changed. */
function differences(sent: unknown, kept: unknown, path = ''): string[] {
  if (typeof sent !== 'object' || sent === null)
    return sent === kept ? [] : [`${path}: ${JSON.stringify(sent)} kept as ${JSON.stringify(kept)}`];
  return Object.entries(sent).flatMap(([key, value]) =>
    differences(value, (kept as Record<string, unknown> | undefined)?.[key], `${path}.${key}`),
  );
}

interface PodTemplate {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec: Record<string, unknown>;
}

/** The template of the pods an object makes, if it makes any. */
function templateOf(object: KubernetesObject): PodTemplate | undefined {
  const spec = object['spec'] as
    { template?: PodTemplate; jobTemplate?: { spec: { template: PodTemplate } } } | undefined;
  if (object.kind === 'CronJob') return spec?.jobTemplate?.spec.template;
  return ['Deployment', 'StatefulSet', 'Job', 'DaemonSet'].includes(object.kind) ? spec?.template : undefined;
}

/** The volumes a set makes claims for, which its controller adds to each pod. */
function claimedVolumes(object: KubernetesObject): object[] {
  const { volumeClaimTemplates = [] } = object['spec'] as { volumeClaimTemplates?: KubernetesObject[] };
  return volumeClaimTemplates.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: { claimName: name } }));
}

function podOf(object: KubernetesObject, template: PodTemplate): KubernetesObject {
  const { namespace } = object.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${object.metadata.name}-x`,
      ...(namespace === undefined ? {} : { namespace }),
      ...template.metadata,
    },
    spec: {
      ...template.spec,
      volumes: [...((template.spec['volumes'] as object[] | undefined) ?? []), ...claimedVolumes(object)],
    },
  };
}

const told = ({ status, body }: Answer): string => `${status} ${body.message ?? ''}`;

const manifest = operatorManifest();

it('the operator’s manifest is the one the default config names', () => {
  const { postgres } = settingsOf(1).deployment.stores;
  expect(createHash('sha256').update(manifest).digest('hex')).toBe(postgres.operator.sha256);
});

describe.each([3, 2, 1] as const)('what the stack of phase %d declares', (phase) => {
  let server: ApiServer;
  let objects: KubernetesObject[];
  const answers: { object: KubernetesObject; answer: Answer }[] = [];

  beforeAll(async () => {
    server = await ApiServer.start();
    objects = await objectsOf(settingsOf(phase), manifest);
    // The webhooks of the operator would be asked about its clusters, and nobody is there to answer.
    for (const object of objects.filter(({ kind }) => !kind.endsWith('WebhookConfiguration')))
      answers.push({ object, answer: await server.apply(object) });
  }, 120_000);

  afterAll(() => {
    server.dispose();
  });

  it('is accepted object by object, with no field it does not know', () => {
    expect(answers.length).toBeGreaterThan(60);
    const refused = answers
      .filter(({ answer }) => answer.status >= 300)
      .map(({ object, answer }) => `${object.kind} ${object.metadata.name}: ${told(answer)}`);
    expect(refused).toEqual([]);
  });

  it('uses nothing that is deprecated, and no pod the namespace would refuse', () => {
    expect(answers.flatMap(({ object, answer }) => answer.warnings.map((text) => `${object.kind}: ${text}`))).toEqual(
      [],
    );
  });

  it('is kept as it is sent, so that a refresh finds nothing changed', () => {
    const ours = answers.filter(
      ({ object }) => object.kind !== 'Secret' && object.metadata.namespace !== 'cnpg-system',
    );
    const changed = ours.flatMap(({ object, answer }) =>
      differences(object, answer.body).map((text) => `${object.kind} ${object.metadata.name} ${text}`),
    );
    expect(changed).toEqual([]);
  });

  it('makes pods that are admitted under the namespace’s security, limits and quota', async () => {
    const { namespace } = settingsOf(phase).deployment;
    await server.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
    // Nobody counts here: what is used is said by hand, or every pod is refused for want of a count.
    const quota = objects.find(({ kind }) => kind === 'ResourceQuota')!;
    const { hard } = quota['spec'] as { hard: Record<string, string> };
    const used = Object.fromEntries(Object.keys(hard).map((key) => [key, '0']));
    const counted = await server.ask('PATCH', `${await server.pathOf(quota)}/status`, {
      body: { status: { hard, used } },
      contentType: 'application/merge-patch+json',
    });
    expect(told(counted)).toMatch(/^200/);
    const refused: string[] = [];
    let pods = 0;
    for (const object of objects.filter((one) => one.metadata.namespace === namespace)) {
      const template = templateOf(object);
      if (template === undefined) continue;
      const pod = podOf(object, template);
      const answer = await server.ask('POST', `${await server.pathOf(pod, false)}?dryRun=All&fieldValidation=Strict`, {
        body: pod,
      });
      pods += 1;
      if (answer.status >= 300 || answer.warnings.length > 0)
        refused.push(`${object.kind} ${object.metadata.name}: ${told(answer)} ${answer.warnings.join()}`);
    }
    expect(refused).toEqual([]);
    expect(pods).toBeGreaterThan(10);
  });

  // The stack with the weekly run has all of them.
  if (phase !== 1) return;

  describe('with its admission policies', () => {
    const { namespace } = settingsOf(phase).deployment;
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    let runtime: string;

    const pod = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: {
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'main',
            image: image('pause'),
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1m', memory: '1Mi' } },
          },
        ],
      },
    });

    const metadataPatch = (as: string, name: string, metadata: object): Promise<Answer> =>
      server.ask('PATCH', `${pods}/${name}?dryRun=All`, {
        as: `${namespace}:${as}`,
        body: { metadata },
        contentType: 'application/merge-patch+json',
      });

    /** A policy holds some moments after it was made. */
    const refusalOf = async (act: () => Promise<Answer>): Promise<string> => {
      for (let attempt = 0; attempt < 100; attempt++) {
        const answer = await act();
        if (answer.status >= 400) return told(answer);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return 'allowed';
    };

    beforeAll(async () => {
      runtime = settingsOf(phase).deployment.image.reference!;
      for (const [name, labels] of [
        ['target', { [CHAOS_TARGET_LABEL]: 'true' }],
        ['store', {}],
      ] as const)
        expect(told(await server.ask('POST', pods, { body: pod(name, labels) }))).toMatch(/^201/);
    });

    it('let chaos delete a pod that is marked as its target, and no other', async () => {
      const as = `${namespace}:chaos`;
      const refused = await refusalOf(() => server.ask('DELETE', `${pods}/store?dryRun=All`, { as }));
      expect(refused).toMatch(/^(403|422) .*chaos may delete only pods with the label/);
      expect((await server.ask('DELETE', `${pods}/target?dryRun=All`, { as })).status).toBe(200);
    });

    it('let chaos evict pods of the fleet, and no other', async () => {
      const evict = (name: string): Promise<Answer> =>
        server.ask('POST', `${pods}/${name}/eviction?dryRun=All`, {
          as: `${namespace}:chaos`,
          body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
        });
      expect(await refusalOf(() => evict('store'))).toMatch(/chaos may evict only pods of/);
      // Admitted, and then not found: there is no such pod.
      expect((await evict('miyabi-agent-none')).status).toBe(404);
    });

    it('let the autoscaler mark a pod for deletion, and change nothing else of it', async () => {
      const cost = { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } };
      expect((await metadataPatch('autoscaler', 'target', cost)).status).toBe(200);
      expect(await refusalOf(() => metadataPatch('autoscaler', 'target', { annotations: { other: 'x' } }))).toMatch(
        /may change no annotation/,
      );
      expect(await refusalOf(() => metadataPatch('autoscaler', 'target', { labels: { other: 'x' } }))).toMatch(
        /may change nothing of a pod but its deletion cost/,
      );
      expect((await metadataPatch('agent', 'target', cost)).status).toBe(403);
    });

    it('let the weekly run create the load generator from the experiment’s image, and no other job', async () => {
      const job = (name: string, container: string): KubernetesObject => ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name, namespace },
        spec: {
          template: {
            spec: {
              restartPolicy: 'Never',
              serviceAccountName: 'load-generator',
              containers: [{ name: 'main', image: container }],
            },
          },
        },
      });
      const create = (body: KubernetesObject): Promise<Answer> =>
        server.ask('POST', `/apis/batch/v1/namespaces/${namespace}/jobs?dryRun=All`, {
          as: `${namespace}:experiment-runner`,
          body,
        });
      expect(await refusalOf(() => create(job('other', runtime)))).toMatch(/may create only the job load-generator/);
      expect(await refusalOf(() => create(job('load-generator', image('miner'))))).toMatch(
        /from the image of the experiment/,
      );
      expect(told(await create(job('load-generator', runtime)))).toMatch(/^201/);
    });
  });
});
