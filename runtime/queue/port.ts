import type { Eventually } from '../kernel/clock.js';
import type { Priority } from '../spec/experiment.js';
import type { AttemptResult, Task } from './task.js';

/**
 * The task queue: at-least-once execution, exactly-once counting (design.md §5). Adapters carry out the protocol
 * of `protocol.ts`; one conformance suite runs against each of them.
 */
export interface TaskQueue {
  /** Offers a task. Idempotent by task index: offering it again answers as the first time. */
  submit(task: Task): Eventually<SubmitOutcome>;
  /** Offers a canary: a request that goes the way of a task, is answered by an agent, holds no slot, is never shed. */
  probe(canary: Canary): Eventually<void>;
  /** Brings an agent's new incarnation into play. An earlier incarnation of the same agent expires at once. */
  attach(agent: AgentIdentity, handlers: SessionHandlers): AgentSession;
  /** Expires the leases of silent agents and releases due retries. Called by the leading coordinator only. */
  sweep(): Eventually<SweepReport>;
  /** What admission by expected wait goes by; the leading coordinator renews it. Null = only the bound holds. */
  setAdmission(limits: AdmissionLimits | null): Eventually<void>;
  /** The ledger's counters at this instant. */
  counts(): Eventually<LedgerCounts>;
  /** Where a task stands, for the reconciliation at the end; null = the queue never heard of it, or has forgotten it. */
  stateOf(index: number): Eventually<TaskPhase | null>;
  /** Everything that is not finished, for a snapshot. */
  unfinished(): Eventually<readonly UnfinishedTask[]>;
  close(): Eventually<void>;
}

export type TaskPhase = 'queued' | 'delayed' | 'leased' | 'completed' | 'failed' | 'shed';

export type ShedReason = 'queue_full' | 'expected_wait';
export type SubmitOutcome =
  { readonly accepted: true; readonly enqueuedAt: number } | { readonly accepted: false; readonly reason: ShedReason };

export interface Canary {
  readonly index: number;
  readonly sentAt: number;
  /** Called at most once, when an agent has answered. */
  readonly answered: (at: number) => void;
}

export interface AgentIdentity {
  readonly id: string;
  /** Differs for every start of the agent. */
  readonly incarnation: number;
  readonly zone: string;
}

/** What the queue tells an agent. */
export interface SessionHandlers {
  /** A task to run; at most as many as the credit given. */
  onLease(lease: Lease): void;
  /** The lease is no longer this agent's (it was silent for too long); running on is useless but harmless. */
  onRevoked(lease: Lease): void;
}

/** One attempt at a task, handed to one agent. */
export interface Lease {
  /** Unique among all attempts of the run; compared for equality only. */
  readonly attemptId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly task: Task;
}

/** An agent's connection to the queue. The adapter keeps it alive by beats until it is closed, frozen or crashed. */
export interface AgentSession {
  /** Says that `slots` more tasks can be taken (AMQP's prefetch credit). */
  credit(slots: number): void;
  /** Takes back all credit not yet used: the agent drains. */
  revokeCredit(): void;
  /** Ends an attempt. `superseded` when the lease is no longer this attempt's: then the result is recorded, not counted. */
  finish(lease: Lease, result: AttemptResult): Eventually<FinishOutcome>;
  /** Hands tasks back unfinished (drain timeout, emergency stop); they are queued again without counting an attempt. */
  release(leases: readonly Lease[]): Eventually<void>;
  /** Beats stop and nothing is received, as under SIGSTOP; `thaw` takes up where it stood. */
  freeze(): void;
  thaw(): void;
  /** The agent is gone without a word (kill -9): its leases stay until they expire. */
  crash(): void;
  /** The agent leaves in order; leases it still holds are released. */
  close(): Eventually<void>;
}

export type FinishOutcome = 'counted' | 'retried' | 'dead' | 'superseded';

export interface SweepReport {
  /** Agents whose leases expired now. */
  readonly expiredAgents: readonly string[];
  readonly expiredTasks: number;
  readonly releasedRetries: number;
  /** Set when more agents than `massExpiryShare` were silent at once, so that nothing expired. */
  readonly held: { readonly silent: number; readonly attached: number } | null;
}

export interface AdmissionLimits {
  /** Tasks the fleet finishes per ms. */
  readonly drainPerMs: number;
  /** Tasks admitted per ms by priority: those more important overtake. */
  readonly arrivalsPerMs: readonly [number, number, number, number];
  /** Longest expected wait at which a task of each priority is admitted, ms. */
  readonly maxWaitMs: readonly [number, number, number, number];
}

/** submitted = completed + failed + shed + queued (delayed retries included) + leased, at every instant. */
export interface LedgerCounts {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly shed: number;
  readonly queued: number;
  readonly leased: number;
  /** Results of superseded attempts: recorded, not counted. */
  readonly superseded: number;
  /** Attempts that ended without success and were tried again. */
  readonly retried: number;
  /** Attempts taken from silent agents. */
  readonly expired: number;
}

export interface UnfinishedTask {
  readonly task: Task;
  /** Attempts that count so far. */
  readonly attempts: number;
  /** Some attempt has begun: its response latency is known. */
  readonly started: boolean;
}

/**
 * Told of every transition, in the order in which they happened. This is what metrics and the ledger's audit are
 * made from; it must return quickly and must not call the queue. A queue that lives elsewhere tells a little later
 * than it answers.
 */
export interface QueueObserver {
  submitted(task: Task, outcome: SubmitOutcome, at: number): void;
  /** The attempt has begun at its agent. `first` = no attempt of this task had begun before; `at` is the agent's time. */
  started(lease: Lease, agent: AgentIdentity, at: number, first: boolean): void;
  /** `startedAt` is when this attempt began. A `superseded` result changes nothing: it is only recorded. */
  finished(
    lease: Lease,
    agent: AgentIdentity,
    result: AttemptResult,
    outcome: FinishOutcome,
    at: number,
    startedAt: number,
  ): void;
  /** The lease was taken back (the agent was silent, or handed it back); `dead` when no attempt is left. */
  requeued(lease: Lease, agent: AgentIdentity, reason: 'expired' | 'released', at: number, dead: boolean): void;
}

/** Sums over the priorities. */
export type ByPriority<T> = readonly [T, T, T, T];
export const priorityLabel = (priority: Priority): string => `P${priority}`;

/** Scripts on keys of a run beside the queue's own, kept where the queue is and as safe as its transitions. */
export interface SideKeys {
  /**
   * Runs a Lua script on one server, atomically. Resolves with its answer once what it wrote is as durable as a
   * transition of the queue; rejects when nobody can say so: it may have been carried out or not.
   *
   * @param place decides which partition keeps the keys; the same everywhere for the same keys.
   * @param names made into keys of this run, KEYS of the script.
   * @param args ARGV, given what names the server's process: another one after every start and promotion.
   */
  run(
    script: string,
    place: string,
    names: readonly string[],
    args: (server: string) => readonly string[],
  ): Promise<unknown>;
}
