import type { Eventually } from '../kernel/clock.js';
import type { AttemptResult, ModelUsage } from '../queue/task.js';
import type { Lease } from '../queue/port.js';
import type { WrittenTask } from './wire-task.js';

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

/** What a rate_limit fault acts on. */
export interface RateLimitSwitch {
  /** Share of the attempts answered with 429 by the fault. */
  extraRateLimit: number;
}

// ---- real agents ------------------------------------------------------------------------------------------------

/**
 * Does the work of one attempt: an adapter per way to reach a real agent. What all of them have in common – limits,
 * timeout, freezing, exactly one answer – is the business of `RealExecutor`.
 */
export interface Runner {
  /** Longest time from {@link Running.stop} to the ending, ms; after that nobody waits for it any more. */
  readonly stopMs: number;
  /** Starts; `ended` is called at most once, never synchronously. May throw: then nothing was started. */
  start(order: Order, ended: (ending: Ending) => void): Running;
  /** Ends everything that is still under way. */
  close(): Promise<void>;
}

/** One call of an agent. */
export interface Order extends WrittenTask {
  readonly attemptId: string;
  readonly agentId: string;
  /** Whose key it goes on; null = nothing is limited. */
  readonly key: ApiKeyName | null;
}

export interface Running {
  /** Its time is over: ends it, gently at first. `ended` is still called, possibly at once. */
  stop(): void;
  /** Ends it with all it has started, at once; `ended` is not called any more. */
  abort(): void;
  freeze(): void;
  thaw(): void;
}

/** What an agent's work came to. */
export interface Ending {
  readonly status: 'success' | 'failed';
  readonly error: string | null;
  readonly retryAfterMs: number;
  /** No further attempt can succeed. */
  readonly final: boolean;
  /** What the failure says about the provider and the key the call went on. */
  readonly verdict: CallVerdict;
  /** For people: the end of what the agent complained about; bounded, without secrets. */
  readonly detail: string | null;
  readonly usage: ReportedUsage | null;
}

/** As agents report it; dollars are worked out where they are left out. */
export type ReportedUsage = Omit<ModelUsage, 'usd'> & { readonly usd: number | null };

export interface ApiKeyName {
  readonly provider: string;
  readonly key: string;
}

/** `failed`: the provider was at fault; `limited`: the key has used up its limit; `unknown`: it was cut off. */
export type CallVerdict = 'ok' | 'failed' | 'limited' | 'unknown';

/** Says whether a call may be made, and on which key; shared by all agents that use the same keys. */
export interface CallLimiter {
  /** @param signal nobody waits for the answer any more. Rejects when there will be none. */
  take(signal?: AbortSignal): Eventually<Permit | Refusal>;
}

export interface Permit extends ApiKeyName {
  readonly granted: true;
  /** The call has ended. `retryAfterMs`: how long a limited key is to be left alone; 0 = not said. */
  end(verdict: CallVerdict, retryAfterMs: number): void;
}

export interface Refusal {
  readonly granted: false;
  readonly reason: 'rate_limited' | 'circuit_open' | 'concurrency_cap';
  /** When asking again makes sense, ms. */
  readonly retryAfterMs: number;
}

/** Tokens of one provider's keys, and its calls under way: of this process alone, or shared by all agents. */
export interface KeyTokens {
  /**
   * Takes a token of the key with most room.
   *
   * @param signal nobody waits for the answer any more. Rejects when there will be none.
   */
  take(signal?: AbortSignal): Eventually<KeyToken | NoToken>;
  /** Calls that are under way then are forgotten. */
  close(): void;
}

export interface KeyToken {
  readonly granted: true;
  readonly key: string;
  /** The call has ended; called once. `asideMs`: nobody is to use the key for so long; 0 = it may be used. */
  end(asideMs: number): void;
}

export interface NoToken {
  readonly granted: false;
  readonly reason: 'rate_limited' | 'concurrency_cap';
  /** When asking again makes sense, ms; those who were told so before considered. */
  readonly retryAfterMs: number;
  /** Somebody was told to come back then: the next one comes later. */
  book(): void;
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
