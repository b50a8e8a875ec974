import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { placedOn } from './placement.js';
import { resourceRequirements } from './pod-resources.js';
import { priorityClassName } from './priority-classes.js';
import type { RoleContext } from './role-context.js';
import { roleEnvironment } from './role-environment.js';
import { SPEC_CONFIG_MAP, SPEC_FOLDER } from './spec-config.js';
import { SPEC_HASH_ANNOTATION, specHash } from './spec-hash.js';
import { labelsOf, PORTS, selectorOf, sizeOf, WORKLOADS, type WorkloadName } from './workloads.js';

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;

/** What is particular to one workload's pods. */
export interface RoleDetails {
  /** Labels besides those every pod of the workload has. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Name of the container; default: the workload's. */
  readonly container?: string;
  /** Arguments after `role NAME`. */
  readonly args?: readonly string[];
  /** Ports beside health and metrics. */
  readonly ports?: ReadonlyArray<{ readonly name: string; readonly port: number }>;
  /** ConfigMaps whose keys become variables; a variable of the same name set on the Deployment wins. */
  readonly envFrom?: readonly string[];
  /** Time it is given to end in, s. */
  readonly graceSeconds: number;
  /** What it may write to its work folder, a quantity: spools and journals. Default 1Gi. */
  readonly workspace?: string;
  readonly lifecycle?: Container['lifecycle'];
  /** `service`: it is probed. `batch`: it ends by itself, and nothing asks it. */
  readonly kind: 'service' | 'batch';
  readonly spec?: Pick<PodSpec, 'restartPolicy' | 'topologySpreadConstraints'>;
  /** A token of its service account for a cloud outside: mounted as `token` in the folder, worth something there only. */
  readonly identity?: { readonly audience: string; readonly folder: string };
}

/** Not root, and no user of the node. */
const USER = 10_001;

/** Folder a role may write to; survives restarts of the container, not of the pod. */
const WORK_FOLDER = '/var/lib/agent-experiment';

/**
 * Template of a workload's pods. The image's entry point is the CLI, so the container's arguments are `role NAME`.
 * Restricted pod security, requests and limits, a read-only root with two folders to write to.
 */
export function rolePod(
  workload: WorkloadName,
  context: RoleContext,
  details: RoleDetails,
): types.input.core.v1.PodTemplateSpec {
  const { deployment, experiment } = context;
  const { object, pool, callsKubernetes } = WORKLOADS[workload];
  return {
    metadata: {
      labels: { ...labelsOf(deployment, object, workload), ...selectorOf(workload), ...details.labels },
      annotations: { [SPEC_HASH_ANNOTATION]: specHash(workload, experiment, deployment), ...details.annotations },
    },
    spec: {
      serviceAccountName: workload,
      automountServiceAccountToken: callsKubernetes,
      enableServiceLinks: false,
      priorityClassName: priorityClassName(deployment.namespace, workload === 'agent' ? 'agent' : 'control'),
      terminationGracePeriodSeconds: details.graceSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(deployment.image.pullSecret === null ? {} : { imagePullSecrets: [{ name: deployment.image.pullSecret }] }),
      ...placedOn(pool, deployment.placement),
      ...details.spec,
      containers: [container(workload, context, details)],
      volumes: [
        { name: 'spec', configMap: { name: SPEC_CONFIG_MAP } },
        { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
        { name: 'work', emptyDir: { sizeLimit: details.workspace ?? '1Gi' } },
        ...(details.identity === undefined ? [] : [identityVolume(details.identity.audience)]),
      ],
    },
  };
}

function container(workload: WorkloadName, context: RoleContext, details: RoleDetails): Container {
  const { requests, limits } = sizeOf(workload, context.deployment);
  const image: Input<string> = context.images.runtime;
  const ports = [
    { name: 'health', port: PORTS.health },
    ...(details.ports ?? []),
    { name: 'metrics', port: PORTS.metrics },
  ];
  return {
    name: details.container ?? workload,
    image,
    args: ['role', workload, ...(details.args ?? [])],
    env: roleEnvironment(workload, context),
    ...(details.envFrom === undefined ? {} : { envFrom: details.envFrom.map((name) => ({ configMapRef: { name } })) }),
    ports: ports.map(({ name, port }) => ({ name, containerPort: port, protocol: 'TCP' })),
    resources: resourceRequirements(requests, limits),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(details.kind === 'service' ? PROBES : {}),
    ...(details.lifecycle === undefined ? {} : { lifecycle: details.lifecycle }),
    volumeMounts: [
      { name: 'spec', mountPath: SPEC_FOLDER, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'work', mountPath: WORK_FOLDER },
      ...(details.identity === undefined
        ? []
        : [{ name: 'identity', mountPath: details.identity.folder, readOnly: true }]),
    ],
  };
}

/**
 * A role is alive while its event loop turns, and ready while it can do its part; neither looks at Redis, or a delay
 * on the way there would mark busy agents for removal. A process that starts among two hundred on busy nodes gets two
 * minutes; a live one that hangs is replaced after one.
 */
const PROBES: Pick<Container, 'startupProbe' | 'livenessProbe' | 'readinessProbe'> = {
  startupProbe: {
    httpGet: { path: '/healthz', port: 'health' },
    periodSeconds: 2,
    timeoutSeconds: 5,
    failureThreshold: 60,
  },
  livenessProbe: {
    httpGet: { path: '/healthz', port: 'health' },
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 6,
  },
  readinessProbe: {
    httpGet: { path: '/readyz', port: 'health' },
    periodSeconds: 5,
    timeoutSeconds: 5,
    failureThreshold: 3,
  },
};

function identityVolume(audience: string): types.input.core.v1.Volume {
  const token = { audience, expirationSeconds: 3_600, path: 'token' };
  return { name: 'identity', projected: { sources: [{ serviceAccountToken: token }] } };
}
