import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Io, Output } from '../../runtime/cli/io.js';
import { main } from '../../runtime/cli/program.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';

const LAUNCHER = resolve(__dirname, '../../experiment.sh');

/** Ten agents and tasks of a third of a second: a run that is over soon, and drains at once. */
export const QUICK = `
phase: 1
agents: 10
duration: 10min
load: { rate: 600/min }
tasks: { types: { quick: { share: 100%, mean: 300ms } } }
fleet: { reserve: 0 }
`;

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command line sees of the world, with what it wrote. */
export interface FakeIo extends Io {
  readonly written: { stdout: string; stderr: string };
  /** As if Ctrl-C had been pressed. */
  signal(name: string): void;
  /** As if an error had reached the top of the process. */
  crash(error: unknown): void;
}

/** A folder to call the command line in. */
export class Stage {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'cli-')));

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Calls the command line in this process. */
  async run(...argv: string[]): Promise<Outcome> {
    return this.runWith(fakeIo(this.folder), ...argv);
  }

  async runWith(io: FakeIo, ...argv: string[]): Promise<Outcome> {
    const exitCode = await main(argv, io);
    return { exitCode, ...io.written };
  }

  /** Calls `./experiment.sh` in a process of its own. */
  spawn(...argv: string[]): Spawned {
    return this.spawnWith({}, ...argv);
  }

  /** The same with variables beside those of this process. */
  spawnWith(env: NodeJS.ProcessEnv, ...argv: string[]): Spawned {
    return new Spawned(
      spawn(LAUNCHER, argv, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }),
    );
  }

  /** The only run under `results/`. */
  onlyRun(): string {
    const runs = readdirSync(this.path('results'));
    if (runs.length !== 1) throw new Error(`there are ${runs.length} runs: ${runs.join(', ')}`);
    return runs[0]!;
  }

  /** Resolves, with its folder, once a live run can be controlled. */
  async controllable(withinMs?: number): Promise<string> {
    const runs = (): string[] => (existsSync(this.path('results')) ? readdirSync(this.path('results')) : []);
    await until(() => runs().some((run) => existsSync(this.path('results', run, 'control.json'))), withinMs);
    return this.path('results', this.onlyRun());
  }
}

/** A command line in a process of its own. */
export class Spawned {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Outcome>;

  constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((onEnd, onFailure) => {
      child.on('error', onFailure);
      child.on('close', (code) => onEnd({ exitCode: code ?? -1, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves once standard error holds `text`. */
  async says(text: string, withinMs?: number): Promise<void> {
    await until(() => this.stderr.includes(text), withinMs);
  }
}

export function fakeIo(cwd: string, terminal = false): FakeIo {
  const written = { stdout: '', stderr: '' };
  const signals = new Set<(signal: string) => void>();
  const crashes = new Set<(error: unknown) => void>();
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => {
      written[name] += text;
    },
    terminal,
    color: false,
    columns: 100,
  });
  const register =
    <Listener>(listeners: Set<Listener>) =>
    (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
  return {
    stdout: output('stdout'),
    stderr: output('stderr'),
    cwd,
    clock: new RealClock(),
    onSignal: register(signals),
    onCrash: register(crashes),
    written,
    signal: (name) => {
      for (const listener of signals) listener(name);
    },
    crash: (error) => {
      for (const listener of crashes) listener(error);
    },
  };
}

export async function until(condition: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const clock = new RealClock();
  const end = clock.now() + withinMs;
  while (!(await condition())) {
    if (clock.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${condition.toString()}`);
    await clock.sleep(20);
  }
}
