import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
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
 *
 * They are named by plain strings, and the stores wait for the component: a store whose claims were made from an output
 * of its class would be replaced, data and all, whenever the class is (a label changed), which harms no volume.
 */
export class StorageClasses extends ComponentResource {
  /** For Redis, Postgres and InfluxDB: SSD. Undefined = the cluster's default class. */
  readonly ssd: string | undefined;
  /** For Elasticsearch: balanced. Undefined = the cluster's default class. */
  readonly balanced: string | undefined;

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

  private diskClass(deployment: Deployment, name: string, disk: 'pd-ssd' | 'pd-balanced'): string {
    const labels = { ...deployment.labels, 'app.kubernetes.io/name': name, ...PART_OF };
    new StorageClass(
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
    );
    return name;
  }
}

/** Labels of the disks themselves, as the driver takes them: `key=value,…`. */
function diskLabels({ labels }: Deployment): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
