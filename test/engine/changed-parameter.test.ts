import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineProject, expectSuccess } from './harness.js';
import type { Outcome } from './outcome.js';
import { deployment, optionsOf } from './samples.js';

/* One deployment, changed step by step: each step may touch what it is about, and nothing else. */

const OTHER_DIGEST = `sha256:${'fedcba9876543210'.repeat(4)}`;

/** What reads the spec, and is replaced when it changes. Agents know tasks and queue only, and go on. */
const READERS = [
  'update apps/v1:Deployment archiver',
  'update apps/v1:Deployment runtime-autoscaler',
  'update apps/v1:Deployment runtime-chaos',
  'update apps/v1:Deployment runtime-coordinator',
  'update apps/v1:Deployment runtime-monitor',
  'update batch/v1:CronJob deadline',
  'update batch/v1:CronJob load-generator',
  'update batch/v1:CronJob weekly',
];
const SPEC = 'update core/v1:ConfigMap spec';

let project: EngineProject;
let where: Record<string, unknown> = {
  ...deployment,
  budgetAlerts: { billingAccount: '000000-000000-000000', emails: ['sre@example.test'] },
};
let experiment: Record<string, unknown> = {};

/** Deploys with these changes beside all earlier ones. */
async function changed(change: {
  readonly deployment?: Record<string, unknown>;
  readonly experiment?: Record<string, unknown>;
}): Promise<Outcome> {
  where = { ...where, ...change.deployment };
  experiment = { ...experiment, ...change.experiment };
  project.configure(optionsOf(1, where, experiment).config ?? {});
  const outcome = await project.up();
  expectSuccess(outcome, 'changed up');
  return outcome;
}

/** Every resource that was touched, once: `update apps/v1:Deployment archiver`, or `replace …`. */
function touched({ steps }: Outcome): string[] {
  const lines = steps
    .filter(({ op }) => !['create-replacement', 'delete-replaced'].includes(op))
    .map(({ op, type, name }) => `${op} ${type.replace('kubernetes:', '')} ${name}`);
  return [...new Set(lines)].sort();
}

beforeAll(async () => {
  project = await EngineProject.create(optionsOf(1, where));
  expectSuccess(await project.up(), 'up');
});

afterAll(() => project.dispose());

describe('on a deployed stack', () => {
  it('thresholds of budget alerts change the alerts', async () => {
    const outcome = await changed({
      deployment: { budgetAlerts: { ...(where['budgetAlerts'] as object), thresholds: ['40%', '80%'] } },
    });
    expect(touched(outcome)).toEqual(
      [
        SPEC,
        'update aws:budgets/budget:Budget budget-alerts-aws',
        'update gcp:billing/budget:Budget budget-alerts-gcp',
      ].sort(),
    );
  });

  it('more agents, and more at most, change the pool, the quota and those who read the spec', async () => {
    const outcome = await changed({
      experiment: { agents: 60, horizontalScaling: { actions: { scaleUp: { max: 300 } } } },
    });
    expect(touched(outcome)).toEqual(
      [
        ...READERS,
        SPEC,
        'update core/v1:ResourceQuota namespace-quota',
        'update gcp:container/nodePool:NodePool agent-pool',
      ].sort(),
    );
  });

  it('sizes of stores change those stores and the quota, and replace none', async () => {
    const { stores } = deployment;
    const outcome = await changed({
      deployment: {
        stores: {
          ...stores,
          postgres: { ...stores.postgres, storage: '600Gi' },
          influxdb: { ...stores.influxdb, resources: { memory: '6Gi' } },
        },
      },
    });
    expect(touched(outcome)).toEqual(
      [
        SPEC,
        'update apps/v1:StatefulSet influxdb',
        'update core/v1:ResourceQuota namespace-quota',
        'update postgresql.cnpg.io/v1:Cluster postgres',
      ].sort(),
    );
  });

  it('another limit of a policy changes nothing', async () => {
    const config = join(tmpdir(), `policies-${process.pid}.json`);
    writeFileSync(config, JSON.stringify({ 'hourly-cost': { enforcementLevel: 'advisory', maxUsdPerHour: 1 } }));
    const args = ['--policy-pack-config', config, '--expect-no-changes'];
    const outcome = await project.up({ policies: true, args }).finally(() => rmSync(config));
    expectSuccess(outcome, 'up');
    expect(outcome.violations).toEqual([expect.objectContaining({ policy: 'hourly-cost', level: 'advisory' })]);
  });

  it('another image of the runtime changes what runs it', async () => {
    const outcome = await changed({
      deployment: { image: { reference: `example.test/agent-experiment@${OTHER_DIGEST}` } },
    });
    expect(touched(outcome)).toEqual(
      [
        ...READERS,
        SPEC,
        'update apps/v1:Deployment runtime-agent',
        // The weekly run's admission rule lets pods of this image in, and no others.
        'update admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy chaos-admission-experiment-runner',
      ].sort(),
    );
  });

  it('another owner replaces no store, no node and no bucket; destroyed without a retained archive, nothing is left', async () => {
    const outcome = await changed({
      deployment: { labels: { ...deployment.labels, owner: 'others' }, archive: { retain: false } },
    });
    expect(touched(outcome).filter((line) => !line.startsWith('update '))).toEqual([
      'replace batch/v1:Job redis-bootstrap',
      'replace storage.k8s.io/v1:StorageClass experiment-balanced',
      'replace storage.k8s.io/v1:StorageClass experiment-ssd',
    ]);
    expectSuccess(await project.destroy(), 'destroy');
    expect(project.cloud.resources()).toEqual([]);
  });
});
