import type { Input, Resource } from '@pulumi/pulumi';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { GkeCluster, type QuietTime } from '../infra/cluster.js';
import { ClusterNetwork } from '../infra/network.js';
import { NodePool } from '../infra/node-pool.js';
import type { PoolRole } from '../infra/placement.js';
import type { PoolSize } from '../infra/pool-size.js';
import type { Deployment, Platform } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';

/** A Kubernetes to deploy to. */
export interface Ground {
  readonly provider: Provider;
  /** Issuer of the cluster's tokens, for keyless access to the archive; null where it is not known. */
  readonly issuer: Input<string> | null;
  /** Account of the nodes, which has to be let into the image registry; null where it is not ours. */
  readonly nodeAccount: Input<string> | null;
  /** How a person gets credentials for kubectl. */
  readonly access: string;
}

/**
 * The cluster an experiment is deployed to: one made on GKE, or one that is there, by the whole path of its kubeconfig
 * (null = what kubectl would use).
 */
export function layGround(
  experiment: Experiment,
  deployment: Deployment,
  quiet: QuietTime,
  kubeconfig: string | null,
): Ground {
  const { platform } = deployment;
  return platform.kind === 'gke'
    ? onGke(experiment, deployment, platform, quiet)
    : onExisting(kubeconfig, platform.context);
}

function onGke(
  experiment: Experiment,
  deployment: Deployment,
  { project, region, network: rules }: Extract<Platform, { kind: 'gke' }>,
  quiet: QuietTime,
): Ground {
  const { pools, labels } = deployment;
  const zones = [...new Set(deployment.zones.map(({ zone }) => zone))];
  const network = new ClusterNetwork('network', { project, region, rules });
  const cluster = new GkeCluster(
    'cluster',
    {
      project,
      region,
      zones,
      phase: experiment.phase,
      network: network.network,
      subnetwork: network.subnetwork,
      rules,
      labels,
      quiet,
    },
    // Nodes without addresses of their own need the gateway to fetch images, and until they are gone.
    { dependsOn: [network.nat] },
  );
  const pool = (role: PoolRole, machineType: string, size: PoolSize, spot: boolean): Resource =>
    new NodePool(`${role}-pool`, {
      role,
      project,
      region,
      zones,
      cluster: cluster.id,
      nodeAccount: cluster.nodeAccount,
      machineType,
      size,
      spot,
      bootDisk: pools.bootDisk,
      labels,
    }).pool;
  const { agent, coordinator, monitoring } = pools;
  const made = [
    pool('coordinator', coordinator.machineType, { kind: 'fixed', nodes: coordinator.nodes }, false),
    pool('monitoring', monitoring.machineType, { kind: 'fixed', nodes: monitoring.nodes }, false),
    pool('agent', agent.machineType, { kind: 'autoscaled', ...agent }, agent.spot),
  ];
  return {
    provider: cluster.provider(made),
    issuer: cluster.issuer,
    nodeAccount: cluster.nodeAccount,
    access: `gcloud container clusters get-credentials miyabi-experiment-cluster --dns-endpoint --region ${region} --project ${project}`,
  };
}

function onExisting(kubeconfig: string | null, context: string | null): Ground {
  const provider = new Provider('cluster', {
    ...(kubeconfig === null ? {} : { kubeconfig }),
    ...(context === null ? {} : { context }),
    enableServerSideApply: true,
    // An unreachable cluster is an error, not an empty one.
    deleteUnreachable: false,
  });
  return {
    provider,
    issuer: null,
    nodeAccount: null,
    access: context === null ? 'kubectl config current-context' : `kubectl config use-context ${context}`,
  };
}
