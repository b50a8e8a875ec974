import { sizeOf, WORKLOADS, workloadsOf } from '../../infra/workloads.js';
import { allocatable, machineType, PER_NODE_PODS, type Resources } from '../../runtime/spec/machines.js';
import { deployment } from './store-setup.js';

/** First fit, largest memory first, with at most so many of one kind on a node. */
function fits(nodes: number, machine: string, pods: ReadonlyArray<readonly [Resources, count: number, each: number]>) {
  const free = allocatable(machineType(machine)!);
  const bins = Array.from({ length: nodes }, () => ({
    cpuMilli: free.cpuMilli - PER_NODE_PODS.cpuMilli,
    memoryBytes: free.memoryBytes - PER_NODE_PODS.memoryBytes,
  }));
  const sorted = [...pods].sort(([a], [b]) => b.memoryBytes - a.memoryBytes);
  return sorted.every(([size, count, each]) => {
    const placed = bins.map(() => 0);
    return Array.from({ length: count }).every(() => {
      const at = bins.findIndex(
        (bin, i) => placed[i]! < each && bin.cpuMilli >= size.cpuMilli && bin.memoryBytes >= size.memoryBytes,
      );
      if (at < 0) return false;
      placed[at]! += 1;
      bins[at]!.cpuMilli -= size.cpuMilli;
      bins[at]!.memoryBytes -= size.memoryBytes;
      return true;
    });
  });
}

const made = deployment();
const { stores, pools } = made;
const workloads = (pool: 'coordinator' | 'monitoring') =>
  workloadsOf(made)
    .filter((name) => WORKLOADS[name].pool === pool)
    .map((name) => [sizeOf(name, made).requests, sizeOf(name, made).replicas, Infinity] as const);
const operator: Resources = { cpuMilli: 100, memoryBytes: 100 * 2 ** 20 };

describe('the default deployment', () => {
  test('fits on the coordinator pool with Redis and Postgres spread evenly', () => {
    const pods = [
      [stores.redis, stores.redis.nodes, 2],
      [stores.postgres.resources, stores.postgres.instances, 1],
      ...workloads('coordinator'),
    ] as const;
    expect(fits(pools.coordinator.nodes, pools.coordinator.machineType, pods)).toBe(true);
  });

  test('keeps half of Redis and all else of the coordinator pool when a node is gone', () => {
    // Volumes are zonal: the two Redis pods and the Postgres instance of the lost node wait for it to come back.
    const pods = [
      [stores.redis, stores.redis.nodes - 2, 2],
      [stores.postgres.resources, stores.postgres.instances - 1, 1],
      ...workloads('coordinator'),
    ] as const;
    expect(fits(pools.coordinator.nodes - 1, pools.coordinator.machineType, pods)).toBe(true);
  });

  test.each([0, 1])('fits on the monitoring pool with %i nodes gone', (gone) => {
    const pods = [
      [stores.elasticsearch.resources, stores.elasticsearch.nodes, 2],
      [stores.influxdb.resources, 1, 1],
      [operator, 1, 1],
      ...workloads('monitoring'),
    ] as const;
    expect(fits(pools.monitoring.nodes - gone, pools.monitoring.machineType, pods)).toBe(true);
  });
});
