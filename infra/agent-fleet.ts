import { Deployment as Workload } from '@pulumi/kubernetes/apps/v1/index.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Experiment } from '../runtime/spec/experiment.js';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { spreadOver } from './spread.js';
import { CHAOS_TARGET_LABEL, labelsOf, selectorOf, WORKLOADS } from './workloads.js';

/** Time a draining agent has beyond its longest task to send the result and leave, ms. */
const LEAVING_MS = 30_000;

/**
 * The agents: Deployment `miyabi-agent`. It starts with the phase's agents; from then on its size is the autoscaler's,
 * chaos' and the runbook's, and Pulumi leaves it alone.
 */
export class AgentFleet extends ComponentResource {
  /** Name of the Deployment. */
  readonly deploymentName: Output<string>;

  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:AgentFleet', name, {}, opts);
    const { deployment, experiment } = context;
    const { object } = WORKLOADS.agent;
    const metadata = { name: object, namespace: deployment.namespace, labels: labelsOf(deployment, object, 'agent') };
    const selector = { matchLabels: selectorOf('agent') };
    const fleet = new Workload(
      name,
      {
        // Two hundred agents may have to wait for fifty nodes.
        metadata: { ...metadata, annotations: { 'pulumi.com/timeoutSeconds': '1800' } },
        spec: {
          replicas: deployment.roles.agent.replicas,
          selector,
          // A new version never takes the fleet below its floor; the pool has room for the surge.
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '10%', maxUnavailable: 0 } },
          progressDeadlineSeconds: 1_500,
          template: rolePod('agent', context, {
            kind: 'service',
            labels: { [CHAOS_TARGET_LABEL]: 'true' },
            // Scale-in is the autoscaler's, which drains first; the cluster's own would cut tasks off after 10 min.
            annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
            graceSeconds: agentGraceSeconds(experiment),
            // Unready and claiming nothing from here on; SIGTERM then waits for the tasks it still has.
            lifecycle: { preStop: { httpGet: { path: '/drain', port: 'health' } } },
            spec: { topologySpreadConstraints: spreadOver('agent', ['topology.kubernetes.io/zone']) },
          }),
        },
      },
      childOptions(this, opts, { ignoreChanges: ['spec.replicas'], deleteBeforeReplace: true }),
    );
    new PodDisruptionBudget(
      name,
      { metadata, spec: { selector, maxUnavailable: '10%', unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
      childOptions(this, opts),
    );
    this.deploymentName = fleet.metadata.name;
    this.registerOutputs({ deploymentName: this.deploymentName });
  }
}

/**
 * How long an agent has to end, s: longer than its longest task. On Spot the same is asked for, and Kubernetes cuts it
 * to what a pre-emption leaves; those tasks are run again elsewhere.
 */
function agentGraceSeconds({ tasks, fleet }: Pick<Experiment, 'tasks' | 'fleet'>): number {
  return Math.ceil((Math.max(tasks.timeoutMs, fleet.drainTimeoutMs) + LEAVING_MS) / 1_000);
}
