import { compileDeployment } from '../spec/deployment/compile.js';
import type { Deployment } from '../spec/deployment/deployment.js';
import type { Experiment } from '../spec/experiment.js';
import type { Sizing } from './sizing.js';

const GIB = 2 ** 30;

/** Assumed: nothing of it is in the document, and it is seen only in a run on a cluster. */
const TRAFFIC = { bytesPerAttempt: 64 * 1_024, bytesPerBeat: 1_024 } as const;
/** Assumed: compressed with gzip, as the document wants raw logs. */
const ARCHIVE = { bytesPerAttempt: 2_048, bytesPerSample: 512, bytesPerObject: 8 * 2 ** 20 } as const;
/** Assumed: the runtime's image with the builds of a few earlier deployments. */
const IMAGE_GIB = 2;

/**
 * What a deployment has that costs money. On an existing cluster its nodes, disks and network are somebody else's
 * bill: they are left out, and named in `unpriced`.
 */
export function sizingOf(deployment: Deployment): Sizing {
  const { platform, pools, image, archive } = deployment;
  const awsArchive = archive?.provider === 'aws' ? { region: archive.region, ...ARCHIVE } : null;
  const unpriced = archive !== null && awsArchive === null ? ['the archive, on an S3-compatible server'] : [];
  const bootDisk = { sku: pools.bootDisk.type, gib: pools.bootDisk.gib };
  if (platform.kind === 'existing') {
    return {
      agentMachine: null,
      minAgentNodes: 0,
      maxAgentNodes: Infinity,
      pools: [],
      clusterFee: false,
      bootDisk,
      volumes: [],
      natAddresses: 0,
      interZone: null,
      imageGib: 0,
      archive: awsArchive,
      unpriced: ['nodes, disks and network of the existing cluster', ...unpriced],
    };
  }
  return {
    agentMachine: pools.agent.machineType,
    minAgentNodes: pools.agent.min,
    maxAgentNodes: pools.agent.max,
    pools: [
      { name: 'coordinator-pool', machine: pools.coordinator.machineType, nodes: pools.coordinator.nodes },
      { name: 'monitoring-pool', machine: pools.monitoring.machineType, nodes: pools.monitoring.nodes },
    ],
    clusterFee: true,
    bootDisk,
    volumes: volumesOf(deployment),
    natAddresses: 1,
    interZone: TRAFFIC,
    imageGib: image.reference === null && image.repository === null ? IMAGE_GIB : 0,
    archive: awsArchive,
    unpriced,
  };
}

/** The kinds of disk are those of the storage classes in infra/storage-classes.ts. */
function volumesOf({ stores: { redis, postgres, influxdb, elasticsearch } }: Deployment): Sizing['volumes'] {
  return [
    { name: 'Redis', sku: 'pd-ssd', count: redis.nodes, gib: redis.volumeBytes / GIB },
    { name: 'Postgres', sku: 'pd-ssd', count: postgres.instances, gib: postgres.storageBytes / GIB },
    { name: 'InfluxDB', sku: 'pd-ssd', count: 1, gib: influxdb.storageBytes / GIB },
    { name: 'Elasticsearch', sku: 'pd-balanced', count: elasticsearch.nodes, gib: elasticsearch.storageBytes / GIB },
  ];
}

/** Stands for the Google Cloud project where none is written yet; it costs nothing. */
export const NO_PROJECT = 'not-written-yet';

/** The deployment an experiment gets when nobody writes anything about it. */
export function defaultDeployment(experiment: Experiment): Deployment {
  const { cpuMilli, memoryBytes } = experiment.fleet.requests;
  return compileDeployment(
    {
      project: NO_PROJECT,
      // Neither the zones' names nor the agents' limits cost anything: what is open there must not keep from a bill.
      zones: ['any'],
      roles: { agentLimits: { cpu: `${cpuMilli}m`, memory: `${Math.ceil(memoryBytes / 1_024)}Ki` } },
    },
    experiment,
  );
}

/** What an experiment has of the cluster it gets when nobody writes anything about its deployment. */
export function defaultSizing(experiment: Experiment): Sizing {
  return sizingOf(defaultDeployment(experiment));
}

/** Agents the document puts on a node (11.1: 50 nodes for 200 agents). */
const DOCUMENT_AGENTS_PER_NODE = 4;

/**
 * The document's own cluster (11.1): an agent pool of 20 to 70 n2-standard-4, which is 50 of them for the 200 agents
 * of phase 3, and its two fixed pools. The document leaves disks, traffic and archive open: they are those of `own`,
 * so that both bills have them alike.
 */
export function documentSizing(own: Sizing): Sizing {
  return {
    ...own,
    agentMachine: 'n2-standard-4',
    minAgentNodes: 20,
    maxAgentNodes: 70,
    pools: [
      { name: 'coordinator-pool', machine: 'n2-standard-8', nodes: 3 },
      { name: 'monitoring-pool', machine: 'n2-standard-4', nodes: 3 },
    ],
  };
}

/** The experiment as the document would deploy it: four agents a node, bought on demand, nothing in reserve. */
export function asInDocument(experiment: Experiment): Experiment {
  const { fleet } = experiment;
  const spot = { enabled: false, preemptedPerDay: 0 };
  return { ...experiment, fleet: { ...fleet, reserve: 0, agentsPerNode: DOCUMENT_AGENTS_PER_NODE, spot } };
}
