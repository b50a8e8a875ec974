import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Connection } from './connection.js';
import type { RoleContext } from './role-context.js';
import { SPEC_FOLDER } from './spec-config.js';
import { PORTS, SHARED_OBJECTS, WORKLOADS, type WorkloadName } from './workloads.js';

type EnvVar = types.input.core.v1.EnvVar;

/**
 * The variables of a role, in an order that does not change:
 * - all: ROLE, SPEC_FILE, DEPLOYMENT_FILE, NAMESPACE, POD_NAME, POD_IP, NODE_NAME, HEALTH_PORT, METRICS_PORT, and
 *   ZONE_LABELS: zone of a node (`topology.kubernetes.io/zone`) to the labels it stands for, as JSON;
 * - whoever calls Kubernetes: HALT_CONFIG_MAP, DEADLINE_CONFIG_MAP, LEADER_LEASE, RUN_LEASE, LOAD_TEMPLATE;
 * - whoever serves or calls the control API: CONTROL_TOKEN, and CONTROL_PORT or CONTROL_URL;
 * - the monitor: HEARTBEAT_URL where there is one;
 * - those of the stores the role needs, and no others.
 */
export function roleEnvironment(workload: WorkloadName, context: RoleContext): EnvVar[] {
  const { deployment, controlToken } = context;
  const { stores, callsKubernetes, controls } = WORKLOADS[workload];
  const servesControl = workload === 'coordinator' || workload === 'monitor';
  const connections = stores.flatMap((store) => context.connections[store] ?? []);
  return [
    { name: 'ROLE', value: workload },
    { name: 'SPEC_FILE', value: `${SPEC_FOLDER}/spec.json` },
    { name: 'DEPLOYMENT_FILE', value: `${SPEC_FOLDER}/deployment.json` },
    { name: 'NAMESPACE', value: deployment.namespace },
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_IP', 'status.podIP'),
    fromField('NODE_NAME', 'spec.nodeName'),
    { name: 'HEALTH_PORT', value: String(PORTS.health) },
    { name: 'METRICS_PORT', value: String(PORTS.metrics) },
    { name: 'ZONE_LABELS', value: JSON.stringify(labelsByZone(deployment)) },
    ...(callsKubernetes ? SHARED : []),
    ...(servesControl ? [{ name: 'CONTROL_PORT', value: String(PORTS.control) }] : []),
    ...controls.map((target) => ({
      name: 'CONTROL_URL',
      value: `http://${WORKLOADS[target].object}.${deployment.namespace}.svc:${PORTS.control}`,
    })),
    ...(servesControl || controls.length > 0
      ? [fromSecret('CONTROL_TOKEN', controlToken.secret, controlToken.key)]
      : []),
    ...(workload === 'monitor' && deployment.heartbeatUrl !== null
      ? [{ name: 'HEARTBEAT_URL', value: deployment.heartbeatUrl }]
      : []),
    ...connections.flatMap(ofConnection),
  ];
}

const SHARED: readonly EnvVar[] = [
  { name: 'HALT_CONFIG_MAP', value: SHARED_OBJECTS.halt },
  { name: 'DEADLINE_CONFIG_MAP', value: SHARED_OBJECTS.deadline },
  { name: 'LEADER_LEASE', value: SHARED_OBJECTS.leaderLease },
  { name: 'RUN_LEASE', value: SHARED_OBJECTS.runLease },
  { name: 'LOAD_TEMPLATE', value: SHARED_OBJECTS.loadTemplate },
];

function labelsByZone({ zones }: Deployment): Record<string, string[]> {
  const byZone: Record<string, string[]> = {};
  for (const { label, zone } of zones) (byZone[zone] ??= []).push(label);
  return byZone;
}

function ofConnection({ env, secretEnv }: Connection): EnvVar[] {
  return [
    ...sorted(env).map(([name, value]) => ({ name, value })),
    ...sorted(secretEnv).map(([name, { secret, key }]) => fromSecret(name, secret, key)),
  ];
}

function sorted<T>(map: Readonly<Record<string, T>>): ReadonlyArray<[string, T]> {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

function fromField(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function fromSecret(name: string, secret: Input<string>, key: string): EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}
