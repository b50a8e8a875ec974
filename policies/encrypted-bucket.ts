import type { StackValidationPolicy } from '@pulumi/policy';
import { configuring, S3_BUCKETS } from './buckets.js';
import { at, listAt, UNKNOWN } from './known.js';
import { declared, titleOf } from './resources.js';

const ENCRYPTIONS = [
  'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
  'aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2',
];

const ALGORITHM = ['applyServerSideEncryptionByDefault', 'sseAlgorithm'];

/** What lies in a bucket is encrypted, and the program says so. Google encrypts every bucket and has no switch for it. */
export const encryptedBucket: StackValidationPolicy = {
  name: 'encrypted-bucket',
  description: 'Every bucket is encrypted.',
  validateStack: ({ resources }, report) => {
    for (const bucket of resources.filter(({ type }) => S3_BUCKETS.includes(type))) {
      const safe = declared(bucket);
      const configurations = configuring(bucket, resources, ENCRYPTIONS, at(safe.props, 'bucket'));
      if (configurations.some((one) => encrypts(declared(one).props)) || encryptsItself(safe.props)) continue;
      report(
        `${titleOf(safe)} has no encryption by default: declare a BucketServerSideEncryptionConfiguration for it with ` +
          'sseAlgorithm AES256 or aws:kms.',
        bucket.urn,
      );
    }
  },
};

function encrypts(props: unknown): boolean {
  if (at(props, 'rules') === UNKNOWN) return true;
  return listAt(props, 'rules').some((rule) => rule === UNKNOWN || at(rule, ...ALGORITHM) !== undefined);
}

/** The older way: a property of the bucket itself. */
function encryptsItself(props: unknown): boolean {
  return at(props, 'serverSideEncryptionConfiguration', 'rule', ...ALGORITHM) !== undefined;
}
