import { secret, type Input, type Output } from '@pulumi/pulumi';
import { Access } from '../infra/access.js';
import { Archive, type ArchiveCredentials } from '../infra/archive.js';
import { ArchiveExport } from '../infra/archive-export.js';
import { BudgetAlerts } from '../infra/budget-alerts.js';
import { ChaosAdmission } from '../infra/chaos-admission.js';
import { ControlToken } from '../infra/control-token.js';
import { Deadline } from '../infra/deadline.js';
import { Elasticsearch } from '../infra/elasticsearch.js';
import { RuntimeImage } from '../infra/image.js';
import type { Images } from '../infra/images.js';
import { Influxdb } from '../infra/influxdb.js';
import { LoadGenerator } from '../infra/load-generator.js';
import { ExperimentNamespace } from '../infra/namespace.js';
import { NetworkRules } from '../infra/network-rules.js';
import { Postgres } from '../infra/postgres.js';
import { RedisCluster } from '../infra/redis-cluster.js';
import { ImageRegistry } from '../infra/registry.js';
import type { RoleContext } from '../infra/role-context.js';
import { Runtime } from '../infra/runtime.js';
import { WeeklyRun } from '../infra/schedule.js';
import { SpecConfig } from '../infra/spec-config.js';
import { StorageClasses } from '../infra/storage-classes.js';
import { layGround, type Ground } from './platform.js';
import type { Settings } from './settings.js';

/** What cannot be read from the stack's config alone, and has been fetched before anything is declared. */
export interface Fetched {
  /** Images of the stores by digest. */
  readonly images: Omit<Images, 'runtime'>;
  /** YAML of the Postgres operator. */
  readonly operatorManifest: string;
  /** Whole path of the kubeconfig of an existing cluster; null = what kubectl would use. */
  readonly kubeconfig: string | null;
  /** When the stack was first deployed. */
  readonly firstDeployedAt: Date;
  readonly archiveCredentials: Output<ArchiveCredentials> | null;
  readonly controlToken: Output<string> | null;
}

/** What a person may want to know of a deployment. */
export interface Deployed {
  readonly controlUrl: Output<string>;
  readonly controlToken: Output<string>;
  readonly kubectlAccess: string;
  readonly leftAfterDestroy: string;
  /** ISO 8601: when the deployment counts as forgotten. */
  readonly deadline: string;
}

/** Declares a whole deployment: ground, stores, runtime, and what guards it. */
export function compose({ experiment, deployment }: Settings, fetched: Fetched): Deployed {
  const { namespace: namespaceName, labels } = deployment;
  const deadline = new Date(fetched.firstDeployedAt.getTime() + experiment.durationMs + deployment.deadlineGraceMs);
  const quiet = { from: fetched.firstDeployedAt.toISOString(), to: deadline.toISOString() };
  const ground = layGround(experiment, deployment, quiet, fetched.kubeconfig);
  const { provider } = ground;
  const inCluster = { provider };

  const namespace = new ExperimentNamespace('namespace', { experiment, deployment }, inCluster);
  const within = { provider, dependsOn: [namespace] };
  const images: Images = { ...fetched.images, runtime: runtimeImage({ experiment, deployment }, ground) };
  const classes = new StorageClasses('storage', { deployment }, inCluster);
  const store = { deployment, images, namespace: namespace.name };
  const stored = { provider, dependsOn: [namespace, classes] };
  const redis = new RedisCluster('redis', { ...store, storageClass: classes.ssd }, stored);
  const postgres = new Postgres(
    'postgres',
    { ...store, storageClass: classes.ssd, operatorManifest: fetched.operatorManifest },
    stored,
  );
  const influxdb = new Influxdb('influxdb', { ...store, storageClass: classes.ssd }, stored);
  const elasticsearch = new Elasticsearch('elasticsearch', { ...store, storageClass: classes.balanced }, stored);
  const archive =
    deployment.archive === null
      ? null
      : new Archive(
          'archive',
          {
            rules: deployment.archive,
            namespace: namespaceName,
            issuer: ground.issuer,
            credentials: fetched.archiveCredentials,
            labels,
          },
          within,
        );

  const token = fetched.controlToken;
  const control = new ControlToken('control', { deployment, ...(token === null ? {} : { token }) }, within);
  const context: RoleContext = {
    experiment,
    deployment,
    images,
    connections: {
      redis: redis.connection,
      postgres: postgres.connection,
      influxdb: influxdb.connection,
      elasticsearch: elasticsearch.connection,
      ...(archive === null ? {} : { archive: archive.connection }),
    },
    controlToken: control.key,
  };
  const guards = [
    new SpecConfig('spec', { experiment, deployment }, within),
    new Access('access', { deployment }, within),
    new NetworkRules('network-rules', { deployment, connections: context.connections }, within),
    new ChaosAdmission('chaos-admission', { deployment, images }, within),
    control,
  ];
  const stores = [redis, postgres, influxdb, elasticsearch, ...(archive === null ? [] : [archive])];
  const afterAll = { provider, dependsOn: [...guards, ...stores] };
  if (archive !== null) new ArchiveExport('archiver', context, afterAll);
  const runtime = new Runtime('runtime', context, afterAll);
  new LoadGenerator('load-generator', context, { provider, dependsOn: [runtime] });
  new Deadline('deadline', context, { provider, dependsOn: guards });
  if (deployment.schedule !== null)
    new WeeklyRun('weekly', { schedule: deployment.schedule, context }, { provider, dependsOn: [runtime] });
  budgetAlerts({ experiment, deployment });

  return {
    controlUrl: runtime.controlUrl,
    controlToken: secret(control.token),
    kubectlAccess: ground.access,
    leftAfterDestroy: archive?.leftAfterDestroy ?? 'nothing',
    deadline: deadline.toISOString(),
  };
}

/** The image that was named, or one that is built now. */
function runtimeImage({ experiment, deployment }: Settings, ground: Ground): Input<string> {
  const { image, platform, labels, pools } = deployment;
  if (image.reference !== null) return image.reference;
  const machineTypes = [pools.agent, pools.coordinator, pools.monitoring].map(({ machineType }) => machineType);
  const repository = image.repository ?? registry();
  return new RuntimeImage('image', { repository, machineTypes }).reference;

  function registry(): Input<string> {
    if (platform.kind !== 'gke' || ground.nodeAccount === null)
      throw new Error('an image for an existing cluster needs a repository');
    const { project, region } = platform;
    const args = { project, region, phase: experiment.phase, nodeAccount: ground.nodeAccount, labels };
    return new ImageRegistry('registry', args).repository;
  }
}

/** Where nobody has said whom to tell, there is nothing to declare. */
function budgetAlerts({ experiment, deployment }: Settings): void {
  const { budgetAlerts: rules, platform, archive } = deployment;
  new BudgetAlerts('budget-alerts', {
    rules,
    maxUsd: experiment.budget.maxUsd,
    title: experiment.title,
    project: platform.kind === 'gke' ? platform.project : null,
    aws: archive?.provider === 'aws',
  });
}
