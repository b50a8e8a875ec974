import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock, Timer } from '../../kernel/clock.js';
import { SECOND } from '../../kernel/units.js';
import type { CommandRules, FailureClass } from '../../spec/executor-rules.js';
import type { Ending, Order, Runner, Running } from '../port.js';
import { guardOrphans } from './orphan-guard.js';
import { MARKER, ProcessTrees, type ProcessTree } from './process-trees.js';
import type { Secrets } from './secrets.js';
import { endingOf, failureOf, readResult, shortDetail } from './wire-result.js';

/** What is kept of standard error, bytes: its end says what went wrong. */
const STDERR_TAIL_BYTES = 8_192;

/** The program is gone, and its output is still held open by somebody: so long is waited for the rest of it. */
const DRAIN_MS = SECOND;

/** From SIGKILL to the end of a process, at most. */
const KILL_MS = 3 * SECOND;

export interface CommandRunnerOptions {
  readonly rules: CommandRules;
  readonly clock: Clock;
  /** Environment the program's is taken from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
  readonly onError: (error: unknown) => void;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * A process per task, in a session of its own: the task goes in on standard input as JSON, the result comes out on
 * standard output, the exit code says how it went. Whatever it does – hangs, forks, floods, eats memory – it is gone
 * when the attempt is over, with everything it has started.
 */
export class CommandRunner implements Runner {
  readonly stopMs: number;
  private readonly trees: ProcessTrees;
  private started = 0;
  /** What the marks of all our processes begin with: two runs on one machine, even with the same pid, differ. */
  private readonly markPrefix: string;
  private endGuard: (() => void) | null = null;

  constructor(private readonly options: CommandRunnerOptions) {
    this.stopMs = options.rules.killGraceMs + KILL_MS + DRAIN_MS;
    this.trees = new ProcessTrees(options.clock, options.onError);
    this.markPrefix = `${process.pid}-${Math.round(options.clock.now()).toString(36)}-`;
  }

  start(order: Order, ended: (ending: Ending) => void): Running {
    const { rules } = this.options;
    const [program = '', ...args] = rules.run.map((part) => order.fill(part));
    this.started += 1;
    this.endGuard ??= guardOrphans(this.markPrefix, this.options.onError);
    const mark = `${this.markPrefix}${this.started}`;
    const child = spawn(program, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: this.environment(order, mark),
      ...(rules.cwd === null ? {} : { cwd: rules.cwd }),
    });
    return new RunningCommand(this.options, this.trees, child, mark, order, ended);
  }

  close(): Promise<void> {
    this.trees.close();
    this.endGuard?.();
    this.endGuard = null;
    return Promise.resolve();
  }

  private environment(order: Order, mark: string): NodeJS.ProcessEnv {
    const { rules, environment, secrets } = this.options;
    const own = Object.entries(rules.env).map(([name, value]) => [name, order.fill(value)] as const);
    const passed = rules.passEnv.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const { key } = order;
    const sent = key === null ? null : secrets.ofKey(key);
    return {
      ...Object.fromEntries(passed),
      ...Object.fromEntries(own),
      ...(key === null ? {} : { AGENT_API_PROVIDER: key.provider, AGENT_API_KEY_NAME: key.key }),
      ...(sent === null ? {} : { [sent.sendAs]: sent.value }),
      AGENT_TASK_ID: order.wire.task_id,
      [MARKER]: mark,
    };
  }
}

/** One process. */
class RunningCommand implements Running {
  private readonly tree: ProcessTree | null;
  private readonly stdout: Buffer[] = [];
  private stdoutBytes = 0;
  private stderrTail = Buffer.alloc(0);
  /** Why we ended it ourselves. */
  private endedFor: { readonly error: string; readonly detail: string } | null = null;
  private exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null;
  private over = false;
  private timer: Timer | null = null;

  constructor(
    private readonly options: CommandRunnerOptions,
    private readonly trees: ProcessTrees,
    private readonly child: Child,
    mark: string,
    private readonly order: Order,
    private readonly ended: (ending: Ending) => void,
  ) {
    const { rules } = options;
    this.tree =
      child.pid === undefined
        ? null
        : {
            pid: child.pid,
            mark,
            memoryBytes: rules.memoryBytes,
            onMemory: (bytes) => {
              this.cut('memory_limit', `${bytes} bytes of memory, ${String(rules.memoryBytes)} allowed`);
            },
          };
    if (this.tree !== null) trees.add(this.tree);
    child.once('error', (error) => {
      // Only a program that never started ends with its error; a failed kill is told later by other means.
      if (child.pid === undefined) this.finish(failureOf('retry', 'not_started', { detail: error.message }));
    });
    child.once('exit', (code, signal) => {
      this.exited(code, signal);
    });
    child.once('close', () => {
      this.conclude();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      this.wrote(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      const tail = Buffer.concat([this.stderrTail, chunk]);
      this.stderrTail = Buffer.from(tail.subarray(Math.max(0, tail.length - STDERR_TAIL_BYTES)));
    });
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      // A program that does not read its task, or closes early, is judged by what it answers.
      stream.on('error', () => undefined);
    }
    child.stdin.end(`${JSON.stringify(order.wire)}\n`);
  }

  stop(): void {
    if (this.tree === null) return;
    this.trees.signal(this.tree, 'SIGTERM');
    this.timer?.cancel();
    this.timer = this.options.clock.after(this.options.rules.killGraceMs, () => {
      this.kill();
    });
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.timer?.cancel();
    this.kill();
    this.letGo();
  }

  freeze(): void {
    if (this.tree !== null && this.exit === null) this.trees.signal(this.tree, 'SIGSTOP');
  }

  thaw(): void {
    if (this.tree !== null && this.exit === null) this.trees.signal(this.tree, 'SIGCONT');
  }

  private wrote(chunk: Buffer): void {
    this.stdoutBytes += chunk.length;
    const { maxOutputBytes } = this.options.rules;
    if (this.stdoutBytes <= maxOutputBytes) this.stdout.push(chunk);
    else this.cut('output_too_large', `more than ${maxOutputBytes} bytes on standard output`);
  }

  /** Ends it for a reason of our own, at once. */
  private cut(error: string, detail: string): void {
    if (this.endedFor !== null || this.exit !== null) return;
    this.endedFor = { error, detail };
    this.kill();
  }

  private kill(): void {
    if (this.tree !== null && this.exit === null) this.trees.signal(this.tree, 'SIGKILL');
  }

  private exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.exit = { code, signal };
    this.timer?.cancel();
    if (this.tree !== null) this.trees.end(this.tree);
    if (this.over) return;
    this.timer = this.options.clock.after(DRAIN_MS, () => {
      this.conclude();
    });
  }

  private conclude(): void {
    if (this.over || this.exit === null) return;
    this.finish(this.judge(this.exit));
  }

  private finish(ending: Ending): void {
    if (this.over) return;
    this.over = true;
    this.timer?.cancel();
    this.letGo();
    this.ended(ending);
  }

  /** Nobody listens any more, and a stream that somebody else holds open keeps nothing of ours alive. */
  private letGo(): void {
    const { stdin, stdout, stderr } = this.child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  }

  private judge({ code, signal }: NonNullable<RunningCommand['exit']>): Ending {
    const { rules, secrets } = this.options;
    const stderr = shortDetail(this.stderrTail.toString('utf8'), secrets.all);
    if (this.endedFor !== null) return failureOf('retry', this.endedFor.error, { detail: this.endedFor.detail });
    if (code === null) return failureOf('retry', `signal_${String(signal).toLowerCase()}`, { detail: stderr });
    const kind = rules.exitCodes[String(code)] ?? rules.exitCodes['other'] ?? 'retry';
    if (kind === 'success' && rules.output === 'none') return SUCCESS;
    const text = Buffer.concat(this.stdout).toString('utf8');
    const said = rules.output === 'none' ? null : readResult(text, rules.output, this.order.wire.task_id);
    if (kind === 'success' && said !== null) {
      const ending = endingOf(said, secrets.all);
      return { ...ending, detail: ending.detail ?? (ending.status === 'failed' ? stderr : null) };
    }
    // The exit code says how bad it is, the result, where there is one, what it was.
    const told = said?.understood === true && said.status === 'failed' ? endingOf(said, secrets.all) : null;
    const usage = said?.understood === true ? said.usage : null;
    return failureOf(kind as FailureClass, `exit_${code}`, { detail: detailOf(told, stderr), usage });
  }
}

const SUCCESS: Ending = {
  status: 'success',
  error: null,
  retryAfterMs: 0,
  final: false,
  verdict: 'ok',
  detail: null,
  usage: null,
};

function detailOf(told: Ending | null, stderr: string | null): string | null {
  if (told === null) return stderr;
  return told.detail === null ? told.error : `${told.error ?? ''}: ${told.detail}`;
}
