import type { FinishOutcome, Lease, SubmitOutcome } from '../../runtime/queue/port.js';

/** One attempt as its agent has it in its journal. */
export interface JournalAttempt {
  readonly id: string;
  readonly index: number;
  readonly agent: string;
  readonly process: string;
  readonly startedAt: number;
  endedAt: number | null;
  status: 'success' | 'failed' | null;
  told: FinishOutcome | null;
  revokedAt: number | null;
  observed: boolean;
}

interface History {
  outcome: SubmitOutcome | null;
  readonly attempts: JournalAttempt[];
}

/** A killed agent's task that has to run again, and since when. */
export interface Orphan {
  readonly index: number;
  readonly attemptId: string;
  readonly process: string;
  readonly from: number;
  requeuedAt: number | null;
  /** When it ran again or turned out to be finished; Infinity while it has not. */
  until: number;
}

/** After so long without an answer a process has not been heard in the time that a partition gives it, ms. */
const UNHEARD_MS = 2_000;

/** When a process could not have gone on with what it held. */
type Absence = readonly [from: number, to: number];

/**
 * What the processes have written down for themselves, outside of the queue: what the generator was answered, what
 * agents began, how it ended and what they were told. The judgement on lost and double-counted tasks rests on it.
 */
export class OutsideJournals {
  readonly tasks = new Map<number, History>();
  orphans: Orphan[] = [];
  /** Tasks that ran again although nothing was wrong with the agent that had them. */
  readonly reruns: string[] = [];
  /** When a process last had an answer of a partition. */
  private readonly heardAt = new Map<string, number>();
  /** The generator was killed: what it alone knew is gone. */
  generatorKilled = false;
  private readonly attemptIds = new Map<string, JournalAttempt>();
  private readonly absences = new Map<string, Absence[]>();

  constructor(
    private readonly now: () => number,
    private readonly partitions: number,
    private readonly complain: (problem: string) => void,
  ) {}

  sent(index: number): void {
    if (!this.tasks.has(index)) this.tasks.set(index, { outcome: null, attempts: [] });
  }

  answered(index: number, outcome: SubmitOutcome): void {
    const history = this.history(index);
    const before = history.outcome;
    if (before !== null && before.accepted !== outcome.accepted) {
      this.complain(`task ${index} was ${before.accepted ? 'accepted' : 'refused'} and is not when offered again`);
      return;
    }
    history.outcome = outcome;
  }

  began({ attemptId, task: { index } }: Lease, agent: string, process: string): JournalAttempt {
    const history = this.history(index);
    const now = this.now();
    if (this.attemptIds.has(attemptId)) this.complain(`attempt id ${attemptId} was issued twice`);
    if (history.outcome?.accepted === false) this.complain(`task ${index} was refused and runs`);
    const before = history.attempts.at(-1);
    if (before !== undefined && !this.excused(before, process)) {
      const state = before.endedAt === null ? 'still ran' : `ended ${now - before.endedAt} ms ago (${before.told})`;
      this.reruns.push(
        `task ${index} runs again at ${agent} as ${attemptId}; ${before.id} at ${before.agent} ${state}, ` +
          `began ${now - before.startedAt} ms ago`,
      );
    }
    for (const orphan of this.orphans) if (orphan.index === index) orphan.until = Math.min(orphan.until, now);
    const attempt: JournalAttempt = {
      ...{ id: attemptId, index, agent, process, startedAt: now },
      ...{ endedAt: null, status: null, told: null, revokedAt: null, observed: false },
    };
    this.attemptIds.set(attemptId, attempt);
    history.attempts.push(attempt);
    return attempt;
  }

  ended(attemptId: string, status: 'success' | 'failed'): void {
    const attempt = this.attemptIds.get(attemptId);
    if (attempt === undefined) return;
    attempt.endedAt = this.now();
    attempt.status = status;
  }

  told(attemptId: string, outcome: FinishOutcome): void {
    const attempt = this.attemptIds.get(attemptId);
    if (attempt !== undefined) attempt.told = outcome;
  }

  /** The process has had an answer of the partition. */
  heard(process: string, partition: number): void {
    this.heardAt.set(`${process} ${partition}`, this.now());
  }

  revoked(attemptId: string): void {
    const attempt = this.attemptIds.get(attemptId);
    if (attempt !== undefined) attempt.revokedAt = this.now();
  }

  /** Nothing the process has begun can be expected of it from now on, or for so long. */
  absent(process: string, forMs = Infinity): void {
    const from = this.now();
    const absences = this.absences.get(process) ?? [];
    this.absences.set(process, [...absences, [from, from + forMs]]);
  }

  /** The process is dead: what it was running has to run elsewhere. */
  killed(process: string): void {
    const now = this.now();
    this.absent(process);
    for (const [index, { attempts }] of this.tasks) {
      const last = attempts.at(-1);
      if (last?.process !== process || last.endedAt !== null || last.revokedAt !== null) continue;
      this.orphans.push({ index, attemptId: last.id, process, from: now, requeuedAt: null, until: Infinity });
    }
  }

  /** The queue has told that the task is finished, without another attempt. */
  over(index: number, at: number): void {
    for (const orphan of this.orphans) if (orphan.index === index) orphan.until = Math.min(orphan.until, at);
  }

  /** A task was taken back: from the killed agent, or from one that had been given it after that and failed too. */
  requeued(index: number, attemptId: string, at: number): void {
    for (const orphan of this.orphans) {
      if (orphan.index !== index) continue;
      if (orphan.attemptId === attemptId) orphan.requeuedAt ??= at;
      // What is given out to an agent that fails before it begins is told of by nobody: it was waiting just before.
      else orphan.until = Math.min(orphan.until, orphan.requeuedAt ?? at);
    }
  }

  /** The queue has never heard of it any more, and it has to be submitted again: not the queue's doing. */
  missing(index: number): void {
    this.orphans = this.orphans.filter((orphan) => orphan.index !== index);
  }

  /** The log has told of the attempt that ended the task. */
  observed(index: number, attemptId: string, at: number): void {
    const attempt = this.attemptIds.get(attemptId);
    if (attempt !== undefined) attempt.observed = true;
    this.over(index, at);
  }

  /**
   * It was counted twice, and nobody could know: the process that had been told the first time was dead or stood
   * still, and the partition had come back empty before anybody had read its log.
   */
  unknowable(index: number): boolean {
    const ended = this.history(index).attempts.filter(({ told }) => told === 'counted' || told === 'dead');
    return ended
      .slice(0, -1)
      .every(({ process, startedAt, observed }) => !observed && this.wasAbsent(process, startedAt));
  }

  /** Outcomes that end a task, as agents were told them. */
  endings(index: number): FinishOutcome[] {
    const told = this.history(index).attempts.map((attempt) => attempt.told);
    return told.filter((outcome) => outcome === 'counted' || outcome === 'dead');
  }

  /** Accepted by the word the generator has. */
  accepted(): number[] {
    return [...this.tasks].filter(([, { outcome }]) => outcome?.accepted === true).map(([index]) => index);
  }

  succeeded(index: number): boolean {
    return this.history(index).attempts.some(({ status }) => status === 'success');
  }

  unanswered(): number[] {
    return [...this.tasks].filter(([, { outcome }]) => outcome === null).map(([index]) => index);
  }

  describe(index: number): string {
    const { outcome, attempts } = this.history(index);
    const lines = attempts.map(
      ({ id, agent, startedAt, endedAt, status, told, revokedAt }) =>
        `${id} at ${agent} from ${startedAt} to ${endedAt} (${status}, told ${told}, revoked ${revokedAt})`,
    );
    return `${JSON.stringify(outcome)}; ${lines.join('; ')}`;
  }

  /**
   * A task runs again because its attempt failed, or somebody stood still or was gone. What remains: nobody heard its
   * agent for so long after the partition had lost the lease, or lost was also who had submitted it.
   */
  private excused({ index, process, startedAt, status }: JournalAttempt, next: string): boolean {
    if (status === 'failed' || this.wasAbsent(process, startedAt) || this.wasAbsent(next, startedAt)) return true;
    const heardAt = this.heardAt.get(`${process} ${index % this.partitions}`) ?? -Infinity;
    return this.generatorKilled || this.now() - heardAt > UNHEARD_MS;
  }

  private wasAbsent(process: string, after: number): boolean {
    return (this.absences.get(process) ?? []).some(([, to]) => to >= after);
  }

  private history(index: number): History {
    const history = this.tasks.get(index);
    if (history !== undefined) return history;
    this.complain(`task ${index} was never submitted`);
    const made: History = { outcome: null, attempts: [] };
    this.tasks.set(index, made);
    return made;
  }
}
