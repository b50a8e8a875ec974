import { Deployment as Workload } from '@pulumi/kubernetes/apps/v1/index.js';
import { ConfigMap, Service } from '@pulumi/kubernetes/core/v1/index.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { spreadOver } from './spread.js';
import { CHAOS_TARGET_LABEL, labelsOf, PORTS, selectorOf, WORKLOADS } from './workloads.js';

/** ConfigMap the coordinators take EXPERIMENT_MODE from. */
const MODE = 'experiment-mode';

/**
 * The coordinators: Deployment `miyabi-coordinator`, its control API, and a budget that leaves two of three standing.
 *
 * EXPERIMENT_MODE comes from a ConfigMap. What the runbook sets with `kubectl set env` is a variable of the Deployment
 * itself: it wins over the ConfigMap, and as Pulumi never wrote it, no `pulumi up` takes it back.
 */
export class Coordinators extends ComponentResource {
  /** Address of the control API within the cluster. */
  readonly controlUrl: Output<string>;

  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Coordinators', name, {}, opts);
    const { deployment } = context;
    const { object } = WORKLOADS.coordinator;
    const { namespace } = deployment;
    const labels = labelsOf(deployment, object, 'coordinator');
    const metadata = { name: object, namespace, labels };
    const selector = selectorOf('coordinator');
    const mode = new ConfigMap(
      `${name}-mode`,
      { metadata: { name: MODE, namespace, labels }, data: { EXPERIMENT_MODE: 'true' } },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    const inside = { parent: this, dependsOn: [mode] };
    new Workload(
      name,
      {
        metadata,
        spec: {
          replicas: deployment.roles.coordinator.replicas,
          selector: { matchLabels: selector },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          template: rolePod('coordinator', context, {
            kind: 'service',
            // A failover is begun by deleting the pod that leads.
            labels: { [CHAOS_TARGET_LABEL]: 'true' },
            ports: [{ name: 'control', port: PORTS.control }],
            envFrom: [MODE],
            graceSeconds: 30,
            spec: {
              topologySpreadConstraints: spreadOver('coordinator', [
                'topology.kubernetes.io/zone',
                'kubernetes.io/hostname',
              ]),
            },
          }),
        },
      },
      childOptions(this, opts, { dependsOn: [mode], deleteBeforeReplace: true }),
    );
    const service = new Service(
      name,
      {
        metadata,
        spec: {
          type: 'ClusterIP',
          selector,
          ports: [{ name: 'control', port: PORTS.control, targetPort: 'control', protocol: 'TCP' }],
        },
      },
      { ...inside, deleteBeforeReplace: true },
    );
    new PodDisruptionBudget(
      name,
      { metadata, spec: { selector: { matchLabels: selector }, maxUnavailable: 1 } },
      inside,
    );
    this.controlUrl = service.metadata.name.apply((host) => `http://${host}.${namespace}.svc:${PORTS.control}`);
    this.registerOutputs({ controlUrl: this.controlUrl });
  }
}
