import type { Clock } from '../../kernel/clock.js';
import type { QueueRules } from '../../spec/experiment.js';
import type { AgentIdentity, AgentSession, Canary, FinishOutcome, Lease } from '../port.js';
import type { TaskState } from '../protocol.js';
import type { AttemptResult, Task } from '../task.js';

/** What the memory queue and its sessions know of each other: neither file needs the other's. */

/** The way between agents and queue; a network_delay fault makes it longer. */
export interface Link {
  /** One way, ms. */
  delayMs: number;
}

/** A task the queue has not finished. */
export interface Entry {
  readonly task: Task;
  state: TaskState;
  /** The attempt under way, and who holds it; null while there is none. */
  lease: HeldLease | null;
  session: HeldSession | null;
  /** When the attempt under way began at its agent, epoch ms; NaN while it is on its way there. */
  startedAt: number;
  everStarted: boolean;
}

/** A lease that knows its entry, so that a result finds it without a look-up. */
export interface HeldLease extends Lease {
  readonly entry: Entry;
}

/** A session as the queue sees it. */
export interface HeldSession extends AgentSession {
  readonly agent: AgentIdentity;
  /** Stands in the queue's list of idle sessions. */
  listed: boolean;
  /** Tasks it can be given now. */
  readonly available: number;
  /** What it has been leased. */
  readonly held: readonly Entry[];
  nextAttemptId(): string;
  /** Epoch ms of the last beat the queue has had from this agent. */
  lastBeat(): number;
  /** The entry has been leased to it. */
  take(entry: Entry): void;
  /** The entry is no longer its own. */
  drop(entry: Entry): void;
  answer(canary: Canary): void;
  /** The queue gives its tasks to others; what it held is returned. A frozen agent hears of it when it thaws. */
  expire(): Entry[];
  close(): void;
}

/** The queue as its sessions see it. */
export interface SessionHost {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly link: Link;
  /** A session can take more (or fewer) tasks. */
  creditChanged(session: HeldSession, by: number): void;
  fellSilent(session: HeldSession): void;
  /** A frozen session beats again. False when a later incarnation of its agent has taken its place. */
  returned(session: HeldSession): boolean;
  detach(session: HeldSession): void;
  /** The attempt has reached its agent and begins. */
  begin(entry: Entry, session: HeldSession): void;
  finish(session: HeldSession, lease: Lease, result: AttemptResult): FinishOutcome;
  takeBack(entry: Entry, reason: 'expired' | 'released'): void;
}
