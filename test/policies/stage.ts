import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type {
  PolicyResource,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from '@pulumi/policy';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import type { Deployment } from '../../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import type { ExperimentOverrides } from '../../runtime/spec/overrides.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';

/** The project's own folder. */
export const PROJECT = resolve(__dirname, '../..');

const { unknownCheckingProxy } = jest.requireActual<{ unknownCheckingProxy(props: object): Record<string, unknown> }>(
  '@pulumi/policy/proxy',
);

/** Pulumi's marks for what is not known in a preview. */
export const UNKNOWN_TEXT = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
export const UNKNOWN_LIST = '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2';
export const UNKNOWN_OBJECT = 'dd056dcd-154b-4c76-9bd3-c8f88648b5ff';

export interface Extra {
  readonly name?: string;
  readonly parentType?: string;
  readonly protect?: boolean;
  readonly of?: readonly PolicyResource[];
}

/** A resource as Pulumi hands it to a policy: reading an unknown value throws. */
export function resource(
  type: string,
  props: object,
  { name = 'it', parentType, protect = false, of = [] }: Extra = {},
) {
  const found: PolicyResource = {
    type,
    name,
    urn: `urn:pulumi:test::agent-experiment::${parentType === undefined ? '' : `${parentType}$`}${type}::${name}`,
    props: unknownCheckingProxy(props),
    opts: {
      protect,
      ignoreChanges: [],
      aliases: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      additionalSecretOutputs: [],
    },
    dependencies: [...of],
    propertyDependencies: of.length === 0 ? {} : { bucket: [...of] },
    isType: () => false,
    asType: () => undefined,
  };
  return found;
}

export type Rule = ResourceValidationPolicy | StackValidationPolicy;

/** What a rule says of these resources. */
export async function violations(
  rule: Rule,
  resources: readonly PolicyResource[],
  config: object = {},
): Promise<string[]> {
  const messages: string[] = [];
  const report = (message: string): void => {
    messages.push(message);
  };
  const common = {
    stackTags: new Map<string, string>(),
    getConfig: (() => config) as StackValidationArgs['getConfig'],
    notApplicable: (): never => {
      throw new Error('not applicable');
    },
  };
  if ('validateStack' in rule) await rule.validateStack({ resources: [...resources], ...common }, report);
  else
    for (const { provider, ...one } of resources)
      for (const validate of [rule.validateResource ?? []].flat())
        await validate(
          { ...one, ...(provider === undefined ? {} : { provider }), ...common, asType: () => undefined },
          report,
        );
  return messages;
}

/** The experiment of a stack file of the project. */
export function phase(number: 1 | 2 | 3, overrides: ExperimentOverrides = {}): Experiment {
  const file = `Pulumi.phase${number}.yaml`;
  return loadExperiment(readFileSync(join(PROJECT, file), 'utf8'), file, overrides);
}

export function deploymentOf(experiment: Experiment, options: object = {}): Deployment {
  return compileDeployment({ project: 'my-project-123', ...options }, experiment);
}

/** The ConfigMap the policies read. */
export function specMap(
  experiment: Experiment,
  deployment: Deployment | null = deploymentOf(experiment),
): PolicyResource {
  return resource('kubernetes:core/v1:ConfigMap', {
    metadata: { name: 'experiment-spec' },
    data: {
      'spec.json': JSON.stringify(experiment),
      ...(deployment === null ? {} : { 'deployment.json': JSON.stringify(deployment) }),
    },
  });
}

export const DIGEST = `@sha256:${'0123456789abcdef'.repeat(4)}`;

/** A container that breaks no rule, with changes. */
export function container(changes: object = {}): object {
  return {
    name: 'main',
    image: `registry.example/agent${DIGEST}`,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    resources: { requests: { cpu: '400m', memory: '1Gi' }, limits: { cpu: '1', memory: '2Gi' } },
    ...changes,
  };
}

/** A Deployment that breaks no rule, with changes to its pods. */
export function workload(
  name: string,
  { replicas = 1, pod = {}, containers = [container()] }: Workload = {},
): PolicyResource {
  return resource('kubernetes:apps/v1:Deployment', {
    metadata: { name, namespace: 'miyabi-experiment', labels: LABELS },
    spec: {
      replicas,
      template: {
        spec: {
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers,
          ...pod,
        },
      },
    },
  });
}

export interface Workload {
  readonly replicas?: number | string;
  readonly pod?: object;
  readonly containers?: readonly unknown[] | string;
}

export const LABELS = { app: 'agent-experiment', phase: 'phase3', owner: 'sre', 'cost-center': 'c1' };
