import type { Eventually } from '../../kernel/clock.js';
import type { AgentIdentity, AgentSession, Canary, FinishOutcome, Lease, SessionHandlers } from '../port.js';
import type { AttemptResult } from '../task.js';
import type { Entry, MemoryQueue } from './memory.js';

type SessionState = 'live' | 'frozen' | 'gone';

/** One agent's connection to a {@link MemoryQueue}. */
export class MemorySession implements AgentSession {
  private state: SessionState = 'live';
  /** Credit given and not yet used. */
  private credits = 0;
  /** As many as the agent has slots: few enough to search. */
  private readonly held: Entry[] = [];
  /** What arrived while the agent was frozen, in order. */
  private inbox: Array<() => void> = [];
  private attempts = 0;
  private readonly attemptPrefix: string;
  private readonly attachedAt: number;
  /** When the beats stopped; null while they go on. */
  private silentAt: number | null = null;
  /** Stands in the queue's list of idle sessions. */
  listed = false;

  constructor(
    private readonly queue: MemoryQueue,
    readonly agent: AgentIdentity,
    private readonly handlers: SessionHandlers,
  ) {
    this.attachedAt = queue.clock.now();
    this.attemptPrefix = `${agent.id}.${agent.incarnation}.`;
  }

  /** Tasks it can be given now. */
  get available(): number {
    return this.state === 'live' ? this.credits : 0;
  }

  credit(slots: number): void {
    this.overLink(() => {
      if (this.state === 'gone') return;
      this.credits += slots;
      if (this.state === 'live') this.queue.creditChanged(this, slots);
    });
  }

  revokeCredit(): void {
    if (this.state === 'live') this.queue.creditChanged(this, -this.credits);
    this.credits = 0;
  }

  finish(lease: Lease, result: AttemptResult): Eventually<FinishOutcome> {
    const delayMs = this.queue.link.delayMs;
    if (delayMs === 0) return this.queue.finish(this, lease, result);
    const outcome = this.queue.clock.deferred<FinishOutcome>();
    this.queue.clock.after(delayMs, () => {
      outcome.resolve(this.queue.finish(this, lease, result));
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
    this.queue.returned(this);
    this.queue.creditChanged(this, this.credits);
    const inbox = this.inbox;
    this.inbox = [];
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
    this.state = 'gone';
    for (const entry of [...this.held]) this.queue.takeBack(entry, 'released');
    this.queue.detach(this);
  }

  // ---- called by the queue ----------------------------------------------------------------------------------------

  nextAttemptId(): string {
    this.attempts += 1;
    return this.attemptPrefix + String(this.attempts);
  }

  /** Epoch ms of the last beat the queue has had from this agent. */
  lastBeat(): number {
    return this.silentAt ?? this.queue.clock.now();
  }

  take(entry: Entry): void {
    this.credits -= 1;
    this.held.push(entry);
    const lease = entry.lease as Lease;
    if (this.queue.link.delayMs === 0) this.begin(entry, lease);
    else this.overLink(() => { this.receive(() => { this.begin(entry, lease); }); });
  }

  drop(entry: Entry): void {
    const index = this.held.indexOf(entry);
    const last = this.held.pop() as Entry;
    if (last !== entry) this.held[index] = last;
  }

  answer(canary: Canary): void {
    if (this.queue.link.delayMs === 0) {
      canary.answered(this.queue.clock.now());
      return;
    }
    this.overLink(() => {
      this.receive(() => {
        this.overLink(() => { canary.answered(this.queue.clock.now()); });
      });
    });
  }

  /** The queue gives its tasks to others; what it held is returned. A frozen agent hears of it when it thaws. */
  expire(): Entry[] {
    const entries = [...this.held];
    const leases = entries.map((entry) => entry.lease as Lease);
    if (this.state === 'frozen') {
      this.inbox.push(() => { for (const lease of leases) this.handlers.onRevoked(lease); });
    }
    return entries;
  }

  private begin(entry: Entry, lease: Lease): void {
    // Taken back on the way (the session expired, or was closed): nothing has begun.
    if (entry.lease?.attemptId !== lease.attemptId) return;
    this.queue.begin(entry, this);
    this.handlers.onLease(lease);
  }

  private receive(deliver: () => void): void {
    if (this.state === 'frozen') this.inbox.push(deliver);
    else if (this.state === 'live') deliver();
  }

  private overLink(send: () => void): void {
    const { delayMs } = this.queue.link;
    if (delayMs === 0) send();
    else this.queue.clock.after(delayMs, send);
  }

  /** Beats go out every `beatMs` from attaching on. */
  private beatBefore(now: number): number {
    const { beatMs } = this.queue.rules;
    return this.attachedAt + Math.floor((now - this.attachedAt) / beatMs) * beatMs;
  }
}
