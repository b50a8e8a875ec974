import { RedisCluster } from '../../infra/redis-cluster.js';
import { nameIn, recordResources, resourceOf, settled, valueOf } from './mocks.js';
import { storeArgs } from './store-setup.js';

async function declared(written: object = {}) {
  recordResources();
  const redis = new RedisCluster('redis', storeArgs(written));
  await settled();
  return { redis, set: resourceOf('kubernetes:apps/v1:StatefulSet').inputs };
}

describe('the Redis cluster', () => {
  test('has the declared nodes, evenly over nodes and zones, and loses its volumes with the set', async () => {
    const { set } = await declared();
    expect(set.spec).toMatchObject({
      replicas: 6,
      podManagementPolicy: 'Parallel',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    });
    const pod = set.spec.template.spec;
    expect(pod.nodeSelector).toEqual({ role: 'coordinator' });
    expect(pod.topologySpreadConstraints).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor' },
      { topologyKey: 'topology.kubernetes.io/zone' },
    ]);
    expect(pod.containers[0].resources.limits.memory).toBe('8Gi');
  });

  test('keeps its data below the memory limit, and writes without a replica so that the queue can degrade', async () => {
    await declared();
    const { data } = resourceOf('kubernetes:core/v1:ConfigMap').inputs;
    const config = data['redis.conf'];
    expect(config).toContain(`maxmemory ${6 * 2 ** 30}\n`);
    for (const line of [
      'maxmemory-policy noeviction',
      'cluster-node-timeout 2000',
      'appendonly yes',
      'min-replicas-to-write 0',
      'cluster-preferred-endpoint-type hostname',
    ])
      expect(config).toContain(`\n${line}\n`);
  });

  test('knows nobody without a name, and its passwords are secrets', async () => {
    await declared();
    const { inputs, opts } = resourceOf('kubernetes:core/v1:Secret');
    expect(opts.secretInputs).toContain('stringData');
    expect(inputs.stringData['users.acl']).toMatch(/^user default off\n/);
    expect(inputs.stringData['users.acl']).toContain('-@admin -@dangerous');
  });

  test('is made one cluster by a job that runs after the nodes are there', async () => {
    const { redis } = await declared();
    const { inputs, opts } = resourceOf('kubernetes:batch/v1:Job');
    expect(inputs.metadata.name).toBe('redis-bootstrap');
    expect(opts.dependsOn.map(nameIn)).toContain('redis');
    const [{ env }] = inputs.spec.template.spec.containers;
    expect(env[0].value.split(' ')).toHaveLength(6);
    expect(await valueOf(redis.connection.env['REDIS_NODES']!)).toContain('redis-5.redis.miyabi-experiment.svc:6379');
    expect(redis.connection.secretEnv['REDIS_PASSWORD']?.key).toBe('password');
  });

  test('hands over before a stop, in less time than it is given, and loses one node at a time', async () => {
    const { set } = await declared();
    const pod = set.spec.template.spec;
    expect(pod.containers[0].lifecycle.preStop.exec.command).toContain('/etc/redis/stop.sh');
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(20);
    expect(resourceOf('kubernetes:policy/v1:PodDisruptionBudget').inputs.spec.maxUnavailable).toBe(1);
  });
});
