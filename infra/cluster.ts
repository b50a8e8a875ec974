import { Cluster } from '@pulumi/gcp/container/cluster.js';
import { IAMMember } from '@pulumi/gcp/projects/iammember.js';
import { Account } from '@pulumi/gcp/serviceaccount/account.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import {
  ComponentResource,
  all,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import type { NetworkRules } from '../runtime/spec/deployment/deployment.js';
import { kubeconfigFor } from './kubeconfig.js';
import { PODS_RANGE, SERVICES_RANGE } from './network.js';

export interface GkeClusterArgs {
  /** Google Cloud project id. */
  readonly project: string;
  readonly region: string;
  /** Zones of the nodes; one may be named more than once. */
  readonly zones: readonly string[];
  /** Phase of the stack: keeps the node accounts of stacks in one project apart. */
  readonly phase: number;
  /** Self links of the network and of the nodes' subnetwork (`ClusterNetwork`). */
  readonly network: Input<string>;
  readonly subnetwork: Input<string>;
  readonly rules: NetworkRules;
  /** Labels of every resource. */
  readonly labels: Readonly<Record<string, string>>;
  /** The time in which nothing is upgraded: the run and its grace. Null = no run is planned. */
  readonly quiet: QuietTime | null;
}

/** ISO 8601 in UTC: `2026-01-04T15:00:00Z`. */
export interface QuietTime {
  readonly from: string;
  readonly to: string;
}

/** The document's name of the cluster (11.1). */
const CLUSTER_NAME = 'miyabi-experiment-cluster';

/**
 * All that nodes may do with Google's APIs: write logs and metrics. Source:
 * https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
 */
const NODE_ROLES = ['roles/container.defaultNodeServiceAccount'] as const;

/**
 * Fridays and Saturdays, UTC: outside a run of three days that starts on Monday, Japanese time. GKE wants at least
 * 48 hours in 32 days in which it may work.
 */
const MAINTENANCE_WINDOW = {
  startTime: '2026-01-02T00:00:00Z',
  endTime: '2026-01-03T00:00:00Z',
  recurrence: 'FREQ=WEEKLY;BYDAY=FR,SA',
} as const;

/**
 * A regional cluster of private nodes without node pools (`NodePool` makes those). Pods get Google identities by
 * Workload Identity only, network policies are enforced by Dataplane V2, and nothing protects it from
 * `pulumi destroy`.
 */
export class GkeCluster extends ComponentResource {
  /** Full name, `projects/…/locations/…/clusters/…`: what node pools refer to. */
  readonly id: Output<string>;
  /** E-mail of the account the nodes run as. */
  readonly nodeAccount: Output<string>;
  /** Issuer of the service accounts' tokens, an https address. */
  readonly issuer: Output<string>;
  /** For kubectl with gke-gcloud-auth-plugin; holds no credentials. */
  readonly kubeconfig: Output<string>;

  private readonly name: string;

  constructor(name: string, args: GkeClusterArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:GkeCluster', name, {}, opts);
    this.name = name;
    const { project, region, rules, labels } = args;

    const account = new Account(
      `${name}-nodes`,
      {
        project,
        accountId: `miyabi-nodes-phase${args.phase}`,
        displayName: `Nodes of ${CLUSTER_NAME}, phase ${args.phase}`,
      },
      { parent: this },
    );
    const grants = NODE_ROLES.map(
      (role) =>
        new IAMMember(
          `${name}-nodes-${role.slice(role.lastIndexOf('.') + 1)}`,
          { project, role, member: interpolate`serviceAccount:${account.email}` },
          { parent: this },
        ),
    );

    const cluster = new Cluster(
      name,
      {
        name: CLUSTER_NAME,
        project,
        location: region,
        nodeLocations: [...new Set(args.zones)],
        resourceLabels: labels,
        deletionProtection: false,

        network: args.network,
        subnetwork: args.subnetwork,
        networkingMode: 'VPC_NATIVE',
        ipAllocationPolicy: { clusterSecondaryRangeName: PODS_RANGE, servicesSecondaryRangeName: SERVICES_RANGE },
        datapathProvider: 'ADVANCED_DATAPATH',
        ...controlPlane(rules),

        // A cluster cannot be made without a pool: this one goes as soon as it is there.
        removeDefaultNodePool: true,
        initialNodeCount: 1,
        nodeConfig: {
          machineType: 'e2-standard-2',
          diskType: 'pd-standard',
          diskSizeGb: 20,
          serviceAccount: account.email,
          shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
        },

        enableShieldedNodes: true,
        workloadIdentityConfig: { workloadPool: `${project}.svc.id.goog` },
        masterAuth: { clientCertificateConfig: { issueClientCertificate: false } },

        releaseChannel: { channel: 'REGULAR' },
        maintenancePolicy: { recurringWindow: MAINTENANCE_WINDOW, maintenanceExclusions: exclusions(args.quiet) },

        // Containers' logs go to the archive: Google would charge for each GiB of them.
        loggingConfig: { enableComponents: ['SYSTEM_COMPONENTS'] },
        monitoringConfig: { enableComponents: ['SYSTEM_COMPONENTS'], managedPrometheus: { enabled: false } },
        costManagementConfig: { enabled: true },
        addonsConfig: {
          httpLoadBalancing: { disabled: true },
          gcePersistentDiskCsiDriverConfig: { enabled: true },
        },
      },
      {
        parent: this,
        dependsOn: grants,
        // Fixed name, fixed ranges: two of them cannot be there at once.
        deleteBeforeReplace: true,
        // Of the pool that is removed: Google then reports the first pool's instead.
        ignoreChanges: ['nodeConfig', 'initialNodeCount'],
        customTimeouts: { create: '45m', update: '60m', delete: '45m' },
      },
    );

    this.id = cluster.id;
    this.nodeAccount = account.email;
    this.issuer = cluster.id.apply((id) => `https://container.googleapis.com/v1/${id}`);
    this.kubeconfig = kubeconfigOf(cluster, { project, region, rules });
    this.registerOutputs({ id: this.id, nodeAccount: this.nodeAccount, issuer: this.issuer });
  }

  /**
   * A Kubernetes provider for this cluster.
   *
   * @param after What pods need to run: the node pools. All that is declared with the provider is made after them and
   * is gone before they are.
   */
  provider(after: readonly Resource[]): Provider {
    return new Provider(
      this.name,
      { kubeconfig: this.kubeconfig, enableServerSideApply: true },
      { parent: this, dependsOn: [...after] },
    );
  }
}

/** Private nodes; the control plane answers whom Google's IAM lets in by name, and nobody else by address. */
function controlPlane(rules: NetworkRules) {
  return {
    privateClusterConfig: {
      enablePrivateNodes: true,
      enablePrivateEndpoint: false,
      masterIpv4CidrBlock: rules.controlPlaneCidr,
    },
    masterAuthorizedNetworksConfig: {
      cidrBlocks: rules.authorizedCidrs.map((cidrBlock) => ({ cidrBlock })),
      gcpPublicCidrsAccessEnabled: false,
    },
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic: true } },
  };
}

function exclusions(quiet: QuietTime | null) {
  if (quiet === null) return [];
  return [
    {
      exclusionName: 'experiment-run',
      startTime: quiet.from,
      endTime: quiet.to,
      exclusionOptions: { scope: 'NO_UPGRADES' },
    },
  ];
}

/** By its public address where somebody may use that, else by the name that needs no address to be let in. */
function kubeconfigOf(
  cluster: Cluster,
  { project, region, rules }: { readonly project: string; readonly region: string; readonly rules: NetworkRules },
): Output<string> {
  const context = `gke_${project}_${region}_${CLUSTER_NAME}`;
  if (rules.authorizedCidrs.length > 0) {
    return all([cluster.endpoint, cluster.masterAuth]).apply(([endpoint, { clusterCaCertificate }]) =>
      kubeconfigFor(context, { server: `https://${endpoint}`, certificateAuthority: clusterCaCertificate }),
    );
  }
  return cluster.controlPlaneEndpointsConfig.apply(({ dnsEndpointConfig }) => {
    if (dnsEndpointConfig?.endpoint === undefined) throw new Error(`${CLUSTER_NAME} has no DNS endpoint`);
    return kubeconfigFor(context, { server: `https://${dnsEndpointConfig.endpoint}` });
  });
}
