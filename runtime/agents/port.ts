import type { AttemptResult } from '../queue/task.js';
import type { Lease } from '../queue/port.js';

/** What the fleet looks like at one instant; kept up to date in O(1) per change, so that a look costs nothing. */
export interface FleetSample {
  /** Agents that exist, starting and restarting ones included. */
  readonly total: number;
  /** Agents wanted. */
  readonly target: number;
  /** Ready and beating. */
  readonly active: number;
  readonly idle: number;
  /** Crashed, silent or restarting (starting agents are none of these). */
  readonly error: number;
  readonly slots: number;
  readonly busySlots: number;
  readonly byZone: Readonly<Record<string, number>>;
  /** Mean CPU of the active agents, 0–1 of their share. */
  readonly cpu: number;
  readonly memoryBytes: number;
  /** Bytes moved so far. */
  readonly networkBytes: number;
  readonly connections: number;
  /** So far. */
  readonly restarts: number;
  readonly recycled: number;
}

/** Runs attempts. An adapter per kind of agent: simulated, command, http. */
export interface Executor {
  /**
   * Starts an attempt and calls `done` exactly once when it has ended, never synchronously. The adapter keeps the
   * timeout of the task itself (a result with error `timeout`).
   */
  start(lease: Lease, agent: ExecutingAgent, done: (execution: Execution, result: AttemptResult) => void): Execution;
}

export interface Execution {
  readonly lease: Lease;
  /** How much longer than normal it takes (1 = normal), where the executor can tell; else null. */
  readonly stretch: number | null;
  /** Stops the attempt at once; `done` is not called any more. */
  abort(): void;
  /** Stops its clock, as SIGSTOP does, and lets it go on. */
  freeze(): void;
  thaw(): void;
}

/** What an executor knows of the agent it runs in. */
export interface ExecutingAgent {
  readonly id: string;
  /** Service times are multiplied by this (1 normally; more under a slow_agents fault). */
  readonly slowdown: number;
}

/** Makes the fleet larger or smaller: in process, or through Kubernetes' scale subresource. */
export interface FleetActuator {
  sample(): FleetSample;
  /** Sets how many agents are wanted; those that go are drained first. */
  scaleTo(agents: number): void;
}

/**
 * What an agent writes down of its own work before it tells the queue: the other side of the ledger's audit, and
 * what is sent again when an answer never came.
 */
export interface AgentJournal {
  result(index: number, attemptId: string, status: 'success' | 'failed'): void;
}
