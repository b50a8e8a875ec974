import fc from 'fast-check';
import { NodePool, type NodePoolArgs } from '../../infra/node-pool.js';
import { poolCounts } from '../../infra/pool-size.js';
import { recordResources, resourceOf, settled } from './mocks.js';
import { sampleDeployment } from './stack-sample.js';

const TYPE = 'gcp:container/nodePool:NodePool';

const ARGS: NodePoolArgs = {
  role: 'agent',
  project: 'sample-project',
  region: 'us-central1',
  zones: ['a', 'b', 'c', 'f'],
  cluster: 'the-cluster',
  nodeAccount: 'nodes@sample-project.iam.gserviceaccount.com',
  machineType: 'n2-standard-4',
  size: { kind: 'autoscaled', min: 6, initial: 24, max: 29 },
  spot: true,
  bootDisk: { type: 'pd-balanced', gib: 50 },
  labels: { app: 'agent-experiment' },
};

async function pool(args: Partial<NodePoolArgs> = {}) {
  recordResources();
  new NodePool('pool', { ...ARGS, ...args });
  await settled();
  return resourceOf(TYPE);
}

const zones = (number: number) => Array.from({ length: number }, (_, i) => `zone-${i}`);

describe('the agent pool', () => {
  test.each([1, 2, 3, 4])('of phase 3 has 24 nodes at first and 6 to 29 in all, in %i zones together', (number) => {
    const { agent } = sampleDeployment(3).pools;
    const counts = poolCounts({ kind: 'autoscaled', ...agent }, zones(number));
    expect(counts.nodeLocations).toHaveLength(number);
    expect(counts.initialNodeCount! * number).toBe(24);
    expect(counts.autoscaling).toEqual({ totalMinNodeCount: 6, totalMaxNodeCount: 29, locationPolicy: 'ANY' });
  });

  test('of the document’s size has 50 nodes and 20 to 70, not 200 and 80 to 280', () => {
    const { agent } = sampleDeployment(3, { pools: { agent: { sizing: 'document' } } }).pools;
    expect(agent).toMatchObject({ initial: 50, min: 20, max: 70 });
    expect(poolCounts({ kind: 'autoscaled', ...agent }, zones(2)).initialNodeCount! * 2).toBe(50);
    const { initialNodeCount, autoscaling } = poolCounts({ kind: 'autoscaled', ...agent }, zones(4));
    // 50 does not divide by four: the next that does.
    expect(initialNodeCount! * 4).toBe(52);
    expect(autoscaling).toMatchObject({ totalMinNodeCount: 20, totalMaxNodeCount: 70 });
  });

  test('begins within its limits and less than a node a zone above what was asked for', () => {
    const sizes = fc
      .tuple(fc.nat(60), fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 6 }))
      .filter(([min, more, most]) => min + more + most > 0);
    fc.assert(
      fc.property(sizes, ([min, more, most, number]) => {
        const [initial, max] = [min + more, min + more + most];
        const counts = poolCounts({ kind: 'autoscaled', min, initial, max }, zones(number));
        const total = counts.initialNodeCount! * counts.nodeLocations.length;
        expect(total).toBeLessThanOrEqual(max);
        expect(total).toBeGreaterThanOrEqual(min);
        expect(Math.abs(total - initial)).toBeLessThan(number);
      }),
    );
  });

  test('is left to its autoscaler once it is there', async () => {
    const { inputs, opts } = await pool();
    expect(inputs).not.toHaveProperty('nodeCount');
    expect(inputs['autoscaling']).not.toHaveProperty('minNodeCount');
    expect(opts.ignoreChanges).toEqual(['initialNodeCount']);
  });

  test('is bought as Spot unless it is not to be', async () => {
    expect((await pool()).inputs['nodeConfig'].spot).toBe(true);
    expect((await pool({ spot: false })).inputs['nodeConfig'].spot).toBe(false);
  });
});

describe('a pool of fixed size', () => {
  test('of 3 nodes has one in each of three zones, though there are four', () => {
    expect(poolCounts({ kind: 'fixed', nodes: 3 }, ['a', 'b', 'c', 'f'])).toEqual({
      nodeLocations: ['a', 'b', 'c'],
      nodeCount: 1,
    });
  });

  test('has just its nodes, whatever the number of zones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 6 }), (nodes, number) => {
        const { nodeCount, nodeLocations } = poolCounts({ kind: 'fixed', nodes }, zones(number));
        expect(nodeCount! * nodeLocations.length).toBe(nodes);
      }),
    );
  });

  test('has no autoscaler and follows its declaration', async () => {
    const { inputs, opts } = await pool({ role: 'coordinator', spot: false, size: { kind: 'fixed', nodes: 3 } });
    expect(inputs).toMatchObject({ name: 'coordinator-pool', nodeCount: 1 });
    expect(inputs).not.toHaveProperty('autoscaling');
    expect(inputs).not.toHaveProperty('initialNodeCount');
    expect(opts.ignoreChanges).toEqual([]);
  });

  test('never runs on Spot', () => {
    recordResources();
    expect(() => new NodePool('pool', { ...ARGS, role: 'coordinator', size: { kind: 'fixed', nodes: 3 } })).toThrow(
      'only agents run on Spot',
    );
  });
});

describe('every pool', () => {
  test.each(['coordinator', 'agent'] as const)('of %s nodes says so by label and keeps others off', async (role) => {
    const { inputs } = await pool({ role, spot: false });
    expect(inputs['name']).toBe(`${role}-pool`);
    expect(inputs['nodeConfig']).toMatchObject({
      labels: { role },
      taints: [{ key: 'agent-experiment/role', value: role, effect: 'NO_SCHEDULE' }],
    });
  });

  test('but that for monitoring has a taint: the cluster’s own pods must run somewhere', async () => {
    const { inputs } = await pool({ role: 'monitoring', spot: false });
    expect(inputs['nodeConfig']).toMatchObject({ labels: { role: 'monitoring' }, taints: [] });
  });

  test('has private, shielded nodes whose pods cannot take the node’s identity', async () => {
    const { inputs } = await pool();
    expect(inputs['networkConfig']).toEqual({ enablePrivateNodes: true });
    expect(inputs['nodeConfig']).toMatchObject({
      serviceAccount: ARGS.nodeAccount,
      shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
      workloadMetadataConfig: { mode: 'GKE_METADATA' },
    });
  });

  test('carries the labels that its cost is found by', async () => {
    const { inputs } = await pool();
    expect(inputs['nodeConfig'].resourceLabels).toEqual({ app: 'agent-experiment', pool: 'agent' });
  });

  test('has the boot disk of the deployment', async () => {
    expect((await pool()).inputs['nodeConfig']).toMatchObject({ diskType: 'pd-balanced', diskSizeGb: 50 });
  });
});
