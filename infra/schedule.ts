import { CronJob } from '@pulumi/kubernetes/batch/v1/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import type { Schedule as ScheduleRules } from '../runtime/spec/deployment/deployment.js';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { labelsOf } from './workloads.js';

export interface WeeklyRunArgs {
  readonly schedule: ScheduleRules;
  readonly context: RoleContext;
}

/**
 * The scheduled run of the document (13.2): cron job `experiment-phase1`, container `experiment-runner`. A runner that
 * is started again joins the run it holds the lease of, and it ends well once the run has been conducted and reported,
 * whatever the verdict, or `OnFailure` would run the experiment again.
 */
export class WeeklyRun extends ComponentResource {
  constructor(name: string, { schedule, context }: WeeklyRunArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:WeeklyRun', name, {}, opts);
    const { deployment } = context;
    const object = `experiment-phase${schedule.phase}`;
    const labels = labelsOf(deployment, object, 'experiment-runner');
    new CronJob(
      name,
      {
        metadata: { name: object, namespace: deployment.namespace, labels },
        spec: {
          schedule: schedule.cron,
          timeZone: schedule.timeZone,
          concurrencyPolicy: 'Forbid',
          // Later than this it would no longer be the run of that hour.
          startingDeadlineSeconds: 3_600,
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            metadata: { labels },
            spec: {
              backoffLimit: 3,
              activeDeadlineSeconds: Math.ceil((schedule.durationMs + deployment.deadlineGraceMs) / 1_000),
              template: rolePod('experiment-runner', context, {
                kind: 'batch',
                graceSeconds: 60,
                args: [`--phase=${schedule.phase}`, `--duration=${durationText(schedule.durationMs)}`, '--report=true'],
                spec: { restartPolicy: 'OnFailure' },
              }),
            },
          },
        },
      },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    this.registerOutputs({});
  }
}

/** As the CLI reads it: `24h`, `90min`, `45s`. */
function durationText(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms % 60_000 === 0 ? `${ms / 60_000}min` : `${Math.ceil(ms / 1_000)}s`;
}
