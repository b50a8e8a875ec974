import { priorityLabel } from '../../runtime/queue/port.js';
import type {
  AgentIdentity,
  FinishOutcome,
  Lease,
  LedgerCounts,
  QueueObserver,
  SubmitOutcome,
  UnfinishedTask,
} from '../../runtime/queue/port.js';
import type { AttemptResult, Task } from '../../runtime/queue/task.js';

/** Says what is wrong, in words a reader can start from. */
export type Complain = (problem: string) => void;

/** What is known of a task from its transitions alone. */
interface Seen {
  phase: 'waiting' | 'running' | 'over';
  /** Attempts that count. */
  attempts: number;
  attemptId: string;
  started: boolean;
  /** Who runs it. */
  agent: AgentIdentity | null;
  /** Since when that agent has been gone, epoch ms; null while it is there. */
  orphanedAt: number | null;
}

const NEW: Seen = { phase: 'waiting', attempts: 0, attemptId: '', started: false, agent: null, orphanedAt: null };

export interface TaskWatchOptions {
  readonly maxAttempts: number;
  readonly slots: number;
  /** How many tasks the agent runs; null when there is no such agent. */
  readonly busySlots: (agent: AgentIdentity) => number | null;
  readonly complain: Complain;
}

/**
 * Follows every task from outside the queue and complains about whatever the protocol does not allow. Its own counts
 * are what the queue's are compared with.
 */
export class TaskWatch implements QueueObserver {
  /** Tasks that are not over, and those that are. */
  private readonly tasks = new Map<number, Seen>();
  private over = new Set<number>();
  private attemptIds = new Set<string>();
  private running = 0;
  private submittedTasks = 0;
  private completed = 0;
  private failed = 0;
  private shed = 0;

  constructor(private readonly options: TaskWatchOptions) {}

  /** Goes on where another process of the same run was cut off. */
  takeUp(earlier: TaskWatch, unfinished: readonly UnfinishedTask[]): void {
    this.attemptIds = earlier.attemptIds;
    this.submittedTasks = earlier.submittedTasks;
    this.completed = earlier.completed;
    this.failed = earlier.failed;
    this.shed = earlier.shed;
    this.over = earlier.over;
    for (const { task, attempts, started } of unfinished) {
      this.tasks.set(task.index, { ...NEW, attempts, started });
    }
  }

  // ---- QueueObserver ----------------------------------------------------------------------------------------------

  submitted(task: Task, outcome: SubmitOutcome): void {
    const { index } = task;
    if (this.tasks.has(index) || this.over.has(index)) this.options.complain(`task ${index} was submitted twice`);
    this.submittedTasks += 1;
    this.tasks.set(index, { ...NEW });
    if (outcome.accepted) return;
    this.shed += 1;
    this.ends(index);
  }

  started(lease: Lease, agent: AgentIdentity, _at: number, first: boolean): void {
    const { complain, maxAttempts, slots, busySlots } = this.options;
    const { attemptId, attempt, task } = lease;
    const seen = this.seen(task, 'started');
    const name = `attempt ${attemptId} of ${priorityLabel(task.priority)} task ${task.index}`;
    if (this.attemptIds.has(attemptId)) complain(`${name}: the id was used before`);
    this.attemptIds.add(attemptId);
    if (seen.phase !== 'waiting') complain(`${name} began while the task was ${seen.phase} (${seen.attemptId})`);
    if (attempt !== seen.attempts + 1 || attempt > maxAttempts) {
      complain(`${name} is number ${attempt} after ${seen.attempts} of at most ${maxAttempts}`);
    }
    if (first === seen.started) complain(`${name} says it is ${first ? '' : 'not '}the first`);
    const busy = busySlots(agent);
    if (busy === null) complain(`${name} began at ${agent.id}, which is not there`);
    else if (busy >= slots) complain(`${name} began at ${agent.id}, whose ${slots} slots are all busy`);
    seen.phase = 'running';
    seen.started = true;
    seen.attempts = attempt;
    seen.attemptId = attemptId;
    seen.agent = agent;
    seen.orphanedAt = null;
    this.running += 1;
  }

  finished(
    { attemptId, task }: Lease,
    _agent: AgentIdentity,
    result: AttemptResult,
    outcome: FinishOutcome,
    at: number,
    startedAt: number,
  ): void {
    const { complain, maxAttempts } = this.options;
    const seen = this.seen(task, 'finished');
    const holds = seen.phase === 'running' && seen.attemptId === attemptId;
    if (outcome === 'superseded') {
      if (holds) complain(`attempt ${attemptId} held the lease of task ${task.index} and was superseded`);
      return;
    }
    if (!holds) complain(`attempt ${attemptId} ended task ${task.index} (${outcome}) without holding its lease`);
    if (!(startedAt <= at)) complain(`attempt ${attemptId} ended at ${at}, before it began at ${startedAt}`);
    const right = result.status === 'success' ? 'counted' : seen.attempts < maxAttempts ? 'retried' : 'dead';
    if (outcome !== right) complain(`${result.status} of attempt ${seen.attempts} was ${outcome}, not ${right}`);
    this.running -= 1;
    seen.phase = 'waiting';
    if (outcome === 'retried') return;
    if (outcome === 'counted') this.completed += 1;
    else this.failed += 1;
    this.ends(task.index);
  }

  requeued(
    { attemptId, attempt, task }: Lease,
    _agent: AgentIdentity,
    reason: string,
    _at: number,
    dead: boolean,
  ): void {
    const { complain, maxAttempts } = this.options;
    const seen = this.seen(task, 'requeued');
    if (seen.phase === 'over') complain(`attempt ${attemptId} of task ${task.index} was ${reason} when it was over`);
    if (seen.phase === 'running') {
      if (seen.attemptId !== attemptId) complain(`${attemptId} was ${reason} while ${seen.attemptId} ran`);
      this.running -= 1;
    }
    if (dead !== (reason === 'expired' && attempt >= maxAttempts)) {
      complain(`attempt ${attempt} of ${maxAttempts}, ${reason}, is ${dead ? '' : 'not '}dead`);
    }
    seen.attempts = reason === 'expired' ? attempt : attempt - 1;
    seen.phase = 'waiting';
    if (!dead) return;
    this.failed += 1;
    this.ends(task.index);
  }

  // ---- comparisons ------------------------------------------------------------------------------------------------

  /** Do the queue's counters say what has happened? Leases on their way to an agent have not begun. */
  compare(counts: LedgerCounts): void {
    const { submitted, completed, failed, shed, queued, leased } = counts;
    const mine = [this.submittedTasks, this.completed, this.failed, this.shed];
    const theirs = [submitted, completed, failed, shed];
    if (mine.some((count, i) => count !== theirs[i])) {
      this.options.complain(
        `submitted, completed, failed, shed: the queue says ${String(theirs)}, seen were ${String(mine)}`,
      );
    }
    const open = this.submittedTasks - this.completed - this.failed - this.shed;
    if (queued + leased !== open || leased < this.running || queued < 0) {
      this.options.complain(`queue: ${queued} queued, ${leased} leased; seen: ${open} open, ${this.running} running`);
    }
  }

  /** Does the queue hold exactly the tasks that are not over, with the attempts they have had? */
  compareUnfinished(unfinished: readonly UnfinishedTask[]): void {
    const held = new Map(unfinished.map((entry) => [entry.task.index, entry]));
    for (const [index, seen] of this.tasks) {
      const entry = held.get(index);
      held.delete(index);
      const attempts = seen.phase === 'running' ? seen.attempts - 1 : seen.attempts;
      if (entry === undefined) this.options.complain(`the queue has lost task ${index} (${seen.phase})`);
      else if (entry.attempts !== attempts || entry.started !== seen.started) {
        this.options.complain(
          `task ${index}: the queue knows ${entry.attempts} attempts (started: ${entry.started}), seen were ${attempts} (${seen.started})`,
        );
      }
    }
    for (const index of held.keys()) {
      this.options.complain(
        `the queue holds task ${index}, which ${this.over.has(index) ? 'is over' : 'was never submitted'}`,
      );
    }
  }

  /** Is a task still with an agent that has been gone for longer than `graceMs`? */
  checkOrphans(now: number, isThere: (agent: AgentIdentity) => boolean, graceMs: number): void {
    for (const [index, seen] of this.tasks) {
      if (seen.phase !== 'running' || seen.agent === null || isThere(seen.agent)) continue;
      seen.orphanedAt ??= now;
      if (now - seen.orphanedAt <= graceMs) continue;
      this.options.complain(
        `task ${index} is still with ${seen.agent.id} (${seen.attemptId}), gone for ${now - seen.orphanedAt} ms`,
      );
      seen.orphanedAt = Infinity;
    }
  }

  /** The clock of the orphans starts again: nobody was there to take their tasks. */
  excuseOrphans(): void {
    for (const seen of this.tasks.values()) seen.orphanedAt = null;
  }

  private ends(index: number): void {
    this.tasks.delete(index);
    this.over.add(index);
  }

  private seen(task: Task, what: string): Seen {
    const known = this.tasks.get(task.index);
    if (known !== undefined) return known;
    if (this.over.has(task.index)) return { ...NEW, phase: 'over' };
    this.options.complain(`task ${task.index} was ${what} and never submitted`);
    const seen: Seen = { ...NEW };
    this.tasks.set(task.index, seen);
    return seen;
  }
}
