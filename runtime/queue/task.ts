import type { Priority } from '../spec/experiment.js';

/**
 * A task as it travels inside the program; all its properties follow from the seed and its index in the arrival
 * schedule, so that any process can make it again.
 */
export interface Task {
  /** Position in the run's arrival schedule, from 0, without gaps. Canaries have their own count. */
  readonly index: number;
  /** Index into the experiment's task types. */
  readonly type: number;
  readonly priority: Priority;
  /** When the arrival schedule wanted it, epoch ms. Latencies count from here. */
  readonly scheduledAt: number;
  /** What the agent is to work on, where that does not follow from the index. */
  readonly payload?: string;
}

/** How an attempt ended. */
export interface AttemptResult {
  readonly status: 'success' | 'failed';
  /**
   * Machine-readable reason of a failure: `executor_failed`, `rate_limited`, `timeout`, `aborted`, and those of the
   * real executors (docs/your-own-agents.md).
   */
  readonly error: string | null;
  /** Server's wish how long to wait before the next attempt (Retry-After), ms; 0 = none. */
  readonly retryAfterMs: number;
  /** The failure is the task's own: no further attempt can succeed, and none is made. */
  readonly final?: boolean;
  /** The attempt never began (no API key had room): it is not counted among the task's attempts. */
  readonly deferred?: boolean;
  /** What the attempt used of a model, successful or not. */
  readonly usage?: ModelUsage;
}

/** Tokens sent to and got from models, and what they cost. */
export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
}
