import type { Input } from '@pulumi/pulumi';
import type { types } from '@pulumi/kubernetes';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Resources } from '../runtime/spec/machines.js';
import type { Images } from './images.js';
import { placedOn, type PoolRole } from './placement.js';
import { resourceRequirements } from './pod-resources.js';
import { priorityClassName } from './priority-classes.js';

type PodSpec = types.input.core.v1.PodSpec;
type Labels = Readonly<Record<string, string>>;

/** What every store in the cluster is made from. */
export interface StoreArgs {
  readonly deployment: Deployment;
  readonly images: Images;
  /** Name of the namespace; given as an output of the namespace, the store waits for it. */
  readonly namespace: Input<string>;
  /** Storage class of its volumes; left out = the cluster's default. */
  readonly storageClass?: Input<string> | undefined;
}

/** Label that says which part of the experiment an object belongs to. */
export const NAME_LABEL = 'app.kubernetes.io/name';

/** Label all pods of the experiment carry. */
export const PART_OF: Labels = { 'app.kubernetes.io/part-of': 'agent-experiment' };

/** Labels of an object of a store. */
export function storeLabels(deployment: Deployment, name: string): Record<string, string> {
  return { ...deployment.labels, [NAME_LABEL]: name, 'app.kubernetes.io/component': 'store', ...PART_OF };
}

/** What selects the pods of a store. */
export function storeSelector(name: string): Record<string, string> {
  return { [NAME_LABEL]: name, ...PART_OF };
}

/**
 * Requests and limits of a store. Memory is promised whole, so that a node under pressure does not evict a store; CPU
 * may burst to twice the request (rewriting a file, merging segments), or such work would stall the requests served.
 */
export function storeResources({ cpuMilli, memoryBytes }: Resources): types.input.core.v1.ResourceRequirements {
  return resourceRequirements({ cpuMilli, memoryBytes }, { cpuMilli: 2 * cpuMilli, memoryBytes });
}

/** Bytes as Kubernetes writes them: `8Gi`, `512Mi`, `1000`. */
export function quantity(bytes: number): string {
  for (const [unit, size] of [
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(Math.ceil(bytes));
}

/** Security of a container under the restricted profile. */
export const CONTAINER_SECURITY: types.input.core.v1.SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** The part of a pod spec that is the same for all stores: where it runs, as whom, and with no access to the API. `groups`: further groups of its user. */
export function storePod(
  deployment: Deployment,
  pool: PoolRole,
  userId: number,
  groups: readonly number[] = [],
): Omit<PodSpec, 'containers'> {
  const { pullSecret } = deployment.image;
  return {
    ...placedOn(pool, deployment.placement),
    priorityClassName: priorityClassName(deployment.namespace, 'store'),
    automountServiceAccountToken: false,
    // One variable per service of the namespace: some images take them for settings of their own.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      ...(groups.length === 0 ? {} : { supplementalGroups: [...groups] }),
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(pullSecret === null ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
  };
}

/**
 * Spreads the pods of a store evenly over nodes, without exception, and over zones as far as volumes and nodes allow.
 * Nodes the pods could not run on anyway do not count: a tainted one would otherwise stay the emptiest for ever.
 */
export function spread(name: string): types.input.core.v1.TopologySpreadConstraint[] {
  const common = {
    maxSkew: 1,
    labelSelector: { matchLabels: storeSelector(name) },
    nodeAffinityPolicy: 'Honor',
    nodeTaintsPolicy: 'Honor',
  };
  return [
    { ...common, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' },
    { ...common, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
  ];
}

/**
 * Volume of each pod of a set; goes when the set goes. Its labels are few and fixed: claims cannot be changed, so that
 * a changed label would replace the set and all that is stored. (Its disk gets the deployment's by its storage class.)
 */
export function volumeClaim(
  name: string,
  labels: Labels,
  bytes: number,
  storageClass: Input<string> | undefined,
): types.input.core.v1.PersistentVolumeClaim {
  return {
    metadata: { name, labels: { ...labels } },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: quantity(bytes) } },
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
    },
  };
}

/** Nothing billable is left when a set is deleted. */
export const DELETE_VOLUMES = { whenDeleted: 'Delete', whenScaled: 'Delete' } as const;
