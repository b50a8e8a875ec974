import { readFileSync } from 'node:fs';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { regionZones, REGION_NAMES } from '../../runtime/spec/deployment/regions.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';

const phase = (number: 1 | 2 | 3) =>
  loadExperiment(readFileSync(`Pulumi.phase${number}.yaml`, 'utf8'), `Pulumi.phase${number}.yaml`);
const PROJECT = { project: 'test-project' };

function problemsOf(value: unknown, number: 1 | 2 | 3 = 3): string[] {
  try {
    compileDeployment(value, phase(number));
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('a deployment', () => {
  test('needs nothing but a project, and has the document’s pools and stores then', () => {
    const { pools, stores, namespace } = compileDeployment(PROJECT, phase(3));
    expect(pools.coordinator).toEqual({ machineType: 'n2-standard-8', nodes: 3 });
    expect(pools.monitoring).toEqual({ machineType: 'n2-standard-4', nodes: 3 });
    expect(stores.redis).toMatchObject({ nodes: 6, memoryBytes: 8 * 2 ** 30 });
    expect(stores.postgres).toMatchObject({ instances: 3, storageBytes: 500 * 2 ** 30 });
    expect(namespace).toBe('miyabi-experiment');
  });

  test('has as many agent nodes as the agents need, or the document’s 20 to 70', () => {
    // 209 agents (with nine in reserve), 50 at least, 250 at most, nine on a node, and one node to spare.
    expect(compileDeployment(PROJECT, phase(3)).pools.agent).toMatchObject({
      initial: 24,
      min: 6,
      max: 29,
      spot: true,
    });
    const asDocumented = compileDeployment({ ...PROJECT, pools: { agent: { sizing: 'document' } } }, phase(3));
    expect(asDocumented.pools.agent).toMatchObject({ initial: 50, min: 20, max: 70 });
  });

  test('deals the zone labels to the region’s zones in turn', () => {
    const { zones } = compileDeployment(PROJECT, phase(3));
    expect(zones.map(({ zone }) => zone)).toEqual(regionZones('us-central1'));
    expect(zones.map(({ label }) => label)).toEqual(['A', 'B', 'C', 'D']);
    expect(REGION_NAMES).toHaveLength(4);
  });

  test('has the weekly run on the stack of phase 1 only', () => {
    expect(compileDeployment(PROJECT, phase(1)).schedule).toMatchObject({ cron: '0 0 * * 1', timeZone: 'Asia/Tokyo' });
    expect(compileDeployment(PROJECT, phase(2)).schedule).toBeNull();
    expect(problemsOf({ ...PROJECT, schedule: { cron: '0 0 * * 1' } }, 2)).toEqual(['schedule']);
  });

  test('on a cluster that exists has nothing of Google Cloud, and pods run where there is room', () => {
    const image = { reference: `example.test/runtime@sha256:${'a'.repeat(64)}` };
    const made = compileDeployment({ platform: 'existing', context: 'lab', image }, phase(3));
    expect(made.platform).toEqual({ kind: 'existing', kubeconfig: null, context: 'lab' });
    expect(made.placement).toBe('any');
    expect(compileDeployment(PROJECT, phase(3)).placement).toBe('role');
  });

  test('is refused with everything that is wrong', () => {
    expect(problemsOf({})).toEqual(['project']);
    expect(problemsOf({ platform: 'existing' })).toEqual(['image']);
    expect(
      problemsOf({
        pools: { agent: { min: 9, max: 3 }, coordinator: { machineType: 'n9-mega' } },
        stores: { redis: { nodes: 7 } },
        archive: { provider: 's3-compatible' },
        roles: { monitor: { limits: { cpu: '1m' } }, agentLimits: { cpu: '100m' } },
      }),
    ).toEqual([
      'project',
      'pools.coordinator.machineType',
      'pools.agent.min',
      'stores.redis.nodes',
      'roles.monitor.limits',
      'roles.agentLimits',
      'archive.endpoint',
    ]);
    expect(problemsOf({ ...PROJECT, archive: { endpoint: 'https://s3.example' } })).toEqual(['archive.endpoint']);
    // What is wrong by itself, and what contradicts the rest, in one message.
    expect(problemsOf({ platfrom: 'gke', image: { reference: 'redis:7' }, stores: { redis: { nodes: 7 } } })).toEqual([
      'image.reference',
      'platfrom',
      'project',
      'stores.redis.nodes',
    ]);
    expect(problemsOf({ project: 'No Project' })).toEqual(['project']);
    expect(problemsOf({ ...PROJECT, schedule: { cron: 'every monday morning', timeZone: 'Mars/Olympus' } }, 1)).toEqual(
      ['schedule.timeZone', 'schedule.cron'],
    );
  });
});
