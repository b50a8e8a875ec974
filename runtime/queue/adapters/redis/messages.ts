import type { AdmissionLimits, LedgerCounts, TaskPhase } from '../../port.js';

/**
 * What a driver and a partition say to each other. A partition is the part of the queue that lives in one slot of
 * Redis; every transition of a task happens in it, in one script (`exchange`). A driver (one per process) has at most
 * one request under way to a partition, and repeats it under the same number until it has an answer, so that nothing
 * happens twice. Times travel as decimal strings: cjson keeps 14 digits of a number, and epoch milliseconds with
 * fractions need more.
 */
export interface ExchangeRequest {
  /** The driver, unique for every start of a process. */
  readonly driver: string;
  /** Number of the request among this driver's to this partition, from 1. A repeated request keeps its number. */
  readonly seq: number;
  /** Differs for every sending, also of a repeated request: what attempt ids are made from. */
  readonly nonce: string;
  /** Process id of the server (`run_id`) that this is sent to: a changed one means a promotion or a restart. */
  readonly owner: string;
  /** The latest epoch the driver has heard of; 0 = none. A partition that comes back empty goes on after it. */
  readonly epoch: number;
  /** Process id of the server that owned the partition in that epoch; '' = none. */
  readonly known: string;
  /** From journals, told again after a promotion: what the partition knows already changes nothing. Come first. */
  readonly results?: readonly FinishOp[];
  readonly attach?: readonly AttachOp[];
  readonly resync?: readonly ResyncOp[];
  readonly submit?: readonly SubmitOp[];
  readonly began?: readonly BeganOp[];
  /** Attempts that went well: what is asked of most. What is not that simple comes as `finish`. */
  readonly done?: readonly DoneOp[];
  readonly finish?: readonly FinishOp[];
  readonly release?: readonly ReleaseOp[];
  readonly detach?: readonly string[];
  readonly credit?: readonly CreditOp[];
  /** Agents that take back all credit not used. */
  readonly revoke?: readonly string[];
  /** Agents that are alive. */
  readonly beat?: readonly string[];
  /** Expires what is silent, releases what is due. The leading coordinator's. */
  readonly sweep?: 1;
  /** Limits of admission by expected wait, this partition's share; 0 lifts them. */
  readonly admission?: AdmissionLimits | 0;
  /** So many canaries look for an agent each. */
  readonly canaries?: number;
  readonly counts?: 1;
  /** Indices whose phase is asked for. */
  readonly states?: readonly number[];
  readonly unfinished?: 1;
}

export type AttachOp = readonly [agent: string, incarnation: number, zone: string];
/** An agent's own view of where it stands, after a promotion, an expiry, or when a lease did not arrive. */
export type ResyncOp = readonly [
  agent: string,
  incarnation: number,
  zone: string,
  /** Tasks it can take now. */
  free: number,
  held: readonly HeldOp[],
];
export type HeldOp = readonly [
  index: number,
  attemptId: string,
  attempt: number,
  generation: number,
  task: TaskRecord,
  /** When it began, or '' while it has not. */
  startedAt: string,
];
export type SubmitOp = readonly [index: number, task: TaskRecord, enqueuedAt: string, word: SubmitWord];
/**
 * 0 = nothing is written when it is refused; 1 = a refusal is final and written down; 2 = it has been accepted before,
 * or is to be taken whatever this partition's share of the bound says; 3 and 4 = it has been refused before, as
 * `queue_full` or `expected_wait`; 5 = only asks whether it would be taken.
 */
export type SubmitWord = 0 | 1 | 2 | 3 | 4 | 5;
export type BeganOp = readonly [index: number, attemptId: string, at: string];
export type FinishOp = readonly [
  index: number,
  attemptId: string,
  attempt: number,
  generation: number,
  agent: string,
  /** 1 = success; failed: 0, 2 = no further attempt can succeed (`final`), 3 = it never began (`deferred`). */
  verdict: 0 | 1 | 2 | 3,
  error: string,
  retryAfterMs: number,
  endedAt: string,
  startedAt: string,
  task: TaskRecord,
  /** 1 = it has ended the task before (sent again from a journal): it outranks every other attempt. */
  counted: 0 | 1,
  /** What it used of a model, as the driver writes it down: goes into the log as it is. */
  usage?: string,
];
/** A success of an attempt that its partition knows; `startedAt` as in {@link FinishOp}. */
export type DoneOp = readonly [index: number, attemptId: string, startedAt: string, endedAt: string];
export type ReleaseOp = readonly [index: number, attemptId: string];
/** `limit` = tasks the agent may have been given by this partition since it attached (or resynchronised). */
export type CreditOp = readonly [agent: string, limit: number];
/** Priority first: the one part of a task that the partition itself looks at. */
export type TaskRecord = readonly [priority: number, type: number, scheduledAt: string, payload: string];

export type LeaseRecord = readonly [
  agent: string,
  index: number,
  attemptId: string,
  attempt: number,
  generation: number,
  task: TaskRecord,
];

export interface ExchangeReply {
  /** 1 = an older request than the last one that was carried out: nothing was done. */
  readonly stale: 0 | 1;
  /** Counts the servers that have owned this partition, from 1. */
  readonly epoch: number;
  /** Redis time, epoch ms. */
  readonly now: string;
  /** Tasks ready to be claimed, and credit that waits for tasks. */
  readonly ready: number;
  readonly credit: number;
  /** 1 = after a promotion: nothing is given out until the agents have told where they stand. */
  readonly holding: 0 | 1;
  /** By submission: '' = accepted, else the reason; empty when all were accepted. */
  readonly submitted: readonly string[];
  /**
   * A letter for each of `done`, then of `finish`: c counted, r retried, d dead, s superseded, and u for what the
   * partition does not know: it has to be told the whole of it.
   */
  readonly finished: string;
  /** What this driver's agents are given. */
  readonly leases: readonly LeaseRecord[];
  /**
   * What the agents of other drivers are given, as text for `leasesOf`: the caller passes it on unread once it is
   * durable.
   */
  readonly pushes: ReadonlyArray<readonly [driver: string, leases: string]>;
  /** Leases an agent believes in and does not have. */
  readonly revoked: ReadonlyArray<readonly [agent: string, index: number, attemptId: string]>;
  /** Agents that beat or gave credit without being attached: they have to resynchronise. */
  readonly unknown: readonly string[];
  /** Agents of whom a later incarnation is attached. */
  readonly replaced: readonly string[];
  /** Tasks given so far to each agent that beat or took its credit back. */
  readonly granted: ReadonlyArray<readonly [agent: string, granted: number]>;
  readonly sweep: SweepReply | 0;
  readonly canaries: ReadonlyArray<readonly [driver: string, agent: string]>;
  readonly counts: LedgerCounts | 0;
  readonly states: readonly (TaskPhase | '')[];
  readonly unfinished: ReadonlyArray<readonly [index: number, attempts: number, started: 0 | 1, task: TaskRecord]>;
}

export interface SweepReply {
  readonly agents: readonly string[];
  readonly tasks: number;
  readonly retries: number;
  /** 1 = too many were silent at once: nothing expired. */
  readonly held: 0 | 1;
  readonly silent: number;
  readonly attached: number;
}
