import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineEnvironment } from './engines.js';

/** Ends everything the pid files name and removes the folder, as soon as its standard input ends. */
const GUARD = `cat > /dev/null
for file in "$1"/*/pid; do
  if [ -s "$file" ]; then kill -9 "$(cat "$file")" 2> /dev/null; fi
done
rm -rf "$1"`;

/**
 * Processes in a temporary folder that end with whoever started them, however that one ends: a guard holds the other
 * end of a pipe that only this process has, so that even kill -9 of this process is heard.
 */
export class ProcessGroup {
  readonly folder = mkdtempSync(join(tmpdir(), 'engines-'));
  readonly #guard: ChildProcess;
  readonly #processes = new Set<EngineProcess>();

  constructor() {
    // A group of its own: ^C at the terminal must not end the guard before its work.
    this.#guard = spawn('sh', ['-c', GUARD, 'guard', this.folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guard.unref();
    const input = this.#guard.stdin as (NodeJS.WritableStream & { unref?: () => void }) | null;
    input?.on('error', () => undefined);
    input?.unref?.();
  }

  /** A process to be, with a folder of its own; `start` starts it. */
  add(name: string, program: string, args: readonly string[]): EngineProcess {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const process = new EngineProcess(folder, program, args);
    this.#processes.add(process);
    return process;
  }

  /** Ends all processes and removes the folder. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.kill()));
    // Waiting for it must keep this process alive.
    this.#guard.ref();
    const ended = this.#guard.exitCode === null ? once(this.#guard, 'exit') : undefined;
    this.#guard.stdin?.end();
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A process that can be killed, stopped, resumed and started again. */
export class EngineProcess {
  readonly folder: string;
  readonly #program: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #stalled = false;

  constructor(folder: string, program: string, args: readonly string[]) {
    this.folder = folder;
    this.#program = program;
    this.#args = args;
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGSTOP holds it. */
  get stalled(): boolean {
    return this.#stalled;
  }

  start(): void {
    if (this.running) throw new Error(`${this.#program} in ${this.folder} runs already`);
    const log = openSync(join(this.folder, 'log'), 'a');
    const child = spawn(this.#program, this.#args, {
      cwd: this.folder,
      env: engineEnvironment(),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    // Told by `running`; without a listener it would end the test process.
    child.on('error', () => undefined);
    child.on('exit', () => rmSync(join(this.folder, 'pid'), { force: true }));
    if (child.pid !== undefined) writeFileSync(join(this.folder, 'pid'), String(child.pid));
    this.#child = child;
    this.#stalled = false;
  }

  /** SIGKILL; resolves when it is gone. A stopped process dies, too. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  stall(): void {
    this.#child?.kill('SIGSTOP');
    this.#stalled = true;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.#stalled = false;
  }

  /** The last lines it wrote. */
  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    this.#stalled = false;
  }
}
