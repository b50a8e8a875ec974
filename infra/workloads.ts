import type { Deployment, RoleName, RoleSize } from '../runtime/spec/deployment/deployment.js';
import type { PoolRole } from './placement.js';

/** Everything of ours that runs as a pod of its own: the roles of a run, and those that serve it. */
export type WorkloadName = RoleName | 'experiment-runner' | 'deadline' | 'archiver';

/** The stores of an experiment. */
export type StoreName = 'redis' | 'postgres' | 'influxdb' | 'elasticsearch' | 'archive';

/** What a workload is, wherever it is spoken of: as a pod, in RBAC and in network policies. */
export interface Workload {
  /** Name of its Deployment, Job or CronJob: the runbook's. */
  readonly object: string;
  /** Nodes it runs on. */
  readonly pool: PoolRole;
  /** Stores it is told the address and the password of, and may reach. */
  readonly stores: readonly StoreName[];
  /** It talks to the Kubernetes API, so that its pods carry a token. */
  readonly callsKubernetes: boolean;
  /** Workloads whose control API it calls. */
  readonly controls: readonly WorkloadName[];
}

/**
 * Who is who, and who gets what: the least each can do its work with. Agents run foreign code and get the queue
 * alone; only the monitor, which records, and the archiver, which exports, see all stores.
 */
export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = {
  coordinator: {
    object: 'miyabi-coordinator',
    pool: 'coordinator',
    stores: ['redis', 'postgres'],
    callsKubernetes: true,
    controls: [],
  },
  agent: { object: 'miyabi-agent', pool: 'agent', stores: ['redis'], callsKubernetes: false, controls: [] },
  'load-generator': {
    object: 'load-generator',
    pool: 'coordinator',
    stores: ['redis'],
    callsKubernetes: true,
    controls: [],
  },
  autoscaler: {
    object: 'miyabi-autoscaler',
    pool: 'coordinator',
    // The time series hold the earlier runs that forecasts are made of.
    stores: ['redis', 'influxdb'],
    callsKubernetes: true,
    controls: [],
  },
  chaos: { object: 'miyabi-chaos', pool: 'coordinator', stores: ['redis'], callsKubernetes: true, controls: [] },
  monitor: {
    object: 'miyabi-monitor',
    pool: 'monitoring',
    stores: ['redis', 'postgres', 'influxdb', 'elasticsearch'],
    callsKubernetes: true,
    controls: ['coordinator'],
  },
  'experiment-runner': {
    object: 'experiment-phase1',
    pool: 'coordinator',
    stores: [],
    callsKubernetes: true,
    controls: ['coordinator'],
  },
  deadline: {
    object: 'experiment-deadline',
    pool: 'coordinator',
    stores: [],
    callsKubernetes: true,
    controls: [],
  },
  archiver: {
    object: 'miyabi-archiver',
    pool: 'monitoring',
    stores: ['postgres', 'influxdb', 'elasticsearch', 'archive'],
    callsKubernetes: false,
    controls: [],
  },
};

const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[];

/** The workloads of a deployment: the runner is there where there is a schedule, the archiver where there is an archive. */
export function workloadsOf({ schedule, archive }: Deployment): readonly WorkloadName[] {
  return WORKLOAD_NAMES.filter(
    (name) => (name !== 'experiment-runner' || schedule !== null) && (name !== 'archiver' || archive !== null),
  );
}

/** Ports of every role; a role serves those of them it has use for. */
export const PORTS = { health: 8080, control: 8081, metrics: 9090 } as const;

/** Objects the roles share through the Kubernetes API. */
export const SHARED_OBJECTS = {
  /** ConfigMap that halts everything while it is there. Pulumi does not own it, so no `pulumi up` undoes a halt. */
  halt: 'experiment-halt',
  /** ConfigMap that holds the deadline. */
  deadline: 'experiment-deadline',
  /** Lease of the coordinator that leads. */
  leaderLease: 'miyabi-coordinator',
  /** Lease of the one run a cluster has. */
  runLease: 'experiment-run',
  /** Suspended CronJob that Job `load-generator` is made from. */
  loadTemplate: 'load-generator-template',
} as const;

/** Label of the pods that chaos may delete. */
export const CHAOS_TARGET_LABEL = 'agent-experiment/chaos-target';

const MIB = 2 ** 20;

/** Programs that mostly wait; assumed. */
const HELPER: RoleSize = {
  replicas: 1,
  requests: { cpuMilli: 100, memoryBytes: 128 * MIB },
  limits: { cpuMilli: 500, memoryBytes: 512 * MIB },
};

/** Compresses what it exports; assumed. */
const ARCHIVER: RoleSize = {
  replicas: 1,
  requests: { cpuMilli: 250, memoryBytes: 512 * MIB },
  limits: { cpuMilli: 1_000, memoryBytes: 1_024 * MIB },
};

/** Pods of a workload and what each asks for. */
export function sizeOf(name: WorkloadName, deployment: Deployment): RoleSize {
  if (name === 'archiver') return ARCHIVER;
  return name === 'experiment-runner' || name === 'deadline' ? HELPER : deployment.roles[name];
}

/** Labels every object has. `component` is what it is a part of: the name of a role, or of a thing such as `access`. */
export function labelsOf(deployment: Deployment, name: string, component: string): Record<string, string> {
  return {
    ...deployment.labels,
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'agent-experiment',
  };
}

/** Labels by which the pods of a workload are found. They must never change: a Deployment's selector cannot. */
export function selectorOf(name: WorkloadName): Record<string, string> {
  return { 'app.kubernetes.io/component': name, 'app.kubernetes.io/part-of': 'agent-experiment' };
}
