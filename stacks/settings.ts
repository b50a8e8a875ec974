import { ExperimentError, type Problem } from '../runtime/kernel/errors.js';
import { compileExperiment } from '../runtime/spec/compile.js';
import { compileDeployment } from '../runtime/spec/deployment/compile.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import { parseExperiment } from '../runtime/spec/parse.js';
import { nearest } from '../runtime/spec/problems.js';

/** The project's namespace in the stack's config. */
const PROJECT = 'agent-experiment';

/** The keys a stack's config may have below the namespace; the last two are secrets. */
const KEYS = ['experiment', 'deployment', 'archiveCredentials', 'controlToken'] as const;

/** What a stack is asked to be. */
export interface Settings {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
}

/**
 * Reads the stack's config.
 *
 * @param config everything in the stack's config: full key (`agent-experiment:experiment`) to value, objects as JSON.
 * @param stack name of the stack: `phase3`.
 * @throws ExperimentError CONFIG_INVALID with every fault of every key.
 */
export function readSettings(config: Readonly<Record<string, string>>, stack: string): Settings {
  const file = `Pulumi.${stack}.yaml`;
  const problems: Problem[] = [...unknownKeys(config)];
  const experiment = collect('experiment', problems, () => {
    const value = valueOf(config, 'experiment');
    if (value === undefined) throw missingExperiment(file);
    return compileExperiment(parseExperiment(value, { file, pathPrefix: `config.${PROJECT}:experiment` }));
  });
  // Checked against the phase's own defaults where the experiment itself is broken: all faults in one message.
  const against = experiment ?? compileExperiment({});
  const deployment = collect('deployment', problems, () => compileDeployment(valueOf(config, 'deployment'), against));
  if (experiment !== undefined) problems.push(...wrongStack(experiment, stack));
  if (deployment?.archive?.provider === 's3-compatible' && config[`${PROJECT}:archiveCredentials`] === undefined) {
    problems.push({
      path: `${PROJECT}:archiveCredentials`,
      message: 'is missing: an S3-compatible server wants keys',
      hint: `pulumi config set --secret --path ${PROJECT}:archiveCredentials.accessKeyId … (and .secretAccessKey)`,
    });
  }
  if (problems.length === 0 && experiment !== undefined && deployment !== undefined) return { experiment, deployment };
  const number = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new ExperimentError('CONFIG_INVALID', `${file}: ${number}; nothing was touched`, problems);
}

function valueOf(config: Readonly<Record<string, string>>, key: (typeof KEYS)[number]): unknown {
  const text = config[`${PROJECT}:${key}`];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const problem = {
      path: key,
      value: text.slice(0, 60),
      message: 'must be a block of keys',
      hint: `write it as in Pulumi.phase3.yaml`,
    };
    throw new ExperimentError('CONFIG_INVALID', `${PROJECT}:${key} cannot be read`, [problem], { cause: error });
  }
}

/** Runs a step; what it finds wrong is added to `problems`, with the key in front of each path. */
function collect<T>(key: string, problems: Problem[], step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    problems.push(...error.problems.map((problem) => ({ ...problem, path: prefixed(key, problem.path) })));
    return undefined;
  }
}

function prefixed(key: string, path: string): string {
  return path === key || path.startsWith('(') ? key : `${key}.${path}`;
}

function unknownKeys(config: Readonly<Record<string, string>>): Problem[] {
  return Object.keys(config)
    .filter((key) => key.startsWith(`${PROJECT}:`))
    .map((key) => key.slice(PROJECT.length + 1))
    .filter((key) => !(KEYS as readonly string[]).includes(key))
    .map((key) => {
      const meant = nearest(key, KEYS);
      return {
        path: `${PROJECT}:${key}`,
        message: `unknown key; allowed here: ${KEYS.join(', ')}`,
        hint: meant === null ? 'remove it' : `did you mean "${meant}"?`,
      };
    });
}

function missingExperiment(file: string): ExperimentError {
  const problem = {
    path: 'experiment',
    message: `the key ${PROJECT}:experiment is missing`,
    hint: 'write the experiment under it, as in Pulumi.phase3.yaml',
  };
  return new ExperimentError('CONFIG_INVALID', `${file} has no experiment`, [problem]);
}

/** A stack called like a phase holds that phase: the runbook selects stacks by these names. */
function wrongStack({ phase }: Experiment, stack: string): Problem[] {
  const named = /^phase([123])$/.exec(stack)?.[1];
  if (named === undefined || Number(named) === phase) return [];
  return [
    {
      path: 'experiment.phase',
      value: String(phase),
      message: `the stack is called ${stack}`,
      hint: `write phase: ${named}, or take a stack of another name`,
    },
  ];
}
