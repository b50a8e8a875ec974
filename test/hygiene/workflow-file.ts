import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT } from './tree.js';

/** The parts of a workflow that the tests look at. */
export interface Workflow {
  readonly on: Readonly<Record<string, Trigger | null>>;
  readonly permissions?: Permissions;
  readonly concurrency?: Concurrency;
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Trigger {
  readonly inputs?: Readonly<Record<string, { readonly type?: string; readonly default?: string | boolean }>>;
}

type Permissions = Readonly<Record<string, string>>;

interface Concurrency {
  readonly group: string;
  readonly 'cancel-in-progress': boolean;
}

export interface Job {
  readonly 'runs-on': string | readonly string[];
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Permissions;
  readonly concurrency?: Concurrency;
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Readonly<Record<string, string>>;
}

const FOLDER = '.github/workflows';

/** Names of the workflow files. */
export const WORKFLOWS: readonly string[] = readdirSync(join(PROJECT, FOLDER));

/** Every file with steps in it: the workflows and our own actions. */
export const FILES_WITH_STEPS: readonly string[] = [
  ...WORKFLOWS.map((name) => `${FOLDER}/${name}`),
  ...readdirSync(join(PROJECT, '.github/actions')).map((name) => `.github/actions/${name}/action.yml`),
];

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** Parses a workflow; a key that is there twice is an error. */
export function workflow(name: string): Workflow {
  return parse(textOf(`${FOLDER}/${name}`)) as Workflow;
}

/** The steps of a workflow or of an action, whatever their job. */
export function stepsIn(path: string): Step[] {
  const file = parse(textOf(path)) as { jobs?: Record<string, Job>; runs?: { steps: Step[] } };
  return [...Object.values(file.jobs ?? {}).flatMap(({ steps }) => steps), ...(file.runs?.steps ?? [])];
}

/** The shell script of a named step. */
export function scriptOf(name: string, job: string, step: string): string {
  const found = workflow(name).jobs[job]?.steps.find((one) => one.name === step);
  if (found?.run === undefined) throw new Error(`${name} has no script ${job} / ${step}`);
  return found.run;
}

export function needsOf({ needs }: Job): readonly string[] {
  if (needs === undefined) return [];
  return typeof needs === 'string' ? [needs] : needs;
}
