import type { Eventually } from '../../kernel/clock.js';
import type { AgentIdentity, Canary, FinishOutcome, Lease, SessionHandlers } from '../port.js';
import type { AttemptResult } from '../task.js';
import type { Entry, HeldSession, SessionHost } from './memory-contract.js';

type SessionState = 'live' | 'frozen' | 'gone';

/** One agent's connection to the memory queue. */
export class MemorySession implements HeldSession {
  private state: SessionState = 'live';
  /** Credit given and not yet used. */
  private credits = 0;
  /** Times credit was taken back: what was given before and is still on its way counts no more. */
  private revocations = 0;
  /** Results on their way to the queue. */
  private unanswered = 0;
  /** It leaves as soon as its last result has arrived. */
  private leaving = false;
  /** As many as the agent has slots: few enough to search. */
  readonly held: Entry[] = [];
  /** What arrived while the agent was frozen, in order. */
  private inbox: Array<() => void> = [];
  private attempts = 0;
  private readonly attemptPrefix: string;
  private readonly attachedAt: number;
  /** When the beats stopped; null while they go on. */
  private silentAt: number | null = null;
  listed = false;

  constructor(
    private readonly queue: SessionHost,
    readonly agent: AgentIdentity,
    private readonly handlers: SessionHandlers,
  ) {
    this.attachedAt = queue.clock.now();
    this.attemptPrefix = `${agent.id}.${agent.incarnation}.`;
  }

  get available(): number {
    return this.state === 'live' ? this.credits : 0;
  }

  credit(slots: number): void {
    const { delayMs } = this.queue.link;
    const { revocations } = this;
    if (delayMs === 0) this.addCredit(slots, revocations);
    else this.queue.clock.after(delayMs, () => this.addCredit(slots, revocations));
  }

  revokeCredit(): void {
    this.revocations += 1;
    if (this.state === 'live') this.queue.creditChanged(this, -this.credits);
    this.credits = 0;
  }

  finish(lease: Lease, result: AttemptResult): Eventually<FinishOutcome> {
    const delayMs = this.queue.link.delayMs;
    if (delayMs === 0) return this.queue.finish(this, lease, result);
    const outcome = this.queue.clock.deferred<FinishOutcome>();
    this.unanswered += 1;
    this.queue.clock.after(delayMs, () => {
      outcome.resolve(this.queue.finish(this, lease, result));
      this.unanswered -= 1;
      if (this.leaving && this.unanswered === 0) this.leave();
    });
    return outcome.promise;
  }

  release(leases: readonly Lease[]): void {
    const given = new Set(leases.map((lease) => lease.attemptId));
    for (const entry of [...this.held]) {
      if (entry.lease !== null && given.has(entry.lease.attemptId)) this.queue.takeBack(entry, 'released');
    }
  }

  freeze(): void {
    if (this.state !== 'live') return;
    this.queue.creditChanged(this, -this.credits);
    this.state = 'frozen';
    this.silentAt = this.beatBefore(this.queue.clock.now());
    this.queue.fellSilent(this);
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'live';
    this.silentAt = null;
    const inbox = this.inbox;
    this.inbox = [];
    if (this.queue.returned(this)) this.queue.creditChanged(this, this.credits);
    else this.state = 'gone';
    for (const deliver of inbox) deliver();
  }

  crash(): void {
    if (this.state === 'gone') return;
    if (this.state === 'live') {
      this.queue.creditChanged(this, -this.credits);
      this.silentAt = this.beatBefore(this.queue.clock.now());
    }
    this.state = 'gone';
    this.credits = 0;
    this.inbox = [];
    this.queue.fellSilent(this);
  }

  close(): void {
    if (this.state === 'gone') return;
    this.revokeCredit();
    // Leaving must not overtake the results: what has been done would be done again.
    if (this.unanswered === 0) this.leave();
    else this.leaving = true;
  }

  // ---- called by the queue ----------------------------------------------------------------------------------------

  nextAttemptId(): string {
    this.attempts += 1;
    return this.attemptPrefix + String(this.attempts);
  }

  lastBeat(): number {
    return this.silentAt ?? this.queue.clock.now();
  }

  take(entry: Entry): void {
    this.credits -= 1;
    this.held.push(entry);
    const lease = entry.lease as Lease;
    const { delayMs } = this.queue.link;
    if (delayMs === 0) {
      this.begin(entry, lease, this.revocations);
      return;
    }
    const { revocations } = this;
    this.queue.clock.after(delayMs, () => this.receive(() => this.begin(entry, lease, revocations)));
  }

  drop(entry: Entry): void {
    const index = this.held.indexOf(entry);
    const last = this.held.pop() as Entry;
    if (last !== entry) this.held[index] = last;
  }

  answer(canary: Canary): void {
    const { link, clock } = this.queue;
    if (link.delayMs === 0) {
      canary.answered(clock.now());
      return;
    }
    clock.after(link.delayMs, () => this.receive(() => clock.after(link.delayMs, () => canary.answered(clock.now()))));
  }

  expire(): Entry[] {
    const entries = [...this.held];
    // An attempt that never arrived is none the agent could be told about.
    const begun = entries.filter((entry) => !Number.isNaN(entry.startedAt)).map((entry) => entry.lease as Lease);
    if (this.state === 'frozen' && begun.length > 0) {
      this.inbox.push(() => {
        for (const lease of begun) this.handlers.onRevoked(lease);
      });
    }
    return entries;
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private leave(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    for (const entry of [...this.held]) this.queue.takeBack(entry, 'released');
    this.queue.detach(this);
  }

  private begin(entry: Entry, lease: Lease, revocations: number): void {
    if (entry.lease?.attemptId !== lease.attemptId) {
      // Taken back on the way: nothing has begun, and the slot meant for it is still free.
      this.addCredit(1, revocations);
      return;
    }
    // The agent has closed its side: leaving hands the task back.
    if (this.leaving) return;
    this.queue.begin(entry, this);
    this.handlers.onLease(lease);
  }

  private addCredit(slots: number, revocations: number): void {
    if (this.state === 'gone' || revocations !== this.revocations) return;
    this.credits += slots;
    if (this.state === 'live') this.queue.creditChanged(this, slots);
  }

  private receive(deliver: () => void): void {
    if (this.state === 'frozen') this.inbox.push(deliver);
    else if (this.state === 'live') deliver();
  }

  /** Beats go out every `beatMs` from attaching on. */
  private beatBefore(now: number): number {
    const { beatMs } = this.queue.rules;
    return this.attachedAt + Math.floor((now - this.attachedAt) / beatMs) * beatMs;
  }
}
