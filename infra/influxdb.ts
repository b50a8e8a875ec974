import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { StatefulSet } from '@pulumi/kubernetes/apps/v1/index.js';
import { Secret, Service } from '@pulumi/kubernetes/core/v1/index.js';
import type { types } from '@pulumi/kubernetes';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import type { Connection } from './connection.js';
import { storeNetworkPolicy } from './store-network-policy.js';
import { childOptions } from './child-options.js';
import {
  CONTAINER_SECURITY,
  DELETE_VOLUMES,
  storeLabels,
  storePod,
  storeResources,
  storeSelector,
  volumeClaim,
  type StoreArgs,
} from './store-pods.js';

const NAME = 'influxdb';
const AUTH = 'influxdb-auth';
const PORT = 8086;
const ORGANISATION = 'miyabi';
const BUCKET = 'experiment';

/** User `influxdb` of the official image. */
const USER_ID = 1000;

/** Folders of the official image that are written to. */
const FOLDERS = { volume: '/var/lib/influxdb2', config: '/etc/influxdb2', temporary: '/tmp' } as const;

/** Below the volume's root, which belongs to root: the image restricts the rights of its own folder. */
const DATA = `${FOLDERS.volume}/data`;

/** InfluxDB 2: one instance, set up on its first start with a bucket that forgets after the retention. */
export class Influxdb extends ComponentResource {
  /** INFLUX_URL, INFLUX_ORG, INFLUX_BUCKET, INFLUX_TOKEN. */
  readonly connection: Connection;
  readonly statefulSet: StatefulSet;

  constructor(name: string, args: StoreArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Influxdb', name, {}, opts);
    const { deployment, images, namespace, storageClass } = args;
    const { storageBytes, retentionMs, resources } = deployment.stores.influxdb;
    const child = { parent: this };
    const labels = storeLabels(deployment, NAME);
    const selector = storeSelector(NAME);
    const metadata = { name: NAME, namespace, labels };

    const password = new RandomPassword(`${NAME}-password`, { length: 32, special: false }, child).result;
    const token = new RandomPassword(`${NAME}-token`, { length: 64, special: false }, child).result;
    const auth = new Secret(AUTH, { metadata: { ...metadata, name: AUTH }, stringData: { password, token } }, child);
    const service = new Service(
      NAME,
      { metadata, spec: { selector, ports: [{ name: 'http', port: PORT, targetPort: 'http' }] } },
      child,
    );
    const policy = storeNetworkPolicy(NAME, args, { clientPorts: [PORT], peerPorts: [] }, child);

    this.statefulSet = new StatefulSet(
      NAME,
      {
        metadata,
        spec: {
          serviceName: NAME,
          replicas: 1,
          persistentVolumeClaimRetentionPolicy: DELETE_VOLUMES,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels },
            spec: {
              ...storePod(deployment, 'monitoring', USER_ID),
              terminationGracePeriodSeconds: 60,
              containers: [
                {
                  name: NAME,
                  image: images.influxdb,
                  env: [
                    ...variables({
                      DOCKER_INFLUXDB_INIT_MODE: 'setup',
                      DOCKER_INFLUXDB_INIT_USERNAME: 'admin',
                      DOCKER_INFLUXDB_INIT_ORG: ORGANISATION,
                      DOCKER_INFLUXDB_INIT_BUCKET: BUCKET,
                      DOCKER_INFLUXDB_INIT_RETENTION: `${Math.round(retentionMs / 1_000)}s`,
                      INFLUXD_BOLT_PATH: `${DATA}/influxd.bolt`,
                      INFLUXD_ENGINE_PATH: `${DATA}/engine`,
                      INFLUXD_REPORTING_DISABLED: 'true',
                    }),
                    secretVariable('DOCKER_INFLUXDB_INIT_PASSWORD', 'password'),
                    secretVariable('DOCKER_INFLUXDB_INIT_ADMIN_TOKEN', 'token'),
                  ],
                  ports: [{ name: 'http', containerPort: PORT }],
                  resources: storeResources(resources),
                  securityContext: CONTAINER_SECURITY,
                  volumeMounts: [
                    { name: 'data', mountPath: FOLDERS.volume },
                    { name: 'config', mountPath: FOLDERS.config },
                    { name: 'tmp', mountPath: FOLDERS.temporary },
                  ],
                  // The port opens after the setup, and after a start once the shards are read.
                  startupProbe: { ...probe('/ping'), failureThreshold: 60 },
                  livenessProbe: { ...probe('/ping'), failureThreshold: 6 },
                  readinessProbe: { ...probe('/health'), failureThreshold: 3 },
                },
              ],
              volumes: [
                { name: 'config', emptyDir: { sizeLimit: '16Mi' } },
                { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
              ],
            },
          },
          volumeClaimTemplates: [volumeClaim('data', selector, storageBytes, storageClass)],
        },
      },
      childOptions(this, opts, { dependsOn: [auth, service, policy] }),
    );

    this.connection = {
      env: {
        INFLUX_URL: `http://${NAME}.${deployment.namespace}.svc:${PORT}`,
        INFLUX_ORG: ORGANISATION,
        INFLUX_BUCKET: BUCKET,
      },
      secretEnv: { INFLUX_TOKEN: { secret: auth.metadata.name, key: 'token' } },
      reaches: [{ podLabels: selector, ports: [PORT] }],
    };
    this.registerOutputs({ statefulSet: this.statefulSet.id });
  }
}

function variables(values: Readonly<Record<string, string>>): types.input.core.v1.EnvVar[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function secretVariable(name: string, key: string): types.input.core.v1.EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: AUTH, key } } };
}

function probe(path: string): types.input.core.v1.Probe {
  return { httpGet: { path, port: 'http' }, periodSeconds: 10, timeoutSeconds: 5 };
}
