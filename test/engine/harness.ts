import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { CloudFolder, type Fault } from './cloud-folder.js';
import { digest, type EngineEvent, type Outcome } from './outcome.js';
import { killTree } from './kill-tree.js';

const REPO = resolve(__dirname, '../..');
const STAND_INS = join(__dirname, 'stand-ins');
const PROVIDERS = ['gcp', 'aws', 'kubernetes', 'random', 'docker-build'];

/** The language host of Node programs. */
const HOST = 'pulumi-language-nodejs';

/** A runtime no language host has: the engine then asks for an executable of ours to run the pack. */
const PACK_RUNTIME = 'node-local';

export interface ProjectOptions {
  /** Folder with Pulumi.yaml and the program; the repository's own by default. */
  readonly program?: string;
  readonly stack: string;
  /** Config of the stack by full key. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface RunOptions {
  /** Run the program's policy pack. */
  readonly policies?: boolean;
  /** Further arguments of the CLI. */
  readonly args?: readonly string[];
  /** What goes wrong in the clouds. */
  readonly faults?: readonly Fault[];
  /** How long an operation in a cloud takes, ms. */
  readonly delayMs?: number;
  readonly timeoutMs?: number;
  /** Interrupts the engine, as ^C does, as soon as this is true; asked every 100 ms. */
  readonly interruptWhen?: () => boolean;
  /** Kills the engine, the program and every provider, as a lost machine does, as soon as this is true. */
  readonly killWhen?: () => boolean;
}

/** A resource as the engine's state has it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly custom: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** URNs of what it is made after, by any way there is to say so; the provider's with its id. */
  readonly parent?: string;
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[] | null>>;
}

/** The part of `pulumi stack export` that is looked at. */
interface StackExport {
  readonly resources?: readonly StateResource[];
  readonly pending_operations?: ReadonlyArray<{ readonly resource: StateResource }>;
}

/** A Pulumi project in a folder of its own on the real engine: file backend, stand-ins for the clouds. */
export class EngineProject {
  readonly cloud: CloudFolder;
  readonly #folder: string;
  readonly #stack: string;
  readonly #path: string;
  #runs = 0;

  private constructor(folder: string, stack: string, path: string) {
    this.#folder = folder;
    this.#stack = stack;
    this.#path = path;
    this.cloud = new CloudFolder(join(folder, 'cloud'), join(folder, 'cloud.ndjson'));
  }

  /** Makes the project and its stack. @throws Error when the engine is not built or refuses. */
  static async create({ program = REPO, stack, config = {} }: ProjectOptions): Promise<EngineProject> {
    const folder = mkdtempSync(join(tmpdir(), 'engine-'));
    const built = await enginePath();
    const project = new EngineProject(folder, stack, [join(folder, 'bin'), ...built, process.env['PATH']].join(':'));
    for (const name of ['project', 'backend', 'home', 'bin', 'cloud']) mkdirSync(join(folder, name));
    project.#layOut(program);
    project.#layOutHost(program, built);
    project.configure(config);
    await project.#pulumi(['stack', 'init', stack], {}).then((outcome) => expectSuccess(outcome, 'stack init'));
    return project;
  }

  /** Sets keys of the stack's config; the others stay. */
  configure(config: Readonly<Record<string, unknown>>): void {
    const file = join(this.#folder, 'project', `Pulumi.${this.#stack}.yaml`);
    const before = existsSync(file) ? (parse(readFileSync(file, 'utf8')) as { config?: object }) : {};
    writeFileSync(file, stringify({ ...before, config: { ...before.config, ...config } }));
  }

  /** Sets a secret of the stack's config. */
  async configureSecret(key: string, value: string): Promise<void> {
    expectSuccess(await this.#pulumi(['config', 'set', '--secret', key, value], {}), `config set ${key}`);
  }

  preview(options: RunOptions = {}): Promise<Outcome> {
    return this.#operation(['preview'], options);
  }

  up(options: RunOptions = {}): Promise<Outcome> {
    return this.#operation(['up', '--yes', '--skip-preview'], options);
  }

  /** `--clear-pending-creates`: what an interruption left undecided is taken for not made. */
  refresh(options: RunOptions = {}): Promise<Outcome> {
    return this.#operation(['refresh', '--yes', '--skip-preview', '--clear-pending-creates'], options);
  }

  /** Takes away the lock of an update that was killed. */
  async cancel(): Promise<void> {
    expectSuccess(await this.tryCancel(), 'cancel');
  }

  tryCancel(): Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>> {
    return this.#pulumi(['cancel', '--yes'], {});
  }

  /** The file of the stack's state and, beside it, the one of its attributes. */
  get checkpoint(): { readonly state: string; readonly attributes: string } {
    const state = join(this.#folder, 'backend', '.pulumi', 'stacks', 'agent-experiment', `${this.#stack}.json`);
    return { state, attributes: `${state}.attrs` };
  }

  /** What the runbook says to do after a kill in the middle of a write: empty files of attributes are removed. */
  removeEmptyAttributes(): void {
    const folder = dirname(this.checkpoint.state);
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (name.endsWith('.attrs') && statSync(file).size === 0) rmSync(file);
    }
  }

  destroy(options: RunOptions = {}): Promise<Outcome> {
    return this.#operation(['destroy', '--yes', '--skip-preview'], options);
  }

  /** What the engine believes there is: the resources of its state. */
  async state(): Promise<readonly StateResource[]> {
    return (await this.#deployment()).resources ?? [];
  }

  /** What a killed update had begun and never heard of again. */
  async pending(): Promise<readonly StateResource[]> {
    return ((await this.#deployment()).pending_operations ?? []).map(({ resource }) => resource);
  }

  /** Outputs of the stack; secrets are `[secret]`. */
  async outputs(): Promise<Record<string, unknown>> {
    const outcome = await this.#pulumi(['stack', 'output', '--json'], {});
    expectSuccess(outcome, 'stack output');
    return JSON.parse(outcome.stdout) as Record<string, unknown>;
  }

  async #deployment(): Promise<StackExport> {
    const outcome = await this.#pulumi(['stack', 'export'], {});
    expectSuccess(outcome, 'stack export');
    return (JSON.parse(outcome.stdout) as { deployment: StackExport }).deployment;
  }

  /** Removes the folder with everything in it. */
  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #operation(args: readonly string[], options: RunOptions): Promise<Outcome> {
    const log = join(this.#folder, `events-${this.#runs++}.ndjson`);
    const policies = options.policies === true ? ['--policy-pack', join(this.#folder, 'project', 'policies')] : [];
    const command = [...args, '--event-log', log, '--color', 'never', ...policies, ...(options.args ?? [])];
    const outcome = await this.#pulumi(command, options);
    const events = existsSync(log)
      ? readFileSync(log, 'utf8')
          .split('\n')
          // Whoever was killed may have left half a line.
          .slice(0, -1)
          .map((line) => JSON.parse(line) as EngineEvent)
      : [];
    return { ...outcome, ...digest(events) };
  }

  /** Everything of the program is linked, but for what has to say something else here. */
  #layOut(program: string): void {
    const target = join(this.#folder, 'project');
    const own = (name: string): boolean => /^(Pulumi\..*|policies|node_modules|\.git|results|reports)$/.test(name);
    for (const name of readdirSync(program).filter((name) => !own(name)))
      symlinkSync(join(program, name), join(target, name));
    symlinkSync(join(REPO, 'node_modules'), join(target, 'node_modules'));
    const manifest = parse(readFileSync(join(program, 'Pulumi.yaml'), 'utf8')) as Record<string, unknown>;
    const plugins = { providers: PROVIDERS.map((name) => ({ name, path: STAND_INS })) };
    writeFileSync(join(target, 'Pulumi.yaml'), stringify({ ...manifest, plugins }));
    this.#layOutPolicies(join(program, 'policies'), join(target, 'policies'));
  }

  /** The host that can be built is an old one: it wants `typescript: false` of Pulumi.yaml as an argument. */
  #layOutHost(program: string, built: readonly string[]): void {
    const host = built.map((folder) => join(folder, HOST)).find((file) => existsSync(file));
    const { runtime } = parse(readFileSync(join(program, 'Pulumi.yaml'), 'utf8')) as {
      runtime: string | { options?: { typescript?: boolean } };
    };
    if (host === undefined || typeof runtime === 'string' || runtime.options?.typescript !== false) return;
    const wrapper = join(this.#folder, 'bin', HOST);
    writeFileSync(wrapper, `#!/bin/sh\nexec '${host}' -typescript=false "$@"\n`);
    chmodSync(wrapper, 0o755);
  }

  #layOutPolicies(source: string, target: string): void {
    if (!existsSync(join(source, 'PulumiPolicy.yaml'))) return;
    mkdirSync(target);
    const linked = readdirSync(source).filter((name) => name !== 'PulumiPolicy.yaml' && name !== 'node_modules');
    for (const name of linked) symlinkSync(join(source, name), join(target, name));
    symlinkSync(join(REPO, 'node_modules'), join(target, 'node_modules'));
    const manifest = parse(readFileSync(join(source, 'PulumiPolicy.yaml'), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(target, 'PulumiPolicy.yaml'), stringify({ ...manifest, runtime: PACK_RUNTIME }));
    const runner = join(this.#folder, 'bin', `pulumi-analyzer-policy-${PACK_RUNTIME}`);
    const script = join(REPO, 'node_modules/@pulumi/pulumi/cmd/run-policy-pack/index.js');
    writeFileSync(runner, `#!/bin/sh\nexec node '${script}' "$@"\n`);
    chmodSync(runner, 0o755);
  }

  async #pulumi(args: readonly string[], options: RunOptions): Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>> {
    const { faults = [], delayMs = 0, timeoutMs = 180_000, interruptWhen, killWhen } = options;
    const withStack = args[0] === 'stack' && args[1] === 'init' ? [] : ['--stack', this.#stack];
    const child = spawn('pulumi', [...args, ...withStack, '--non-interactive'], {
      cwd: join(this.#folder, 'project'),
      env: {
        ...process.env,
        PATH: this.#path,
        PULUMI_BACKEND_URL: `file://${join(this.#folder, 'backend')}`,
        PULUMI_CONFIG_PASSPHRASE: 'test',
        PULUMI_HOME: join(this.#folder, 'home'),
        PULUMI_SKIP_UPDATE_CHECK: '1',
        // Without it the CLI has no --event-log.
        PULUMI_DEBUG_COMMANDS: '1',
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: '1',
        STAND_IN_STATE: this.cloud.folder,
        STAND_IN_LOG: this.cloud.logFile,
        STAND_IN_DELAY: String(delayMs),
        STAND_IN_FAULTS: JSON.stringify(faults),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      killTree(child.pid);
    }, timeoutMs);
    const watch = setInterval(() => {
      const [interrupt, kill] = [interruptWhen?.() === true, killWhen?.() === true];
      if (!interrupt && !kill) return;
      clearInterval(watch);
      if (kill) killTree(child.pid);
      else child.kill('SIGINT');
    }, 100);
    const code = await new Promise<number | null>((settle, fail) => {
      child.on('error', fail);
      child.on('close', settle);
    });
    clearTimeout(limit);
    clearInterval(watch);
    if (late)
      throw new Error(
        `pulumi ${args.join(' ')} took longer than ${timeoutMs / 1000} s and was killed:\n${stdout}\n${stderr}`,
      );
    return { code: code ?? -1, stdout, stderr };
  }
}

/** Folders of the engines, first on PATH. @throws Error when they are not built. */
async function enginePath(): Promise<readonly string[]> {
  const child = spawn(process.execPath, [join(__dirname, 'tools/where.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  const { path, missing: all } = JSON.parse(text) as { path: string[]; missing: string[] };
  // Others have tests of their own.
  const missing = all.filter((binary) => ['pulumi', HOST].includes(binary));
  if (missing.length > 0) throw new Error(`not built: ${missing.join(', ')}; run node test/engine/tools/build.mjs`);
  return path;
}

/** Fails with everything the engine said. */
export function expectSuccess(outcome: Pick<Outcome, 'code' | 'stdout' | 'stderr'>, what: string): void {
  if (outcome.code !== 0) throw new Error(`${what} ended with ${outcome.code}:\n${outcome.stdout}\n${outcome.stderr}`);
}
