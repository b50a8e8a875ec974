import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Clock, Timer } from '../../kernel/clock.js';
import { killWithDescendants } from './descendants.js';

/** A line of a role's log, as far as it is looked at. */
const LOG_LINE = z.looseObject({ level: z.string().optional(), msg: z.string().optional() });
export type LogLine = z.infer<typeof LOG_LINE>;

export interface RoleProcessOptions {
  /** Unique in the run: `agent-001`. */
  readonly id: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** How long it may take to leave before it is killed, ms. */
  readonly graceMs: number;
  /** Runs programs of its own that go with it when it is killed. */
  readonly hasChildren: boolean;
  /** Told of every line that is JSON. */
  readonly onLine: (line: LogLine) => void;
  /** All it writes, line by line, for the record. */
  readonly onText: (text: string) => void;
  /** Once, when it is gone: whether it was told to go, how it went, and its exit code; null = it has none. */
  readonly onExit: (told: boolean, how: string, code: number | null) => void;
}

/** Lines without JSON that are kept for the message of a process that ends by itself. */
const LAST_WORDS = 3;

/**
 * A runtime role as a process of ours: in a group of its own, so that Ctrl-C at the terminal is for the run to answer,
 * and with a pipe as its standard input that ends with this process, whatever becomes of it.
 */
export class RoleProcess {
  readonly gone: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly lastWords: string[] = [];
  private told = false;
  private over = false;
  private timer: Timer | null = null;

  constructor(private readonly options: RoleProcessOptions) {
    const { command, env, clock } = options;
    const [program, ...args] = command;
    this.child = spawn(program, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    // Nobody writes there, and a pipe that breaks is the end of a process that is noticed anyway.
    this.child.stdin?.on('error', () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.read(line));
    }
    const gone = clock.deferred<null>();
    this.gone = gone.promise;
    const end = (how: string, code: number | null): void => {
      if (this.over) return;
      this.over = true;
      this.timer?.cancel();
      options.onExit(this.told, how, code);
      gone.resolve(null);
    };
    this.child.on('error', (error) => {
      this.lastWords.push(error.message);
      if (this.child.pid === undefined) end(`could not be started: ${error.message}`, null);
    });
    // 'close', not 'exit': its last words are read by then.
    this.child.on('close', (code, signal) => end(this.how(code, signal), code));
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return !this.over;
  }

  /** Asks it to finish and leave. */
  drain(): void {
    // A second signal would be «at once».
    if (this.told) return;
    this.told = true;
    this.signal('SIGTERM');
  }

  /** Asks it to leave, and sees to it that it does. */
  end(): void {
    this.drain();
    if (this.over) return;
    // One that stands still hears nothing.
    this.signal('SIGCONT');
    this.timer?.cancel();
    this.timer = this.options.clock.after(this.options.graceMs, () => this.kill());
  }

  /** kill -9, with all it has started. */
  kill(): void {
    this.told = true;
    const { pid } = this;
    if (this.over || pid === undefined) return;
    if (this.options.hasChildren) killWithDescendants(pid);
    else this.signal('SIGKILL');
  }

  stop(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  private signal(signal: NodeJS.Signals): void {
    if (!this.over) this.child.kill(signal);
  }

  private read(text: string): void {
    this.options.onText(text);
    const line = parse(text);
    if (line !== null) {
      if (line.level === 'fatal' && line.msg !== undefined) this.lastWords.push(line.msg);
      this.options.onLine(line);
      return;
    }
    this.lastWords.push(text);
    if (this.lastWords.length > LAST_WORDS) this.lastWords.shift();
  }

  private how(code: number | null, signal: NodeJS.Signals | null): string {
    const ended = signal === null ? `ended with exit code ${String(code)}` : `was ended by ${signal}`;
    return this.lastWords.length === 0 ? ended : `${ended}: ${this.lastWords.join(' / ')}`;
  }
}

function parse(text: string): LogLine | null {
  if (!text.startsWith('{')) return null;
  try {
    return LOG_LINE.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
