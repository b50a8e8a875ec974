import { ExperimentError, type Problem } from '../../kernel/errors.js';
import { isTimeZone } from '../calendar.js';
import type { Experiment } from '../experiment.js';
import { machineType, MACHINE_TYPE_NAMES, type Resources } from '../machines.js';
import type { Complete } from '../options.js';
import { badPaths, isWithin, without } from '../parse.js';
import { formatPath, nearest, problemsOf, type Locate } from '../problems.js';
import { merge } from '../merge.js';
import { DEPLOYMENT_DEFAULTS } from './defaults.js';
import type { AgentPool, Archive, Deployment, Platform, RoleName, RoleSize, ZoneMapping } from './deployment.js';
import { regionZones, REGION_NAMES } from './regions.js';
import { deploymentOptions, type DeploymentOptions } from './schema.js';

type Written<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** With every default in; `project` has none, and what may be null stays so. */
type CompleteDeployment = Omit<
  Complete<DeploymentOptions>,
  'project' | 'zones' | 'placement' | 'archive' | 'schedule'
> & {
  readonly project?: string;
  readonly zones: readonly string[] | null;
  readonly placement: Deployment['placement'] | null;
  readonly archive: Written<NonNullable<DeploymentOptions['archive']>> | null;
  readonly schedule: Written<NonNullable<DeploymentOptions['schedule']>> | null;
};

/** The key of the stack's config the deployment is written under. */
export const DEPLOYMENT_KEY = 'agent-experiment:deployment';

/**
 * Reads what people wrote about the deployment of an experiment, completes it and checks it against the experiment.
 *
 * @throws ExperimentError CONFIG_INVALID with every problem there is.
 */
export function compileDeployment(value: unknown, experiment: Experiment, locate?: Locate): Deployment {
  const written = value ?? {};
  const parsed = deploymentOptions.safeParse(written);
  const problems = parsed.success ? [] : problemsOf(parsed.error.issues, written, deploymentOptions, locate);
  const bad = parsed.success ? [] : parsed.error.issues.flatMap(badPaths);
  // What is wrong by itself is taken out, so that contradictions among the rest are told in the same message.
  const usable = parsed.success ? parsed.data : deploymentOptions.safeParse(without(written, bad)).data;
  if (usable === undefined) throw invalid(problems);
  const options = complete(usable, experiment);
  const dropped = bad.map(formatPath);
  problems.push(
    ...contradictions(options, experiment).filter(
      ({ path }) => !dropped.some((drop) => isWithin(path, drop) || isWithin(drop, path)),
    ),
  );
  if (problems.length > 0) throw invalid(problems);
  return compile(options, experiment);
}

function invalid(problems: readonly Problem[]): ExperimentError {
  const number = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new ExperimentError('CONFIG_INVALID', `${number} in the deployment under ${DEPLOYMENT_KEY}`, problems);
}

/** The weekly run is declared on the phase 1 stack only, and an existing cluster has no archive unless one is named. */
function complete(options: DeploymentOptions, { phase }: Experiment): CompleteDeployment {
  const defaults = deploymentOptions.parse(DEPLOYMENT_DEFAULTS);
  const merged = merge(defaults, options) as CompleteDeployment;
  return {
    ...merged,
    ...(phase !== 1 && options.schedule === undefined ? { schedule: null } : {}),
    // An existing cluster's token issuer is not known to AWS.
    ...(options.platform === 'existing' && options.archive === undefined ? { archive: null } : {}),
  };
}

function contradictions(options: CompleteDeployment, { fleet, budget, phase }: Experiment): Problem[] {
  const problems: Problem[] = [];
  const report = (path: string, message: string, hint?: string, value?: string): void => {
    problems.push({
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(value === undefined ? {} : { value }),
    });
  };
  if (options.platform === 'gke') {
    if (options.project === undefined) {
      report(
        'project',
        'is missing: a GKE cluster needs a Google Cloud project',
        'pulumi config set --path agent-experiment:deployment.project PROJECT, or platform: existing',
      );
    }
    if (options.zones === null && regionZones(budget.region) === undefined) {
      const hint = `list them, or take one of ${REGION_NAMES.join(', ')} as the region of the experiment`;
      report('zones', `are unknown for the region ${budget.region}`, hint);
    }
  } else {
    if (options.image.reference === null && options.image.repository === null) {
      report(
        'image',
        'has neither reference nor repository: on an existing cluster there is no registry of ours',
        'name an image that is there (image.reference), or where to push one (image.repository)',
      );
    }
    if (fleet.zones.length === 0) report('zones', 'are missing', 'list fleet.zones in the experiment');
  }
  for (const pool of ['coordinator', 'monitoring'] as const) {
    const name = options.pools[pool].machineType;
    if (machineType(name) === undefined) {
      const meant = nearest(name, MACHINE_TYPE_NAMES);
      const hint = meant === null ? 'take one of these' : `did you mean ${meant}?`;
      report(`pools.${pool}.machineType`, `has no price; allowed here: ${MACHINE_TYPE_NAMES.join(', ')}`, hint, name);
    }
  }
  const { min, max } = options.pools.agent;
  if (min !== null && max !== null && min > max) report('pools.agent.min', `${min} is above the max of ${max} nodes`);
  if (options.stores.redis.nodes % 2 !== 0)
    report(
      'stores.redis.nodes',
      'must be even: every primary has a replica',
      undefined,
      String(options.stores.redis.nodes),
    );
  for (const [path, { requests, limits }] of Object.entries(rolesOf(options))) {
    if (limits.cpuMilli < requests.cpuMilli || limits.memoryBytes < requests.memoryBytes)
      report(`roles.${path}.limits`, 'are below the requests');
  }
  const agentLimits = resourcesOf(options.roles.agentLimits);
  if (agentLimits.cpuMilli < fleet.requests.cpuMilli || agentLimits.memoryBytes < fleet.requests.memoryBytes)
    report('roles.agentLimits', 'are below the requests in the experiment’s fleet');
  if (options.archive?.provider === 'aws' && options.platform === 'existing') {
    report(
      'archive.provider',
      'cannot be aws on an existing cluster: AWS does not know the issuer of its tokens, and there are no keys',
      'take an s3-compatible server, or archive: null',
    );
  }
  if (options.archive?.provider === 's3-compatible' && options.archive.endpoint === null)
    report('archive.endpoint', 'is missing: it is the address of the S3-compatible server');
  if (options.archive?.provider === 'aws' && options.archive.endpoint !== null)
    report('archive.endpoint', 'does not belong to AWS', 'remove it, or write provider: s3-compatible');
  if (options.schedule !== null) {
    if (phase !== 1) report('schedule', `belongs to the stack of phase 1, this is phase ${phase}`, 'remove it');
    if (!isTimeZone(options.schedule.timeZone)) report('schedule.timeZone', 'is no time zone such as Asia/Tokyo');
    if (!/^\S+( \S+){4}$/.test(options.schedule.cron))
      report('schedule.cron', 'must be five fields such as 0 0 * * 1', undefined, options.schedule.cron);
  }
  return problems;
}

function compile(options: CompleteDeployment, experiment: Experiment): Deployment {
  const { stores } = options;
  return {
    platform: platformOf(options, experiment),
    namespace: options.namespace,
    zones: zonesOf(options, experiment),
    placement: options.placement ?? (options.platform === 'gke' ? 'role' : 'any'),
    labels: {
      app: 'agent-experiment',
      phase: `phase${experiment.phase}`,
      owner: 'unassigned',
      'cost-center': 'unassigned',
      ...options.labels,
    },
    pools: {
      coordinator: options.pools.coordinator,
      monitoring: options.pools.monitoring,
      agent: agentPool(options, experiment),
      bootDisk: { type: options.pools.bootDisk.type, gib: options.pools.bootDisk.size / 2 ** 30 },
    },
    image: options.image,
    roles: {
      ...rolesOf(options),
      coordinator: { ...rolesOf(options).coordinator, replicas: experiment.fleet.coordinators },
      agent: {
        replicas: experiment.fleet.agents + experiment.fleet.reserve,
        requests: experiment.fleet.requests,
        limits: resourcesOf(options.roles.agentLimits),
      },
    },
    stores: {
      storageClass: stores.storageClass,
      redis: {
        image: stores.redis.image,
        nodes: stores.redis.nodes,
        memoryBytes: stores.redis.memory,
        volumeBytes: stores.redis.volume,
        cpuMilli: stores.redis.cpu,
      },
      postgres: {
        image: stores.postgres.image,
        instances: stores.postgres.instances,
        storageBytes: stores.postgres.storage,
        resources: resourcesOf(stores.postgres.resources),
        operator: stores.postgres.operator,
      },
      influxdb: {
        image: stores.influxdb.image,
        storageBytes: stores.influxdb.storage,
        retentionMs: experiment.storage.timeSeries.retentionMs,
        resources: resourcesOf(stores.influxdb.resources),
      },
      elasticsearch: {
        image: stores.elasticsearch.image,
        nodes: stores.elasticsearch.nodes,
        storageBytes: stores.elasticsearch.storage,
        retentionMs: experiment.storage.events.retentionMs,
        resources: resourcesOf(stores.elasticsearch.resources),
      },
    },
    archive: archiveOf(options, experiment),
    budgetAlerts: options.budgetAlerts,
    schedule:
      options.schedule === null
        ? null
        : {
            cron: options.schedule.cron,
            timeZone: options.schedule.timeZone,
            phase: experiment.phase,
            durationMs: options.schedule.duration,
          },
    deadlineGraceMs: options.deadlineGrace,
    autoStart: options.autoStart,
    agentEgress: options.agentEgress,
    heartbeatUrl: options.heartbeatUrl,
  };
}

function platformOf(options: CompleteDeployment, { budget }: Experiment): Platform {
  if (options.platform === 'existing')
    return { kind: 'existing', kubeconfig: options.kubeconfig, context: options.context };
  const { nodes, pods, services, controlPlane, authorized } = options.network;
  return {
    kind: 'gke',
    project: options.project ?? '',
    region: budget.region,
    network: {
      nodesCidr: nodes,
      podsCidr: pods,
      servicesCidr: services,
      controlPlaneCidr: controlPlane,
      authorizedCidrs: authorized,
    },
  };
}

/** Labels are dealt to the zones in turn; on an existing cluster a zone is called like its label unless zones are given. */
function zonesOf(options: CompleteDeployment, { fleet, budget }: Experiment): ZoneMapping[] {
  const own = options.platform === 'gke' ? regionZones(budget.region) : fleet.zones;
  const zones = options.zones ?? own ?? [];
  return fleet.zones.map((label, i) => ({ label, zone: zones[i % zones.length] as string }));
}

/** The document's agent pool: 50 nodes, 20 to 70. */
const DOCUMENT_POOL = { initial: 50, min: 20, max: 70 } as const;

function agentPool(options: CompleteDeployment, { fleet }: Experiment): AgentPool {
  const { sizing, min, max } = options.pools.agent;
  const nodes = (agents: number): number => Math.ceil(agents / fleet.agentsPerNode);
  const need = {
    initial: nodes(fleet.agents + fleet.reserve),
    min: nodes(fleet.min),
    // Room for a rollout, or for a node that is replaced: one more than the most agents fill.
    max: nodes(Math.max(fleet.max, fleet.agents + fleet.reserve)) + 1,
  };
  const base = sizing === 'document' ? DOCUMENT_POOL : need;
  const bounds = { min: min ?? base.min, max: max ?? Math.max(base.max, min ?? 0) };
  return {
    sizing,
    machineType: fleet.machineType,
    spot: fleet.spot.enabled,
    ...bounds,
    initial: Math.min(Math.max(base.initial, bounds.min), bounds.max),
  };
}

type OtherRoles = Exclude<RoleName, 'agent'>;

function rolesOf({ roles }: CompleteDeployment): Record<OtherRoles, RoleSize> {
  const one = (role: { requests: ResourceOptions; limits: ResourceOptions }): RoleSize => ({
    replicas: 1,
    requests: resourcesOf(role.requests),
    limits: resourcesOf(role.limits),
  });
  return {
    coordinator: one(roles.coordinator),
    'load-generator': one(roles.loadGenerator),
    autoscaler: one(roles.autoscaler),
    chaos: one(roles.chaos),
    monitor: one(roles.monitor),
  };
}

interface ResourceOptions {
  readonly cpu: number;
  readonly memory: number;
}

function resourcesOf({ cpu, memory }: ResourceOptions): Resources {
  return { cpuMilli: cpu, memoryBytes: memory };
}

function archiveOf({ archive }: CompleteDeployment, { storage }: Experiment): Archive | null {
  if (archive === null) return null;
  return {
    ...archive,
    retentionMs: {
      metrics: storage.timeSeries.retentionMs,
      events: storage.events.retentionMs,
      rawLogs: storage.rawLogs.retentionMs,
    },
  };
}
