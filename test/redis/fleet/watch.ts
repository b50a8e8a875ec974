import type { AgentIdentity, FinishOutcome, Lease, QueueObserver, SubmitOutcome } from '../../../runtime/queue/port.js';
import type { AttemptResult, Task } from '../../../runtime/queue/task.js';

interface Start {
  readonly attemptId: string;
  readonly agent: string;
  readonly at: number;
}

/** What the log of a trial has told, for its figures. */
export class Watch implements QueueObserver {
  readonly accepted = new Map<number, Task>();
  readonly starts = new Map<number, Start[]>();
  readonly finishes = new Map<number, Array<{ readonly attemptId: string; readonly outcome: FinishOutcome }>>();
  readonly requeues: Array<{ readonly index: number; readonly agent: string; readonly reason: string }> = [];
  readonly responseMs: number[] = [];
  private readonly running = new Map<number, string>();

  submitted(task: Task, outcome: SubmitOutcome): void {
    if (outcome.accepted) this.accepted.set(task.index, task);
  }

  started({ task, attemptId }: Lease, { id }: AgentIdentity, at: number, first: boolean): void {
    const starts = this.starts.get(task.index) ?? [];
    starts.push({ attemptId, agent: id, at });
    this.starts.set(task.index, starts);
    this.running.set(task.index, id);
    if (first) this.responseMs.push(at - task.scheduledAt);
  }

  finished({ task, attemptId }: Lease, _agent: AgentIdentity, _result: AttemptResult, outcome: FinishOutcome): void {
    const finishes = this.finishes.get(task.index) ?? [];
    finishes.push({ attemptId, outcome });
    this.finishes.set(task.index, finishes);
    if (outcome !== 'superseded') this.running.delete(task.index);
  }

  requeued({ task: { index } }: Lease, { id }: AgentIdentity, reason: string): void {
    this.requeues.push({ index, agent: id, reason });
    this.running.delete(index);
  }

  /** Tasks that an agent runs at the moment. */
  heldBy(agent: string): number[] {
    return [...this.running].filter(([, holder]) => holder === agent).map(([index]) => index);
  }

  /** Accepted tasks without a counted (or final) end. */
  get lost(): number[] {
    return [...this.accepted.keys()].filter((index) => !this.ends(index).some(({ outcome }) => outcome !== 'retried'));
  }

  /** Tasks that two attempts were counted for. */
  get doubleCounted(): number[] {
    return [...this.finishes.keys()].filter((index) => {
      const counted = this.ends(index).filter(({ outcome }) => outcome === 'counted' || outcome === 'dead');
      return new Set(counted.map(({ attemptId }) => attemptId)).size > 1;
    });
  }

  /** First start of a task of these partitions after `at`, ms after it; null = there was none. */
  firstStartAfter(at: number, mine: (index: number) => boolean): number | null {
    let first = Infinity;
    for (const [index, starts] of this.starts) {
      if (!mine(index)) continue;
      for (const start of starts) if (start.at > at) first = Math.min(first, start.at);
    }
    return first === Infinity ? null : first - at;
  }

  private ends(index: number): Array<{ readonly attemptId: string; readonly outcome: FinishOutcome }> {
    return (this.finishes.get(index) ?? []).filter(({ outcome }) => outcome !== 'superseded');
  }
}

/** The p-quantile of some values; NaN of none. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}
