import { Secret } from '@pulumi/kubernetes/core/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, secret } from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random/randomPassword.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { childOptions } from './child-options.js';
import type { SecretKey } from './connection.js';
import { labelsOf } from './workloads.js';

export interface ControlTokenArgs {
  readonly deployment: Deployment;
  /** A token of one's own; without it one is drawn. */
  readonly token?: Input<string>;
}

/** What whoever commands a run has to show: the token of the control API, in secret `control-token`. */
export class ControlToken extends ComponentResource {
  /** The token; secret. */
  readonly token: Output<string>;
  /** Where pods find it. */
  readonly key: SecretKey;

  constructor(name: string, { deployment, token }: ControlTokenArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ControlToken', name, {}, opts);
    this.token = secret(token ?? new RandomPassword(name, { length: 40, special: false }, { parent: this }).result);
    const kept = new Secret(
      name,
      {
        metadata: {
          name: 'control-token',
          namespace: deployment.namespace,
          labels: labelsOf(deployment, 'control-token', 'control'),
        },
        stringData: { token: this.token },
      },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    this.key = { secret: kept.metadata.name, key: 'token' };
    this.registerOutputs({ token: this.token });
  }
}
