import * as pulumi from '@pulumi/pulumi';
import { Bucket } from '@pulumi/aws/s3/bucket.js';
import { Cluster } from '@pulumi/gcp/container/cluster.js';
import { NodePool } from '@pulumi/gcp/container/nodePool.js';
import { Deployment } from '@pulumi/kubernetes/apps/v1/deployment.js';
import { StatefulSet } from '@pulumi/kubernetes/apps/v1/statefulSet.js';
import { ConfigMap } from '@pulumi/kubernetes/core/v1/configMap.js';
import { Namespace } from '@pulumi/kubernetes/core/v1/namespace.js';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { RandomId } from '@pulumi/random/randomId.js';

/* A cluster with a pool, a namespace with a set and a deployment in it, and a bucket that outlives them. */

const config = new pulumi.Config();
const location = 'us-central1';

const suffix = new RandomId('suffix', { byteLength: 4 });
export const bucket = new Bucket(
  'archive',
  { bucket: pulumi.interpolate`archive-${suffix.hex}` },
  { retainOnDelete: true },
);
const cluster = new Cluster('cluster', { name: 'small', location, project: 'test-project', initialNodeCount: 1 });
const pool = new NodePool('pool', {
  name: 'pool',
  cluster: cluster.name,
  location,
  project: 'test-project',
  nodeConfig: { labels: { role: 'agent' } },
});
const provider = new Provider(
  'kubernetes',
  { kubeconfig: pulumi.interpolate`server: https://${cluster.endpoint}` },
  { dependsOn: [pool] },
);
const options = { provider };

const namespace = new Namespace('namespace', { metadata: { name: 'small' } }, options);
const metadata = (name: string) => ({ name, namespace: namespace.metadata.name });
const labels = { app: 'small' };
const containers = [{ name: 'main', image: 'example.test/image' }];

export const settings = new ConfigMap(
  'settings',
  { metadata: metadata('settings'), data: { text: config.get('text') ?? 'first' } },
  options,
).metadata.name;

const set = new StatefulSet(
  'set',
  {
    metadata: metadata('set'),
    spec: {
      serviceName: 'set',
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
    },
  },
  options,
);

new Deployment(
  'deployment',
  {
    metadata: metadata('deployment'),
    spec: {
      replicas: config.getNumber('replicas') ?? 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { nodeSelector: { role: 'agent' }, containers } },
    },
  },
  { ...options, dependsOn: [set], ignoreChanges: ['spec.replicas'] },
);
