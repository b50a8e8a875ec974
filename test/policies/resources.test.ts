import type { PolicyResource } from '@pulumi/policy';
import { allowedMachineTypes } from '../../policies/allowed-machine-types.js';
import { encryptedBucket } from '../../policies/encrypted-bucket.js';
import { imagesByDigest } from '../../policies/images-by-digest.js';
import { noPublicBucket } from '../../policies/no-public-bucket.js';
import { noStaticCloudKeys } from '../../policies/no-static-cloud-keys.js';
import { nothingSurvivesTeardown } from '../../policies/nothing-survives-teardown.js';
import { podSecurity } from '../../policies/pod-security.js';
import { requiredLabels } from '../../policies/required-labels.js';
import {
  container,
  DIGEST,
  LABELS,
  resource,
  UNKNOWN_LIST,
  UNKNOWN_OBJECT,
  UNKNOWN_TEXT,
  violations,
  workload,
} from './stage.js';

const NODE_POOL = 'gcp:container/nodePool:NodePool';
const BUCKET = 'aws:s3/bucket:Bucket';

describe('The rule on machine types', () => {
  const pool = (machineType: string): PolicyResource => resource(NODE_POOL, { nodeConfig: { machineType } });

  it('knows the types there are prices for', async () => {
    expect(await violations(allowedMachineTypes, [pool('n2-standard-4')])).toEqual([]);
    const [message] = await violations(allowedMachineTypes, [pool('m3-ultramem-128')]);
    expect(message).toContain('uses m3-ultramem-128, which is none of the 7 allowed machine types');
    expect(message).toContain('choose one of n2-standard-4');
  });

  it('takes another list from its configuration, and passes over what is not known', async () => {
    expect(await violations(allowedMachineTypes, [pool('n2-standard-4')], { allowed: ['e2-standard-4'] })).toHaveLength(
      1,
    );
    expect(
      await violations(allowedMachineTypes, [pool(UNKNOWN_TEXT), resource(NODE_POOL, { nodeConfig: UNKNOWN_OBJECT })]),
    ).toEqual([]);
  });
});

describe('The rule on images', () => {
  it('wants a digest for every container', async () => {
    expect(await violations(imagesByDigest, [workload('a')])).toEqual([]);
    const tagged = workload('a', { containers: [container({ image: 'registry.example/agent:1.2' })] });
    const [message] = await violations(imagesByDigest, [tagged]);
    expect(message).toContain('Deployment a, container main names its image by tag (registry.example/agent:1.2)');
  });

  it('looks at init containers, cron jobs and Postgres too', async () => {
    const init = workload('a', { pod: { initContainers: [container({ name: 'first', image: 'x:1' })] } });
    const cron = resource('kubernetes:batch/v1:CronJob', {
      metadata: { name: 'c' },
      spec: { jobTemplate: { spec: { template: { spec: { containers: [container({ image: 'y:1' })] } } } } },
    });
    const postgres = resource('kubernetes:postgresql.cnpg.io/v1:Cluster', {
      metadata: { name: 'pg' },
      spec: { imageName: 'ghcr.io/postgresql:15' },
    });
    expect(await violations(imagesByDigest, [init, cron, postgres])).toEqual([
      expect.stringContaining('container first'),
      expect.stringContaining('CronJob c'),
      expect.stringContaining('Cluster pg'),
    ]);
  });

  it('passes over an image that is built only in the update', async () => {
    const built = workload('a', { containers: [container({ image: UNKNOWN_TEXT })] });
    expect(await violations(imagesByDigest, [built, workload('b', { containers: UNKNOWN_LIST })])).toEqual([]);
  });
});

describe('The rule on pods', () => {
  const broken = async (changes: object, pod: object = {}): Promise<string> =>
    (await violations(podSecurity, [workload('a', { pod, containers: [container(changes)] })])).join('\n');

  it('lets a restricted pod through', async () => {
    expect(await broken({})).toBe('');
  });

  it.each([
    [
      'a pod that may be root',
      {},
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      'may run as root',
    ],
    ['a container that asks for root', { securityContext: { runAsUser: 0 } }, {}, 'runs as user 0'],
    ['escalation', { securityContext: { capabilities: { drop: ['ALL'] } } }, {}, 'may win privileges'],
    ['a privileged container', { securityContext: { privileged: true } }, {}, 'is privileged'],
    ['capabilities', { securityContext: { allowPrivilegeEscalation: false } }, {}, 'keeps capabilities'],
    ['the network of the node', {}, { hostNetwork: true }, 'sets hostNetwork'],
    ['a pod without seccomp', {}, { securityContext: { runAsNonRoot: true } }, 'no seccomp profile'],
    ['missing sizes', { resources: { requests: { cpu: '1' } } }, {}, 'requests.memory, limits.cpu, limits.memory'],
    [
      'limits below requests',
      { resources: { requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '500m', memory: '1Gi' } } },
      {},
      'asks for 1500m more cpu than it may take',
    ],
  ])('refuses %s', async (_, changes, pod, message) => {
    expect(await broken(changes, pod)).toContain(message);
  });

  it('passes over what is not known', async () => {
    expect(await broken({ resources: UNKNOWN_OBJECT, securityContext: UNKNOWN_OBJECT })).toBe('');
    expect(await broken({}, { securityContext: UNKNOWN_OBJECT })).toBe('');
    const resources = { requests: { cpu: UNKNOWN_TEXT, memory: '1Gi' }, limits: { cpu: '1', memory: UNKNOWN_TEXT } };
    expect(await broken({ resources })).toBe('');
    expect(await violations(podSecurity, [workload('b', { containers: UNKNOWN_LIST })])).toEqual([]);
  });
});

describe('The rule on labels', () => {
  it('wants all of them on what costs money or runs', async () => {
    expect(await violations(requiredLabels, [workload('a')])).toEqual([]);
    const cluster = resource('gcp:container/cluster:Cluster', {
      name: 'c',
      resourceLabels: { app: 'x', phase: 'phase1' },
    });
    const [message] = await violations(requiredLabels, [cluster]);
    expect(message).toContain('Cluster c lacks 2 of 4 required labels: owner, cost-center. Set them in resourceLabels');
    const service = resource('kubernetes:core/v1:Service', { metadata: { name: 's', namespace: 'n' } });
    expect((await violations(requiredLabels, [service]))[0]).toContain('lacks 4 of 4');
  });

  it('leaves out what is made from others’ manifests, and what is not known', async () => {
    const operator = resource('kubernetes:apps/v1:Deployment', { metadata: { name: 'o', namespace: 'cnpg-system' } });
    const role = resource('kubernetes:rbac.authorization.k8s.io/v1:ClusterRole', { metadata: { name: 'r' } });
    const unknown = resource(BUCKET, { tags: UNKNOWN_OBJECT });
    const partly = resource(BUCKET, { tags: { ...LABELS, owner: UNKNOWN_TEXT } });
    const somewhere = resource('kubernetes:core/v1:Service', { metadata: { name: 's', namespace: UNKNOWN_TEXT } });
    expect(await violations(requiredLabels, [operator, role, unknown, partly, somewhere])).toEqual([]);
  });

  it('can refuse a value that says nothing, and counts the tags of the provider', async () => {
    const bucket = resource(BUCKET, { tags: { ...LABELS, owner: 'unassigned' } });
    expect(await violations(requiredLabels, [bucket])).toEqual([]);
    expect((await violations(requiredLabels, [bucket], { refusedValues: ['unassigned'] }))[0]).toContain(
      'owner=unassigned',
    );
    const provider = {
      type: 'pulumi:providers:aws',
      name: 'p',
      urn: 'u',
      props: { defaultTags: JSON.stringify({ tags: LABELS }) },
    };
    expect(await violations(requiredLabels, [{ ...resource(BUCKET, {}), provider }])).toEqual([]);
  });
});

describe('The rules on buckets', () => {
  const bucket = resource(BUCKET, { bucket: UNKNOWN_TEXT }, { name: 'archive' });
  const block = (changes: object = {}): PolicyResource =>
    resource(
      'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
      {
        bucket: UNKNOWN_TEXT,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
        ...changes,
      },
      { of: [bucket] },
    );
  const encryption = (props: object): PolicyResource =>
    resource('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration', props, {
      of: [bucket],
    });
  const AES = { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }] };

  it('find what configures a bucket in a preview, when its name is not known yet', async () => {
    expect(await violations(noPublicBucket, [bucket, block()])).toEqual([]);
    expect(await violations(encryptedBucket, [bucket, encryption(AES)])).toEqual([]);
    expect(await violations(encryptedBucket, [bucket, encryption({ rules: UNKNOWN_LIST })])).toEqual([]);
    expect(await violations(noPublicBucket, [bucket, block({ blockPublicAcls: UNKNOWN_TEXT })])).toEqual([]);
  });

  it('find it by its name, too', async () => {
    const named = resource(BUCKET, { bucket: 'logs' }, { name: 'logs' });
    const own = { ...encryption({ ...AES, bucket: 'logs' }), dependencies: [], propertyDependencies: {} };
    const others = { ...encryption({ ...AES, bucket: 'else' }), dependencies: [], propertyDependencies: {} };
    expect(await violations(encryptedBucket, [named, own])).toEqual([]);
    expect(await violations(encryptedBucket, [named, others])).toHaveLength(1);
  });

  it('refuse a bucket with a road to the public', async () => {
    const [message] = await violations(noPublicBucket, [bucket, block({ ignorePublicAcls: false })]);
    expect(message).toContain('leaves 1 of 4 roads to the public open: set ignorePublicAcls to true');
    expect((await violations(noPublicBucket, [bucket]))[0]).toContain('leaves 4 of 4');
    const acl = resource('aws:s3/bucketAcl:BucketAcl', { acl: 'public-read' });
    expect((await violations(noPublicBucket, [acl]))[0]).toContain('has the ACL public-read');
  });

  it('refuse public buckets on Google', async () => {
    const gcs = (props: object): PolicyResource => resource('gcp:storage/bucket:Bucket', props);
    expect(await violations(noPublicBucket, [gcs({ publicAccessPrevention: 'enforced' })])).toEqual([]);
    expect(await violations(noPublicBucket, [gcs({ publicAccessPrevention: UNKNOWN_TEXT })])).toEqual([]);
    expect((await violations(noPublicBucket, [gcs({})]))[0]).toContain('set publicAccessPrevention to enforced');
    const grant = resource('gcp:storage/bucketIAMMember:BucketIAMMember', { member: 'allUsers' });
    expect((await violations(noPublicBucket, [grant]))[0]).toContain('lets everybody in');
  });

  it('refuse a bucket that is not encrypted', async () => {
    const [message] = await violations(encryptedBucket, [bucket]);
    expect(message).toContain('has no encryption by default: declare a BucketServerSideEncryptionConfiguration');
  });
});

describe('The rule on keys', () => {
  const AWS_KEY = ['AKIA', 'ABCDEFGH12345678'].join('');

  it('lets roles and secrets of S3-compatible servers through', async () => {
    const secret = resource('kubernetes:core/v1:Secret', {
      metadata: { name: 's' },
      stringData: { accessKeyId: 'minio', secretAccessKey: UNKNOWN_TEXT },
    });
    const env = [{ name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: 's', key: 'accessKeyId' } } }];
    expect(await violations(noStaticCloudKeys, [secret, workload('a', { containers: [container({ env })] })])).toEqual(
      [],
    );
    expect(await violations(noStaticCloudKeys, [resource('aws:iam/role:Role', {})])).toEqual([]);
    const unknown = resource('kubernetes:core/v1:Secret', { metadata: { name: 's' }, data: UNKNOWN_OBJECT });
    expect(
      await violations(noStaticCloudKeys, [unknown, workload('b', { containers: [container({ env: UNKNOWN_LIST })] })]),
    ).toEqual([]);
  });

  it('refuses keys as resources, in secrets and in environments, and never repeats them', async () => {
    const key = resource('aws:iam/accessKey:AccessKey', { user: 'u' });
    const secret = resource('kubernetes:core/v1:Secret', {
      metadata: { name: 's' },
      data: { id: Buffer.from(AWS_KEY).toString('base64') },
    });
    const google = resource('kubernetes:core/v1:ConfigMap', {
      metadata: { name: 'g' },
      data: { 'key.json': JSON.stringify({ type: 'service_account', private_key: 'x' }) },
    });
    const env = [{ name: 'AWS_SECRET_ACCESS_KEY', value: 'do-not-print' }];
    const messages = await violations(noStaticCloudKeys, [
      key,
      secret,
      google,
      workload('a', { containers: [container({ env })] }),
    ]);
    expect(messages).toEqual([
      expect.stringContaining('AccessKey it is a static key'),
      expect.stringContaining('Secret s holds an access key of AWS in data.id'),
      expect.stringContaining('ConfigMap g holds a key of a Google account in data.key.json'),
      expect.stringContaining('has AWS_SECRET_ACCESS_KEY written into its environment'),
    ]);
    expect(messages.join()).not.toMatch(/AKIA|do-not-print/);
  });
});

describe('The rule on teardown', () => {
  const claims = { volumeClaimTemplates: [{}] };
  const set = (spec: object): PolicyResource =>
    resource('kubernetes:apps/v1:StatefulSet', { metadata: { name: 's' }, spec });
  const check = (one: PolicyResource): Promise<string[]> => violations(nothingSurvivesTeardown, [one]);

  it.each([
    ['a cluster without protection', resource('gcp:container/cluster:Cluster', { deletionProtection: false })],
    [
      'a set whose volumes go with it',
      set({ ...claims, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' } }),
    ],
    ['a set without volumes', set({})],
    ['a class that deletes', resource('kubernetes:storage.k8s.io/v1:StorageClass', { reclaimPolicy: 'Delete' })],
    [
      'the archive, protected',
      resource(BUCKET, {}, { name: 'raw-logs', parentType: 'agent-experiment:infra:ArchiveBucket', protect: true }),
    ],
    [
      'a cluster whose protection is not known',
      resource('gcp:container/cluster:Cluster', { deletionProtection: UNKNOWN_TEXT }),
    ],
    ['a set whose policy is not known', set({ ...claims, persistentVolumeClaimRetentionPolicy: UNKNOWN_OBJECT })],
    ['a bucket whose contents are not known to stay', resource(BUCKET, { forceDestroy: UNKNOWN_TEXT })],
  ])('lets %s through', async (_, one) => {
    expect(await check(one)).toEqual([]);
  });

  it.each([
    [
      'a protected resource',
      resource('gcp:compute/network:Network', {}, { protect: true }),
      'remove the option protect',
    ],
    [
      'deletion protection',
      resource('gcp:container/cluster:Cluster', { deletionProtection: true }),
      'sets deletionProtection to true',
    ],
    ['protection by default', resource('gcp:container/cluster:Cluster', {}), 'protected where nothing is said'],
    [
      'volumes that stay',
      set({ ...claims, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } }),
      'its 1 claim template: set persistentVolumeClaimRetentionPolicy.whenScaled to Delete',
    ],
    [
      'a class that retains',
      resource('kubernetes:storage.k8s.io/v1:StorageClass', { reclaimPolicy: 'Retain' }),
      'set reclaimPolicy to Delete',
    ],
    [
      'a volume that retains',
      resource('kubernetes:core/v1:PersistentVolume', { spec: {} }),
      'persistentVolumeReclaimPolicy',
    ],
    ['a bucket that may be full', resource(BUCKET, {}), 'set forceDestroy to true'],
  ])('refuses %s', async (_, one, message) => {
    expect((await check(one)).join()).toContain(message);
  });
});

it('An image by digest keeps its tag readable', async () => {
  const both = workload('a', { containers: [container({ image: `registry.example/agent:1.2${DIGEST}` })] });
  expect(await violations(imagesByDigest, [both])).toEqual([]);
});
