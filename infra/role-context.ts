import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import type { Connection, SecretKey } from './connection.js';
import type { Images } from './images.js';
import type { StoreName } from './workloads.js';

/** How the stores are reached; `archive` only where there is one. */
export type Connections = Readonly<Record<Exclude<StoreName, 'archive'>, Connection>> & {
  readonly archive?: Connection;
};

/** What every pod of the runtime is made from. */
export interface RoleContext {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
  readonly images: Pick<Images, 'runtime'>;
  readonly connections: Connections;
  /** Where the token of the control API is. */
  readonly controlToken: SecretKey;
}
