import { ComponentResource, output, type ComponentResourceOptions } from '@pulumi/pulumi';
import { CustomResource as CustomObject } from '@pulumi/kubernetes/apiextensions/index.js';
import { Secret } from '@pulumi/kubernetes/core/v1/index.js';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/index.js';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import type { Connection } from './connection.js';
import { childOptions } from './child-options.js';
import { placedOn } from './placement.js';
import { priorityClassName } from './priority-classes.js';
import { PostgresOperator } from './postgres-operator.js';
import { PART_OF, quantity, storeLabels, storeResources, type StoreArgs } from './store-pods.js';

export interface PostgresArgs extends StoreArgs {
  /** Text of CloudNativePG's release manifest. */
  readonly operatorManifest: string;
}

const NAME = 'postgres';
const AUTH = 'postgres-app';
const DATABASE = 'experiment';
const PORT = 5432;

/** Where an instance tells the operator and the other instances how it is. */
const STATUS_PORT = 8000;

/** Label the operator gives the pods of a cluster. */
const POD_LABELS = { 'cnpg.io/cluster': NAME };

/** Three instances were healthy after 75 s with small disks; images and 500 GB disks take longer. */
const READY_SECONDS = 900;

/**
 * Postgres by CloudNativePG: a primary and its replicas, of which one has every transaction before it counts as
 * committed, so that a failover loses nothing.
 */
export class Postgres extends ComponentResource {
  /** POSTGRES_HOST, _PORT, _DATABASE, _USER, _PASSWORD, and POSTGRES_CA: the authority its certificate is from (PEM). */
  readonly connection: Connection;
  readonly operator: PostgresOperator;
  /** The `Cluster` of CloudNativePG; made when all instances are ready. */
  readonly cluster: CustomObject;

  constructor(name: string, args: PostgresArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Postgres', name, {}, opts);
    const { deployment, images, namespace, storageClass, operatorManifest } = args;
    const { instances, storageBytes, resources } = deployment.stores.postgres;
    const child = { parent: this };
    const labels = storeLabels(deployment, NAME);
    const metadata = { name: NAME, namespace, labels };

    this.operator = new PostgresOperator(`${NAME}-operator`, { deployment, images, manifest: operatorManifest }, child);
    const password = new RandomPassword(`${NAME}-password`, { length: 32, special: false }, child).result;
    const auth = new Secret(
      AUTH,
      {
        metadata: { ...metadata, name: AUTH },
        type: 'kubernetes.io/basic-auth',
        stringData: { username: DATABASE, password },
      },
      child,
    );
    const policy = this.networkPolicy(args);

    const { nodeSelector, tolerations } = placedOn('coordinator', deployment.placement);
    const { pullSecret } = deployment.image;
    this.cluster = new CustomObject(
      NAME,
      {
        apiVersion: 'postgresql.cnpg.io/v1',
        kind: 'Cluster',
        metadata: {
          ...metadata,
          annotations: { 'pulumi.com/waitFor': 'condition=Ready', 'pulumi.com/timeoutSeconds': String(READY_SECONDS) },
        },
        spec: {
          instances,
          imageName: output(images.postgres).apply(withVersion),
          ...(pullSecret === null ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
          priorityClassName: priorityClassName(deployment.namespace, 'store'),
          inheritedMetadata: { labels },
          enableSuperuserAccess: false,
          enablePDB: true,
          primaryUpdateStrategy: 'unsupervised',
          primaryUpdateMethod: 'switchover',
          bootstrap: { initdb: { database: DATABASE, owner: DATABASE, secret: { name: auth.metadata.name } } },
          postgresql: {
            parameters: parameters(resources.memoryBytes, storageBytes),
            ...(instances < 2 ? {} : { synchronous: { method: 'any', number: 1, dataDurability: 'required' } }),
          },
          storage: {
            size: quantity(storageBytes),
            ...(storageClass === undefined ? {} : { storageClass }),
          },
          resources: storeResources(resources),
          seccompProfile: { type: 'RuntimeDefault' },
          affinity: {
            enablePodAntiAffinity: true,
            topologyKey: 'kubernetes.io/hostname',
            // Placed anywhere, there may be fewer nodes than instances.
            podAntiAffinityType: deployment.placement === 'role' ? 'required' : 'preferred',
            ...(nodeSelector === undefined ? {} : { nodeSelector }),
            ...(tolerations === undefined ? {} : { tolerations }),
          },
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'topology.kubernetes.io/zone',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: POD_LABELS },
            },
          ],
          monitoring: { enablePodMonitor: false },
        },
      },
      childOptions(this, opts, { dependsOn: [...this.operator.objects, auth, policy] }),
    );

    this.connection = {
      env: {
        // The service that follows the primary.
        POSTGRES_HOST: `${NAME}-rw.${deployment.namespace}.svc`,
        POSTGRES_PORT: String(PORT),
        POSTGRES_DATABASE: DATABASE,
        POSTGRES_USER: DATABASE,
      },
      secretEnv: {
        POSTGRES_PASSWORD: { secret: auth.metadata.name, key: 'password' },
        // Made by the operator before the first instance starts.
        POSTGRES_CA: { secret: `${NAME}-ca`, key: 'ca.crt' },
      },
      reaches: [{ podLabels: POD_LABELS, ports: [PORT] }],
    };
    this.registerOutputs({ cluster: this.cluster.id });
  }

  /** Besides clients and each other, instances talk to the operator and to the Kubernetes API (their leases). */
  private networkPolicy({ deployment, namespace }: StoreArgs): NetworkPolicy {
    const own = { podSelector: { matchLabels: POD_LABELS } };
    const operator = {
      namespaceSelector: {},
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'cloudnative-pg' } },
    };
    const ports = (...numbers: number[]) => numbers.map((port) => ({ port, protocol: 'TCP' }));
    return new NetworkPolicy(
      NAME,
      {
        metadata: { name: NAME, namespace, labels: storeLabels(deployment, NAME) },
        spec: {
          podSelector: { matchLabels: POD_LABELS },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [
            { from: [{ podSelector: { matchLabels: { ...PART_OF } } }], ports: ports(PORT) },
            { from: [own, operator], ports: ports(PORT, STATUS_PORT) },
          ],
          egress: [
            {
              ports: [
                { port: 53, protocol: 'UDP' },
                { port: 53, protocol: 'TCP' },
              ],
            },
            { to: [own], ports: ports(PORT, STATUS_PORT) },
            // The API server has no pods to name: its ports, wherever they are.
            { ports: ports(443, 6443) },
          ],
        },
      },
      { parent: this },
    );
  }
}

/** The usual quarter of the memory for Postgres' own cache, and a bound for the log kept for a replica that is away. */
function parameters(memoryBytes: number, storageBytes: number): Record<string, string> {
  const megabytes = (bytes: number): string => `${Math.max(32, Math.floor(bytes / 2 ** 20))}MB`;
  return {
    max_connections: '200',
    shared_buffers: megabytes(memoryBytes / 4),
    effective_cache_size: megabytes((memoryBytes * 3) / 4),
    max_slot_wal_keep_size: megabytes(storageBytes / 10),
  };
}

/**
 * The operator reads the version of Postgres off the tag, and refuses an image that has only a digest.
 *
 * @throws Error when there is no tag.
 */
function withVersion(image: string): string {
  if (/:\d+[^/@]*@/.test(image)) return image;
  throw new Error(`the Postgres image must name its version before the digest (name:15.13@sha256:…), not ${image}`);
}
