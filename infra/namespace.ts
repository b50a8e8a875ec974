import type { types } from '@pulumi/kubernetes';
import { LimitRange, Namespace, ResourceQuota } from '@pulumi/kubernetes/core/v1/index.js';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/index.js';
import { PriorityClass } from '@pulumi/kubernetes/scheduling/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import type { Resources } from '../runtime/spec/machines.js';
import { childOptions } from './child-options.js';
import { resourceList } from './pod-resources.js';
import { PRIORITIES, priorityClassName, type PriorityName } from './priority-classes.js';
import { labelsOf, sizeOf, workloadsOf } from './workloads.js';

export interface ExperimentNamespaceArgs {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
}

/**
 * The namespace everything of an experiment lives in, with what holds for all in it: restricted pod security, a quota,
 * sizes for containers that name none, no traffic but what is allowed, and the priorities of its pods.
 */
export class ExperimentNamespace extends ComponentResource {
  /** Name of the namespace. */
  readonly name: Output<string>;

  constructor(name: string, args: ExperimentNamespaceArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ExperimentNamespace', name, {}, opts);
    const { deployment } = args;
    const namespace = new Namespace(
      name,
      { metadata: { name: deployment.namespace, labels: { ...labels(deployment), ...POD_SECURITY } } },
      childOptions(this, opts),
    );
    const inside = { parent: this, dependsOn: [namespace] };
    const metadata = (object: string): types.input.meta.v1.ObjectMeta => ({
      name: object,
      namespace: deployment.namespace,
      labels: labels(deployment),
    });
    new ResourceQuota(`${name}-quota`, { metadata: metadata('experiment'), spec: { hard: quota(args) } }, inside);
    new LimitRange(
      `${name}-limits`,
      { metadata: metadata('experiment'), spec: { limits: [CONTAINER_DEFAULTS] } },
      inside,
    );
    new NetworkPolicy(
      `${name}-default-deny`,
      { metadata: metadata('default-deny'), spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } },
      inside,
    );
    new NetworkPolicy(
      `${name}-dns`,
      {
        metadata: metadata('allow-dns'),
        spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: DNS_PORTS }] },
      },
      inside,
    );
    for (const priority of Object.keys(PRIORITIES) as PriorityName[]) {
      new PriorityClass(
        `${name}-priority-${priority}`,
        {
          metadata: { name: priorityClassName(deployment.namespace, priority), labels: labels(deployment) },
          ...PRIORITIES[priority],
        },
        childOptions(this, opts),
      );
    }
    this.name = namespace.metadata.name;
    this.registerOutputs({ name: this.name });
  }
}

function labels(deployment: Deployment): Record<string, string> {
  return labelsOf(deployment, 'agent-experiment', 'namespace');
}

const POD_SECURITY = Object.fromEntries(
  ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
);

/** For containers others bring in (an operator's); ours name their own. */
const CONTAINER_DEFAULTS = {
  type: 'Container',
  defaultRequest: { cpu: '100m', memory: '128Mi' },
  default: { cpu: '500m', memory: '512Mi' },
};

/** To wherever the cluster keeps its name server: a pod, a cache on the node, or the cloud's own, by setup. */
const DNS_PORTS = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
];

/** Pods that run a little beside everything named here: jobs that set stores up, an operator's helpers. */
const BESIDES = { pods: 30, cpuMilli: 4_000, memoryBytes: 8 * 2 ** 30 } as const;

/** Room for rollouts, and for pods that are still ending while others have taken their place. */
const TURNOVER = 1.5;

/**
 * A fuse, not a plan: what all of it may ask for at its largest, and half as much again. No load balancers and no
 * ports on nodes at all: nothing of an experiment is public.
 */
function quota({ experiment, deployment }: ExperimentNamespaceArgs): Record<string, string> {
  const { redis, postgres, influxdb, elasticsearch } = deployment.stores;
  const groups: ReadonlyArray<readonly [pods: number, each: Resources]> = [
    ...workloadsOf(deployment).map((name) => {
      const { replicas, requests } = sizeOf(name, deployment);
      return [name === 'agent' ? Math.max(replicas, experiment.fleet.max) : replicas, requests] as const;
    }),
    [redis.nodes, { cpuMilli: redis.cpuMilli, memoryBytes: redis.memoryBytes * 1.5 }],
    [postgres.instances, postgres.resources],
    [1, influxdb.resources],
    [elasticsearch.nodes, elasticsearch.resources],
  ];
  const sum = (of: (each: Resources) => number, besides: number): number =>
    Math.ceil(groups.reduce((total, [pods, each]) => total + pods * of(each), 0) * TURNOVER + besides);
  const requests = resourceList({
    cpuMilli: Math.ceil(sum(({ cpuMilli }) => cpuMilli, BESIDES.cpuMilli) / 1_000) * 1_000,
    memoryBytes: Math.ceil(sum(({ memoryBytes }) => memoryBytes, BESIDES.memoryBytes) / 2 ** 30) * 2 ** 30,
  });
  return {
    pods: String(sum(() => 1, BESIDES.pods)),
    'requests.cpu': requests.cpu,
    'requests.memory': requests.memory,
    persistentvolumeclaims: String(2 * (redis.nodes + postgres.instances + 1 + elasticsearch.nodes)),
    'services.loadbalancers': '0',
    'services.nodeports': '0',
  };
}
