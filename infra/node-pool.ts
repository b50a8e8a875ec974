import { NodePool as GkeNodePool } from '@pulumi/gcp/container/nodePool.js';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { ROLE_LABEL, ROLE_TAINT, type PoolRole } from './placement.js';
import { poolCounts, type PoolSize } from './pool-size.js';

export interface NodePoolArgs {
  /** The pool is called after it: `agent-pool`. */
  readonly role: PoolRole;
  /** Google Cloud project id. */
  readonly project: string;
  readonly region: string;
  /** Zones of the cluster; one may be named more than once. */
  readonly zones: readonly string[];
  /** Full name of the cluster (`GkeCluster.id`). */
  readonly cluster: Input<string>;
  /** E-mail of the account the nodes run as (`GkeCluster.nodeAccount`). */
  readonly nodeAccount: Input<string>;
  readonly machineType: string;
  readonly size: PoolSize;
  /** Buy spare capacity that may be taken away at any time. Only agents can live with that. */
  readonly spot: boolean;
  readonly bootDisk: { readonly type: string; readonly gib: number };
  /** Labels of every resource. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * One of the document's node pools (11.1): private, shielded nodes that carry their role as label and, the monitoring
 * pool excepted, as taint.
 */
export class NodePool extends ComponentResource {
  /** The pool of GKE: what pods on it depend on. */
  readonly pool: GkeNodePool;

  /** @throws Error when anything but agents is to run on Spot. */
  constructor(name: string, args: NodePoolArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:NodePool', name, {}, opts);
    const { role, spot } = args;
    if (spot && role !== 'agent') throw new Error(`${role}-pool: only agents run on Spot, whose nodes may go any time`);

    this.pool = new GkeNodePool(
      name,
      {
        name: `${role}-pool`,
        project: args.project,
        location: args.region,
        cluster: args.cluster,
        ...poolCounts(args.size, args.zones),
        nodeConfig: {
          machineType: args.machineType,
          spot,
          imageType: 'COS_CONTAINERD',
          diskType: args.bootDisk.type,
          diskSizeGb: args.bootDisk.gib,
          serviceAccount: args.nodeAccount,
          // What an account may do is said by its roles: scopes would say it a second time.
          oauthScopes: ['https://www.googleapis.com/auth/cloud-platform'],
          labels: { [ROLE_LABEL]: role },
          taints: role === 'monitoring' ? [] : [{ key: ROLE_TAINT, value: role, effect: 'NO_SCHEDULE' }],
          resourceLabels: { ...args.labels, pool: role },
          shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
          // Pods see their own identity, never the node's.
          workloadMetadataConfig: { mode: 'GKE_METADATA' },
          metadata: { 'disable-legacy-endpoints': 'true' },
          kubeletConfig: { insecureKubeletReadonlyPortEnabled: 'FALSE' },
        },
        networkConfig: { enablePrivateNodes: true },
        management: { autoRepair: true, autoUpgrade: true },
        upgradeSettings: { strategy: 'SURGE', maxSurge: 1, maxUnavailable: 0 },
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        // Google reports what was asked for at first, for ever: a new fleet must not mean a new pool.
        ...(args.size.kind === 'autoscaled' ? { ignoreChanges: ['initialNodeCount'] } : {}),
        customTimeouts: { create: '30m', update: '60m', delete: '30m' },
      },
    );
    this.registerOutputs({ pool: this.pool.name });
  }
}
