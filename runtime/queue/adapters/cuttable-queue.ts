import type { Clock, Deferred, Eventually } from '../../kernel/clock.js';
import { whenSettled } from '../../kernel/eventually.js';
import type {
  AdmissionLimits,
  AgentIdentity,
  AgentSession,
  Canary,
  FinishOutcome,
  Lease,
  LedgerCounts,
  SessionHandlers,
  SubmitOutcome,
  SweepReport,
  TaskPhase,
  TaskQueue,
  UnfinishedTask,
} from '../port.js';
import type { AttemptResult } from '../task.js';

/**
 * A queue from which the agents of a zone can be cut off, as by a network partition: what a network_partition fault acts
 * on where agents and queue are in the same process. To the queue a cut off agent is one that has fallen silent; the
 * agent works on, and what it has to say waits until it is heard again.
 */
export class CuttableQueue implements TaskQueue {
  private readonly cut = new Set<string>();
  private readonly sessions = new Map<string, CuttableSession>();

  constructor(
    private readonly clock: Clock,
    private readonly queue: TaskQueue,
  ) {}

  /** Cuts off the agents of a zone, those that start there meanwhile included, or lets them be heard again. */
  setReachable(zone: string, reachable: boolean): void {
    if (reachable === !this.cut.has(zone)) return;
    if (reachable) this.cut.delete(zone);
    else this.cut.add(zone);
    for (const session of this.sessions.values()) {
      if (session.agent.zone !== zone) continue;
      if (reachable) session.heal();
      else session.cut();
    }
  }

  /** Share of these agents that the queue does not hear, 0–1; null when it knows none of them. */
  cutOffShare(agentIds: readonly string[]): number | null {
    const known = agentIds.flatMap((id) => this.sessions.get(id) ?? []);
    return known.length === 0 ? null : known.filter((session) => !session.heard).length / known.length;
  }

  attach(agent: AgentIdentity, handlers: SessionHandlers): AgentSession {
    const session = new CuttableSession(this.clock, agent, () => this.queue.attach(agent, handlers), {
      cut: this.cut.has(agent.zone),
      onGone: () => {
        if (this.sessions.get(agent.id) === session) this.sessions.delete(agent.id);
      },
    });
    this.sessions.set(agent.id, session);
    return session;
  }

  submit(...args: Parameters<TaskQueue['submit']>): Eventually<SubmitOutcome> {
    return this.queue.submit(...args);
  }

  probe(canary: Canary): Eventually<void> {
    return this.queue.probe(canary);
  }

  sweep(): Eventually<SweepReport> {
    return this.queue.sweep();
  }

  setAdmission(limits: AdmissionLimits | null): Eventually<void> {
    return this.queue.setAdmission(limits);
  }

  counts(): Eventually<LedgerCounts> {
    return this.queue.counts();
  }

  stateOf(index: number): Eventually<TaskPhase | null> {
    return this.queue.stateOf(index);
  }

  unfinished(): Eventually<readonly UnfinishedTask[]> {
    return this.queue.unfinished();
  }

  close(): Eventually<void> {
    return this.queue.close();
  }
}

interface Result {
  readonly lease: Lease;
  readonly result: AttemptResult;
  readonly outcome: Deferred<FinishOutcome>;
}

/** The session of an agent that can be cut off. */
class CuttableSession implements AgentSession {
  /** Null while it has never reached the queue. */
  private inner: AgentSession | null = null;
  private isCut: boolean;
  private frozen = false;
  private gone = false;
  /** Said while it was cut off. */
  private results: Result[] = [];
  private slots = 0;

  constructor(
    private readonly clock: Clock,
    readonly agent: AgentIdentity,
    private readonly attach: () => AgentSession,
    private readonly options: { readonly cut: boolean; readonly onGone: () => void },
  ) {
    this.isCut = options.cut;
    if (!options.cut) this.inner = attach();
  }

  get heard(): boolean {
    return this.inner !== null && !this.isCut;
  }

  cut(): void {
    this.isCut = true;
    // To the queue it makes no difference why an agent is silent.
    if (!this.frozen) this.inner?.freeze();
  }

  heal(): void {
    this.isCut = false;
    if (!this.frozen) this.goOn();
  }

  credit(slots: number): void {
    if (this.heard) this.inner?.credit(slots);
    else this.slots += slots;
  }

  revokeCredit(): void {
    this.slots = 0;
    this.inner?.revokeCredit();
  }

  finish(lease: Lease, result: AttemptResult): Eventually<FinishOutcome> {
    if (this.inner !== null && !this.isCut) return this.inner.finish(lease, result);
    const outcome = this.clock.deferred<FinishOutcome>();
    this.results.push({ lease, result, outcome });
    return outcome.promise;
  }

  release(leases: readonly Lease[]): Eventually<void> {
    // Cut off, they stay where they are until the lease runs out.
    return this.heard ? this.inner?.release(leases) : undefined;
  }

  freeze(): void {
    this.frozen = true;
    if (!this.isCut) this.inner?.freeze();
  }

  thaw(): void {
    this.frozen = false;
    if (!this.isCut) this.goOn();
  }

  crash(): void {
    this.leave();
    this.inner?.crash();
  }

  close(): Eventually<void> {
    const { heard } = this;
    this.leave();
    if (heard) return this.inner?.close();
    // Nobody hears it leave: its tasks run elsewhere once its lease has run out.
    this.inner?.crash();
    return undefined;
  }

  /** Is heard again, and says what has waited. */
  private goOn(): void {
    if (this.gone) return;
    if (this.inner === null) this.inner = this.attach();
    else this.inner.thaw();
    const { inner, results, slots } = this;
    [this.results, this.slots] = [[], 0];
    for (const { lease, result, outcome } of results) {
      whenSettled(inner.finish(lease, result), outcome.resolve, outcome.reject);
    }
    if (slots > 0) inner.credit(slots);
  }

  private leave(): void {
    this.gone = true;
    this.options.onGone();
  }
}
