import { ExperimentError, type Problem } from '../runtime/kernel/errors.js';
import { compileExperiment } from '../runtime/spec/compile.js';
import { compileDeployment } from '../runtime/spec/deployment/compile.js';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import { parseExperiment } from '../runtime/spec/parse.js';
import { nearest } from '../runtime/spec/problems.js';
import type { ExistingCluster } from './api-server.js';

/** The project's namespace in the stack's config. */
const PROJECT = 'agent-experiment';

/** The keys a stack's config may have below the namespace; the last two are secrets. */
const KEYS = ['experiment', 'deployment', 'archiveCredentials', 'controlToken'] as const;

/** What a stack is asked to be. */
export interface Settings {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
}

/** What could be made of a stack's config, and everything that is wrong with it. */
export interface Examined {
  /** null where either part has faults. */
  readonly settings: Settings | null;
  /** null where it has faults; it may have none though the experiment has. */
  readonly deployment: Deployment | null;
  /** The cluster to deploy to; null when it is to be made, or when it is not clear which is meant. */
  readonly cluster: ExistingCluster | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads the stack's config.
 *
 * @param config everything in the stack's config: full key (`agent-experiment:experiment`) to value, objects as JSON.
 * @param stack name of the stack: `phase3`.
 */
export function examineSettings(config: Readonly<Record<string, string>>, stack: string): Examined {
  const file = fileOf(stack);
  const problems: Problem[] = [...unknownKeys(config)];
  const read = (key: 'experiment' | 'deployment'): { readonly value: unknown } | null =>
    collect(key, problems, () => ({ value: valueOf(config, key) }));
  const [readExperiment, readDeployment] = [read('experiment'), read('deployment')];
  const [written, where] = [readExperiment?.value, readDeployment?.value];
  const experiment = collect('experiment', problems, () => {
    if (readExperiment === null) return null;
    if (written === undefined) throw missingExperiment(file);
    return compileExperiment(parseExperiment(written, { file, pathPrefix: `config.${PROJECT}:experiment` }));
  });
  // A deployment is checked against what is left of a broken experiment: all faults in one message.
  const against = experiment ?? remainsOf(written, stack);
  const deployment = collect('deployment', problems, () =>
    readDeployment === null ? null : compileDeployment(where, against),
  );
  if (experiment !== null) problems.push(...wrongStack(experiment, stack));
  problems.push(...wrongCredentials(config, deployment));
  const settings = experiment === null || deployment === null ? null : { experiment, deployment };
  return { settings, deployment, cluster: clusterOf(deployment, where), problems };
}

/** As {@link examineSettings}. @throws ExperimentError CONFIG_INVALID with every fault of every key. */
export function readSettings(config: Readonly<Record<string, string>>, stack: string): Settings {
  const { settings, problems } = examineSettings(config, stack);
  if (settings === null || problems.length > 0) throw refusal(stack, problems);
  return settings;
}

/** Says everything that is wrong with a stack in one message. */
export function refusal(stack: string, problems: readonly Problem[]): ExperimentError {
  const number = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new ExperimentError('CONFIG_INVALID', `${fileOf(stack)}: ${number}; nothing was touched`, problems);
}

function fileOf(stack: string): string {
  return `Pulumi.${stack}.yaml`;
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
function collect<T>(key: string, problems: Problem[], step: () => T): T | null {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    problems.push(...error.problems.map((problem) => ({ ...problem, path: prefixed(key, problem.path) })));
    return null;
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

/** An experiment of the same phase in the same region, as far as these can be told. */
function remainsOf(written: unknown, stack: string): Experiment {
  const sound = (options: object): Experiment | null =>
    collect('experiment', [], () => compileExperiment(parseExperiment(options, { file: '', pathPrefix: '' })));
  const ofPhase = (phase: unknown): Experiment | null =>
    phase === undefined ? null : (sound({ phase, region: field(written, 'region') }) ?? sound({ phase }));
  return ofPhase(field(written, 'phase')) ?? ofPhase(phaseNamed(stack)) ?? ofPhase(1) ?? compileExperiment({});
}

function wrongCredentials(config: Readonly<Record<string, string>>, deployment: Deployment | null): Problem[] {
  const path = `${PROJECT}:archiveCredentials`;
  const written = config[path];
  const hint = `pulumi config set --secret --path ${path}.accessKeyId … (and .secretAccessKey)`;
  if (written === undefined) {
    if (deployment?.archive?.provider !== 's3-compatible') return [];
    return [{ path, message: 'is missing: an S3-compatible server wants keys', hint }];
  }
  const keys = parsed(written);
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  if (isText(field(keys, 'accessKeyId')) && isText(field(keys, 'secretAccessKey'))) return [];
  // The value is not told: it is a secret.
  return [{ path, message: 'must be a block with accessKeyId and secretAccessKey', hint }];
}

/** The cluster that is meant, as far as that can be told from a deployment with faults. */
function clusterOf(deployment: Deployment | null, written: unknown): ExistingCluster | null {
  if (deployment !== null) return deployment.platform.kind === 'existing' ? deployment.platform : null;
  if (field(written, 'platform') !== 'existing') return null;
  const [kubeconfig = null, context = null] = [field(written, 'kubeconfig'), field(written, 'context')];
  const isNamed = (value: unknown): value is string | null =>
    value === null || (typeof value === 'string' && value !== '');
  return isNamed(kubeconfig) && isNamed(context) ? { kubeconfig, context } : null;
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** undefined where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function phaseNamed(stack: string): number | undefined {
  const named = /^phase([123])$/.exec(stack)?.[1];
  return named === undefined ? undefined : Number(named);
}

/** A stack called like a phase holds that phase: the runbook selects stacks by these names. */
function wrongStack({ phase }: Experiment, stack: string): Problem[] {
  const named = phaseNamed(stack);
  if (named === undefined || named === phase) return [];
  return [
    {
      path: 'experiment.phase',
      value: String(phase),
      message: `the stack is called ${stack}`,
      hint: `write phase: ${named}, or take a stack of another name`,
    },
  ];
}
