import type { Priority, QueueRules } from '../spec/experiment.js';
import { PRIORITIES } from '../spec/experiment.js';
import type { AdmissionLimits, FinishOutcome, ShedReason } from './port.js';
import type { AttemptResult } from './task.js';

/**
 * The queue's protocol as a pure state machine: what may happen to one task, and what comes of it. Adapters keep
 * the states and carry out the transitions (in memory, or as scripts in Redis); they decide nothing themselves.
 *
 *     submit ─► shed                        (refused: bound or expected wait)
 *     submit ─► queued ─claim─► leased ─finish(success)─► completed
 *                 ▲  ▲             │ ├──finish(failed), attempts left──► delayed ─due─► queued
 *                 │  └──release────┤ ├──finish(failed, deferred)───────► delayed      (attempt not counted)
 *                 └─────expire─────┘ ├──finish(failed), none left──────► failed
 *                                    ├──finish(failed, final)──────────► failed
 *                                    └──expire, none left──────────────► failed
 */
export type TaskState =
  | { readonly phase: 'queued'; readonly attempts: number }
  | { readonly phase: 'delayed'; readonly attempts: number; readonly due: number }
  | { readonly phase: 'leased'; readonly attempts: number; readonly attemptId: string }
  | { readonly phase: 'completed'; readonly attempts: number }
  | { readonly phase: 'failed'; readonly attempts: number };

export type TaskEvent =
  | { readonly type: 'claim'; readonly attemptId: string }
  | { readonly type: 'finish'; readonly attemptId: string; readonly result: AttemptResult; readonly at: number }
  | { readonly type: 'expire'; readonly attemptId: string }
  | { readonly type: 'release'; readonly attemptId: string }
  | { readonly type: 'due'; readonly at: number };

/** `outcome` is null where nothing is to be told. A refused event leaves the state as it was. */
export interface Transition {
  readonly state: TaskState;
  readonly outcome: FinishOutcome | 'claimed' | 'requeued' | 'refused';
}

/** A task nobody has claimed yet. */
export const FRESH: TaskState = { phase: 'queued', attempts: 0 };

/**
 * The one place that says what an event does to a task. Attempt ids are compared for equality only: whatever comes
 * from an attempt that no longer holds the lease is `superseded`, and changes nothing.
 */
export function transition(state: TaskState, event: TaskEvent, rules: QueueRules): Transition {
  switch (event.type) {
    case 'claim':
      if (state.phase !== 'queued') return { state, outcome: 'refused' };
      return {
        state: { phase: 'leased', attempts: state.attempts + 1, attemptId: event.attemptId },
        outcome: 'claimed',
      };
    case 'finish':
      if (state.phase !== 'leased' || state.attemptId !== event.attemptId) return { state, outcome: 'superseded' };
      return finished(state.attempts, event.result, event.at, rules);
    case 'expire':
      if (state.phase !== 'leased' || state.attemptId !== event.attemptId) return { state, outcome: 'refused' };
      // A task that takes its agents down with it must not go round for ever: an expired attempt counts.
      if (state.attempts >= rules.maxAttempts) {
        return { state: { phase: 'failed', attempts: state.attempts }, outcome: 'dead' };
      }
      return { state: { phase: 'queued', attempts: state.attempts }, outcome: 'requeued' };
    case 'release':
      if (state.phase !== 'leased' || state.attemptId !== event.attemptId) return { state, outcome: 'refused' };
      return { state: { phase: 'queued', attempts: state.attempts - 1 }, outcome: 'requeued' };
    case 'due':
      if (state.phase !== 'delayed' || event.at < state.due) return { state, outcome: 'refused' };
      return { state: { phase: 'queued', attempts: state.attempts }, outcome: 'requeued' };
  }
}

function finished(attempts: number, result: AttemptResult, at: number, rules: QueueRules): Transition {
  if (result.status === 'success') return { state: { phase: 'completed', attempts }, outcome: 'counted' };
  if (result.deferred === true) return deferred(attempts, result, at, rules);
  if (result.final === true || attempts >= rules.maxAttempts) {
    return { state: { phase: 'failed', attempts }, outcome: 'dead' };
  }
  const due = at + Math.max(backoffMs(attempts, rules), result.retryAfterMs);
  return { state: { phase: 'delayed', attempts, due }, outcome: 'retried' };
}

/** Nothing was tried: the task waits as long as it was told to, and has lost no attempt. */
function deferred(attempts: number, result: AttemptResult, at: number, rules: QueueRules): Transition {
  const waitMs = result.retryAfterMs > 0 ? result.retryAfterMs : backoffMs(1, rules);
  return { state: { phase: 'delayed', attempts: attempts - 1, due: at + waitMs }, outcome: 'retried' };
}

/** Wait before the next attempt after `attempts` failed ones: exponential, bounded, without jitter (slots differ enough). */
export function backoffMs(attempts: number, rules: QueueRules): number {
  return Math.min(rules.backoff.maxMs, rules.backoff.firstMs * rules.backoff.factor ** (attempts - 1));
}

/** What admission looks at. */
export interface AdmissionView {
  /** Tasks ready to be claimed, by priority. */
  readonly ready: readonly [number, number, number, number];
  /** An agent could take a task at once. */
  readonly idle: boolean;
}

/**
 * Whether a task of `priority` is taken: null, or why it is refused. The bound holds for everyone; where limits are
 * given, a task is also refused when it would have to wait longer than its priority's limit.
 */
export function admit(
  view: AdmissionView,
  priority: Priority,
  rules: QueueRules,
  limits: AdmissionLimits | null,
): ShedReason | null {
  if (view.idle) return null;
  const [p0, p1, p2, p3] = view.ready;
  if (p0 + p1 + p2 + p3 >= rules.bound) return 'queue_full';
  if (limits === null) return null;
  return expectedWaitMs(view, priority, limits) > limits.maxWaitMs[priority] ? 'expected_wait' : null;
}

/**
 * Expected wait of a task that arrives now: those ahead of it, itself included, at the rate that is left to its
 * priority once the more important arrivals have been served (non-preemptive priorities in the fluid limit,
 * Kleinrock, Queueing Systems II, §3.3: W = W₀ / (1 − σ)).
 */
export function expectedWaitMs(view: AdmissionView, priority: Priority, limits: AdmissionLimits): number {
  if (view.idle) return 0;
  let ahead = 1;
  let drainPerMs = limits.drainPerMs;
  for (const other of PRIORITIES) {
    if (other <= priority) ahead += view.ready[other];
    if (other < priority) drainPerMs -= limits.arrivalsPerMs[other];
  }
  return drainPerMs > 0 ? ahead / drainPerMs : Infinity;
}
