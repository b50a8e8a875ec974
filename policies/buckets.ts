import type { PolicyResource } from '@pulumi/policy';
import { at } from './known.js';

/** Buckets on AWS. */
export const S3_BUCKETS = ['aws:s3/bucket:Bucket', 'aws:s3/bucketV2:BucketV2'];

/** What a rule needs of a resource to see which others it belongs to. */
export type Linked = Pick<PolicyResource, 'type' | 'name' | 'urn' | 'props' | 'dependencies' | 'propertyDependencies'>;

/**
 * Resources of a type that configure the bucket: by its name, or, in a preview, where the name is not known yet, by
 * what their property `bucket` is computed from.
 */
export function configuring(
  bucket: Linked,
  resources: readonly Linked[],
  types: readonly string[],
  name: unknown,
): Linked[] {
  return resources.filter((one) => {
    if (!types.includes(one.type)) return false;
    const from = one.propertyDependencies['bucket'] ?? one.dependencies;
    return from.some(({ urn }) => urn === bucket.urn) || (typeof name === 'string' && namedIn(one) === name);
  });
}

function namedIn(resource: Linked): unknown {
  try {
    return at(resource.props, 'bucket');
  } catch {
    // Not known in a preview: its dependencies tell.
    return undefined;
  }
}
