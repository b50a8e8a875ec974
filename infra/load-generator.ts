import { CronJob, Job } from '@pulumi/kubernetes/batch/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { labelsOf, SHARED_OBJECTS, WORKLOADS } from './workloads.js';

/**
 * The load: a suspended CronJob as the template that `start` makes Job `load-generator` from. `pulumi up` starts no
 * load, unless `autoStart` says so. A load generator whose container ends too early is started again where it was and
 * goes on with its journal.
 */
export class LoadGenerator extends ComponentResource {
  /** Name of the template. */
  readonly template: Output<string>;

  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:LoadGenerator', name, {}, opts);
    const { deployment, experiment } = context;
    const { object } = WORKLOADS['load-generator'];
    const labels = labelsOf(deployment, object, 'load-generator');
    const { namespace } = deployment;
    const spec = {
      backoffLimit: 6,
      // A run may be paused, but not beyond the deadline.
      activeDeadlineSeconds: Math.ceil((experiment.durationMs + deployment.deadlineGraceMs) / 1_000),
      template: rolePod('load-generator', context, {
        kind: 'batch',
        graceSeconds: 30,
        spec: { restartPolicy: 'OnFailure' },
      }),
    };
    const template = new CronJob(
      name,
      {
        metadata: { name: SHARED_OBJECTS.loadTemplate, namespace, labels },
        spec: {
          suspend: true,
          // Never comes due while suspended; Kubernetes wants one.
          schedule: '0 0 1 1 *',
          concurrencyPolicy: 'Forbid',
          jobTemplate: { metadata: { labels }, spec },
        },
      },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    if (deployment.autoStart)
      new Job(
        `${name}-auto-start`,
        // It runs for days: waiting for its end would fail after ten minutes.
        { metadata: { name: object, namespace, labels, annotations: { 'pulumi.com/skipAwait': 'true' } }, spec },
        // A change of the template must not begin a load that is under way again.
        childOptions(this, opts, { ignoreChanges: ['spec'], deleteBeforeReplace: true, dependsOn: [template] }),
      );
    this.template = template.metadata.name;
    this.registerOutputs({ template: this.template });
  }
}
