import type { Clock, Deferred } from '../../../kernel/clock.js';
import { IndexSet } from '../../../kernel/index-set.js';
import { Aborted } from '../../../kernel/clock.js';
import type { AgentIdentity, FinishOutcome, Lease, QueueObserver, ShedReason } from '../../port.js';
import type { AttemptResult, Task } from '../../task.js';
import { EndingJournal } from './journals.js';
import type { FinishOp } from './messages.js';
import { Recently } from './recently.js';
import type { LogCursor, LogEntry, PartitionStore } from './store.js';
import { usageOf } from './usage-text.js';

const POLL_MS = 20;
const PAGE = 200;
/** What was read so long ago is trimmed, this often: others may not have read it so soon. */
const TRIM_MS = 5_000;
const UNTRIMMED_MS = 60_000;
/** Latest transitions that are known again when a promotion makes a partition tell them twice. */
const REMEMBERED = 50_000;

/**
 * Reads the partitions' logs and tells observers every transition of the run, once and in each partition's order.
 * After a promotion some are told again (from journals), and some had been told by a server that is gone: what has
 * been told is not told a second time, and a task ends once; only what ends twice in one epoch is for the audit.
 */
export class LogFollower {
  /** Entries that were trimmed before they could be read. */
  missed = 0;
  /** Tasks that ended again, by another attempt, after a partition had lost how they had ended. */
  endedAgain = 0;
  private readonly cursors: LogCursor[];
  private readonly numbers: number[];
  private readonly submitted = new IndexSet();
  private readonly begun = new IndexSet();
  /** When attempts under way began: what is told twice of one attempt is told as the same time. */
  private readonly beganAt = new Map<string, number>();
  private readonly told = new Recently(REMEMBERED);
  /** Epoch in which tasks ended, for the latest. */
  private readonly endedIn = new Map<number, number>();
  private readonly stopped = new AbortController();
  private readonly loops: Array<Promise<unknown>> = [];
  /** By partition: who waits for all that is in its log now. */
  private readonly waiting: Array<Array<Deferred<null>>>;
  private readonly ended: readonly EndingJournal[];

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly store: PartitionStore;
      readonly observers: readonly QueueObserver[];
      /** A time of the log on the observers' clock. */
      readonly ownTime: (stamp: string) => number;
      readonly onError: (error: unknown) => void;
    },
  ) {
    const { partitions } = options.store;
    this.cursors = Array.from({ length: partitions }, () => ({ epoch: 0, id: '0' }));
    this.numbers = this.cursors.map(() => 0);
    this.waiting = this.cursors.map(() => []);
    this.ended = this.cursors.map(() => new EndingJournal());
  }

  start(): void {
    const { clock, onError } = this.options;
    this.cursors.forEach((_cursor, partition) => {
      const ended = clock.deferred<null>();
      this.loops.push(ended.promise);
      clock.spawn(async () => {
        try {
          await this.follow(partition);
        } finally {
          ended.resolve(null);
        }
      }, onError);
    });
  }

  /** Resolves when all that was in the logs at the call has been told; waits for a partition that is away. */
  async caughtUp(): Promise<void> {
    if (this.stopped.signal.aborted) return;
    await Promise.all(
      this.waiting.map((waiting) => {
        const read = this.options.clock.deferred<null>();
        waiting.push(read);
        return read.promise;
      }),
    );
  }

  /** Reads what is there once more, and ends. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.loops);
  }

  private async follow(partition: number): Promise<void> {
    const { clock } = this.options;
    let trimmedAt = clock.now();
    const read: Array<{ readonly at: number; readonly cursor: LogCursor }> = [];
    while (!this.stopped.signal.aborted) {
      const full = await this.readFor(partition);
      if (clock.now() - trimmedAt > TRIM_MS) {
        trimmedAt = clock.now();
        read.push({ at: trimmedAt, cursor: this.cursors[partition] as LogCursor });
        let long: LogCursor | null = null;
        while ((read[0]?.at ?? Infinity) < trimmedAt - UNTRIMMED_MS) long = read.shift()?.cursor ?? null;
        if (long !== null) await this.trim(partition, long);
      }
      if (full) continue;
      try {
        await clock.sleep(POLL_MS, this.stopped.signal);
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
    }
    await this.read(partition);
    for (const { resolve } of (this.waiting[partition] as Array<Deferred<null>>).splice(0)) resolve(null);
  }

  /** Reads a page, and tells those who waited for it to be the last one. */
  private async readFor(partition: number): Promise<boolean> {
    const waiting = this.waiting[partition] as Array<Deferred<null>>;
    const waited = waiting.splice(0);
    const full = await this.read(partition);
    if (full === false) for (const { resolve } of waited) resolve(null);
    else waiting.push(...waited);
    return full === true;
  }

  /** True when there is probably more, null when there was no answer. */
  private async read(partition: number): Promise<boolean | null> {
    let entries: readonly LogEntry[];
    try {
      entries = await this.options.store.readLog(partition, this.cursors[partition] as LogCursor, PAGE);
    } catch {
      // The partition is away: its log is read when it is back.
      return null;
    }
    for (const entry of entries) this.tell(partition, entry);
    return entries.length === PAGE;
  }

  private async trim(partition: number, upTo: LogCursor): Promise<void> {
    try {
      await this.options.store.trimLog(partition, upTo);
    } catch {
      // Next time.
    }
  }

  private tell(partition: number, { id, epoch, number, events }: LogEntry): void {
    const before = this.cursors[partition] as LogCursor;
    const last = before.epoch === epoch ? (this.numbers[partition] as number) : 0;
    if (before.epoch === epoch && number > last + 1) this.missed += number - last - 1;
    this.numbers[partition] = number;
    this.cursors[partition] = { epoch, id };
    for (const event of events) this.tellOne(partition, epoch, event);
  }

  /** How tasks of a partition ended lately, as results for a partition that has forgotten it. */
  endings(partition: number): readonly FinishOp[] {
    return (this.ended[partition] as EndingJournal).since(this.options.clock.now());
  }

  private tellOne(partition: number, epoch: number, event: readonly string[]): void {
    const [kind, index = ''] = event;
    const task = this.taskOf(Number(index), event.slice(-3));
    switch (kind) {
      case 'submitted':
        this.tellSubmitted(task, event);
        return;
      case 'started':
        this.tellStarted(task, event);
        return;
      case 'ran':
        this.tellRan(partition, epoch, task, event);
        return;
      case 'finished':
        this.tellFinished(partition, epoch, task, event);
        return;
      case 'requeued':
        this.tellRequeued(partition, epoch, task, event);
        return;
      default:
        this.options.onError(new Error(`a partition's log has an event that is none: ${event.join(' ')}`));
    }
  }

  private taskOf(index: number, [priority = '', type = '', scheduledAt = '']: readonly string[]): Task {
    return {
      index,
      type: Number(type),
      priority: Number(priority) as Task['priority'],
      scheduledAt: this.options.ownTime(scheduledAt),
    };
  }

  private tellSubmitted(task: Task, [, , reason = '', at = '']: readonly string[]): void {
    if (!this.submitted.add(task.index)) return;
    const accepted = { accepted: true, enqueuedAt: this.options.ownTime(at) } as const;
    const outcome = reason === '' ? accepted : ({ accepted: false, reason: reason as ShedReason } as const);
    for (const observer of this.options.observers) observer.submitted(task, outcome, this.options.ownTime(at));
  }

  private tellStarted(task: Task, event: readonly string[]): void {
    const [, , attemptId = '', attempt = '', agent = '', , at = ''] = event;
    if (!this.told.add(`b ${attemptId}`)) return;
    const first = this.begun.add(task.index);
    const lease = leaseOf(task, attemptId, attempt);
    const beganAt = this.options.ownTime(at);
    this.beganAt.set(attemptId, beganAt);
    for (const observer of this.options.observers) observer.started(lease, identity(agent), beganAt, first);
  }

  /** It began, where that is news, and went well. */
  private tellRan(partition: number, epoch: number, task: Task, event: readonly string[]): void {
    const [, index = '', attemptId = '', attempt = '', agent = '', first = '', at = '', startedAt = ''] = event;
    const about = event.slice(-3);
    const attemptOf = [index, attemptId, attempt, agent];
    if (first !== '') this.tellStarted(task, ['started', ...attemptOf, first, startedAt, ...about]);
    const ended = ['counted', 'success', '', at, startedAt, '', ...about];
    this.tellFinished(partition, epoch, task, ['finished', ...attemptOf, ...ended]);
  }

  private tellFinished(partition: number, epoch: number, task: Task, event: readonly string[]): void {
    const [, , attemptId = '', attempt = '', agent = '', told = '', status = '', error = '', ...rest] = event;
    const [at = '', startedAt = '', usage = ''] = rest;
    const known = this.told.has(`e ${attemptId}`);
    const ends = (told === 'counted' || told === 'dead') && (known || this.endsNow(task.index, epoch));
    const outcome = told === 'counted' || told === 'dead' ? (ends ? told : 'superseded') : told;
    // An attempt ends its task once, however that is told: a journal tells of one that expired as of a failure.
    if (!this.told.add(ends ? `e ${attemptId}` : `f ${attemptId} ${outcome}`)) return;
    if (ends) this.end(partition, event, status === 'success' ? 1 : 2, error, at, startedAt, usage);
    const used = usageOf(usage);
    const result: AttemptResult = {
      ...{ status: status as 'success' | 'failed', error: error === '' ? null : error, retryAfterMs: 0 },
      ...(used !== undefined && { usage: used }),
    };
    const lease = leaseOf(task, attemptId, attempt);
    const began = this.beganAt.get(attemptId) ?? (startedAt === '' ? NaN : this.options.ownTime(startedAt));
    this.beganAt.delete(attemptId);
    for (const observer of this.options.observers) {
      observer.finished(lease, identity(agent), result, outcome as FinishOutcome, this.options.ownTime(at), began);
    }
  }

  private tellRequeued(partition: number, epoch: number, task: Task, event: readonly string[]): void {
    const [, , attemptId = '', attempt = '', agent = '', reason = '', told = '', at = ''] = event;
    this.beganAt.delete(attemptId);
    const known = this.told.has(`e ${attemptId}`);
    const dead = told === '1' && (known || this.endsNow(task.index, epoch)) ? '1' : '0';
    if (!this.told.add(`${dead === '1' ? 'e' : 'r'} ${attemptId}`)) return;
    if (dead === '1') this.end(partition, event, 2, reason, at, '', '');
    const lease = leaseOf(task, attemptId, attempt);
    const why = reason as 'expired' | 'released';
    for (const observer of this.options.observers) {
      observer.requeued(lease, identity(agent), why, this.options.ownTime(at), dead === '1');
    }
  }

  /**
   * Whether this is how the task ended. A partition that has lost how may take another attempt's word later: whoever
   * counts tasks has counted this one. Twice within an epoch is told twice: that is for the audit.
   */
  private endsNow(index: number, epoch: number): boolean {
    const before = this.endedIn.get(index);
    if (before !== undefined && before < epoch) {
      this.endedAgain += 1;
      return false;
    }
    this.endedIn.set(index, epoch);
    if (this.endedIn.size > REMEMBERED) this.endedIn.delete(this.endedIn.keys().next().value as number);
    return true;
  }

  private end(
    partition: number,
    event: readonly string[],
    verdict: FinishOp[5],
    error: string,
    ...[endedAt, startedAt, usage]: readonly [string, string, string]
  ): void {
    const [, index = '', attemptId = '', attempt = '', agent = ''] = event;
    const [priority = '', type = '', scheduledAt = ''] = event.slice(-3);
    const task = [Number(priority), Number(type), scheduledAt, ''] as const;
    (this.ended[partition] as EndingJournal).add(this.options.clock.now(), [
      ...([Number(index), attemptId, Number(attempt), 0, agent, verdict, error, 0] as const),
      ...([endedAt, startedAt, task, 1, usage] as const),
    ]);
  }
}

const leaseOf = (task: Task, attemptId: string, attempt: string): Lease => ({
  attemptId,
  attempt: Number(attempt),
  task,
});

/** Observers go by the agent's name. */
const identity = (id: string): AgentIdentity => ({ id, incarnation: 0, zone: '' });
