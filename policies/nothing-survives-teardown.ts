import type { ResourceValidationPolicy } from '@pulumi/policy';
import { at, listAt, textAt, UNKNOWN } from './known.js';
import { declared, isOfArchive, titleOf, type Declared } from './resources.js';

/** Properties that keep a resource when its stack goes, and the values with which they do. */
const GUARDS: readonly (readonly [property: string, values: readonly unknown[]])[] = [
  ['deletionProtection', [true]],
  ['deletionProtectionEnabled', [true]],
  ['disableApiTermination', [true]],
  ['skipDestroy', [true]],
  ['deletionPolicy', ['ABANDON', 'PREVENT', 'Retain']],
];

/** Types that are protected where nothing is written. */
const GUARDED_BY_DEFAULT = ['gcp:container/cluster:Cluster', 'gcp:sql/databaseInstance:DatabaseInstance'];

const BUCKETS = ['aws:s3/bucket:Bucket', 'aws:s3/bucketV2:BucketV2', 'gcp:storage/bucket:Bucket'];

/** After `pulumi destroy` nothing is left that costs money; the archive, which is kept on purpose, is excepted. */
export const nothingSurvivesTeardown: ResourceValidationPolicy = {
  name: 'nothing-survives-teardown',
  description: 'No deletion guard, kept volume or full bucket outlives the stack; the archive may.',
  validateResource: (args, report) => {
    const resource = declared(args);
    if (isOfArchive(resource)) return;
    const faults = [
      ...(args.opts.protect ? ['is protected from deletion: remove the option protect'] : []),
      ...guardFaults(resource),
      ...volumeFaults(resource),
      ...bucketFaults(resource),
    ];
    for (const fault of faults) report(`${titleOf(resource)} would survive pulumi destroy, it ${fault}.`);
  },
};

function guardFaults({ type, props }: Declared): string[] {
  const guards = GUARDS.filter(([property, values]) => values.includes(at(props, property))).map(
    ([property]) =>
      `sets ${property} to ${String(at(props, property))}: ${property === 'deletionPolicy' ? 'set it to DELETE' : 'set it to false'}`,
  );
  const byDefault = GUARDED_BY_DEFAULT.includes(type) && at(props, 'deletionProtection') === undefined;
  const kept = textAt(props, 'metadata', 'annotations', 'helm.sh/resource-policy') === 'keep';
  return [
    ...guards,
    ...(byDefault ? ['is protected where nothing is said: set deletionProtection to false'] : []),
    ...(kept ? ['carries helm.sh/resource-policy: keep: remove that annotation'] : []),
  ];
}

function volumeFaults({ type, props }: Declared): string[] {
  if (type === 'kubernetes:storage.k8s.io/v1:StorageClass' && at(props, 'reclaimPolicy') === 'Retain')
    return ['keeps its volumes: set reclaimPolicy to Delete'];
  if (type === 'kubernetes:core/v1:PersistentVolume') {
    const policy = at(props, 'spec', 'persistentVolumeReclaimPolicy') ?? 'Retain';
    return policy === 'Retain' ? ['is a volume that is kept: set persistentVolumeReclaimPolicy to Delete'] : [];
  }
  if (type !== 'kubernetes:apps/v1:StatefulSet') return [];
  const claims = listAt(props, 'spec', 'volumeClaimTemplates').length;
  if (claims === 0) return [];
  const policy = (when: string): unknown => at(props, 'spec', 'persistentVolumeClaimRetentionPolicy', when);
  const keeps = ['whenDeleted', 'whenScaled'].filter((when) => policy(when) !== 'Delete' && policy(when) !== UNKNOWN);
  if (keeps.length === 0) return [];
  return [
    `keeps the volumes of its ${claims} claim ${claims === 1 ? 'template' : 'templates'}: set ` +
      `${keeps.map((when) => `persistentVolumeClaimRetentionPolicy.${when}`).join(' and ')} to Delete`,
  ];
}

function bucketFaults({ type, props }: Declared): string[] {
  if (!BUCKETS.includes(type)) return [];
  const force = at(props, 'forceDestroy');
  return force === true || force === UNKNOWN
    ? []
    : ['is a bucket that cannot be deleted while it holds anything: set forceDestroy to true'];
}
