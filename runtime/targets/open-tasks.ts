import { IndexSet } from '../kernel/index-set.js';
import type { GeneratorJournal } from '../load/port.js';
import type { AgentIdentity, FinishOutcome, Lease, QueueObserver, SubmitOutcome } from '../queue/port.js';
import type { AttemptResult } from '../queue/task.js';

/**
 * The tasks that were sent and are not known to be refused or finished, kept beside a queue that can lose them: what
 * it says it holds at the end is compared with these. As large as the number of tasks under way.
 */
export class OpenTasks implements GeneratorJournal, QueueObserver {
  /** When the schedule wanted each, epoch ms. */
  private readonly open = new Map<number, number>();
  /** Refused or finished: where the word of the offer comes later, or twice, it opens nothing any more. */
  private readonly over = new IndexSet();

  /** @param journal told the same. */
  constructor(private readonly journal: GeneratorJournal) {}

  /** Index and time of the schedule of those that `holds` does not know either. */
  missing(holds: (index: number) => boolean): Array<readonly [index: number, scheduledAt: number]> {
    return [...this.open].filter(([index]) => !holds(index));
  }

  has(index: number): boolean {
    return this.open.has(index);
  }

  // ---- the generator's journal ------------------------------------------------------------------------------------

  sent(index: number, scheduledAt: number): void {
    if (!this.over.has(index)) this.open.set(index, scheduledAt);
    this.journal.sent(index, scheduledAt);
  }

  answered(index: number, outcome: SubmitOutcome): void {
    if (!outcome.accepted) this.end(index);
    this.journal.answered(index, outcome);
  }

  unknown(index: number): void {
    this.journal.unknown(index);
  }

  // ---- the queue's records ----------------------------------------------------------------------------------------

  submitted(): void {
    // The generator's word counts.
  }

  started(): void {
    // It is still open.
  }

  finished(lease: Lease, _agent: AgentIdentity, _result: AttemptResult, outcome: FinishOutcome): void {
    if (outcome === 'counted' || outcome === 'dead') this.end(lease.task.index);
  }

  requeued(lease: Lease, _agent: AgentIdentity, _reason: 'expired' | 'released', _at: number, dead: boolean): void {
    if (dead) this.end(lease.task.index);
  }

  private end(index: number): void {
    this.open.delete(index);
    this.over.add(index);
  }
}
