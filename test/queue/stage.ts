import type { Eventually } from '../../runtime/kernel/clock.js';
import { identityHolds } from '../../runtime/observe/audit.js';
import type {
  AgentIdentity,
  AgentSession,
  FinishOutcome,
  Lease,
  QueueObserver,
  SessionHandlers,
  SubmitOutcome,
  SweepReport,
  TaskQueue,
} from '../../runtime/queue/port.js';
import type { AttemptResult, Task } from '../../runtime/queue/task.js';
import type { Priority, QueueRules } from '../../runtime/spec/experiment.js';

/** One adapter under test, freshly opened. */
export interface QueueHarness {
  readonly queue: TaskQueue;
  /** Longest time a message needs to go to the queue and back, ms. */
  readonly settleMs: number;
  now(): number;
  /** Lets so much time pass for queue and agents, with all that falls due in it. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the adapter under test with these rules; it tells these observers what happens. */
export type OpenQueue = (rules: QueueRules, observers: readonly QueueObserver[]) => Promise<QueueHarness>;

export const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };
export const FAILED: AttemptResult = { status: 'failed', error: 'executor_failed', retryAfterMs: 0 };

/** The leading coordinator sweeps at least this often. */
const SWEEP_MS = 250;
/** Steps in which an answer is waited for. */
const ANSWER_MS = 1;

export type LogLine =
  | { readonly kind: 'submitted'; readonly index: number; readonly accepted: boolean }
  | {
      readonly kind: 'started';
      readonly index: number;
      readonly agent: string;
      readonly at: number;
      readonly first: boolean;
    }
  | {
      readonly kind: 'finished';
      readonly index: number;
      readonly agent: string;
      readonly outcome: FinishOutcome;
      readonly at: number;
      readonly startedAt: number;
    }
  | {
      readonly kind: 'requeued';
      readonly index: number;
      readonly reason: string;
      readonly at: number;
      readonly dead: boolean;
    };

/** What the queue has told its observers; notices by itself when a task runs twice at a time or an id comes again. */
export class QueueLog implements QueueObserver {
  readonly lines: LogLine[] = [];
  readonly violations: string[] = [];
  private readonly running = new Map<number, string>();
  private readonly attemptIds = new Set<string>();

  submitted(task: Task, outcome: SubmitOutcome): void {
    this.lines.push({ kind: 'submitted', index: task.index, accepted: outcome.accepted });
  }

  started({ task: { index }, attemptId }: Lease, agent: AgentIdentity, at: number, first: boolean): void {
    const other = this.running.get(index);
    if (other !== undefined) this.violations.push(`task ${index} started as ${attemptId} while ${other} held it`);
    if (this.attemptIds.has(attemptId)) this.violations.push(`attempt id ${attemptId} was issued twice`);
    this.attemptIds.add(attemptId);
    this.running.set(index, attemptId);
    this.lines.push({ kind: 'started', index, agent: agent.id, at, first });
  }

  finished(
    { task: { index }, attemptId }: Lease,
    agent: AgentIdentity,
    _result: AttemptResult,
    outcome: FinishOutcome,
    at: number,
    startedAt: number,
  ): void {
    if (outcome !== 'superseded') this.ended(index, attemptId);
    this.lines.push({ kind: 'finished', index, agent: agent.id, outcome, at, startedAt });
  }

  requeued(
    { task: { index }, attemptId }: Lease,
    _agent: AgentIdentity,
    reason: string,
    at: number,
    dead: boolean,
  ): void {
    // A lease that never reached its agent has not started.
    if (this.running.has(index)) this.ended(index, attemptId);
    this.lines.push({ kind: 'requeued', index, reason, at, dead });
  }

  of<K extends LogLine['kind']>(kind: K): Array<Extract<LogLine, { kind: K }>> {
    return this.lines.filter((line): line is Extract<LogLine, { kind: K }> => line.kind === kind);
  }

  private ended(index: number, attemptId: string): void {
    const running = this.running.get(index);
    if (running !== attemptId) this.violations.push(`task ${index} ended as ${attemptId}, but ${running} held it`);
    this.running.delete(index);
  }
}

/** An agent of the test: keeps what it is given until it is told to finish it. */
export class StageAgent implements SessionHandlers {
  readonly held: Lease[] = [];
  readonly seen: Lease[] = [];
  readonly revoked: Lease[] = [];
  readonly session: AgentSession;
  /** Told of every lease; may finish it at once. */
  react: (lease: Lease) => void = () => undefined;

  constructor(
    queue: TaskQueue,
    readonly id: string,
    readonly incarnation: number,
  ) {
    this.session = queue.attach({ id, incarnation, zone: 'A' }, this);
  }

  onLease(lease: Lease): void {
    this.held.push(lease);
    this.seen.push(lease);
    this.react(lease);
  }

  /** As a real agent does: the slot is free again. */
  onRevoked(lease: Lease): void {
    this.revoked.push(lease);
    this.drop(lease);
    this.session.credit(1);
  }

  drop(lease: Lease): void {
    const index = this.held.indexOf(lease);
    if (index >= 0) this.held.splice(index, 1);
  }
}

/** A queue with agents, a coordinator that sweeps, and a ledger that is checked after every step. */
export class Stage {
  readonly log: QueueLog;
  readonly sweeps: SweepReport[] = [];
  private submitted = 0;
  private incarnations = 0;

  private constructor(
    readonly harness: QueueHarness,
    readonly rules: QueueRules,
    log: QueueLog,
  ) {
    this.log = log;
  }

  static async open(open: OpenQueue, rules: QueueRules, observers: readonly QueueObserver[] = []): Promise<Stage> {
    const log = new QueueLog();
    return new Stage(await open(rules, [log, ...observers]), rules, log);
  }

  get queue(): TaskQueue {
    return this.harness.queue;
  }

  attach(id: string): StageAgent {
    this.incarnations += 1;
    return new StageAgent(this.queue, id, this.incarnations);
  }

  /** The next task of the schedule, due now. */
  nextTask(priority: Priority = 2): Task {
    const task: Task = { index: this.submitted, type: 0, priority, scheduledAt: this.harness.now() };
    this.submitted += 1;
    return task;
  }

  submit(priority: Priority = 2): Promise<SubmitOutcome> {
    return this.answer(this.queue.submit(this.nextTask(priority)));
  }

  async submitMany(count: number, priority: Priority = 2): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.submit(priority);
  }

  /** Ends an attempt and waits for the queue's answer. */
  finish(agent: StageAgent, lease: Lease, result: AttemptResult = SUCCESS): Promise<FinishOutcome> {
    agent.drop(lease);
    return this.answer(agent.session.finish(lease, result));
  }

  /** Waits for an answer that may be there already, or needs time to pass. */
  async answer<T>(value: Eventually<T>): Promise<T> {
    if (!(value instanceof Promise)) return value;
    let open = true;
    const watched = value.finally(() => {
      open = false;
    });
    watched.catch(() => undefined);
    for (let i = 0; open; i += 1) {
      if (i === 20_000) throw new Error('the queue does not answer');
      await this.harness.advance(Math.min(ANSWER_MS, this.harness.settleMs / 2));
    }
    return watched;
  }

  /** Lets every message that is under way arrive. */
  settle(): Promise<void> {
    return this.advance(2 * this.harness.settleMs);
  }

  /** Lets time pass while the coordinator sweeps, and checks the ledger all the while. */
  async advance(ms: number): Promise<void> {
    const until = this.harness.now() + ms;
    // Answers take time, too: what is left of it is read from the clock.
    for (let left = ms; left > 0; left = until - this.harness.now()) {
      await this.harness.advance(Math.min(left, SWEEP_MS));
      this.sweeps.push(await this.answer(this.queue.sweep()));
      await this.check();
    }
  }

  /** Lets time pass until the condition holds; answers how long that took, ms. */
  async until(condition: () => boolean, withinMs: number): Promise<number> {
    const began = this.harness.now();
    while (!condition()) {
      if (this.harness.now() - began > withinMs) throw new Error(`still not so after ${withinMs} ms`);
      await this.advance(Math.min(50, withinMs));
    }
    return this.harness.now() - began;
  }

  async check(): Promise<void> {
    const counts = await this.answer(this.queue.counts());
    if (!identityHolds(counts)) throw new Error(`the ledger does not add up: ${JSON.stringify(counts)}`);
    if (this.log.violations.length > 0) throw new Error(this.log.violations.join('; '));
  }
}
