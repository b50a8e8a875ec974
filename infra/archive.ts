import { Secret } from '@pulumi/kubernetes/core/v1/secret.js';
import { ComponentResource, secret, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import type { Archive as ArchiveRules } from '../runtime/spec/deployment/deployment.js';
import { ArchiveBucket } from './archive-bucket.js';
import { ArchiveIdentity, TOKEN_FILE } from './archive-identity.js';
import type { Connection } from './connection.js';

export interface ArchiveArgs {
  readonly rules: ArchiveRules;
  /** Namespace of the experiment. */
  readonly namespace: string;
  /** Issuer of the cluster's tokens (`GkeCluster.issuer`), for AWS; null where it is not known. */
  readonly issuer: Input<string> | null;
  /** Keys of an S3-compatible server; null on AWS, where there are none. */
  readonly credentials: Input<ArchiveCredentials> | null;
  /** Labels of every resource. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ArchiveCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The one service account that reaches the archive. */
const ARCHIVER = 'archiver';

const SECRET_NAME = 'archive-credentials';

/**
 * Where raw logs go (document 7.2) and, before the stack is destroyed, metrics and events: a bucket on AWS that pods
 * reach without keys, or one that is there already on an S3-compatible server.
 */
export class Archive extends ComponentResource {
  readonly connection: Connection;
  /** Name of the bucket. */
  readonly bucket: Input<string>;
  /** What destroy leaves of it, in words; null = nothing. */
  readonly leftAfterDestroy: string | null;

  /** @throws Error when what the provider needs is not given. */
  constructor(name: string, args: ArchiveArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Archive', name, {}, opts);
    const made = args.rules.provider === 'aws' ? this.onAws(name, args) : this.elsewhere(name, args);
    this.bucket = made.bucket;
    this.connection = made.connection;
    this.leftAfterDestroy = leftAfterDestroy(args.rules);
    this.registerOutputs({ bucket: this.bucket });
  }

  private onAws(name: string, { rules, namespace, issuer, labels }: ArchiveArgs): Made {
    if (issuer === null) {
      throw new Error(
        'archive: AWS is reached without keys, for which the issuer of the cluster’s tokens must be known, as it is on' +
          ' gke; write provider: s3-compatible, or archive: null',
      );
    }
    const { bucket, arn } = new ArchiveBucket(name, { rules, tags: labels }, { parent: this });
    const { roleArn } = new ArchiveIdentity(
      name,
      { issuer, namespace, serviceAccount: ARCHIVER, bucketArn: arn, tags: labels },
      { parent: this },
    );
    const env = { AWS_ROLE_ARN: roleArn, AWS_WEB_IDENTITY_TOKEN_FILE: TOKEN_FILE };
    return { bucket, connection: { env: { ...commonEnv(bucket, rules), ...env }, secretEnv: {}, reaches: [] } };
  }

  private elsewhere(name: string, { rules, namespace, credentials, labels }: ArchiveArgs): Made {
    if (rules.endpoint === null) throw new Error('archive: an S3-compatible server has no endpoint');
    if (credentials === null) {
      throw new Error(
        'archive: an S3-compatible server needs keys: pulumi config set --secret --path' +
          ' agent-experiment:archiveCredentials.accessKeyId …, and .secretAccessKey',
      );
    }
    const { accessKeyId, secretAccessKey } = secret(credentials);
    const keys = new Secret(
      name,
      {
        metadata: { name: SECRET_NAME, namespace, labels: { ...labels, ...APP_LABELS } },
        stringData: { accessKeyId, secretAccessKey },
      },
      { parent: this, deleteBeforeReplace: true },
    );
    const { name: secretName } = keys.metadata;
    return {
      bucket: rules.bucket,
      connection: {
        env: { ...commonEnv(rules.bucket, rules), ARCHIVE_ENDPOINT: rules.endpoint },
        secretEnv: {
          AWS_ACCESS_KEY_ID: { secret: secretName, key: 'accessKeyId' },
          AWS_SECRET_ACCESS_KEY: { secret: secretName, key: 'secretAccessKey' },
        },
        reaches: [],
      },
    };
  }
}

interface Made {
  readonly bucket: Input<string>;
  readonly connection: Connection;
}

const APP_LABELS = {
  'app.kubernetes.io/name': SECRET_NAME,
  'app.kubernetes.io/component': 'archive',
  'app.kubernetes.io/part-of': 'agent-experiment',
};

function commonEnv(bucket: Input<string>, { region }: ArchiveRules): Record<string, Input<string>> {
  return { ARCHIVE_BUCKET: bucket, ARCHIVE_REGION: region, AWS_REGION: region };
}

/** A bucket on somebody's server is not the stack's to delete: it is always left. */
function leftAfterDestroy({ provider, bucket, region, endpoint, retain }: ArchiveRules): string | null {
  if (provider === 's3-compatible') return `what was written to the bucket ${bucket} on ${endpoint ?? 'its server'}`;
  return retain ? `the S3 bucket ${bucket}-… in ${region}, with its rules (archive.retain)` : null;
}
