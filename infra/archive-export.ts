import { Deployment as Workload } from '@pulumi/kubernetes/apps/v1/index.js';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { TOKEN_AUDIENCE, TOKEN_FOLDER } from './archive-identity.js';
import { childOptions } from './child-options.js';
import type { RoleContext } from './role-context.js';
import { rolePod } from './role-pod.js';
import { labelsOf, selectorOf, WORKLOADS } from './workloads.js';

/** Time the last export has, s: what has come since the last hourly one, and a cold start's worth of reserve. */
const EXPORT_SECONDS = 1_800;

/**
 * Brings raw logs, metrics and events to the archive: hour by hour during a run, and the rest when it is told to end.
 *
 * That is how something happens before a destroy. Pulumi deletes what depends on the stores first, and a Deployment
 * counts as deleted once its pods are gone: the archiver's leaves when SIGTERM's export is done, or when its grace is
 * over, so that a broken export delays a destroy but never stops it. (A resource hook would make every plain
 * `pulumi destroy` an error: they need `--run-program`. A finalizer would outlive whoever was to remove it.)
 *
 * It must be declared with `dependsOn` the stores, the archive, the accounts and the network rules.
 */
export class ArchiveExport extends ComponentResource {
  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ArchiveExport', name, {}, opts);
    const { deployment } = context;
    const { object } = WORKLOADS.archiver;
    new Workload(
      name,
      {
        metadata: {
          name: object,
          namespace: deployment.namespace,
          labels: labelsOf(deployment, object, 'archiver'),
          annotations: { 'pulumi.com/deletionPropagationPolicy': 'foreground' },
        },
        spec: {
          replicas: 1,
          selector: { matchLabels: selectorOf('archiver') },
          strategy: { type: 'Recreate' },
          // A replacement waits for the export of the one before.
          progressDeadlineSeconds: EXPORT_SECONDS + 600,
          template: rolePod('archiver', context, {
            kind: 'service',
            graceSeconds: EXPORT_SECONDS,
            workspace: '10Gi',
            ...(deployment.archive?.provider === 'aws'
              ? { identity: { audience: TOKEN_AUDIENCE, folder: TOKEN_FOLDER } }
              : {}),
          }),
        },
      },
      childOptions(this, opts, {
        customTimeouts: { delete: `${EXPORT_SECONDS + 300}s`, update: `${EXPORT_SECONDS + 900}s` },
        deleteBeforeReplace: true,
      }),
    );
    this.registerOutputs({});
  }
}
