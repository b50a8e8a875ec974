import { CronJob } from '@pulumi/kubernetes/batch/v1/index.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { labelsOf, SHARED_OBJECTS, WORKLOADS } from './workloads.js';

/**
 * The deadline: every ten minutes a job looks whether it has passed, and then scales the fleet to 0 and deletes the
 * load generator; the node pools follow to their minimum by the cluster's autoscaler. So an experiment nobody comes
 * back to stops costing most of its money.
 *
 * It is kept in ConfigMap `experiment-deadline`: `endsAt` (ISO 8601, written by `start` and by the weekly run) plus
 * `graceMs`. Before anything was started, the experiment counts as begun when the ConfigMap was created, for `runMs`.
 */
export class Deadline extends ComponentResource {
  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Deadline', name, {}, opts);
    const { deployment, experiment } = context;
    const { namespace } = deployment;
    const labels = labelsOf(deployment, WORKLOADS.deadline.object, 'deadline');
    const kept = new ConfigMap(
      name,
      {
        metadata: { name: SHARED_OBJECTS.deadline, namespace, labels },
        data: { graceMs: String(deployment.deadlineGraceMs), runMs: String(experiment.durationMs) },
      },
      childOptions(this, opts, { ignoreChanges: ['data.endsAt'], deleteBeforeReplace: true }),
    );
    new CronJob(
      name,
      {
        metadata: { name: WORKLOADS.deadline.object, namespace, labels },
        spec: {
          schedule: '*/10 * * * *',
          concurrencyPolicy: 'Forbid',
          successfulJobsHistoryLimit: 1,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels },
            spec: {
              backoffLimit: 2,
              activeDeadlineSeconds: 300,
              template: rolePod('deadline', context, {
                kind: 'batch',
                graceSeconds: 10,
                spec: { restartPolicy: 'OnFailure' },
              }),
            },
          },
        },
      },
      childOptions(this, opts, { dependsOn: [kept], deleteBeforeReplace: true }),
    );
    this.registerOutputs({});
  }
}
