import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../kernel/clock.js';
import type { Experiment } from '../spec/experiment.js';
import type { RequestHandler } from './http-server.js';
import type { RedisSettings } from './settings.js';

/** Who this process is. */
export interface RoleIdentity {
  readonly role: string;
  /** Unique in the run: the pod's name. */
  readonly id: string;
  /** Differs for every start of this process: its start, µs since the epoch. */
  readonly incarnation: number;
  /** Zone label; null = only Kubernetes knows, by the name of the node. */
  readonly zone: string | null;
  readonly node: string | null;
  readonly runId: string;
}

/** What a role has of the process it runs in. */
export interface RoleHost {
  readonly experiment: Experiment;
  readonly identity: RoleIdentity;
  /** Arguments after `role NAME`. */
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Metrics of this process; served as `/metrics`. */
  readonly metrics: Registry;
  /** How Redis is reached; for whoever can do without, null = told of none. */
  readonly redis: RedisSettings | null;
  /** Folder for what an agent writes down of its own work; null = it does not. */
  readonly journalFolder: string | null;
  /** The environment of the process, for what concerns one role only. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** As `redis`, for whoever cannot do without. @throws ExperimentError USAGE when the environment tells of none. */
  requireRedis(): RedisSettings;
  /** Serves one more path beside health: `POST /callback`. */
  serve(route: string, handler: RequestHandler): void;
  /** Something broke that the role cannot go on without: it is logged, and the process ends with 1 to be started anew. */
  fail(error: unknown): void;
}

/** A role that has started. */
export interface RunningRole {
  /** Whether it can do its part; default: always. Must not ask Redis: a delay on the way there would mark it for removal. */
  isReady?(): boolean;
  /**
   * Takes nothing new from here on, and resolves when all that was begun has ended. Called once: by SIGTERM, by the
   * pod's `preStop` (`/drain`) or by Ctrl-C, whichever comes first.
   */
  drain(): Promise<void>;
  /**
   * The process ends at once, undrained: what the role has started elsewhere (programs) ends with it. At most a second
   * is waited for it.
   */
  abort?(): Promise<void>;
  /** How long draining may take once the process was told to end, ms. */
  readonly drainTimeoutMs: number;
  /** Resolves with the process' exit code when the role ends by itself; roles that serve for ever have none. */
  readonly finished?: Promise<number>;
}

/** One runtime role: what a process of it does. */
export interface Role {
  start(host: RoleHost): Promise<RunningRole>;
}
