import { createHash } from 'node:crypto';
import { all, ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { StatefulSet } from '@pulumi/kubernetes/apps/v1/index.js';
import { Job } from '@pulumi/kubernetes/batch/v1/index.js';
import { ConfigMap, Secret, Service } from '@pulumi/kubernetes/core/v1/index.js';
import { PodDisruptionBudget } from '@pulumi/kubernetes/policy/v1/index.js';
import type { types } from '@pulumi/kubernetes';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import type { Connection } from './connection.js';
import {
  REDIS_BUS_PORT,
  redisConfig,
  REDIS_FOLDERS,
  REDIS_PORT,
  redisReplicationConfig,
  redisUsers,
  REDIS_USERS,
} from './redis-config.js';
import { REDIS_SCRIPTS } from './redis-scripts.js';
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

const NAME = 'redis';
const BOOTSTRAP = 'redis-bootstrap';
const AUTH = 'redis-auth';
const CONFIG = 'redis-config';

/** User `redis` of the official image. */
const USER_ID = 999;

/** Longer than a handover (10 s) and a shutdown with its last write of the append-only file. */
const GRACE_SECONDS = 60;

/** How long the cluster may take to come together when the images have to be pulled first. */
const BOOTSTRAP_SECONDS = 600;

/**
 * Redis Cluster: primaries with one replica each, on different Kubernetes nodes where there are enough. Nodes have
 * names that last and addresses that do not; the job `redis-bootstrap` makes them one cluster, and does nothing where
 * they are one.
 */
export class RedisCluster extends ComponentResource {
  /** REDIS_NODES (`host:port,…`), REDIS_USERNAME, REDIS_PASSWORD. */
  readonly connection: Connection;
  readonly statefulSet: StatefulSet;
  /** Done when the cluster takes commands: what needs Redis waits for it. */
  readonly bootstrap: Job;

  constructor(name: string, args: StoreArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:RedisCluster', name, {}, opts);
    const { deployment, images, namespace, storageClass } = args;
    const { nodes, memoryBytes, cpuMilli, volumeBytes } = deployment.stores.redis;
    const child = { parent: this };
    const labels = storeLabels(deployment, NAME);
    const selector = storeSelector(NAME);
    const metadata = { name: NAME, namespace, labels };
    const service = `${NAME}.${deployment.namespace}.svc`;
    const hosts = Array.from({ length: nodes }, (_, i) => `${NAME}-${i}.${service}`);

    const password = new RandomPassword(`${NAME}-password`, { length: 32, special: false }, child).result;
    const adminPassword = new RandomPassword(`${NAME}-admin-password`, { length: 32, special: false }, child).result;
    const auth = new Secret(
      AUTH,
      {
        metadata: { ...metadata, name: AUTH },
        stringData: {
          password,
          'admin-password': adminPassword,
          'users.acl': all([password, adminPassword]).apply(([runtime, admin]) => redisUsers(runtime, admin)),
          'replication.conf': adminPassword.apply(redisReplicationConfig),
        },
      },
      child,
    );
    const files = { 'redis.conf': redisConfig(memoryBytes), ...REDIS_SCRIPTS };
    const config = new ConfigMap(CONFIG, { metadata: { ...metadata, name: CONFIG }, data: files }, child);
    const headless = new Service(
      NAME,
      {
        metadata,
        spec: {
          clusterIP: 'None',
          // Nodes must find each other before they are ready, and while they load.
          publishNotReadyAddresses: true,
          selector,
          ports: [
            { name: 'redis', port: REDIS_PORT },
            { name: 'bus', port: REDIS_BUS_PORT },
          ],
        },
      },
      child,
    );
    const policy = storeNetworkPolicy(
      NAME,
      args,
      { clientPorts: [REDIS_PORT], peerPorts: [REDIS_PORT, REDIS_BUS_PORT], helpers: [BOOTSTRAP] },
      child,
    );
    new PodDisruptionBudget(
      NAME,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
      child,
    );

    const volumes: types.input.core.v1.Volume[] = [
      { name: 'config', configMap: { name: CONFIG } },
      { name: 'auth', secret: { secretName: AUTH, defaultMode: 0o440 } },
      { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ];
    const mounts: types.input.core.v1.VolumeMount[] = [
      { name: 'config', mountPath: REDIS_FOLDERS.config, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ];
    const cliPassword = {
      name: 'REDISCLI_AUTH',
      valueFrom: { secretKeyRef: { name: AUTH, key: 'admin-password' } },
    };

    this.statefulSet = new StatefulSet(
      NAME,
      {
        metadata,
        spec: {
          serviceName: NAME,
          replicas: nodes,
          // One after the other, a cluster that was stopped whole would wait for nodes that wait for it.
          podManagementPolicy: 'Parallel',
          persistentVolumeClaimRetentionPolicy: DELETE_VOLUMES,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels, annotations: { 'agent-experiment/config': digest(files) } },
            spec: {
              ...storePod(deployment, 'coordinator', USER_ID),
              terminationGracePeriodSeconds: GRACE_SECONDS,
              topologySpreadConstraints: spread(NAME),
              containers: [
                {
                  name: NAME,
                  image: images.redis,
                  command: ['sh', script('start.sh')],
                  env: [
                    fieldEnv('POD_NAME', 'metadata.name'),
                    fieldEnv('POD_IP', 'status.podIP'),
                    fieldEnv('NODE_NAME', 'spec.nodeName'),
                    { name: 'REDIS_SERVICE', value: service },
                    cliPassword,
                  ],
                  ports: [
                    { name: 'redis', containerPort: REDIS_PORT },
                    { name: 'bus', containerPort: REDIS_BUS_PORT },
                  ],
                  resources: storeResources({ cpuMilli, memoryBytes }),
                  securityContext: CONTAINER_SECURITY,
                  volumeMounts: [
                    ...mounts,
                    { name: 'auth', mountPath: REDIS_FOLDERS.auth, readOnly: true },
                    { name: 'data', mountPath: REDIS_FOLDERS.data },
                  ],
                  startupProbe: { ...probe('live.sh'), failureThreshold: 30 },
                  livenessProbe: { ...probe('live.sh'), failureThreshold: 6 },
                  readinessProbe: { ...probe('ready.sh'), periodSeconds: 5, failureThreshold: 2 },
                  lifecycle: { preStop: { exec: { command: ['sh', script('stop.sh')] } } },
                },
              ],
              volumes,
            },
          },
          volumeClaimTemplates: [volumeClaim('data', selector, volumeBytes, storageClass)],
        },
      },
      childOptions(this, opts, { dependsOn: [auth, config, headless, policy] }),
    );

    this.bootstrap = new Job(
      BOOTSTRAP,
      {
        metadata: { ...metadata, name: BOOTSTRAP, labels: storeLabels(deployment, BOOTSTRAP) },
        spec: {
          backoffLimit: 6,
          activeDeadlineSeconds: BOOTSTRAP_SECONDS,
          template: {
            metadata: { labels: storeLabels(deployment, BOOTSTRAP) },
            spec: {
              ...storePod(deployment, 'coordinator', USER_ID),
              restartPolicy: 'OnFailure',
              containers: [
                {
                  name: 'bootstrap',
                  image: images.redis,
                  command: ['sh', script('bootstrap.sh')],
                  env: [{ name: 'REDIS_HOSTS', value: hosts.join(' ') }, cliPassword],
                  resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } },
                  securityContext: CONTAINER_SECURITY,
                  volumeMounts: mounts,
                },
              ],
              volumes: volumes.filter((volume) => 'configMap' in volume || 'emptyDir' in volume),
            },
          },
        },
      },
      // A job's pods cannot be changed: another one takes its place, and finds the cluster as it is.
      { ...child, dependsOn: [this.statefulSet], deleteBeforeReplace: true, replaceOnChanges: ['spec.template'] },
    );

    this.connection = {
      env: {
        REDIS_NODES: hosts.map((host) => `${host}:${REDIS_PORT}`).join(','),
        REDIS_USERNAME: REDIS_USERS.runtime,
      },
      secretEnv: { REDIS_PASSWORD: { secret: auth.metadata.name, key: 'password' } },
      reaches: [{ podLabels: selector, ports: [REDIS_PORT] }],
    };
    this.registerOutputs({ bootstrap: this.bootstrap.id });
  }
}

function script(file: keyof typeof REDIS_SCRIPTS): string {
  return `${REDIS_FOLDERS.config}/${file}`;
}

function probe(file: keyof typeof REDIS_SCRIPTS): types.input.core.v1.Probe {
  return { exec: { command: ['sh', script(file)] }, periodSeconds: 10, timeoutSeconds: 5 };
}

function fieldEnv(name: string, fieldPath: string): types.input.core.v1.EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Changes when a file does: pods start again with a changed configuration. */
function digest(files: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
}
