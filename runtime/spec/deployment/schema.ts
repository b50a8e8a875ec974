import { z } from 'zod';
import { count, cpu, duration, share, size } from '../quantities.js';

/*
 * What people write under `agent-experiment:deployment`. Everything but the project of a GKE deployment is optional:
 * what is not written comes from defaults.ts.
 */

const IPV4_RANGE = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\/)|(?=\/))){4}\/(?:3[0-2]|[12]?\d)$/;

const cidr = (description: string): z.ZodType<string> =>
  z.string().regex(IPV4_RANGE, 'must be a range of IPv4 addresses such as 10.0.0.0/20').describe(description);

const address = z.string().regex(/^https?:\/\/\S+$/, 'must be an http or https address');

const resources = (what: string) =>
  z
    .strictObject({
      cpu: cpu(`CPU of ${what}.`).optional(),
      memory: size(`Memory of ${what}.`, { min: 2 ** 20 }).optional(),
    })
    .optional()
    .describe(`What ${what} asks for and may use.`);

const role = (what: string) =>
  z
    .strictObject({ requests: resources(what), limits: resources(what) })
    .optional()
    .describe(`Sizes of ${what}.`);

const fixedPool = (what: string) =>
  z
    .strictObject({
      machineType: z.string().min(1).optional().describe('Machine type of its nodes.'),
      nodes: count('Nodes in all zones together.', 1, 1_000).optional(),
    })
    .optional()
    .describe(`The pool for ${what}; always on demand.`);

const image = (what: string) =>
  z
    .string()
    .min(1)
    .optional()
    .describe(`Image of ${what}; a tag is resolved to its digest when the stack is deployed.`);

const platform = z
  .enum(['gke', 'existing'])
  .optional()
  .describe('gke: a cluster is made. existing: one that is there is used.');

const network = z
  .strictObject({
    nodes: cidr('Range of the nodes.').optional(),
    pods: cidr('Range of the pods.').optional(),
    services: cidr('Range of the services.').optional(),
    controlPlane: cidr('Range of the control plane; a /28.').optional(),
    authorized: z
      .array(cidr('A range.'))
      .optional()
      .describe('Who may reach the control plane from outside; empty = nobody.'),
  })
  .optional()
  .describe('The network of a GKE cluster.');

/** The options stage of a deployment: as written, units parsed, nothing filled in. */
export const deploymentOptions = z.strictObject({
  platform,
  project: z
    .string()
    .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'must be a Google Cloud project id such as my-project-123')
    .optional()
    .describe('Google Cloud project; needed on gke.'),
  kubeconfig: z
    .string()
    .min(1)
    .nullable()
    .optional()
    .describe('Path of a kubeconfig (existing); null = what kubectl uses.'),
  context: z
    .string()
    .min(1)
    .nullable()
    .optional()
    .describe('Context in the kubeconfig (existing); null = its current one.'),
  namespace: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be lower case letters, digits and -')
    .optional()
    .describe('Kubernetes namespace of the experiment.'),
  zones: z
    .array(z.string().min(1))
    .min(1)
    .nullable()
    .optional()
    .describe('Zones that stand for the labels of fleet.zones, in turn; null = the region’s own.'),
  placement: z
    .enum(['role', 'any'])
    .nullable()
    .optional()
    .describe(
      'role: pods keep to nodes labelled with their role. any: wherever there is room. null = role on gke, any elsewhere.',
    ),
  labels: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be lower case letters, digits, _ and -'),
      z.string().regex(/^[a-z0-9_-]{1,63}$/, 'must be lower case letters, digits, _ and -'),
    )
    .optional()
    .describe('Labels of every resource, besides those that are always set.'),
  network,
  pools: z
    .strictObject({
      agent: z
        .strictObject({
          sizing: z
            .enum(['need', 'document'])
            .optional()
            .describe('need: nodes for the agents. document: 50 nodes, 20 to 70.'),
          min: count('Fewest nodes; null = from sizing.', 0, 10_000).nullable().optional(),
          max: count('Most nodes; null = from sizing.', 1, 10_000).nullable().optional(),
        })
        .optional()
        .describe('The pool of the agents; machine type and Spot are in the experiment’s fleet.'),
      coordinator: fixedPool('coordinators, Redis and other stores'),
      monitoring: fixedPool('monitoring and its stores'),
      bootDisk: z
        .strictObject({
          type: z.enum(['pd-standard', 'pd-balanced', 'pd-ssd']).optional().describe('Kind of disk.'),
          size: size('Size of a node’s boot disk.', { min: 10 * 2 ** 30 }).optional(),
        })
        .optional()
        .describe('Boot disks of the nodes.'),
    })
    .optional()
    .describe('Node pools (document 11.1).'),
  image: z
    .strictObject({
      reference: z
        .string()
        .regex(/@sha256:[0-9a-f]{64}$/, 'must name the image by digest: registry/name@sha256:…')
        .nullable()
        .optional()
        .describe('Image of all roles by digest; null = built and pushed by pulumi up.'),
      repository: z
        .string()
        .min(1)
        .nullable()
        .optional()
        .describe('Where a built image is pushed; null = made on gke.'),
      pullSecret: z.string().min(1).nullable().optional().describe('Secret with credentials for pulling.'),
    })
    .optional()
    .describe('The image of the runtime.'),
  roles: z
    .strictObject({
      coordinator: role('a coordinator'),
      agentLimits: resources('an agent at most; requests are in the experiment’s fleet'),
      loadGenerator: role('the load generator'),
      autoscaler: role('the autoscaler'),
      chaos: role('the chaos role'),
      monitor: role('the monitor'),
    })
    .optional()
    .describe('Sizes of the roles’ pods.'),
  stores: z
    .strictObject({
      storageClass: z.string().min(1).nullable().optional().describe('Storage class; null = the platform’s.'),
      redis: z
        .strictObject({
          image: image('Redis'),
          nodes: count('Primaries and replicas together; even.', 6, 100).optional(),
          memory: size('Memory of a node.', { min: 64 * 2 ** 20 }).optional(),
          volume: size('Volume of a node, for its append-only file.', { min: 2 ** 20 }).optional(),
          cpu: cpu('CPU of a node.').optional(),
        })
        .optional()
        .describe('Redis Cluster.'),
      postgres: z
        .strictObject({
          image: image('Postgres'),
          instances: count('A primary and its replicas.', 1, 9).optional(),
          storage: size('Volume of an instance.', { min: 2 ** 27 }).optional(),
          resources: resources('an instance'),
          operator: z
            .strictObject({
              manifest: z
                .string()
                .min(1)
                .optional()
                .describe('Manifest of the CloudNativePG operator: a path or an https address.'),
              sha256: z
                .string()
                .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
                .optional()
                .describe('Of that manifest.'),
              image: image('the operator'),
            })
            .optional()
            .describe('CloudNativePG.'),
        })
        .optional()
        .describe('Postgres.'),
      influxdb: z
        .strictObject({
          image: image('InfluxDB'),
          storage: size('Volume.', { min: 2 ** 27 }).optional(),
          resources: resources('InfluxDB'),
        })
        .optional()
        .describe('InfluxDB.'),
      elasticsearch: z
        .strictObject({
          image: image('Elasticsearch'),
          nodes: count('Nodes.', 1, 9).optional(),
          storage: size('Volume of a node.', { min: 2 ** 27 }).optional(),
          resources: resources('a node'),
        })
        .optional()
        .describe('Elasticsearch.'),
    })
    .optional()
    .describe('Stores in the cluster.'),
  archive: z
    .strictObject({
      provider: z.enum(['aws', 's3-compatible']).optional().describe('Where the archive’s bucket is.'),
      bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{1,35}$/, 'must be 2 to 36 lower case letters, digits, . and -')
        .optional()
        .describe('Name of the bucket; on AWS a suffix makes it unique.'),
      region: z.string().min(1).optional().describe('Region of the bucket.'),
      endpoint: address.nullable().optional().describe('Endpoint of an S3-compatible server.'),
      retain: z.boolean().optional().describe('Keep the bucket when the stack is destroyed.'),
    })
    .nullable()
    .optional()
    .describe('Where raw logs go for a year (document 7.2); null = nowhere.'),
  budgetAlerts: z
    .strictObject({
      billingAccount: z
        .string()
        .min(1)
        .nullable()
        .optional()
        .describe('Google Cloud billing account; null = no alerts there.'),
      emails: z
        .array(z.string().regex(/^[^@\s]+@[^@\s]+$/, 'must be an e-mail address'))
        .optional()
        .describe('Who is told, for AWS.'),
      thresholds: z
        .array(share('Of the budget.', { min: 0.01 }))
        .min(1)
        .optional()
        .describe('When.'),
    })
    .optional()
    .describe('Alerts of the clouds themselves.'),
  schedule: z
    .strictObject({
      cron: z.string().min(9).optional().describe('When the weekly run starts.'),
      timeZone: z.string().min(1).optional().describe('IANA time zone of it.'),
      duration: duration('How long it lasts.', { min: 60_000 }).optional(),
    })
    .nullable()
    .optional()
    .describe('The weekly run of phase 1 (document 13.2); on other stacks null.'),
  deadlineGrace: duration('Time after the planned end at which everything is scaled to its minimum.', {
    min: 60_000,
  }).optional(),
  autoStart: z.boolean().optional().describe('Start the load as soon as everything is ready.'),
  agentEgress: z
    .array(
      z.strictObject({
        cidr: cidr('A range of addresses outside the cluster.'),
        ports: z.array(z.int().min(1).max(65_535)).min(1).describe('TCP ports there.'),
      }),
    )
    .optional()
    .describe('Where agents may connect to beyond the queue, the models’ API for one; empty = nowhere.'),
  heartbeatUrl: address.nullable().optional().describe('Address outside that expects a sign of life of the monitor.'),
});

export type DeploymentOptions = z.output<typeof deploymentOptions>;
