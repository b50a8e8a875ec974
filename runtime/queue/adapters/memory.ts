import type { Clock } from '../../kernel/clock.js';
import { Deque } from '../../kernel/deque.js';
import { IndexSet } from '../../kernel/index-set.js';
import { HeapTimer, TimerHeap } from '../../kernel/timer-heap.js';
import type { QueueRules } from '../../spec/experiment.js';
import type {
  AdmissionLimits,
  AgentIdentity,
  AgentSession,
  Canary,
  FinishOutcome,
  Lease,
  LedgerCounts,
  QueueObserver,
  SessionHandlers,
  ShedReason,
  SubmitOutcome,
  SweepReport,
  TaskPhase,
  TaskQueue,
  UnfinishedTask,
} from '../port.js';
import { admit, FRESH, transition, type TaskState } from '../protocol.js';
import type { AttemptResult, Task } from '../task.js';
import type { Entry, HeldLease, HeldSession, Link, SessionHost } from './memory-contract.js';
import { MemorySession } from './memory-session.js';

export type { Link } from './memory-contract.js';

export interface MemoryQueueOptions {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly observers: readonly QueueObserver[];
  readonly link?: Link;
}

/**
 * The TaskQueue in one process. Liveness is derived from when a session fell silent instead of ticking beats, and
 * all answers are there at once unless the link is delayed, so that a rehearsal pays for events only.
 */
export class MemoryQueue implements TaskQueue, SessionHost {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly link: Link;
  private readonly observers: readonly QueueObserver[];
  private readonly ready = [new Deque<Entry>(), new Deque<Entry>(), new Deque<Entry>(), new Deque<Entry>()] as const;
  private readonly readyCounts: [number, number, number, number] = [0, 0, 0, 0];
  private readonly delayed = new TimerHeap();
  private readonly delayedEntries = new Set<Entry>();
  private readonly known = new IndexSet();
  /** Refused tasks, so that offering one again is answered as the first time: a bit for each. */
  private readonly refused = { queue_full: new IndexSet(), expected_wait: new IndexSet() };
  private limits: AdmissionLimits | null = null;

  /** Attached agents by id: live, frozen, or crashed and not yet expired. */
  private readonly sessions = new Map<string, HeldSession>();
  private readonly silent = new Set<HeldSession>();
  /** Sessions that may have credit, least recently served first. */
  private readonly idle = new Deque<HeldSession>();
  private openCredit = 0;
  private readonly beating: HeldSession[] = [];
  private nextCanary = 0;
  private waitingCanaries: Canary[] = [];
  private heldSince: number | null = null;

  private submitted = 0;
  private completed = 0;
  private failed = 0;
  private shed = 0;
  private leased = 0;
  private superseded = 0;
  private retried = 0;
  private expired = 0;

  constructor(options: MemoryQueueOptions) {
    this.clock = options.clock;
    this.rules = options.rules;
    this.observers = options.observers;
    this.link = options.link ?? { delayMs: 0 };
  }

  // ---- producers ------------------------------------------------------------------------------------------------

  submit(task: Task): SubmitOutcome {
    const now = this.clock.now();
    if (!this.known.add(task.index)) {
      const reason = this.refusal(task.index);
      return reason === null ? { accepted: true, enqueuedAt: now } : { accepted: false, reason };
    }
    this.submitted += 1;
    const view = { ready: this.readyCounts, idle: this.openCredit > 0 };
    const reason = admit(view, task.priority, this.rules, this.limits);
    if (reason !== null) return this.refuse(task, reason, now);
    const outcome: SubmitOutcome = { accepted: true, enqueuedAt: now };
    for (const observer of this.observers) observer.submitted(task, outcome, now);
    const entry: Entry = { task, state: FRESH, lease: null, session: null, startedAt: NaN, everStarted: false };
    this.enqueue(entry, false);
    return outcome;
  }

  probe(canary: Canary): void {
    if (this.beating.length === 0) {
      this.waitingCanaries.push(canary);
      return;
    }
    this.nextCanary = (this.nextCanary + 1) % this.beating.length;
    (this.beating[this.nextCanary] as HeldSession).answer(canary);
  }

  setAdmission(limits: AdmissionLimits | null): void {
    this.limits = limits;
  }

  // ---- agents ---------------------------------------------------------------------------------------------------

  attach(agent: AgentIdentity, handlers: SessionHandlers): AgentSession {
    const earlier = this.sessions.get(agent.id);
    if (earlier !== undefined) {
      earlier.crash();
      this.expire(earlier);
    }
    const session = new MemorySession(this, agent, handlers);
    this.sessions.set(agent.id, session);
    this.startsBeating(session);
    return session;
  }

  creditChanged(session: HeldSession, by: number): void {
    this.openCredit += by;
    if (by <= 0) return;
    if (!session.listed) {
      session.listed = true;
      this.idle.pushBack(session);
    }
    this.dispatch();
  }

  fellSilent(session: HeldSession): void {
    // A session that has expired already is not waited for a second time.
    if (this.sessions.get(session.agent.id) === session) this.silent.add(session);
    const index = this.beating.indexOf(session);
    if (index < 0) return;
    const last = this.beating.pop() as HeldSession;
    if (last !== session) this.beating[index] = last;
  }

  startsBeating(session: HeldSession): void {
    this.silent.delete(session);
    this.beating.push(session);
    if (this.waitingCanaries.length === 0) return;
    const waiting = this.waitingCanaries;
    this.waitingCanaries = [];
    for (const canary of waiting) this.probe(canary);
  }

  /** One that expired meanwhile is attached anew, without its leases – unless the agent has been started again. */
  returned(session: HeldSession): boolean {
    const current = this.sessions.get(session.agent.id);
    if (current !== undefined && current !== session) return false;
    this.sessions.set(session.agent.id, session);
    this.startsBeating(session);
    return true;
  }

  detach(session: HeldSession): void {
    if (this.sessions.get(session.agent.id) === session) this.sessions.delete(session.agent.id);
    this.fellSilent(session);
    this.silent.delete(session);
  }

  begin(entry: Entry, session: HeldSession): void {
    const lease = entry.lease as Lease;
    const now = this.clock.now();
    const first = !entry.everStarted;
    entry.everStarted = true;
    entry.startedAt = now;
    for (const observer of this.observers) observer.started(lease, session.agent, now, first);
  }

  finish(session: HeldSession, lease: Lease, result: AttemptResult): FinishOutcome {
    const now = this.clock.now();
    const { entry } = lease as HeldLease;
    const holds = entry.session === session && entry.lease?.attemptId === lease.attemptId;
    const startedAt = holds ? entry.startedAt : NaN;
    let outcome: FinishOutcome = 'superseded';
    if (holds) {
      const next = transition(entry.state, { type: 'finish', attemptId: lease.attemptId, result, at: now }, this.rules);
      outcome = next.outcome as FinishOutcome;
      this.unlease(entry, next.state);
    }
    if (outcome === 'counted') this.completed += 1;
    else if (outcome === 'dead') this.failed += 1;
    else if (outcome === 'superseded') this.superseded += 1;
    else this.retried += 1;
    for (const observer of this.observers) {
      observer.finished(lease, session.agent, result, outcome, now, startedAt);
    }
    if (outcome === 'retried') this.delay(entry);
    return outcome;
  }

  takeBack(entry: Entry, reason: 'expired' | 'released'): void {
    const lease = entry.lease as Lease;
    const agent = (entry.session as HeldSession).agent;
    const type = reason === 'expired' ? 'expire' : 'release';
    const next = transition(entry.state, { type, attemptId: lease.attemptId }, this.rules);
    this.unlease(entry, next.state);
    const dead = next.outcome === 'dead';
    if (reason === 'expired') this.expired += 1;
    if (dead) this.failed += 1;
    const now = this.clock.now();
    for (const observer of this.observers) observer.requeued(lease, agent, reason, now, dead);
    // It has waited longer than anything of its priority: it goes to the front.
    if (!dead) this.enqueue(entry, true);
  }

  // ---- coordinator ------------------------------------------------------------------------------------------------

  sweep(): SweepReport {
    const now = this.clock.now();
    const released = this.releaseDue(now);
    const due = [...this.silent].filter((session) => now - session.lastBeat() > this.rules.leaseMs);
    const attached = this.sessions.size;
    if (this.mustHold(due.length, attached, now)) {
      const held = { silent: due.length, attached };
      return { expiredAgents: [], expiredTasks: 0, releasedRetries: released, held };
    }
    let tasks = 0;
    for (const session of due) tasks += this.expire(session);
    const expiredAgents = due.map((session) => session.agent.id);
    return { expiredAgents, expiredTasks: tasks, releasedRetries: released, held: null };
  }

  /**
   * Many agents silent at once look like a fault between them and the queue: then nothing expires. If the others
   * still beat after a whole further lease, it was the agents after all (a zone is gone), and their tasks must run.
   */
  private mustHold(due: number, attached: number, now: number): boolean {
    if (due <= Math.max(2, this.rules.massExpiryShare * attached)) {
      this.heldSince = null;
      return false;
    }
    if (this.beating.length === 0) return true;
    this.heldSince ??= now;
    return now - this.heldSince < this.rules.leaseMs;
  }

  counts(): LedgerCounts {
    return {
      submitted: this.submitted,
      completed: this.completed,
      failed: this.failed,
      shed: this.shed,
      queued: this.queueDepth + this.delayedEntries.size,
      leased: this.leased,
      superseded: this.superseded,
      retried: this.retried,
      expired: this.expired,
    };
  }

  /** Tasks ready to be claimed. */
  get queueDepth(): number {
    const [p0, p1, p2, p3] = this.readyCounts;
    return p0 + p1 + p2 + p3;
  }

  stateOf(index: number): TaskPhase | null {
    for (const entry of this.open()) if (entry.task.index === index) return entry.state.phase;
    return this.refusal(index) === null ? null : 'shed';
  }

  unfinished(): UnfinishedTask[] {
    const tasks = [...this.open()].map((entry) => ({
      task: entry.task,
      attempts: entry.state.attempts - (entry.state.phase === 'leased' ? 1 : 0),
      started: entry.everStarted,
    }));
    return tasks.sort((a, b) => a.task.index - b.task.index);
  }

  /** Takes up where a snapshot left off; only before the first task. */
  restore(tasks: readonly UnfinishedTask[], counts: LedgerCounts): void {
    for (let index = 0; index < counts.submitted; index += 1) this.known.add(index);
    this.submitted = counts.submitted;
    this.completed = counts.completed;
    this.failed = counts.failed;
    this.shed = counts.shed;
    this.superseded = counts.superseded;
    this.retried = counts.retried;
    this.expired = counts.expired;
    for (const { task, attempts, started } of tasks) {
      const entry: Entry = {
        task,
        state: { phase: 'queued', attempts },
        lease: null,
        session: null,
        startedAt: NaN,
        everStarted: started,
      };
      this.enqueue(entry, false);
    }
  }

  close(): void {
    for (const session of [...this.sessions.values()]) session.close();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private refuse(task: Task, reason: ShedReason, now: number): SubmitOutcome {
    this.shed += 1;
    this.refused[reason].add(task.index);
    const outcome: SubmitOutcome = { accepted: false, reason };
    for (const observer of this.observers) observer.submitted(task, outcome, now);
    return outcome;
  }

  private refusal(index: number): ShedReason | null {
    if (this.refused.queue_full.has(index)) return 'queue_full';
    return this.refused.expected_wait.has(index) ? 'expected_wait' : null;
  }

  /** Everything that is not finished, in no particular order. An index of it would cost more than all else per task. */
  private *open(): Generator<Entry> {
    for (const deque of this.ready) yield* deque;
    yield* this.delayedEntries;
    for (const session of this.sessions.values()) yield* session.held;
  }

  private enqueue(entry: Entry, front: boolean): void {
    const { priority } = entry.task;
    if (front) this.ready[priority].pushFront(entry);
    else this.ready[priority].pushBack(entry);
    this.readyCounts[priority] += 1;
    this.dispatch();
  }

  private dispatch(): void {
    while (this.openCredit > 0 && this.queueDepth > 0) {
      const session = this.idle.popFront();
      if (session === undefined) return;
      session.listed = false;
      if (session.available === 0) continue;
      const entry = this.nextReady();
      if (session.available > 1) {
        session.listed = true;
        this.idle.pushBack(session);
      }
      this.lease(entry, session);
    }
  }

  private nextReady(): Entry {
    for (const deque of this.ready) {
      const entry = deque.popFront();
      if (entry === undefined) continue;
      this.readyCounts[entry.task.priority] -= 1;
      return entry;
    }
    throw new Error('nextReady needs a task that is ready');
  }

  private lease(entry: Entry, session: HeldSession): void {
    const attemptId = session.nextAttemptId();
    const next = transition(entry.state, { type: 'claim', attemptId }, this.rules);
    entry.state = next.state;
    const lease: HeldLease = { attemptId, attempt: next.state.attempts, task: entry.task, entry };
    entry.lease = lease;
    entry.session = session;
    entry.startedAt = NaN;
    this.leased += 1;
    this.openCredit -= 1;
    session.take(entry);
  }

  private unlease(entry: Entry, state: TaskState): void {
    entry.session?.drop(entry);
    entry.state = state;
    entry.lease = null;
    entry.session = null;
    this.leased -= 1;
  }

  private delay(entry: Entry): void {
    const due = (entry.state as { due: number }).due;
    this.delayedEntries.add(entry);
    this.delayed.push(
      due,
      entry.task.index >>> 0,
      new HeapTimer(() => {
        this.delayedEntries.delete(entry);
        entry.state = transition(entry.state, { type: 'due', at: due }, this.rules).state;
        this.enqueue(entry, false);
      }),
    );
  }

  private releaseDue(now: number): number {
    let released = 0;
    while (this.delayed.nextTime <= now) {
      this.delayed.pop().run();
      released += 1;
    }
    return released;
  }

  private expire(session: HeldSession): number {
    this.silent.delete(session);
    if (this.sessions.get(session.agent.id) === session) this.sessions.delete(session.agent.id);
    const entries = session.expire();
    for (const entry of entries) this.takeBack(entry, 'expired');
    return entries.length;
  }
}
