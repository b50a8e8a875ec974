import type { ShedReason } from '../../port.js';
import type { FinishOp, SubmitOp, SubmitWord } from './messages.js';

/**
 * How long a process remembers what it told a partition. A promotion loses what the old primary had not passed on,
 * at most some seconds; a server that comes back empty loses everything, and what is older than this is not missed
 * only because it is finished.
 */
const KEEP_MS = 600_000;
const MOST_RESULTS = 5_000;
const MOST_ENDINGS = 20_000;
const MOST_SUBMISSIONS = 50_000;

/** Entries of the last ten minutes, oldest first. */
class Recent<T> {
  private entries: Array<{ readonly at: number; readonly op: T }> = [];
  private first = 0;

  constructor(private readonly most: number) {}

  add(at: number, op: T): void {
    this.entries.push({ at, op });
    this.prune(at);
  }

  since(now: number): T[] {
    this.prune(now);
    return this.entries.slice(this.first).map(({ op }) => op);
  }

  isEmpty(now: number): boolean {
    this.prune(now);
    return this.first === this.entries.length;
  }

  private prune(now: number): void {
    const { entries } = this;
    const tooMany = entries.length - this.most;
    while (this.first < entries.length) {
      if (this.first >= tooMany && (entries[this.first] as { at: number }).at > now - KEEP_MS) break;
      this.first += 1;
    }
    // Moving the rest up costs as much as there is: only when half of it is of no use.
    if (this.first > 256 && this.first * 2 > entries.length) {
      this.entries = entries.slice(this.first);
      this.first = 0;
    }
  }
}

/** Results of this process's agents that the queue has taken. */
export class ResultJournal {
  private readonly recent = new Recent<FinishOp>(MOST_RESULTS);

  /** @param ended it ended its task: then it outranks whatever a partition that has lost it thinks. */
  add(now: number, op: FinishOp, ended: boolean): void {
    const [index, id, attempt, generation, agent, verdict, error, retryAfterMs, endedAt, startedAt, task, , usage] = op;
    const counted = ended ? 1 : 0;
    // prettier-ignore
    this.recent.add(now, [
      index, id, attempt, generation, agent, verdict, error, retryAfterMs, endedAt, startedAt, task, counted, usage ?? '',
    ]);
  }

  since(now: number): FinishOp[] {
    return this.recent.since(now);
  }
}

/** How tasks ended, whichever process's agents had them, as the log has told: an agent's own journal dies with it. */
export class EndingJournal {
  private readonly recent = new Recent<FinishOp>(MOST_ENDINGS);

  add(now: number, op: FinishOp): void {
    this.recent.add(now, op);
  }

  since(now: number): FinishOp[] {
    return this.recent.since(now);
  }
}

const ANSWERED: Readonly<Record<ShedReason | '', SubmitWord>> = { '': 2, queue_full: 3, expected_wait: 4 };

/** Tasks that this process has submitted to a partition, and what that has answered. */
export class SubmissionJournal {
  private readonly recent = new Recent<SubmitOp>(MOST_SUBMISSIONS);

  add(now: number, [index, task, enqueuedAt]: SubmitOp, answer: ShedReason | ''): void {
    this.recent.add(now, [index, task, enqueuedAt, ANSWERED[answer]]);
  }

  since(now: number): SubmitOp[] {
    return this.recent.since(now);
  }

  /** Whether there would be something to tell. */
  isEmpty(now: number): boolean {
    return this.recent.isEmpty(now);
  }
}
