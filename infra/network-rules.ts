import { BlockList } from 'node:net';
import type { types } from '@pulumi/kubernetes';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { childOptions } from './child-options.js';
import type { Connections } from './role-context.js';
import { labelsOf, PORTS, selectorOf, WORKLOADS, workloadsOf, type WorkloadName } from './workloads.js';

type Egress = types.input.networking.v1.NetworkPolicyEgressRule;
type Ingress = types.input.networking.v1.NetworkPolicyIngressRule;

export interface NetworkRulesArgs {
  readonly deployment: Deployment;
  readonly connections: Connections;
}

/**
 * Who may talk to whom: a policy for each workload, on top of the namespace's `default-deny` and `allow-dns`. A
 * workload reaches the stores it has the password of, the control API if it commands, Kubernetes if it has a token;
 * the monitor reads everybody's metrics; nobody reaches an agent otherwise. Stores say for themselves who comes in.
 */
export class NetworkRules extends ComponentResource {
  constructor(name: string, { deployment, connections }: NetworkRulesArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:NetworkRules', name, {}, opts);
    const workloads = workloadsOf(deployment);
    for (const workload of workloads) {
      new NetworkPolicy(
        `${name}-${workload}`,
        {
          metadata: {
            name: WORKLOADS[workload].object,
            namespace: deployment.namespace,
            labels: labelsOf(deployment, WORKLOADS[workload].object, workload),
          },
          spec: {
            podSelector: { matchLabels: selectorOf(workload) },
            policyTypes: ['Ingress', 'Egress'],
            ingress: ingress(workload, workloads),
            egress: egress(workload, deployment, connections),
          },
        },
        childOptions(this, opts),
      );
    }
    this.registerOutputs({});
  }
}

function ingress(workload: WorkloadName, workloads: readonly WorkloadName[]): Ingress[] {
  const callers = workloads.filter((caller) => WORKLOADS[caller].controls.includes(workload));
  return [
    ...(workload === 'monitor' ? [] : [{ from: [podsOf('monitor')], ports: tcp(PORTS.metrics) }]),
    ...(callers.length === 0 ? [] : [{ from: callers.map(podsOf), ports: tcp(PORTS.control) }]),
  ];
}

function egress(workload: WorkloadName, deployment: Deployment, connections: Connections): Egress[] {
  const { stores, controls, callsKubernetes } = WORKLOADS[workload];
  const destinations = stores.flatMap((store) => connections[store]?.reaches ?? []);
  const outside = outsidePorts(workload, deployment);
  return [
    ...destinations.map(({ podLabels, ports }) => ({
      to: [{ podSelector: { matchLabels: { ...podLabels } } }],
      ports: tcp(...ports),
    })),
    ...controls.map((target) => ({ to: [podsOf(target)], ports: tcp(PORTS.control) })),
    ...(workload === 'monitor'
      ? [{ to: [{ podSelector: { matchLabels: PART_OF_EXPERIMENT } }], ports: tcp(PORTS.metrics) }]
      : []),
    ...(callsKubernetes ? [{ ports: tcp(...KUBERNETES_PORTS) }] : []),
    ...(workload === 'agent'
      ? deployment.agentEgress.map(({ cidr, ports }) => ({ to: [rangeWithoutMetadata(cidr)], ports: tcp(...ports) }))
      : []),
    ...(outside.length === 0 ? [] : [{ to: [OUTSIDE], ports: tcp(...outside) }]),
  ];
}

/** Its address cannot be named: it is the control plane's, behind a service that policies do not see. */
const KUBERNETES_PORTS = [443, 6443] as const;

/** Ports a workload needs beyond the cluster: the monitor's sign of life, the archive. */
function outsidePorts(workload: WorkloadName, { heartbeatUrl, archive }: Deployment): number[] {
  if (workload === 'monitor' && heartbeatUrl !== null) return [portOf(heartbeatUrl)];
  if (workload === 'archiver' && archive !== null)
    return archive.endpoint === null ? [443] : [portOf(archive.endpoint)];
  return [];
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== '') return Number(port);
  return protocol === 'http:' ? 80 : 443;
}

/** Anywhere: an S3-compatible server may be inside as well. */
const OUTSIDE = { ipBlock: { cidr: '0.0.0.0/0' } };

/** Where clouds tell a machine's credentials to whoever asks: never foreign code, however wide its range is. */
const METADATA_SERVER = '169.254.169.254';

function rangeWithoutMetadata(cidr: string): types.input.networking.v1.NetworkPolicyPeer {
  const [base = '', length = ''] = cidr.split('/');
  const ranges = new BlockList();
  ranges.addSubnet(base, Number(length), 'ipv4');
  const holdsIt = ranges.check(METADATA_SERVER, 'ipv4') && cidr !== `${METADATA_SERVER}/32`;
  return { ipBlock: { cidr, ...(holdsIt ? { except: [`${METADATA_SERVER}/32`] } : {}) } };
}

const PART_OF_EXPERIMENT = { 'app.kubernetes.io/part-of': 'agent-experiment' };

function podsOf(workload: WorkloadName): types.input.networking.v1.NetworkPolicyPeer {
  return { podSelector: { matchLabels: selectorOf(workload) } };
}

function tcp(...ports: number[]): types.input.networking.v1.NetworkPolicyPort[] {
  return ports.map((port) => ({ protocol: 'TCP', port }));
}
