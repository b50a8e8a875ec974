import type { Resources } from '../machines.js';

/**
 * The compiled deployment: where an experiment runs, and on what. As in the compiled experiment, sizes are in bytes,
 * durations in milliseconds, shares from 0 to 1, money in US dollars. How many agents there are, on which machine and
 * with which requests, is the experiment's (`fleet`): it decides what the experiment shows.
 */
export interface Deployment {
  readonly platform: Platform;
  /** Kubernetes namespace everything of ours lives in. */
  readonly namespace: string;
  /** Zone labels of the experiment (A, B, …) and the zones of the region they stand for, in the same order. */
  readonly zones: readonly ZoneMapping[];
  /** `role`: pods run on the nodes labelled with their pool's role. `any`: wherever there is room. */
  readonly placement: 'role' | 'any';
  /** Labels every resource carries; `owner` and `cost-center` are required by policy. */
  readonly labels: Readonly<Record<string, string>>;
  readonly pools: Pools;
  readonly image: ImageRules;
  readonly roles: Readonly<Record<RoleName, RoleSize>>;
  readonly stores: Stores;
  readonly archive: Archive | null;
  readonly budgetAlerts: BudgetAlerts;
  readonly schedule: Schedule | null;
  /** How long after the planned end of a run a deadline scales everything to its minimum. */
  readonly deadlineGraceMs: number;
  /** Start the load as soon as everything is ready. */
  readonly autoStart: boolean;
  /** Where agents may connect to beyond the queue: the models' API, say. None by default: they run foreign code. */
  readonly agentEgress: readonly OutsideRange[];
  /** Address outside that expects a sign of life from the monitor; null = none. */
  readonly heartbeatUrl: string | null;
}

/** Addresses outside the cluster, and what is there. */
export interface OutsideRange {
  /** IPv4, `203.0.113.0/24`. */
  readonly cidr: string;
  /** TCP. */
  readonly ports: readonly number[];
}

export type Platform =
  | { readonly kind: 'gke'; readonly project: string; readonly region: string; readonly network: NetworkRules }
  | {
      readonly kind: 'existing';
      /** Path of a kubeconfig; null = what kubectl would use. */
      readonly kubeconfig: string | null;
      /** Context in it; null = its current one. */
      readonly context: string | null;
    };

export interface NetworkRules {
  readonly nodesCidr: string;
  readonly podsCidr: string;
  readonly servicesCidr: string;
  readonly controlPlaneCidr: string;
  /** Who may reach the public endpoint of the control plane; empty = nobody but through Google's own front door. */
  readonly authorizedCidrs: readonly string[];
}

export interface ZoneMapping {
  /** As in the experiment: `A`. */
  readonly label: string;
  /** `us-central1-a`; several labels share a zone where the region has fewer. */
  readonly zone: string;
}

export interface Pools {
  readonly coordinator: FixedPool;
  readonly monitoring: FixedPool;
  readonly agent: AgentPool;
  readonly bootDisk: { readonly type: string; readonly gib: number };
}

/** A pool of constant size, in all zones together. Always on demand. */
export interface FixedPool {
  readonly machineType: string;
  readonly nodes: number;
}

export interface AgentPool {
  /** `need`: as many nodes as the agents need. `document`: 50 nodes, 20 to 70. */
  readonly sizing: 'need' | 'document';
  readonly machineType: string;
  readonly spot: boolean;
  /** Nodes in all zones together. */
  readonly min: number;
  readonly initial: number;
  readonly max: number;
}

export interface ImageRules {
  /** An image by digest; null = built and pushed by `pulumi up`. */
  readonly reference: string | null;
  /** Repository a built image is pushed to; null = one made in the project's Artifact Registry (gke only). */
  readonly repository: string | null;
  /** Name of a secret of the namespace with credentials for pulling; null = none needed. */
  readonly pullSecret: string | null;
}

export type RoleName = 'coordinator' | 'agent' | 'load-generator' | 'autoscaler' | 'chaos' | 'monitor';

export interface RoleSize {
  readonly replicas: number;
  readonly requests: Resources;
  readonly limits: Resources;
}

export interface Stores {
  /** Storage class of every volume; null = the cluster's default (on gke, classes of our own). */
  readonly storageClass: string | null;
  readonly redis: {
    readonly image: string;
    /** Primaries and replicas together; an even number of at least 6. */
    readonly nodes: number;
    readonly memoryBytes: number;
    readonly volumeBytes: number;
    readonly cpuMilli: number;
  };
  readonly postgres: {
    readonly image: string;
    readonly instances: number;
    readonly storageBytes: number;
    readonly resources: Resources;
    readonly operator: { readonly manifest: string; readonly sha256: string; readonly image: string };
  };
  readonly influxdb: {
    readonly image: string;
    readonly storageBytes: number;
    readonly retentionMs: number;
    readonly resources: Resources;
  };
  readonly elasticsearch: {
    readonly image: string;
    readonly nodes: number;
    readonly storageBytes: number;
    readonly retentionMs: number;
    readonly resources: Resources;
  };
}

export interface Archive {
  readonly provider: 'aws' | 's3-compatible';
  /** Prefix of the bucket's name on AWS (a suffix makes it unique), its full name elsewhere. */
  readonly bucket: string;
  readonly region: string;
  /** Endpoint of an S3-compatible server; null on AWS. */
  readonly endpoint: string | null;
  /** Keep the bucket when the stack is destroyed. */
  readonly retain: boolean;
  /** How long objects are kept, by prefix. */
  readonly retentionMs: { readonly metrics: number; readonly events: number; readonly rawLogs: number };
}

export interface BudgetAlerts {
  /** GCP billing account to watch; null = no budget on GCP. */
  readonly billingAccount: string | null;
  readonly emails: readonly string[];
  /** Shares of the budget at which somebody is told. */
  readonly thresholds: readonly number[];
}

export interface Schedule {
  /** Cron expression of the weekly run. */
  readonly cron: string;
  readonly timeZone: string;
  readonly phase: number;
  readonly durationMs: number;
}
