import { Bucket } from '@pulumi/aws/s3/bucket.js';
import { BucketLifecycleConfiguration } from '@pulumi/aws/s3/bucketLifecycleConfiguration.js';
import { BucketOwnershipControls } from '@pulumi/aws/s3/bucketOwnershipControls.js';
import { BucketPolicy } from '@pulumi/aws/s3/bucketPolicy.js';
import { BucketPublicAccessBlock } from '@pulumi/aws/s3/bucketPublicAccessBlock.js';
import { BucketServerSideEncryptionConfiguration } from '@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Archive as ArchiveRules } from '../runtime/spec/deployment/deployment.js';

export interface ArchiveBucketArgs {
  readonly rules: ArchiveRules;
  readonly tags: Readonly<Record<string, string>>;
}

/** AWS appends 26 characters to the prefix of a bucket's name, which may have 63. */
const LONGEST_PREFIX = 37;

const MS_PER_DAY = 24 * 60 * 60 * 1_000;

/**
 * A private, encrypted bucket whose objects go when their time is over. Objects are written once, so it keeps no
 * versions. When it is retained, so are the rules on it: a bucket left without them would be kept, and paid for, for
 * ever – and open to plain HTTP.
 */
export class ArchiveBucket extends ComponentResource {
  /** Name of the bucket. */
  readonly bucket: Output<string>;
  readonly arn: Output<string>;

  /** @throws Error when the name is too long to be made unique. */
  constructor(name: string, { rules, tags }: ArchiveBucketArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ArchiveBucket', name, {}, opts);
    const { region, retain } = rules;
    const bucketPrefix = `${rules.bucket}-`;
    if (bucketPrefix.length > LONGEST_PREFIX) {
      throw new Error(
        `archive.bucket: ${rules.bucket} has ${rules.bucket.length} characters; at most ${LONGEST_PREFIX - 1} leave` +
          ' room for the suffix that makes it unique',
      );
    }
    const kept = { parent: this, retainOnDelete: retain };

    const bucket = new Bucket(name, { region, bucketPrefix, forceDestroy: !retain, tags }, kept);
    const of = { region, bucket: bucket.bucket };

    const access = new BucketPublicAccessBlock(
      name,
      { ...of, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      kept,
    );
    // Nobody owns objects but the bucket's owner: there are no access lists.
    new BucketOwnershipControls(name, { ...of, rule: { objectOwnership: 'BucketOwnerEnforced' } }, kept);
    new BucketServerSideEncryptionConfiguration(
      name,
      { ...of, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }] },
      kept,
    );
    new BucketPolicy(
      name,
      { ...of, policy: bucket.arn.apply((arn) => JSON.stringify(tlsOnly(arn))) },
      // AWS refuses two changes of a bucket's access at once.
      { ...kept, dependsOn: access },
    );
    new BucketLifecycleConfiguration(name, { ...of, rules: expiries(rules) }, kept);

    this.bucket = bucket.bucket;
    this.arn = bucket.arn;
    this.registerOutputs({ bucket: this.bucket, arn: this.arn });
  }
}

/** The bucket's policy: refuse whatever does not come over TLS 1.2 or newer. */
function tlsOnly(arn: string) {
  const everything = { Principal: '*', Action: 's3:*', Resource: [arn, `${arn}/*`] };
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'RefusePlainHttp',
        Effect: 'Deny',
        ...everything,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      {
        Sid: 'RefuseOldTls',
        Effect: 'Deny',
        ...everything,
        Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } },
      },
    ],
  };
}

/** One rule a prefix: `metrics/`, `events/`, `logs/`. */
function expiries({ retentionMs }: ArchiveRules) {
  const prefixes = { metrics: retentionMs.metrics, events: retentionMs.events, logs: retentionMs.rawLogs };
  return Object.entries(prefixes).map(([prefix, ms]) => ({
    id: prefix,
    status: 'Enabled',
    filter: { prefix: `${prefix}/` },
    expiration: { days: Math.ceil(ms / MS_PER_DAY) },
    // Parts of uploads that never ended are invisible, and paid for.
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  }));
}
