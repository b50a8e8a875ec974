import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { compileExperiment } from '../../runtime/spec/compile.js';
import { specHash } from '../../runtime/spec/spec-hash.js';
import { prepare } from '../../stacks/prepare.js';
import type { Fetch } from '../../stacks/asking.js';
import { deployment, existing } from '../engine/samples.js';
import { fileWith, kubeconfigFor } from './kubeconfigs.js';

const nobody: Fetch = (url) => Promise.reject(new Error(`nobody at ${new URL(url).host}`));

const prepared = (experiment: unknown, where: unknown, fetch: Fetch = nobody, project = '/nonexistent/project') =>
  prepare(
    {
      'agent-experiment:experiment': JSON.stringify(experiment),
      'agent-experiment:deployment': JSON.stringify(where),
    },
    'mine',
    {
      fetch,
      clock: new RealClock(),
      connect: () => Promise.reject(new Error('nobody at the cluster')),
      env: {},
      home: '/nonexistent',
      project,
    },
  );

async function faultsOf(experiment: unknown, where: unknown): Promise<readonly Problem[]> {
  const error = await prepared(experiment, where).catch((one: unknown) => one);
  if (error instanceof ExperimentError) return error.problems;
  throw new Error('was not refused');
}

const kubeconfig = fileWith(kubeconfigFor('https://x.test'));
const there = { ...existing, kubeconfig };

describe('what is known before anything is declared', () => {
  test('are config, bill, images and manifest', async () => {
    const { settings, bill, images, operatorManifest } = await prepared({ phase: 1 }, deployment);
    expect(settings.experiment.phase).toBe(1);
    expect(bill.runUsd).toBeGreaterThan(0);
    expect(images).toEqual({
      redis: deployment.stores.redis.image,
      postgres: deployment.stores.postgres.image,
      postgresOperator: deployment.stores.postgres.operator.image,
      influxdb: deployment.stores.influxdb.image,
      elasticsearch: deployment.stores.elasticsearch.image,
    });
    expect(operatorManifest).toContain('kind:');
  });

  test('has the bill of the agents a rehearsal of this very experiment had', async () => {
    const project = mkdtempSync(join(tmpdir(), 'project-'));
    try {
      const report = (specHash: string, agents: number): string =>
        JSON.stringify({
          verdict: 'PASS',
          metadata: { target: 'rehearsal', cutShort: false },
          provenance: { specHash },
          cost: { agentTime: [{ agents, ms: 86_400_000 }] },
        });
      for (const [run, text] of [
        ['mine', report(specHash(compileExperiment({ phase: 1 })), 70)],
        ['other', report(specHash(compileExperiment({ phase: 2 })), 90)],
      ] as const) {
        mkdirSync(join(project, 'results', run), { recursive: true });
        writeFileSync(join(project, 'results', run, 'report.json'), text);
      }
      const rehearsed = await prepared({ phase: 1 }, deployment, nobody, project);
      const floor = await prepared({ phase: 1 }, deployment);
      expect(rehearsed.bill.curve).toBe('rehearsal mine (PASS)');
      expect(rehearsed.bill.runUsd).toBeGreaterThan(floor.bill.runUsd);
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  test('has whole paths: the providers run in other folders than the program', async () => {
    const relative = { ...existing, kubeconfig: 'configs/lab' };
    const [fault] = await faultsOf({ phase: 1 }, relative);
    expect(fault?.value).toContain('/nonexistent/project/configs/lab');
    const [ofHome] = await faultsOf({ phase: 1 }, { ...existing, kubeconfig: '~/lab' });
    expect(ofHome?.value).toContain('/nonexistent/lab');
  });

  test('is nothing where anything outside fails: all of it is told in one message', async () => {
    const { postgres } = there.stores;
    const operator = { ...postgres.operator, manifest: 'https://operator.test/x.yaml' };
    const stores = { ...there.stores, redis: { image: 'redis:7' }, influxdb: { image: 'r.test/influxdb:2' } };
    const faults = await faultsOf(
      { phase: 1 },
      { ...there, stores: { ...stores, postgres: { ...postgres, operator } } },
    );
    expect(faults.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'deployment.stores.postgres.operator.manifest: cannot be read: nobody at operator.test',
      'deployment.stores.redis.image: its digest could not be had from docker.io: nobody at registry-1.docker.io',
      'deployment.stores.influxdb.image: its digest could not be had from r.test: nobody at r.test',
      'deployment.kubeconfig: the API server of its context test, https://x.test/, cannot be reached: nobody at the cluster',
    ]);
  });

  test('is told beside the faults of the config', async () => {
    const experiment = { phase: 1, budget: { max: '-$5' } };
    const paths = (faults: readonly Problem[]): string[] => faults.map(({ path }) => path);
    expect(paths(await faultsOf(experiment, there))).toEqual(['experiment.budget.max', 'deployment.kubeconfig']);
    const where = { platform: 'existing', kubeconfig };
    expect(paths(await faultsOf(experiment, where))).toEqual([
      'experiment.budget.max',
      'deployment.image',
      'deployment.kubeconfig',
    ]);
    expect(paths(await faultsOf({ phase: 1 }, { ...where, kubeconfig: 7 }))).toEqual([
      'deployment.kubeconfig',
      'deployment.image',
    ]);
  });

  test('needs a price of everything that is made', async () => {
    const pools = { bootDisk: { type: 'pd-unheard-of' } };
    const faults = await faultsOf({ phase: 1 }, { ...deployment, pools });
    expect(faults).toHaveLength(1);
    expect(JSON.stringify(faults)).toContain('pd-unheard-of');
  });
});
