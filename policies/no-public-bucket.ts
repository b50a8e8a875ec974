import type { StackValidationPolicy } from '@pulumi/policy';
import { configuring, S3_BUCKETS } from './buckets.js';
import { at, textAt, UNKNOWN } from './known.js';
import { declared, ofTypes, titleOf, type Described } from './resources.js';

const BLOCKS = ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'];
const ACL_TYPES = [...S3_BUCKETS, 'aws:s3/bucketAcl:BucketAcl', 'aws:s3/bucketAclV2:BucketAclV2'];
const GCS_GRANTS = ['gcp:storage/bucketIAMMember:BucketIAMMember', 'gcp:storage/bucketIAMBinding:BucketIAMBinding'];

/** Nobody but who is named reads a bucket: every road to the public is blocked. */
export const noPublicBucket: StackValidationPolicy = {
  name: 'no-public-bucket',
  description: 'No bucket is, or can be made, public.',
  validateStack: ({ resources }, report) => {
    for (const bucket of resources.filter(({ type }) => S3_BUCKETS.includes(type))) {
      const safe = declared(bucket);
      const blocks = configuring(
        bucket,
        resources,
        ['aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock'],
        at(safe.props, 'bucket'),
      );
      const open = BLOCKS.filter((name) => !blocks.some((block) => isOn(at(declared(block).props, name))));
      if (open.length > 0)
        report(
          `${titleOf(safe)} leaves ${open.length} of ${BLOCKS.length} roads to the public open: set ${open.join(', ')} ` +
            'to true in a BucketPublicAccessBlock for it.',
          bucket.urn,
        );
    }
    for (const { urn, message } of [...publicAcls(resources), ...publicOnGoogle(resources)]) report(message, urn);
  },
};

function isOn(value: unknown): boolean {
  return value === true || value === UNKNOWN;
}

interface Found {
  readonly urn: string;
  readonly message: string;
}

function publicAcls(resources: readonly Described[]): Found[] {
  return ofTypes(resources, ACL_TYPES).flatMap((resource) => {
    const acl = textAt(resource.props, 'acl');
    if (acl === undefined || !/^(public-|authenticated-read)/.test(acl)) return [];
    return [{ urn: resource.urn, message: `${titleOf(resource)} has the ACL ${acl}: remove it, or make it private.` }];
  });
}

function publicOnGoogle(resources: readonly Described[]): Found[] {
  const buckets = ofTypes(resources, ['gcp:storage/bucket:Bucket']).flatMap((bucket) => {
    const prevention = at(bucket.props, 'publicAccessPrevention');
    if (prevention === UNKNOWN || prevention === 'enforced') return [];
    return [
      { urn: bucket.urn, message: `${titleOf(bucket)} could be made public: set publicAccessPrevention to enforced.` },
    ];
  });
  const grants = ofTypes(resources, GCS_GRANTS).flatMap((grant) => {
    const members = JSON.stringify([at(grant.props, 'member'), at(grant.props, 'members')]);
    if (!/"(allUsers|allAuthenticatedUsers)"/.test(members)) return [];
    return [{ urn: grant.urn, message: `${titleOf(grant)} lets everybody in: name the accounts that need it.` }];
  });
  return [...buckets, ...grants];
}
