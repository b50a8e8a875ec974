import { OpenIdConnectProvider } from '@pulumi/aws/iam/openIdConnectProvider.js';
import { Role } from '@pulumi/aws/iam/role.js';
import { RolePolicy } from '@pulumi/aws/iam/rolePolicy.js';
import { ComponentResource, all, output, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';

export interface ArchiveIdentityArgs {
  /** Issuer of the cluster's tokens, an https address. */
  readonly issuer: Input<string>;
  readonly namespace: string;
  /** The one Kubernetes service account that gets in. */
  readonly serviceAccount: string;
  readonly bucketArn: Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Audience a pod's projected token must have to be worth anything at AWS. */
export const TOKEN_AUDIENCE = 'sts.amazonaws.com';
/** Folder that token is mounted at, … */
export const TOKEN_FOLDER = '/var/run/secrets/agent-experiment/archive';
/** … and its path, where AWS's SDK is told to look. */
export const TOKEN_FILE = `${TOKEN_FOLDER}/token`;

/** Prefixes of a bucket that are written to. */
const PREFIXES = ['metrics', 'events', 'logs'] as const;

/**
 * Lets one service account of the cluster write to the archive without any key: AWS trusts the cluster's issuer, and a
 * role goes to the bearer of a token for that one account. It may add objects and see what is there, nothing else.
 */
export class ArchiveIdentity extends ComponentResource {
  /** ARN of the role. */
  readonly roleArn: Output<string>;

  constructor(name: string, args: ArchiveIdentityArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ArchiveIdentity', name, {}, opts);
    const { namespace, serviceAccount, tags } = args;

    const issuer = new OpenIdConnectProvider(
      name,
      { url: args.issuer, clientIdLists: [TOKEN_AUDIENCE], tags },
      { parent: this },
    );
    const role = new Role(
      name,
      {
        description: `${serviceAccount} of the namespace ${namespace}: writes to the archive`,
        assumeRolePolicy: all([issuer.arn, args.issuer]).apply(([arn, url]) =>
          JSON.stringify(trust(arn, url, `system:serviceaccount:${namespace}:${serviceAccount}`)),
        ),
        tags,
      },
      { parent: this },
    );
    new RolePolicy(
      name,
      {
        role: role.name,
        policy: output(args.bucketArn).apply((arn) => JSON.stringify(permissions(arn))),
      },
      { parent: this },
    );

    this.roleArn = role.arn;
    this.registerOutputs({ roleArn: this.roleArn });
  }
}

/** IAM names the claims of a token after its issuer, without the scheme. */
function trust(issuerArn: string, issuerUrl: string, subject: string) {
  const issuer = issuerUrl.replace(/^https:\/\//, '');
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: issuerArn },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: { StringEquals: { [`${issuer}:sub`]: subject, [`${issuer}:aud`]: TOKEN_AUDIENCE } },
      },
    ],
  };
}

function permissions(bucketArn: string) {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['s3:PutObject', 's3:AbortMultipartUpload'],
        Resource: PREFIXES.map((prefix) => `${bucketArn}/${prefix}/*`),
      },
      // The health check asks whether the bucket is there, and an export what of it is there already.
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: bucketArn },
    ],
  };
}
