import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { defaultDeployment, NO_PROJECT } from '../cost/deployment-sizing.js';
import { compileDeployment, DEPLOYMENT_KEY } from '../spec/deployment/compile.js';
import type { Deployment } from '../spec/deployment/deployment.js';
import type { Experiment } from '../spec/experiment.js';
import type { ExperimentFlags } from './flags.js';

/** Where the program itself lies: its own stack files are there. */
const PROGRAM_FOLDER = resolve(__dirname, '../..');

/**
 * The deployment that stands in the file of the experiment, which has been read already; without one, the default.
 * Every command prices the experiment on it. A project that is not written yet does not keep from that.
 *
 * @throws ExperimentError CONFIG_INVALID with every problem of the deployment.
 */
export async function readDeployment(flags: ExperimentFlags, experiment: Experiment, cwd: string): Promise<Deployment> {
  const written = await writtenDeployment(flags, cwd);
  if (written === undefined || written === null) return defaultDeployment(experiment);
  if (!isObject(written)) return compileDeployment(written, experiment);
  const project = written['platform'] === 'existing' ? {} : { project: NO_PROJECT };
  return compileDeployment({ ...project, ...written }, experiment);
}

async function writtenDeployment({ config, phase }: ExperimentFlags, cwd: string): Promise<unknown> {
  const name = config ?? `Pulumi.phase${Number(phase)}.yaml`;
  const own = await readFile(resolve(cwd, name), 'utf8').catch(() => null);
  const text = own ?? (await readFile(join(PROGRAM_FOLDER, name), 'utf8').catch(() => null));
  const root: unknown = text === null ? null : parse(text);
  if (!isObject(root)) return undefined;
  return isObject(root['config']) ? root['config'][DEPLOYMENT_KEY] : root[DEPLOYMENT_KEY];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
