import { ServiceAccount } from '@pulumi/kubernetes/core/v1/index.js';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@pulumi/kubernetes/rbac/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { NAMESPACE_RULES, NODE_READERS, NODE_RULE, policyRules } from './access-rules.js';
import { childOptions } from './child-options.js';
import { labelsOf, workloadsOf, type WorkloadName } from './workloads.js';

export interface AccessArgs {
  readonly deployment: Deployment;
}

/** A service account for each workload, named like it, and the least of rights for each. */
export class Access extends ComponentResource {
  /** Names of the service accounts, by workload. */
  readonly serviceAccounts: Readonly<Partial<Record<WorkloadName, Output<string>>>>;

  constructor(name: string, { deployment }: AccessArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Access', name, {}, opts);
    const { namespace } = deployment;
    const workloads = workloadsOf(deployment);
    this.serviceAccounts = Object.fromEntries(
      workloads.map((workload) => [workload, this.#account(name, workload, deployment, opts)]),
    );
    // Of the whole cluster, so the namespace is part of their name.
    const clusterName = `${namespace}-node-reader`;
    const labels = labelsOf(deployment, 'access', 'access');
    const role = new ClusterRole(
      `${name}-node-reader`,
      { metadata: { name: clusterName, labels }, rules: policyRules([NODE_RULE]) },
      childOptions(this, opts),
    );
    new ClusterRoleBinding(
      `${name}-node-reader`,
      {
        metadata: { name: clusterName, labels },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: clusterName },
        subjects: NODE_READERS.map((reader) => ({ kind: 'ServiceAccount', name: reader, namespace })),
      },
      { parent: this, dependsOn: [role], deleteBeforeReplace: true },
    );
    this.registerOutputs({ serviceAccounts: this.serviceAccounts });
  }

  #account(
    name: string,
    workload: WorkloadName,
    deployment: Deployment,
    opts: ComponentResourceOptions | undefined,
  ): Output<string> {
    const { namespace } = deployment;
    const metadata = { name: workload, namespace, labels: labelsOf(deployment, workload, workload) };
    const account = new ServiceAccount(
      `${name}-${workload}`,
      // A pod that needs a token asks for it.
      { metadata, automountServiceAccountToken: false },
      childOptions(this, opts),
    );
    const rules = NAMESPACE_RULES[workload];
    if (rules.length === 0) return account.metadata.name;
    const role = new Role(`${name}-${workload}`, { metadata, rules: policyRules(rules) }, childOptions(this, opts));
    new RoleBinding(
      `${name}-${workload}`,
      {
        metadata,
        roleRef: { apiGroup: RBAC, kind: 'Role', name: workload },
        subjects: [{ kind: 'ServiceAccount', name: workload, namespace }],
      },
      { parent: this, dependsOn: [role, account], deleteBeforeReplace: true },
    );
    return account.metadata.name;
  }
}

const RBAC = 'rbac.authorization.k8s.io';
