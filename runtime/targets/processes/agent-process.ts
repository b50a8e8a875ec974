import type { FleetMember, MemberListener } from '../../agents/fleet-member.js';
import type { Clock } from '../../kernel/clock.js';
import type { RoleProcess } from './role-process.js';

export interface AgentProcessOptions {
  readonly id: string;
  readonly zone: string;
  readonly slots: number;
  readonly clock: Clock;
  /** Starts the process, now or when it is its turn; called once. */
  readonly launch: (agent: AgentProcess) => void;
  /** Nothing more is to be heard of it. */
  readonly onGone: (agent: AgentProcess) => void;
}

type State = 'waiting' | 'starting' | 'ready' | 'frozen' | 'draining' | 'gone';

/**
 * An agent that is a process of its own. Nothing is asked of it: what it holds is known from the queue's log, whether
 * it is there from its own log and its end.
 */
export class AgentProcess implements FleetMember {
  readonly id: string;
  readonly zone: string;
  readonly slots: number;
  startedAt: number;
  slowdown = 1;
  tasksEnded = 0;
  lastStretch: { readonly stretch: number; readonly at: number } | null = null;
  /** Proportional set size, bytes; null until it has been measured. */
  memoryBytes: number | null = null;
  private state: State = 'waiting';
  private process: RoleProcess | null = null;
  private listener: MemberListener | null = null;
  /** Attempts that have begun and not ended, with the index of each one's task. */
  private readonly attempts = new Map<string, number>();

  constructor(private readonly options: AgentProcessOptions) {
    this.id = options.id;
    this.zone = options.zone;
    this.slots = options.slots;
    this.startedAt = options.clock.now();
  }

  get busySlots(): number {
    return this.attempts.size;
  }

  get atWork(): boolean {
    return this.state === 'ready' || this.state === 'draining';
  }

  get ready(): boolean {
    return this.state === 'ready';
  }

  get pid(): number | undefined {
    return this.process?.running === true ? this.process.pid : undefined;
  }

  held(): number[] {
    return [...this.attempts.values()];
  }

  /** From now on this one is told. */
  belongsTo(listener: MemberListener): void {
    this.listener = listener;
  }

  start(): void {
    if (this.state === 'waiting') this.options.launch(this);
  }

  drain(): void {
    if (this.state !== 'ready') return;
    this.state = 'draining';
    this.process?.drain();
  }

  close(): void {
    this.leave((process) => process.end());
  }

  abort(): void {
    this.kill();
  }

  kill(): void {
    this.leave((process) => process.kill());
  }

  freeze(): void {
    if (this.state !== 'ready') return;
    this.state = 'frozen';
    this.process?.stop();
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'ready';
    this.process?.resume();
  }

  // ---- its process ------------------------------------------------------------------------------------------------

  /** Its turn has come. False when it is not wanted any more. */
  begins(process: () => RoleProcess): boolean {
    if (this.state !== 'waiting') return false;
    this.state = 'starting';
    this.process = process();
    return true;
  }

  /** It is attached to the queue. */
  hasStarted(): void {
    if (this.state !== 'starting') return;
    this.state = 'ready';
    this.startedAt = this.options.clock.now();
    this.listener?.ready(this);
  }

  /** It has said how much longer than normal what it has begun takes. */
  hasPace(stretch: number): void {
    this.lastStretch = { stretch, at: this.options.clock.now() };
  }

  /** Its process is gone. */
  hasEnded(told: boolean, how: string): void {
    const { state, listener } = this;
    if (state === 'gone') return;
    if (state === 'draining' && told) {
      // Whatever it had not finished it has handed back.
      this.gone();
      listener?.drained(this);
      return;
    }
    // The fleet counts what it held until now.
    listener?.wentDown(this, how);
    this.gone();
  }

  // ---- the queue's log --------------------------------------------------------------------------------------------

  began(attemptId: string, index: number): void {
    if (this.state === 'gone' || this.attempts.has(attemptId)) return;
    this.attempts.set(attemptId, index);
    this.listener?.busyChanged(this, 1);
  }

  ended(attemptId: string, finished: boolean): void {
    if (!this.attempts.delete(attemptId)) return;
    this.listener?.busyChanged(this, -1);
    if (!finished) return;
    this.tasksEnded += 1;
    this.listener?.taskEnded(this);
  }

  private leave(how: (process: RoleProcess) => void): void {
    if (this.state === 'gone') return;
    const { process } = this;
    this.gone();
    if (process !== null) how(process);
  }

  private gone(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.options.onGone(this);
  }
}
