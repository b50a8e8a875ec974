/**
 * Everything a deployment may leave out, written as people write it; parsed by the same schema. Sizes of pools and
 * stores are the document's (11.1); what it leaves open is assumed, and may be set.
 */
export const DEPLOYMENT_DEFAULTS = {
  platform: 'gke',
  kubeconfig: null,
  context: null,
  namespace: 'miyabi-experiment',
  zones: null,
  placement: null,
  labels: {},
  network: {
    nodes: '10.0.0.0/20',
    pods: '10.4.0.0/14',
    services: '10.8.0.0/20',
    controlPlane: '172.16.0.0/28',
    authorized: [],
  },
  pools: {
    agent: { sizing: 'need', min: null, max: null },
    coordinator: { machineType: 'n2-standard-8', nodes: 3 },
    monitoring: { machineType: 'n2-standard-4', nodes: 3 },
    bootDisk: { type: 'pd-balanced', size: '50Gi' },
  },
  image: { reference: null, repository: null, pullSecret: null },
  roles: {
    coordinator: { requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    agentLimits: { cpu: '2', memory: '2Gi' },
    loadGenerator: { requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    autoscaler: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    chaos: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    monitor: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } },
  },
  stores: {
    storageClass: null,
    redis: { image: 'docker.io/library/redis:7.2.7', nodes: 6, memory: '8Gi', volume: '20Gi', cpu: '1' },
    postgres: {
      image: 'ghcr.io/cloudnative-pg/postgresql:15.13',
      instances: 3,
      storage: '500Gi',
      resources: { cpu: '500m', memory: '2Gi' },
      operator: {
        manifest: 'https://raw.githubusercontent.com/cloudnative-pg/cloudnative-pg/v1.26.0/releases/cnpg-1.26.0.yaml',
        sha256: '5fe99c4c254ebf7e001a9b03054e48a5e7a2021813844e30df3e64a3c10a3bd3',
        image: 'ghcr.io/cloudnative-pg/cloudnative-pg:1.26.0',
      },
    },
    influxdb: {
      image: 'docker.io/library/influxdb:2.7.12',
      storage: '200Gi',
      resources: { cpu: '1', memory: '4Gi' },
    },
    elasticsearch: {
      image: 'docker.elastic.co/elasticsearch/elasticsearch:8.17.0',
      nodes: 3,
      storage: '100Gi',
      resources: { cpu: '500m', memory: '4Gi' },
    },
  },
  archive: { provider: 'aws', bucket: 'agent-experiment-archive', region: 'us-east-1', endpoint: null, retain: true },
  budgetAlerts: { billingAccount: null, emails: [], thresholds: ['50%', '90%', '100%'] },
  schedule: { cron: '0 0 * * 1', timeZone: 'Asia/Tokyo', duration: '24h' },
  deadlineGrace: '6h',
  autoStart: false,
  agentEgress: [],
  heartbeatUrl: null,
};
