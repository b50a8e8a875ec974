import { parseCompiledExperiment } from '../runtime/spec/compiled-schema.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import { at, known, textAt, UNKNOWN } from './known.js';
import { ofTypes, type Described } from './resources.js';

/** The ConfigMap the program writes the compiled experiment and deployment to. */
export const SPEC_CONFIG_MAP = 'experiment-spec';

/** What a stack says about its experiment. */
export interface ExperimentSpec {
  /** URN of the ConfigMap: violations are reported there. */
  readonly urn: string;
  readonly experiment: Experiment;
  /** Undefined when it is absent or not known yet. */
  readonly deployment: Deployment | undefined;
}

/**
 * The experiment and the deployment of the stack, from its ConfigMap; undefined when there is none, or its content is
 * not known yet.
 *
 * @throws Error that says what is wrong when the content is known and no experiment.
 */
function experimentSpec(resources: readonly Described[]): ExperimentSpec | undefined {
  const map = ofTypes(resources, ['kubernetes:core/v1:ConfigMap']).find(
    ({ props }) => textAt(props, 'metadata', 'name') === SPEC_CONFIG_MAP,
  );
  const spec = textAt(map?.props, 'data', 'spec.json');
  if (map === undefined || spec === undefined) return undefined;
  const experiment = parseCompiledExperiment(parsed(spec, 'spec.json'), `${SPEC_CONFIG_MAP}/spec.json`);
  const deployment = textAt(map.props, 'data', 'deployment.json');
  return {
    urn: map.urn,
    experiment,
    deployment: deployment === undefined ? undefined : deploymentOf(parsed(deployment, 'deployment.json')),
  };
}

/**
 * As {@link experimentSpec}; content that cannot be read is reported, as no rule that depends on it can hold, and the
 * answer is then undefined.
 */
export function reportedSpec(
  resources: readonly Described[],
  report: (message: string, urn?: string) => void,
): ExperimentSpec | undefined {
  try {
    return experimentSpec(resources);
  } catch (error) {
    report(
      `The experiment cannot be judged: ${error instanceof Error ? error.message : String(error)}\n` +
        `Write ConfigMap ${SPEC_CONFIG_MAP} by the program, from the stack's config, and not by hand.`,
    );
    return undefined;
  }
}

/** Whether the stack declares something that costs money or runs, but no experiment it could be judged by. */
export function lacksSpec(resources: readonly Described[]): boolean {
  const runs = resources.some(({ type }) => RUNNING.includes(type));
  if (!runs) return false;
  return !ofTypes(resources, ['kubernetes:core/v1:ConfigMap']).some(({ props }) => {
    const name = at(props, 'metadata', 'name');
    return name === SPEC_CONFIG_MAP || name === UNKNOWN;
  });
}

const RUNNING = ['kubernetes:apps/v1:Deployment', 'kubernetes:apps/v1:StatefulSet', 'gcp:container/nodePool:NodePool'];

function parsed(json: string, file: string): unknown {
  try {
    return known(JSON.parse(json) as unknown);
  } catch (error) {
    throw new Error(`${SPEC_CONFIG_MAP}/${file} is no JSON`, { cause: error });
  }
}

/** It was compiled from the stack's config by the program: what is looked at here is only whether it is one at all. */
function deploymentOf(value: unknown): Deployment {
  if (!isDeployment(value)) throw new Error(`${SPEC_CONFIG_MAP}/deployment.json is no compiled deployment`);
  return value;
}

function isDeployment(value: unknown): value is Deployment {
  return (
    ['gke', 'existing'].includes(textAt(value, 'platform', 'kind') ?? '') &&
    ['coordinator', 'monitoring', 'agent', 'bootDisk'].every((key) => typeof at(value, 'pools', key) === 'object') &&
    ['redis', 'postgres', 'influxdb', 'elasticsearch'].every((key) => typeof at(value, 'stores', key) === 'object') &&
    typeof at(value, 'roles', 'agent') === 'object' &&
    typeof at(value, 'deadlineGraceMs') === 'number'
  );
}
