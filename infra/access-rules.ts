import type { types } from '@pulumi/kubernetes';
import { SHARED_OBJECTS, WORKLOADS, type WorkloadName } from './workloads.js';

/** A rule of RBAC, all of it known when it is written. */
export interface AccessRule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

const { halt, deadline, leaderLease, runLease, loadTemplate } = SHARED_OBJECTS;

/** What each service account may do in the namespace. Whoever is not to call Kubernetes at all has no rule. */
export const NAMESPACE_RULES: Readonly<Record<WorkloadName, readonly AccessRule[]>> = {
  agent: [],
  archiver: [],
  coordinator: [
    ...leases(leaderLease, runLease),
    create('', 'configmaps'),
    rule('', 'configmaps', ['get', 'update', 'patch', 'delete'], halt),
  ],
  autoscaler: [
    rule('apps', 'deployments/scale', ['get', 'patch'], WORKLOADS.agent.object),
    // To mark whom to take away; an admission policy lets no other change of a pod pass.
    rule('', 'pods', ['get', 'list', 'watch', 'patch']),
    // A replica count of 0 that is not its own is a halt, and it is the one to say so to the others.
    create('', 'configmaps'),
    rule('', 'configmaps', ['get', 'update', 'patch'], halt),
  ],
  chaos: [
    // Which pods of these an admission policy says.
    rule('', 'pods', ['get', 'list', 'watch', 'delete']),
    create('', 'pods/eviction'),
    // Whom to kill for a failover.
    rule('coordination.k8s.io', 'leases', ['get'], leaderLease),
    rule('', 'configmaps', ['get'], halt),
  ],
  monitor: [
    rule('', ['pods', 'events'], readVerbs()),
    rule('apps', ['deployments', 'statefulsets'], readVerbs()),
    rule('batch', ['jobs', 'cronjobs'], readVerbs()),
    rule('coordination.k8s.io', 'leases', readVerbs()),
    rule('metrics.k8s.io', 'pods', ['get', 'list']),
    rule('', 'configmaps', ['get'], halt, deadline),
  ],
  'load-generator': [rule('', 'configmaps', ['get'], halt)],
  'experiment-runner': [
    rule('batch', 'cronjobs', ['get'], loadTemplate),
    // RBAC cannot bind a creation to a name: an admission policy does.
    create('batch', 'jobs'),
    rule('batch', 'jobs', ['get', 'delete'], WORKLOADS['load-generator'].object),
    ...leases(runLease),
    rule('', 'configmaps', ['get'], halt),
    rule('', 'configmaps', ['get', 'patch'], deadline),
  ],
  deadline: [
    rule('apps', 'deployments/scale', ['get', 'patch'], WORKLOADS.agent.object),
    rule('batch', 'jobs', ['get', 'delete'], WORKLOADS['load-generator'].object),
    rule('', 'configmaps', ['get'], deadline),
  ],
};

/** Who may look at the nodes, which are the whole cluster's: to tell the zones of the agents. */
export const NODE_READERS: readonly WorkloadName[] = ['autoscaler', 'monitor'];

export const NODE_RULE: AccessRule = rule('', 'nodes', readVerbs());

/** The rules as Kubernetes takes them. */
export function policyRules(rules: readonly AccessRule[]): types.input.rbac.v1.PolicyRule[] {
  return rules.map((one) => ({ ...one }));
}

function readVerbs(): string[] {
  return ['get', 'list', 'watch'];
}

function rule(group: string, resources: string | string[], verbs: string[], ...names: string[]): AccessRule {
  return {
    apiGroups: [group],
    resources: [resources].flat(),
    verbs,
    ...(names.length === 0 ? {} : { resourceNames: names }),
  };
}

/** A creation has no name yet that RBAC could look at. */
function create(group: string, resource: string): AccessRule {
  return rule(group, resource, ['create']);
}

function leases(...names: string[]): AccessRule[] {
  return [
    create('coordination.k8s.io', 'leases'),
    rule('coordination.k8s.io', 'leases', ['get', 'update', 'patch'], ...names),
  ];
}
