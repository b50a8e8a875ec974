import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { StorageClass } from '@pulumi/kubernetes/storage/v1/index.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { PART_OF } from './store-pods.js';

export interface StorageClassesArgs {
  readonly deployment: Deployment;
}

/**
 * Storage classes of the stores. On gke two of our own, whose volumes go with their claims and are made in the zone of
 * the pod that first uses them; the cluster's own classes are no promise of either. Elsewhere, and where a class is
 * given in the deployment, nothing is made.
 */
export class StorageClasses extends ComponentResource {
  /** For Redis, Postgres and InfluxDB: SSD. Undefined = the cluster's default class. */
  readonly ssd: Input<string> | undefined;
  /** For Elasticsearch: balanced. Undefined = the cluster's default class. */
  readonly balanced: Input<string> | undefined;

  constructor(name: string, { deployment }: StorageClassesArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:StorageClasses', name, {}, opts);
    const given = deployment.stores.storageClass;
    if (given !== null || deployment.platform.kind === 'existing') {
      this.ssd = this.balanced = given ?? undefined;
    } else {
      this.ssd = this.diskClass(deployment, 'experiment-ssd', 'pd-ssd');
      this.balanced = this.diskClass(deployment, 'experiment-balanced', 'pd-balanced');
    }
    this.registerOutputs({ ssd: this.ssd, balanced: this.balanced });
  }

  private diskClass(deployment: Deployment, name: string, disk: 'pd-ssd' | 'pd-balanced'): Input<string> {
    const labels = { ...deployment.labels, 'app.kubernetes.io/name': name, ...PART_OF };
    return new StorageClass(
      name,
      {
        metadata: { name, labels: { ...labels, 'app.kubernetes.io/component': 'storage' } },
        provisioner: 'pd.csi.storage.gke.io',
        parameters: { type: disk, labels: diskLabels(deployment) },
        volumeBindingMode: 'WaitForFirstConsumer',
        reclaimPolicy: 'Delete',
        allowVolumeExpansion: true,
      },
      // Fields of a class cannot be changed, and two of one name cannot be.
      { parent: this, deleteBeforeReplace: true },
    ).metadata.name;
  }
}

/** Labels of the disks themselves, as the driver takes them: `key=value,…`. */
function diskLabels({ labels }: Deployment): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
