import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { StatefulSet } from '@pulumi/kubernetes/apps/v1/index.js';
import { Secret, Service } from '@pulumi/kubernetes/core/v1/index.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/index.js';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import type { Connection } from './connection.js';
import { storeNetworkPolicy } from './store-network-policy.js';
import { childOptions } from './child-options.js';
import {
  CONTAINER_SECURITY,
  DELETE_VOLUMES,
  spread,
  storeLabels,
  storePod,
  storeResources,
  storeSelector,
  volumeClaim,
  type StoreArgs,
} from './store-pods.js';

const NAME = 'elasticsearch';
const NODES = 'elasticsearch-nodes';
const AUTH = 'elasticsearch-auth';
const PORTS = { http: 9200, transport: 9300, readiness: 9399 } as const;

/** User `elasticsearch` of the official image; its files belong to the group root. */
const USER_ID = 1000;
const IMAGE_GROUP = 0;

const HOME = '/usr/share/elasticsearch';
const DAY = 86_400_000;
const MIB = 2 ** 20;

/**
 * The image's configuration goes to a folder that can be written: the image adds its keystore there, and the node a
 * certificate of its own.
 */
const PREPARE = `set -eu
cp -R ${HOME}/config/. /config/
if [ ! -f /config/transport.p12 ]; then
  ${HOME}/bin/elasticsearch-certutil cert --self-signed --silent --name node --out /config/transport.p12 --pass ""
fi
`;

/**
 * Elasticsearch: nodes that are all alike. Users log in with a password over plain HTTP, which only the runtime's pods
 * can reach (network policy); nothing outside the cluster does. Between the nodes it encrypts, because Elasticsearch
 * does not form a cluster with security on and encryption off; the certificates are each node's own and not verified,
 * and the network policy lets nobody else in there.
 */
export class Elasticsearch extends ComponentResource {
  /** ELASTICSEARCH_URL, _USERNAME, _PASSWORD, and _RETENTION_DAYS, after which whoever writes drops daily indices. */
  readonly connection: Connection;
  readonly statefulSet: StatefulSet;

  constructor(name: string, args: StoreArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Elasticsearch', name, {}, opts);
    const { deployment, images, namespace, storageClass } = args;
    const { nodes, storageBytes, retentionMs, resources } = deployment.stores.elasticsearch;
    const child = { parent: this };
    const labels = storeLabels(deployment, NAME);
    const selector = storeSelector(NAME);
    const metadata = { name: NAME, namespace, labels };

    const password = new RandomPassword(`${NAME}-password`, { length: 32, special: false }, child).result;
    const auth = new Secret(AUTH, { metadata: { ...metadata, name: AUTH }, stringData: { password } }, child);
    const service = new Service(
      NAME,
      { metadata, spec: { selector, ports: [{ name: 'http', port: PORTS.http, targetPort: 'http' }] } },
      child,
    );
    const discovery = new Service(
      NODES,
      {
        metadata: { ...metadata, name: NODES },
        spec: {
          clusterIP: 'None',
          // Nodes are ready once there is a master, for which they have to find each other.
          publishNotReadyAddresses: true,
          selector,
          ports: [{ name: 'transport', port: PORTS.transport }],
        },
      },
      child,
    );
    const traffic = { clientPorts: [PORTS.http], peerPorts: [PORTS.transport] };
    const policy = storeNetworkPolicy(NAME, args, traffic, child);
    new PodDisruptionBudget(
      NAME,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
      child,
    );

    const pod = storePod(deployment, 'monitoring', USER_ID, [IMAGE_GROUP]);
    const size = storeResources(resources);
    this.statefulSet = new StatefulSet(
      NAME,
      {
        metadata,
        spec: {
          serviceName: NODES,
          replicas: nodes,
          podManagementPolicy: 'Parallel',
          persistentVolumeClaimRetentionPolicy: DELETE_VOLUMES,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels },
            spec: {
              ...pod,
              terminationGracePeriodSeconds: 120,
              topologySpreadConstraints: spread(NAME),
              initContainers: [
                {
                  name: 'prepare',
                  image: images.elasticsearch,
                  command: ['sh', '-c', PREPARE],
                  resources: size,
                  securityContext: CONTAINER_SECURITY,
                  volumeMounts: [
                    { name: 'config', mountPath: '/config' },
                    { name: 'tmp', mountPath: '/tmp' },
                  ],
                },
              ],
              containers: [
                {
                  name: NAME,
                  image: images.elasticsearch,
                  env: [
                    ...Object.entries(settings(nodes, resources.memoryBytes)).map(([key, value]) => ({
                      name: key,
                      value,
                    })),
                    { name: 'node.name', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                    { name: 'ELASTIC_PASSWORD', valueFrom: { secretKeyRef: { name: AUTH, key: 'password' } } },
                  ],
                  ports: [
                    { name: 'http', containerPort: PORTS.http },
                    { name: 'transport', containerPort: PORTS.transport },
                    { name: 'readiness', containerPort: PORTS.readiness },
                  ],
                  resources: size,
                  securityContext: CONTAINER_SECURITY,
                  volumeMounts: [
                    { name: 'data', mountPath: `${HOME}/data` },
                    { name: 'config', mountPath: `${HOME}/config` },
                    { name: 'logs', mountPath: `${HOME}/logs` },
                    { name: 'tmp', mountPath: '/tmp' },
                  ],
                  startupProbe: { tcpSocket: { port: 'http' }, periodSeconds: 10, failureThreshold: 60 },
                  livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 10, failureThreshold: 6 },
                  // Elasticsearch opens this port while the node belongs to a cluster with a master.
                  readinessProbe: { tcpSocket: { port: 'readiness' }, periodSeconds: 5, failureThreshold: 3 },
                },
              ],
              volumes: [
                { name: 'config', emptyDir: { sizeLimit: '64Mi' } },
                { name: 'logs', emptyDir: { sizeLimit: '1Gi' } },
                { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
              ],
            },
          },
          volumeClaimTemplates: [volumeClaim('data', selector, storageBytes, storageClass)],
        },
      },
      childOptions(this, opts, { dependsOn: [auth, service, discovery, policy] }),
    );

    this.connection = {
      env: {
        ELASTICSEARCH_URL: `http://${NAME}.${deployment.namespace}.svc:${PORTS.http}`,
        ELASTICSEARCH_USERNAME: 'elastic',
        ELASTICSEARCH_RETENTION_DAYS: String(Math.ceil(retentionMs / DAY)),
      },
      secretEnv: { ELASTICSEARCH_PASSWORD: { secret: auth.metadata.name, key: 'password' } },
      reaches: [{ podLabels: selector, ports: [PORTS.http] }],
    };
    this.registerOutputs({ statefulSet: this.statefulSet.id });
  }
}

/** Settings of a node, as variables of the official image. */
function settings(nodes: number, memoryBytes: number): Record<string, string> {
  // Half for the heap; the other half is the page cache that searches live on.
  const heap = `${Math.floor(memoryBytes / 2 / MIB)}m`;
  return {
    ES_JAVA_OPTS: `-Xms${heap} -Xmx${heap}`,
    'cluster.name': 'agent-experiment',
    'network.host': '0.0.0.0',
    'discovery.seed_hosts': NODES,
    // Counts at the very first start only: a majority of them makes the cluster.
    'cluster.initial_master_nodes': Array.from({ length: nodes }, (_, i) => `${NAME}-${i}`).join(','),
    // Memory-mapped files need vm.max_map_count raised on the nodes, by a privileged container.
    'node.store.allow_mmap': 'false',
    'readiness.port': String(PORTS.readiness),
    'xpack.security.enabled': 'true',
    'xpack.security.autoconfiguration.enabled': 'false',
    'xpack.security.enrollment.enabled': 'false',
    'xpack.security.http.ssl.enabled': 'false',
    'xpack.security.transport.ssl.enabled': 'true',
    'xpack.security.transport.ssl.verification_mode': 'none',
    'xpack.security.transport.ssl.client_authentication': 'none',
    'xpack.security.transport.ssl.keystore.path': 'transport.p12',
    'xpack.ml.enabled': 'false',
    'ingest.geoip.downloader.enabled': 'false',
  };
}
