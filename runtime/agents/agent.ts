import type { Clock } from '../kernel/clock.js';
import { whenSettled } from '../kernel/eventually.js';
import type { AgentSession, Lease, SessionHandlers, TaskQueue } from '../queue/port.js';
import type { AttemptResult } from '../queue/task.js';
import type { AgentListener, FleetMember } from './fleet-member.js';
import type { AgentJournal, Execution, Executor } from './port.js';

export type { AgentListener } from './fleet-member.js';

export interface AgentOptions {
  readonly id: string;
  readonly incarnation: number;
  readonly zone: string;
  readonly slots: number;
  readonly clock: Clock;
  readonly queue: TaskQueue;
  readonly executor: Executor;
  readonly journal: AgentJournal;
  readonly listener: AgentListener;
  readonly onError: (error: unknown) => void;
}

/**
 * One incarnation of an agent: takes as many tasks as it has slots, runs each through its executor, writes the
 * result down, tells the queue, and takes the next. It ends by draining (in order) or by being killed.
 */
export class Agent implements FleetMember, SessionHandlers {
  readonly id: string;
  readonly zone: string;
  readonly slots: number;
  readonly startedAt: number;
  readonly ready = true;
  readonly memoryBytes = null;
  slowdown = 1;
  tasksEnded = 0;
  lastStretch: { readonly stretch: number; readonly at: number } | null = null;
  private session: AgentSession | null = null;
  /** As many as there are busy slots: few enough to search. */
  private readonly running: Execution[] = [];
  private mode: 'running' | 'draining' | 'frozen' | 'gone' = 'running';

  constructor(private readonly options: AgentOptions) {
    this.id = options.id;
    this.zone = options.zone;
    this.slots = options.slots;
    this.startedAt = options.clock.now();
  }

  get busySlots(): number {
    return this.running.length;
  }

  /** Gets on with what it holds: neither frozen nor gone. */
  get atWork(): boolean {
    return this.mode === 'running' || this.mode === 'draining';
  }

  /** Connects to the queue and offers all slots. */
  start(): void {
    const { id, zone, queue, incarnation, slots } = this.options;
    this.session = queue.attach({ id, zone, incarnation }, this);
    this.session.credit(slots);
  }

  /** Indices of the tasks it is running. */
  held(): number[] {
    return this.running.map((execution) => execution.lease.task.index);
  }

  onLease(lease: Lease): void {
    if (this.mode === 'gone') return;
    const execution = this.options.executor.start(lease, this, this.ended);
    this.running.push(execution);
    if (execution.stretch !== null && (execution.stretch !== 1 || this.lastStretch !== null)) {
      this.lastStretch = { stretch: execution.stretch, at: this.options.clock.now() };
    }
    this.options.listener.busyChanged(this, 1);
  }

  onRevoked(lease: Lease): void {
    const execution = this.running.find((candidate) => candidate.lease.attemptId === lease.attemptId);
    if (execution === undefined) return;
    execution.abort();
    this.freeSlot(execution);
    this.takeMore();
  }

  /** Takes nothing new; `listener.drained` follows once nothing is held. */
  drain(): void {
    if (this.mode !== 'running') return;
    this.mode = 'draining';
    this.session?.revokeCredit();
    if (this.running.length === 0) this.options.listener.drained(this);
  }

  /** Leaves in order; what is still running is handed back to the queue. */
  close(): void {
    if (this.mode === 'gone') return;
    this.mode = 'gone';
    this.abortAll();
    whenSettled(this.session?.close(), ignore, this.options.onError);
  }

  abort(): void {
    this.close();
  }

  /** Ends without a word, as under kill -9. */
  kill(): void {
    if (this.mode === 'gone') return;
    this.mode = 'gone';
    this.session?.crash();
    this.abortAll();
  }

  /** Stands still, as under SIGSTOP. */
  freeze(): void {
    if (this.mode !== 'running') return;
    this.mode = 'frozen';
    this.session?.freeze();
    for (const execution of this.running) execution.freeze();
  }

  thaw(): void {
    if (this.mode !== 'frozen') return;
    this.mode = 'running';
    for (const execution of this.running) execution.thaw();
    this.session?.thaw();
  }

  private readonly ended = (execution: Execution, result: AttemptResult): void => {
    const { lease } = execution;
    const { journal, listener, onError } = this.options;
    const { session } = this;
    if (session === null) return;
    // Written down before it is told: if the answer never comes, the result is sent again from here.
    journal.result(lease.task.index, lease.attemptId, result.status);
    this.tasksEnded += 1;
    this.freeSlot(execution);
    whenSettled(session.finish(lease, result), ignore, onError);
    listener.taskEnded(this);
    this.takeMore();
  };

  private takeMore(): void {
    if (this.mode === 'running') this.session?.credit(1);
    else if (this.mode === 'draining' && this.running.length === 0) this.options.listener.drained(this);
  }

  private freeSlot(execution: Execution): void {
    const index = this.running.indexOf(execution);
    if (index < 0) return;
    const last = this.running.pop() as Execution;
    if (last !== execution) this.running[index] = last;
    this.options.listener.busyChanged(this, -1);
  }

  private abortAll(): void {
    for (const execution of [...this.running]) {
      execution.abort();
      this.freeSlot(execution);
    }
  }
}

function ignore(): void {
  // The queue counts; an agent has nothing to do with the outcome.
}
