import { ConfigMap } from '@pulumi/kubernetes/core/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import { childOptions } from './child-options.js';
import { labelsOf } from './workloads.js';

/** Name of the ConfigMap; policies look for it. */
export const SPEC_CONFIG_MAP = 'experiment-spec';

/** Where the roles find it. */
export const SPEC_FOLDER = '/etc/agent-experiment';

export interface SpecConfigArgs {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
}

/** The compiled experiment and deployment, for the roles to read: `spec.json` and `deployment.json`. No secrets. */
export class SpecConfig extends ComponentResource {
  /** Name of the ConfigMap. */
  readonly configMap: Output<string>;

  constructor(name: string, { experiment, deployment }: SpecConfigArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:SpecConfig', name, {}, opts);
    const config = new ConfigMap(
      name,
      {
        metadata: {
          name: SPEC_CONFIG_MAP,
          namespace: deployment.namespace,
          labels: labelsOf(deployment, SPEC_CONFIG_MAP, 'spec'),
        },
        data: { 'spec.json': JSON.stringify(experiment), 'deployment.json': JSON.stringify(deployment) },
      },
      childOptions(this, opts, { deleteBeforeReplace: true }),
    );
    this.configMap = config.metadata.name;
    this.registerOutputs({ configMap: this.configMap });
  }
}
