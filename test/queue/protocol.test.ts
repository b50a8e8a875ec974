import fc from 'fast-check';
import {
  backoffMs,
  FRESH,
  transition,
  type TaskEvent,
  type TaskState,
  type Transition,
} from '../../runtime/queue/protocol.js';
import type { AttemptResult } from '../../runtime/queue/task.js';
import type { QueueRules } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';

const RULES: QueueRules = experiment().queue;
const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };
const FAILED: AttemptResult = { status: 'failed', error: 'executor_failed', retryAfterMs: 0 };

const queued: TaskState = { phase: 'queued', attempts: 1 };
const delayed: TaskState = { phase: 'delayed', attempts: 1, due: 1_000 };
const leased: TaskState = { phase: 'leased', attempts: 2, attemptId: 'a' };
const last: TaskState = { phase: 'leased', attempts: 3, attemptId: 'a' };
const completed: TaskState = { phase: 'completed', attempts: 1 };
const failed: TaskState = { phase: 'failed', attempts: 3 };

const claim: TaskEvent = { type: 'claim', attemptId: 'b' };
const success = (attemptId: string): TaskEvent => ({ type: 'finish', attemptId, result: SUCCESS, at: 500 });
const failure = (attemptId: string): TaskEvent => ({ type: 'finish', attemptId, result: FAILED, at: 500 });
const final = (attemptId: string): TaskEvent => ({
  type: 'finish',
  attemptId,
  result: { ...FAILED, final: true },
  at: 500,
});
const deferral = (attemptId: string, retryAfterMs: number): TaskEvent => ({
  type: 'finish',
  attemptId,
  result: { ...FAILED, retryAfterMs, deferred: true },
  at: 500,
});
const expire = (attemptId: string): TaskEvent => ({ type: 'expire', attemptId });
const release = (attemptId: string): TaskEvent => ({ type: 'release', attemptId });
const due = (at: number): TaskEvent => ({ type: 'due', at });

const requeued = (attempts: number): Transition => ({ state: { phase: 'queued', attempts }, outcome: 'requeued' });

/** What changes something; every other pair of state and event must change nothing. */
const CHANGES: ReadonlyArray<readonly [string, TaskState, TaskEvent, Transition]> = [
  ['claimed', queued, claim, { state: { phase: 'leased', attempts: 2, attemptId: 'b' }, outcome: 'claimed' }],
  ['completed', leased, success('a'), { state: { phase: 'completed', attempts: 2 }, outcome: 'counted' }],
  ['completed at last', last, success('a'), { state: { phase: 'completed', attempts: 3 }, outcome: 'counted' }],
  [
    'tried again after a backoff',
    leased,
    failure('a'),
    { state: { phase: 'delayed', attempts: 2, due: 2_500 }, outcome: 'retried' },
  ],
  ['failed for good', last, failure('a'), { state: { phase: 'failed', attempts: 3 }, outcome: 'dead' }],
  [
    'failed for good at once when the failure is final',
    leased,
    final('a'),
    { state: { phase: 'failed', attempts: 2 }, outcome: 'dead' },
  ],
  ['failed for good', last, final('a'), { state: { phase: 'failed', attempts: 3 }, outcome: 'dead' }],
  [
    'put off without losing an attempt',
    leased,
    deferral('a', 250),
    { state: { phase: 'delayed', attempts: 1, due: 750 }, outcome: 'retried' },
  ],
  [
    'put off without losing its last attempt',
    last,
    deferral('a', 250),
    { state: { phase: 'delayed', attempts: 2, due: 750 }, outcome: 'retried' },
  ],
  [
    'put off for a backoff when not told how long',
    leased,
    deferral('a', 0),
    { state: { phase: 'delayed', attempts: 1, due: 1_500 }, outcome: 'retried' },
  ],
  [
    'put off by its last attempt for a backoff when not told how long',
    last,
    deferral('a', 0),
    { state: { phase: 'delayed', attempts: 2, due: 1_500 }, outcome: 'retried' },
  ],
  ['queued again when silent', leased, expire('a'), requeued(2)],
  ['given up when silent', last, expire('a'), { state: { phase: 'failed', attempts: 3 }, outcome: 'dead' }],
  ['handed back, not counted', leased, release('a'), requeued(1)],
  ['handed back by its last attempt', last, release('a'), requeued(2)],
  ['due again', delayed, due(1_000), requeued(1)],
];

const STATES = { queued, delayed, leased, last, completed, failed };
const EVENTS = {
  claim,
  success: success('a'),
  failure: failure('a'),
  'final failure': final('a'),
  deferral: deferral('a', 250),
  'deferral for an unknown time': deferral('a', 0),
  expire: expire('a'),
  release: release('a'),
  due: due(1_000),
  'early due': due(999),
  "another attempt's success": success('x'),
  "another attempt's failure": failure('x'),
  "another attempt's expiry": expire('x'),
  "another attempt's release": release('x'),
};

const UNCHANGED = Object.entries(STATES).flatMap(([stateName, state]) =>
  Object.entries(EVENTS)
    .filter(
      ([, event]) => !CHANGES.some(([, from, by]) => from === state && JSON.stringify(by) === JSON.stringify(event)),
    )
    .map(([eventName, event]) => [eventName, stateName, state, event] as const),
);

describe('queue protocol', () => {
  it.each(CHANGES)('a task is %s', (_name, state, event, expected) => {
    expect(transition(state, event, RULES)).toEqual(expected);
  });

  it.each(UNCHANGED)('%s changes nothing of a task that is %s', (_event, _name, state, event) => {
    const { state: after, outcome } = transition(state, event, RULES);
    expect(after).toBe(state);
    expect(outcome).toBe(event.type === 'finish' ? 'superseded' : 'refused');
  });

  it('covers every pair of state and event', () => {
    expect(CHANGES.length + UNCHANGED.length).toBe(Object.keys(STATES).length * Object.keys(EVENTS).length);
  });

  it('waits longer after every failure, up to the limit, and as long as the server asks', () => {
    const rules = { ...RULES, backoff: { firstMs: 1_000, factor: 2, maxMs: 5_000 } };
    expect([1, 2, 3, 4, 50].map((attempts) => backoffMs(attempts, rules))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    const limited: AttemptResult = { status: 'failed', error: 'rate_limited', retryAfterMs: 9_000 };
    const { state } = transition(leased, { type: 'finish', attemptId: 'a', result: limited, at: 100 }, rules);
    expect(state).toEqual({ phase: 'delayed', attempts: 2, due: 9_100 });
  });

  it('ends every task exactly once and never tries more often than allowed, whatever happens in whatever order', () => {
    const attemptIds = fc.nat(8).map((n) => `a${n}`);
    const events = fc.oneof(
      fc.constant<TaskEvent>({ type: 'claim', attemptId: '' }),
      attemptIds.map(success),
      attemptIds.map(failure),
      attemptIds.map(final),
      attemptIds.map((id) => deferral(id, 250)),
      attemptIds.map(expire),
      attemptIds.map(release),
      fc.nat(60_000).map(due),
    );
    fc.assert(
      fc.property(fc.array(events, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (drawn, maxAttempts) => {
        const rules = { ...RULES, maxAttempts };
        let state: TaskState = FRESH;
        let claims = 0;
        let endings = 0;
        for (const event of drawn) {
          // Attempt ids are never issued twice.
          const next = event.type === 'claim' ? { ...event, attemptId: `a${claims}` } : event;
          const before = state;
          const { state: after, outcome } = transition(before, next, rules);
          if (outcome === 'claimed') claims += 1;
          if (outcome === 'superseded' || outcome === 'refused') expect(after).toBe(before);
          if (outcome === 'counted' || outcome === 'dead') endings += 1;
          if (before.phase === 'completed' || before.phase === 'failed') expect(after).toBe(before);
          expect(after.attempts).toBeGreaterThanOrEqual(0);
          expect(after.attempts).toBeLessThanOrEqual(maxAttempts);
          state = after;
        }
        expect(endings).toBe(state.phase === 'completed' || state.phase === 'failed' ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });
});
