import { Deployment as Workload } from '@pulumi/kubernetes/apps/v1/index.js';
import { Service } from '@pulumi/kubernetes/core/v1/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { labelsOf, PORTS, selectorOf, WORKLOADS } from './workloads.js';

/** A role there is one of. */
export type SingleRoleName = 'autoscaler' | 'chaos' | 'monitor';

export interface SingleRoleArgs {
  readonly role: SingleRoleName;
  readonly context: RoleContext;
}

/**
 * One pod of a role. The old one is gone before the new one comes: two autoscalers or two chaos engineers would undo
 * each other's work. The monitor has a service besides, for the dashboard; within the cluster only.
 */
export class SingleRole extends ComponentResource {
  constructor(name: string, { role, context }: SingleRoleArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:SingleRole', name, {}, opts);
    const { deployment } = context;
    const { object } = WORKLOADS[role];
    const selector = selectorOf(role);
    const metadata = { name: object, namespace: deployment.namespace, labels: labelsOf(deployment, object, role) };
    const dashboard = { name: 'dashboard', port: PORTS.control };
    new Workload(
      name,
      {
        metadata,
        spec: {
          replicas: 1,
          selector: { matchLabels: selector },
          strategy: { type: 'Recreate' },
          template: rolePod(role, context, {
            kind: 'service',
            // Chaos takes its faults back before it ends, the monitor sends on what it still holds.
            graceSeconds: role === 'autoscaler' ? 30 : 120,
            ...(role === 'monitor' ? { ports: [dashboard], workspace: '10Gi' } : {}),
          }),
        },
      },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    if (role === 'monitor') {
      const ports = [dashboard, { name: 'metrics', port: PORTS.metrics }];
      new Service(
        name,
        {
          metadata,
          spec: {
            type: 'ClusterIP',
            selector,
            ports: ports.map(({ name: target, port }) => ({ name: target, port, targetPort: target, protocol: 'TCP' })),
          },
        },
        childOptions(this, opts, { deleteBeforeReplace: true }),
      );
    }
    this.registerOutputs({});
  }
}
