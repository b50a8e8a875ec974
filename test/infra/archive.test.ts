import { Archive, type ArchiveArgs } from '../../infra/archive.js';
import { TOKEN_FILE } from '../../infra/archive-identity.js';
import { recordResources, resourceOf, resourcesOf, settled, valueOf, type Recorded } from './mocks.js';
import { sampleDeployment } from './stack-sample.js';

const BUCKET = 'agent-experiment-archive-20260105';
const ARN = `arn:aws:s3:::${BUCKET}`;
const SUBJECT = 'system:serviceaccount:miyabi-experiment:archiver';
const ISSUER = 'container.googleapis.com/v1/projects/p/locations/l/clusters/c';

let records: Recorded[];

beforeEach(() => {
  records = recordResources();
});

function argsWith(archive: object, rest: Partial<ArchiveArgs> = {}): ArchiveArgs {
  return {
    rules: sampleDeployment(3, { archive }).archive!,
    namespace: 'miyabi-experiment',
    issuer: `https://${ISSUER}`,
    credentials: null,
    labels: { app: 'agent-experiment' },
    ...rest,
  };
}

async function onAws(archive: object = {}): Promise<Archive> {
  const made = new Archive('archive', argsWith(archive));
  await settled();
  return made;
}

const SERVER = { provider: 's3-compatible', bucket: 'raw-logs', endpoint: 'https://s3.example', region: 'here' };
const KEYS = { accessKeyId: 'an-id', secretAccessKey: 'a-secret' };

async function onServer(): Promise<Archive> {
  const made = new Archive('archive', argsWith(SERVER, { credentials: KEYS, issuer: null }));
  await settled();
  return made;
}

describe('the archive’s bucket', () => {
  test('has a name of its own and is where the deployment says', async () => {
    await onAws({ region: 'eu-west-1' });
    expect(resourceOf('aws:s3/bucket:Bucket').inputs).toMatchObject({
      bucketPrefix: 'agent-experiment-archive-',
      tags: { app: 'agent-experiment' },
    });
    const inAws = records.filter(({ type }) => type.startsWith('aws:s3/'));
    expect(new Set(inAws.map(({ inputs }) => inputs['region']))).toEqual(new Set(['eu-west-1']));
  });

  test('is closed to the public in all four ways', async () => {
    await onAws();
    expect(resourceOf('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock').inputs).toMatchObject({
      bucket: BUCKET,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(resourceOf('aws:s3/bucketOwnershipControls:BucketOwnershipControls').inputs['rule']).toEqual({
      objectOwnership: 'BucketOwnerEnforced',
    });
  });

  test('refuses whatever comes without TLS, or with an old one', async () => {
    await onAws();
    const { inputs } = resourceOf('aws:s3/bucketPolicy:BucketPolicy');
    const everything = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [ARN, `${ARN}/*`] };
    expect(JSON.parse(inputs['policy']).Statement).toEqual([
      expect.objectContaining({ ...everything, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      expect.objectContaining({ ...everything, Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } } }),
    ]);
  });

  test('is encrypted', async () => {
    await onAws();
    const { inputs } = resourceOf(
      'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
    );
    expect(inputs['rules']).toEqual([{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }]);
  });

  test('forgets metrics after 30 days, events after 90 and logs after a year', async () => {
    await onAws();
    const { inputs } = resourceOf('aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
    expect(
      inputs['rules'].map((rule: Recorded['inputs']) => [rule.filter.prefix, rule.expiration.days, rule.status]),
    ).toEqual([
      ['metrics/', 30, 'Enabled'],
      ['events/', 90, 'Enabled'],
      ['logs/', 365, 'Enabled'],
    ]);
  });

  test('outlives the stack together with the rules on it, and is named as what is left', async () => {
    const archive = await onAws();
    const kept = records.filter(({ opts }) => opts.retainOnDelete).map(({ type }) => type);
    expect(kept.sort()).toEqual(
      records
        .map(({ type }) => type)
        .filter((type) => type.startsWith('aws:s3/'))
        .sort(),
    );
    expect(kept).toHaveLength(6);
    expect(resourceOf('aws:s3/bucket:Bucket').inputs['forceDestroy']).toBe(false);
    expect(archive.leftAfterDestroy).toContain('agent-experiment-archive-… in us-east-1');
  });

  test('goes with all that is in it when it is not to be retained', async () => {
    const archive = await onAws({ retain: false });
    expect(records.filter(({ opts }) => opts.retainOnDelete || opts.protect)).toEqual([]);
    expect(resourceOf('aws:s3/bucket:Bucket').inputs['forceDestroy']).toBe(true);
    expect(archive.leftAfterDestroy).toBeNull();
  });

  test('cannot have a name that leaves no room for AWS’s suffix', () => {
    expect(() => new Archive('archive', argsWith({ bucket: 'a'.repeat(37) }))).toThrow('2 to 36');
  });
});

describe('access to it on AWS', () => {
  test('is for one service account of the cluster, by its token', async () => {
    await onAws();
    expect(resourceOf('aws:iam/openIdConnectProvider:OpenIdConnectProvider').inputs).toMatchObject({
      url: `https://${ISSUER}`,
      clientIdLists: ['sts.amazonaws.com'],
    });
    expect(JSON.parse(resourceOf('aws:iam/role:Role').inputs['assumeRolePolicy']).Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${ISSUER}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: { StringEquals: { [`${ISSUER}:sub`]: SUBJECT, [`${ISSUER}:aud`]: 'sts.amazonaws.com' } },
      },
    ]);
  });

  test('lets that account add objects and list them, but read, change or delete nothing', async () => {
    await onAws();
    const statements = JSON.parse(resourceOf('aws:iam/rolePolicy:RolePolicy').inputs['policy']).Statement;
    expect(statements.flatMap(({ Action }: Recorded['inputs']) => Action)).toEqual([
      's3:PutObject',
      's3:AbortMultipartUpload',
      's3:ListBucket',
    ]);
    expect(statements[0].Resource).toEqual([`${ARN}/metrics/*`, `${ARN}/events/*`, `${ARN}/logs/*`]);
    expect(statements[1].Resource).toBe(ARN);
  });

  test('needs no key anywhere', async () => {
    const { connection } = await onAws();
    expect(records.map(({ type }) => type).filter((type) => /accessKey|iam\/user|core\/v1:Secret/i.test(type))).toEqual(
      [],
    );
    expect(connection.secretEnv).toEqual({});
    expect(await valueOf(connection.env)).toEqual({
      ARCHIVE_BUCKET: BUCKET,
      ARCHIVE_REGION: 'us-east-1',
      AWS_REGION: 'us-east-1',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/archive',
      AWS_WEB_IDENTITY_TOKEN_FILE: TOKEN_FILE,
    });
  });

  test('is refused where nobody knows the issuer of the cluster’s tokens', () => {
    expect(() => new Archive('archive', argsWith({}, { issuer: null }))).toThrow('s3-compatible');
  });
});

describe('an archive on an S3-compatible server', () => {
  test('makes nothing at AWS', async () => {
    await onServer();
    expect(records.filter(({ type }) => type.startsWith('aws:'))).toEqual([]);
  });

  test('is reached with keys from a Kubernetes secret, which are secret to Pulumi too', async () => {
    const { connection } = await onServer();
    const { inputs, opts } = resourceOf('kubernetes:core/v1:Secret');
    expect(inputs['metadata']).toMatchObject({ name: 'archive-credentials', namespace: 'miyabi-experiment' });
    expect(inputs['stringData']).toEqual(KEYS);
    expect(opts.secretInputs).toEqual(['stringData']);
    expect(await valueOf(connection.secretEnv)).toEqual({
      AWS_ACCESS_KEY_ID: { secret: 'archive-credentials', key: 'accessKeyId' },
      AWS_SECRET_ACCESS_KEY: { secret: 'archive-credentials', key: 'secretAccessKey' },
    });
  });

  test('is called by its endpoint and its whole name', async () => {
    const { connection, bucket } = await onServer();
    expect(await valueOf(bucket)).toBe('raw-logs');
    expect(await valueOf(connection.env)).toEqual({
      ARCHIVE_BUCKET: 'raw-logs',
      ARCHIVE_REGION: 'here',
      ARCHIVE_ENDPOINT: 'https://s3.example',
      AWS_REGION: 'here',
    });
  });

  test('keeps what was written to it, and says so', async () => {
    const { leftAfterDestroy } = await onServer();
    expect(leftAfterDestroy).toBe('what was written to the bucket raw-logs on https://s3.example');
    expect(resourcesOf('kubernetes:core/v1:Secret').map(({ opts }) => opts.retainOnDelete)).toEqual([false]);
  });

  test('says how to give the keys when they are missing', () => {
    expect(() => new Archive('archive', argsWith(SERVER))).toThrow('pulumi config set --secret');
  });
});
