import { GkeCluster, type GkeClusterArgs } from '../../infra/cluster.js';
import { NodePool } from '../../infra/node-pool.js';
import { nameIn, recordResources, resourceOf, resourcesOf, settled, valueOf, type Recorded } from './mocks.js';

const ARGS: GkeClusterArgs = {
  project: 'sample-project',
  region: 'us-central1',
  zones: ['us-central1-a', 'us-central1-b', 'us-central1-a'],
  phase: 3,
  network: 'the-network',
  subnetwork: 'the-subnetwork',
  rules: {
    nodesCidr: '10.0.0.0/20',
    podsCidr: '10.4.0.0/14',
    servicesCidr: '10.8.0.0/20',
    controlPlaneCidr: '172.16.0.0/28',
    authorizedCidrs: [],
  },
  labels: { app: 'agent-experiment', phase: 'phase3' },
  quiet: { from: '2026-01-04T15:00:00Z', to: '2026-01-07T21:00:00Z' },
};

let records: Recorded[];

beforeEach(() => {
  records = recordResources();
});

async function cluster(args: Partial<GkeClusterArgs> = {}) {
  const made = new GkeCluster('cluster', { ...ARGS, ...args });
  await settled();
  return { made, inputs: resourceOf('gcp:container/cluster:Cluster').inputs };
}

describe('the cluster', () => {
  test('has the document’s name, is regional, and keeps to the zones of the experiment', async () => {
    const { inputs } = await cluster();
    expect(inputs).toMatchObject({
      name: 'miyabi-experiment-cluster',
      location: 'us-central1',
      nodeLocations: ['us-central1-a', 'us-central1-b'],
      resourceLabels: ARGS.labels,
    });
  });

  test('does not stand in the way of destroy', async () => {
    const { inputs } = await cluster();
    expect(inputs['deletionProtection']).toBe(false);
    expect(records.filter(({ opts }) => opts.protect || opts.retainOnDelete)).toEqual([]);
  });

  test('gives no node a public address', async () => {
    const { inputs } = await cluster();
    expect(inputs['privateClusterConfig']).toMatchObject({ enablePrivateNodes: true });
    expect(inputs['networkingMode']).toBe('VPC_NATIVE');
    expect(inputs['ipAllocationPolicy']).toEqual({
      clusterSecondaryRangeName: 'pods',
      servicesSecondaryRangeName: 'services',
    });
  });

  test('lets nobody reach its control plane by address unless told whom', async () => {
    expect((await cluster()).inputs['masterAuthorizedNetworksConfig']).toEqual({
      cidrBlocks: [],
      gcpPublicCidrsAccessEnabled: false,
    });
    recordResources();
    const { inputs } = await cluster({ rules: { ...ARGS.rules, authorizedCidrs: ['198.51.100.0/24'] } });
    expect(inputs['masterAuthorizedNetworksConfig'].cidrBlocks).toEqual([{ cidrBlock: '198.51.100.0/24' }]);
  });

  test('enforces network policies, shields its nodes and knows pods by Workload Identity', async () => {
    expect((await cluster()).inputs).toMatchObject({
      datapathProvider: 'ADVANCED_DATAPATH',
      enableShieldedNodes: true,
      workloadIdentityConfig: { workloadPool: 'sample-project.svc.id.goog' },
    });
  });

  test('removes the pool it could not be made without, and does not compare it afterwards', async () => {
    const { inputs } = await cluster();
    expect(inputs['removeDefaultNodePool']).toBe(true);
    expect(resourceOf('gcp:container/cluster:Cluster').opts.ignoreChanges).toEqual(['nodeConfig', 'initialNodeCount']);
  });

  test('is left alone during the run', async () => {
    const { inputs } = await cluster();
    expect(inputs['maintenancePolicy'].maintenanceExclusions).toEqual([
      {
        exclusionName: 'experiment-run',
        startTime: '2026-01-04T15:00:00Z',
        endTime: '2026-01-07T21:00:00Z',
        exclusionOptions: { scope: 'NO_UPGRADES' },
      },
    ]);
  });

  test('has a maintenance window of two days a week, none of them in the default run from Monday', async () => {
    const { recurringWindow } = (await cluster({ quiet: null })).inputs['maintenancePolicy'];
    const start = new Date(recurringWindow.startTime);
    expect(Date.parse(recurringWindow.endTime) - start.getTime()).toBe(24 * 3_600_000);
    expect(recurringWindow.recurrence).toBe('FREQ=WEEKLY;BYDAY=FR,SA');
    expect(start.getUTCDay()).toBe(5);
  });

  test('lets its nodes do nothing at Google but what every node must', async () => {
    const { made } = await cluster();
    expect(
      resourcesOf('gcp:projects/iAMMember:IAMMember').map(({ inputs }) => [inputs['role'], inputs['member']]),
    ).toEqual([
      [
        'roles/container.defaultNodeServiceAccount',
        'serviceAccount:miyabi-nodes-phase3@sample-project.iam.gserviceaccount.com',
      ],
    ]);
    expect(await valueOf(made.nodeAccount)).toBe('miyabi-nodes-phase3@sample-project.iam.gserviceaccount.com');
  });

  test('names the issuer of its tokens', async () => {
    const { made } = await cluster();
    expect(await valueOf(made.issuer)).toBe(
      'https://container.googleapis.com/v1/projects/sample-project/locations/us-central1/clusters/miyabi-experiment-cluster',
    );
  });
});

describe('its kubeconfig', () => {
  const serverOf = (text: string) => JSON.parse(text).clusters[0].cluster;

  test('holds no credentials: the plugin gets them from whoever is logged in', async () => {
    const { made } = await cluster();
    const { users } = JSON.parse(await valueOf(made.kubeconfig));
    expect(Object.keys(users[0].user)).toEqual(['exec']);
    expect(users[0].user.exec.command).toBe('gke-gcloud-auth-plugin');
  });

  test('goes by the name that Google guards when no address is let in', async () => {
    const { made } = await cluster();
    expect(serverOf(await valueOf(made.kubeconfig))).toEqual({ server: 'https://gke-0123.us-central1.gke.goog' });
  });

  test('goes by the public address, with the cluster’s own authority, when some address is let in', async () => {
    const { made } = await cluster({ rules: { ...ARGS.rules, authorizedCidrs: ['198.51.100.0/24'] } });
    expect(serverOf(await valueOf(made.kubeconfig))).toEqual({
      server: 'https://203.0.113.10',
      'certificate-authority-data': 'Y2EtY2VydGlmaWNhdGU=',
    });
  });
});

describe('its Kubernetes provider', () => {
  test('comes after the node pools, so that pods are gone before their nodes', async () => {
    const { made } = await cluster();
    const pool = new NodePool('monitoring', {
      role: 'monitoring',
      project: 'sample-project',
      region: 'us-central1',
      zones: ARGS.zones,
      cluster: made.id,
      nodeAccount: made.nodeAccount,
      machineType: 'n2-standard-4',
      size: { kind: 'fixed', nodes: 2 },
      spot: false,
      bootDisk: { type: 'pd-balanced', gib: 50 },
      labels: {},
    });
    made.provider([pool]);
    await settled();
    const { inputs, opts } = resourceOf('pulumi:providers:kubernetes');
    expect(JSON.parse(inputs['kubeconfig']).kind).toBe('Config');
    expect(opts.dependsOn.map(nameIn)).toContain('monitoring');
    expect(opts.dependsOn.some((urn) => urn.includes('gcp:container/nodePool:NodePool'))).toBe(true);
  });
});
