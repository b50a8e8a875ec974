import type { AgentJournal } from '../agents/port.js';
import { IndexSet, type IndexRange } from '../kernel/index-set.js';
import type { GeneratorJournal } from '../load/port.js';
import type { AgentIdentity, FinishOutcome, Lease, LedgerCounts, QueueObserver, SubmitOutcome } from '../queue/port.js';
import type { AttemptResult, Task } from '../queue/task.js';

/** As many task indices are named as examples. */
const EXAMPLES = 10;

/** submitted = completed + failed + shed + queued (delayed retries included) + leased. */
export function identityHolds(counts: LedgerCounts): boolean {
  const { submitted, completed, failed, shed, queued, leased } = counts;
  const parts = [completed, failed, shed, queued, leased];
  return parts.every((part) => part >= 0) && submitted === parts.reduce((sum, part) => sum + part, 0);
}

/** What the ledger comes to. */
export interface LedgerJudgement {
  /** Tasks the queue had accepted, has not finished, and does not hold any more. */
  readonly lost: number;
  /** Tasks counted more than once among completed, failed and shed. */
  readonly doubleCounted: number;
  /** Tasks counted as completed for which no agent has reported success. */
  readonly unbacked: number;
  /** Tasks whose submission was never answered, not even when it was repeated. */
  readonly unresolved: number;
  /** Smallest task indices concerned, at most ten each; lost ones only as far as they can be told from held ones. */
  readonly examples: { readonly lost: number[]; readonly doubleCounted: number[]; readonly unbacked: number[] };
}

export interface LedgerAuditJson {
  readonly known: readonly IndexRange[];
  readonly unknown: readonly number[];
  readonly settled: readonly IndexRange[];
  readonly backed: readonly IndexRange[];
  readonly doubled: readonly IndexRange[];
  readonly finished: number;
}

/**
 * Judges the queue by what lies outside it (design.md §5): the generator's journal says what was accepted, the
 * agents' journals what was worked on, the queue's terminal records what was counted. The queue's counters are
 * never the measure, only one more thing that is measured. Order between the journals does not matter.
 *
 * Memory follows the number of tasks in flight: tasks are known by their indices, which are dense from 0, and each
 * set below closes its gaps (a refused task is settled at once; what needs no agent's word counts as backed).
 */
export class LedgerAudit implements QueueObserver, GeneratorJournal, AgentJournal {
  /** Tasks the generator knows the answer for. */
  private known = new IndexSet();
  private readonly unknowns = new Set<number>();
  /** Tasks that were refused, completed, or failed for good. */
  private settled = new IndexSet();
  /** Tasks that an agent has reported success for, or that need no such report. */
  private backed = new IndexSet();
  private doubled = new IndexSet();
  /** Distinct tasks with a terminal record: what completed + failed must be. */
  private finishedTasks = 0;

  // ---- the generator's journal ------------------------------------------------------------------------------------

  sent(_index: number): void {
    // An answer follows, or the news that there is none.
  }

  /** The answer to a submission. Given again to a repeated submission, it changes nothing. */
  answered(index: number, outcome: SubmitOutcome): void {
    if (this.unknowns.size > 0) this.unknowns.delete(index);
    if (!this.known.add(index) || outcome.accepted) return;
    if (!this.settled.add(index)) this.doubled.add(index);
    this.backed.add(index);
  }

  /** A submission without an answer: it may have arrived or not, and is repeated before the ledger is judged. */
  unknown(index: number): void {
    if (!this.known.has(index)) this.unknowns.add(index);
  }

  // ---- the agents' journals ---------------------------------------------------------------------------------------

  /** An attempt has ended at its agent, whether or not the queue ever hears of it. */
  result(index: number, _attemptId: string, status: AttemptResult['status']): void {
    if (status === 'success') this.backed.add(index);
  }

  // ---- the queue's terminal records -------------------------------------------------------------------------------

  submitted(_task: Task, _outcome: SubmitOutcome, _at: number): void {
    // The generator's word counts, not the queue's.
  }

  started(_lease: Lease, _agent: AgentIdentity, _at: number, _first: boolean): void {
    // Says nothing about how the task ends.
  }

  finished(lease: Lease, _agent: AgentIdentity, _result: AttemptResult, outcome: FinishOutcome): void {
    if (outcome === 'counted') this.settle(lease.task.index);
    else if (outcome === 'dead') this.settleFailed(lease.task.index);
  }

  requeued(lease: Lease, _agent: AgentIdentity, _reason: 'expired' | 'released', _at: number, dead: boolean): void {
    if (dead) this.settleFailed(lease.task.index);
  }

  // ---- the judgement ----------------------------------------------------------------------------------------------

  /**
   * Judges the ledger as it stands.
   *
   * @param counts the queue's counters at the same instant
   * @param holds whether the queue still holds a task (its `stateOf`); without it lost tasks are only counted:
   *   accepted and unfinished ones beyond those the queue says it holds
   */
  judge(counts: LedgerCounts, holds?: (index: number) => boolean): LedgerJudgement {
    const open = [...this.known.missingFrom(this.settled)];
    const lost = holds === undefined ? [] : open.filter((index) => !holds(index));
    const surplus = counts.completed + counts.failed - this.finishedTasks;
    const unbacked = [...this.settled.missingFrom(this.backed)];
    return {
      lost: holds === undefined ? Math.max(0, open.length - counts.queued - counts.leased) : lost.length,
      doubleCounted: Math.max(this.doubled.size, surplus),
      unbacked: unbacked.length,
      unresolved: this.unknowns.size,
      examples: {
        lost: (holds === undefined && counts.queued + counts.leased === 0 ? open : lost).slice(0, EXAMPLES),
        doubleCounted: [...this.doubled.values()].slice(0, EXAMPLES),
        unbacked: unbacked.slice(0, EXAMPLES),
      },
    };
  }

  /** How many bitmaps of 512 bytes the audit holds, for those who watch its memory. */
  get openPages(): number {
    return [this.known, this.settled, this.backed, this.doubled].reduce((sum, set) => sum + set.openPages, 0);
  }

  toJSON(): LedgerAuditJson {
    return {
      known: this.known.toJSON(),
      unknown: [...this.unknowns].sort((a, b) => a - b),
      settled: this.settled.toJSON(),
      backed: this.backed.toJSON(),
      doubled: this.doubled.toJSON(),
      finished: this.finishedTasks,
    };
  }

  static fromJSON(json: LedgerAuditJson): LedgerAudit {
    const audit = new LedgerAudit();
    audit.known = IndexSet.fromJSON(json.known);
    for (const index of json.unknown) audit.unknowns.add(index);
    audit.settled = IndexSet.fromJSON(json.settled);
    audit.backed = IndexSet.fromJSON(json.backed);
    audit.doubled = IndexSet.fromJSON(json.doubled);
    audit.finishedTasks = json.finished;
    return audit;
  }

  private settle(index: number): void {
    if (this.settled.add(index)) this.finishedTasks += 1;
    else this.doubled.add(index);
  }

  /** A failure needs no result from an agent: the last attempt may have expired. */
  private settleFailed(index: number): void {
    this.settle(index);
    this.backed.add(index);
  }
}
