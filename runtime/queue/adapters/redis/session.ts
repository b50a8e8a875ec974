import type { Clock } from '../../../kernel/clock.js';
import type { AgentIdentity, AgentSession, FinishOutcome, Lease, SessionHandlers } from '../../port.js';
import type { AttemptResult, Task } from '../../task.js';
import type { FinishOp, HeldOp, LeaseRecord, ResyncOp, TaskRecord } from './messages.js';
import { Recently } from './recently.js';
import { usageText } from './usage-text.js';
import type { PartitionClient } from './partition-client.js';

/** A lease with what its partition has to be told about it. */
interface Held extends Lease {
  readonly partition: number;
  readonly generation: number;
  readonly record: TaskRecord;
  /** When it began here; '' while it has not (the agent stands still). */
  startedAt: string;
  /** Its result or its return is under way: it is the queue's business from now on. */
  over: boolean;
}

/** Attempts that are remembered when they are over, at least. */
const REMEMBERED = 1_000;

/** The driver as its sessions see it. */
export interface SessionHost {
  readonly clock: Clock;
  readonly clients: readonly PartitionClient[];
  /** The process has stood still: what arrives may be old. */
  readonly stoodStill: boolean;
  /** The clock's time as the partitions are told it. */
  stamp(): string;
  taskOf(index: number, record: TaskRecord): Task;
  /** A result has its answer. */
  counted(partition: number, op: FinishOp, outcome: FinishOutcome): void;
  /** The session ends. False when a later one of the same agent has taken its place. */
  forget(session: RedisSession): boolean;
}

/** One agent's connection to the queue: its credit spread over the partitions, and what it holds. */
export class RedisSession implements AgentSession {
  state: 'live' | 'frozen' | 'gone' = 'live';
  private readonly held = new Map<string, Held>();
  /** Attempts that are over here: the news of a lease can come later than its end. */
  private readonly over = new Recently(REMEMBERED);
  /** Credit by partition, not yet used. */
  private readonly parked: number[];
  /** Tasks received by partition since attaching: with `parked` the limit that the partition is told. */
  private readonly received: number[];
  /** What each partition said with the latest beat that it had given. */
  private readonly grantedBefore: number[];
  /** By partition, resynchronisations asked for: the latest one, the latest one told, and the latest one answered. */
  private readonly asked: number[];
  private readonly told: number[];
  private readonly answered: number[];
  private nextPartition: number;

  constructor(
    private readonly host: SessionHost,
    readonly agent: AgentIdentity,
    private readonly handlers: SessionHandlers,
  ) {
    const none = (): number[] => host.clients.map(() => 0);
    this.parked = none();
    this.received = none();
    this.grantedBefore = none();
    this.asked = none();
    this.told = none();
    this.answered = none();
    this.nextPartition = start(agent.id) % host.clients.length;
    const { id, incarnation, zone } = agent;
    for (const client of host.clients) client.batch('attach', id).attach.push([id, incarnation, zone]);
  }

  // ---- the agent's side -------------------------------------------------------------------------------------------

  credit(slots: number): void {
    if (this.state === 'gone') return;
    for (let i = 0; i < slots; i += 1) this.park(this.bestPartition());
  }

  revokeCredit(): void {
    this.host.clients.forEach((_client, partition) => {
      if (this.parked[partition] === 0) return;
      this.parked[partition] = 0;
      this.tellLimit(partition);
    });
  }

  finish(lease: Lease, result: AttemptResult): Promise<FinishOutcome> {
    const held = lease as Held;
    const { id } = this.agent;
    const { index } = lease.task;
    const answer = this.host.clock.deferred<FinishOutcome>();
    // Spreading costs on this path: every result comes along it.
    const op: FinishOp = [
      index,
      lease.attemptId,
      lease.attempt,
      held.generation,
      id,
      verdictOf(result),
      result.error ?? '',
      result.retryAfterMs,
      this.host.stamp(),
      held.startedAt,
      held.record,
      0,
      usageText(result.usage),
    ];
    held.over = true;
    const answered = (outcome: FinishOutcome): void => {
      this.end(lease.attemptId);
      this.host.counted(held.partition, op, outcome);
      answer.resolve(outcome);
    };
    const client = this.host.clients[held.partition] as PartitionClient;
    const batch = client.batch('finish', id);
    // The result says when it began.
    batch.began.delete(lease.attemptId);
    batch.finish.push({ op, answer: { ...answer, resolve: answered }, whole: false });
    return answer.promise;
  }

  release(leases: readonly Lease[]): Promise<void> {
    const returned = leases.map((lease) => this.giveBack(lease as Held));
    return Promise.all(returned).then(() => undefined);
  }

  freeze(): void {
    if (this.state === 'live') this.state = 'frozen';
  }

  thaw(): void {
    if (this.state !== 'frozen') return;
    this.state = 'live';
    // What came meanwhile begins once the partition has said that it is still this agent's.
    this.host.clients.forEach((_client, partition) => {
      this.resync(partition, true);
    });
  }

  crash(): void {
    this.state = 'gone';
    this.held.clear();
    this.host.forget(this);
  }

  close(): Promise<void> {
    if (this.state === 'gone') return Promise.resolve();
    this.state = 'gone';
    if (!this.host.forget(this)) return Promise.resolve();
    const { id } = this.agent;
    const left = this.host.clients.map((client) => {
      const done = this.host.clock.deferred<null>();
      client.batch('detach', id).detach.push({ agent: id, done: () => done.resolve(null) });
      return done.promise;
    });
    return Promise.all(left).then(() => this.held.clear());
  }

  // ---- the driver's side ------------------------------------------------------------------------------------------

  /** Given a task by a partition; the same one may come twice. */
  receive(partition: number, record: LeaseRecord): void {
    const [, index, attemptId, attempt, generation, task] = record;
    if (this.state === 'gone' || this.held.has(attemptId)) return;
    if (this.over.has(attemptId)) {
      // Old news, or the partition has lost its end: where it does believe it, it is told once more.
      this.tellReleased(partition, index, attemptId, () => undefined);
      return;
    }
    this.received[partition] = at(this.received, partition) + 1;
    const held: Held = {
      attemptId,
      attempt,
      task: this.host.taskOf(index, task),
      partition,
      generation,
      record: task,
      startedAt: '',
      over: false,
    };
    this.held.set(attemptId, held);
    const free = this.takeCredit(partition);
    if (!free) {
      // Credit that was taken back while the task was on its way.
      this.giveBack(held).catch(ignore);
      return;
    }
    if (this.host.stoodStill) this.resync(partition);
    if (this.state === 'live' && !this.resyncing(partition)) this.begin(held);
  }

  /** The partition says that this lease is no longer the agent's. */
  revoked(attemptId: string): void {
    const held = this.held.get(attemptId);
    // One that stands still hears it when it goes on: it asks for it then.
    if (held === undefined || held.over || this.state !== 'live') return;
    this.end(attemptId);
    if (held.startedAt === '') this.park(held.partition);
    else this.handlers.onRevoked(held);
  }

  /** A later incarnation has taken this agent's place. */
  replaced(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.host.forget(this);
    for (const held of [...this.held.values()]) {
      if (!held.over && held.startedAt !== '') this.handlers.onRevoked(held);
    }
    this.held.clear();
  }

  /** What the partition has given so far, as it says; a difference means that a message was lost. */
  compare(partition: number, granted: number): void {
    const before = at(this.grantedBefore, partition);
    this.grantedBefore[partition] = granted;
    // What has been given since the beat before may still be on its way; what had been given by then is lost.
    if (this.state === 'live' && before > at(this.received, partition)) this.resync(partition);
  }

  /** Tells a partition all it may not know, and asks for what did not arrive; `anew`: an answer under way is too old. */
  resync(partition: number, anew = false): void {
    if (this.state !== 'live' || (this.resyncing(partition) && !anew)) return;
    this.asked[partition] = at(this.asked, partition) + 1;
    const client = this.host.clients[partition] as PartitionClient;
    client.batch('resync', this.agent.id).resync.push(() => (this.state === 'gone' ? null : this.view(partition)));
  }

  /** What {@link resync} tells, for a request that is under way; null when there is nobody to tell it. */
  tellAgain(partition: number): ResyncOp | null {
    if (this.state !== 'live') return null;
    this.asked[partition] = at(this.asked, partition) + 1;
    return this.view(partition);
  }

  /** The partition has taken up what {@link resync} told, and the lost leases have been received. */
  resynced(partition: number): void {
    this.answered[partition] = at(this.told, partition);
    if (this.state !== 'live' || this.resyncing(partition)) return;
    for (const held of [...this.held.values()]) {
      if (held.partition === partition && held.startedAt === '' && !held.over) this.begin(held);
    }
  }

  /** Before the leases of a resynchronising answer are received: the partition counts anew. */
  countsAnew(partition: number): void {
    this.received[partition] = 0;
    this.grantedBefore[partition] = 0;
  }

  /** Credit that waits at a partition. */
  parkedAt(partition: number): number {
    return this.state === 'live' ? at(this.parked, partition) : 0;
  }

  /** Takes one credit from a partition without work to one that has some. */
  move(from: number, to: number): void {
    if (this.parkedAt(from) === 0) return;
    this.parked[from] = at(this.parked, from) - 1;
    this.tellLimit(from);
    this.park(to);
  }

  /** Takes all credit away from a partition that does not answer. */
  leave(partition: number): void {
    for (let left = this.parkedAt(partition); left > 0; left -= 1) {
      const to = this.bestPartition();
      if (this.host.clients[to]?.away === true) return;
      this.move(partition, to);
    }
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private end(attemptId: string): void {
    this.held.delete(attemptId);
    this.over.add(attemptId);
  }

  private begin(held: Held): void {
    held.startedAt = this.host.stamp();
    const client = this.host.clients[held.partition] as PartitionClient;
    const { attemptId, startedAt } = held;
    client.batch('began', this.agent.id).began.set(attemptId, [held.task.index, attemptId, startedAt]);
    this.handlers.onLease(held);
  }

  /** What the partition gives meanwhile does not begin: only its answer tells what still counts. */
  private resyncing(partition: number): boolean {
    return this.asked[partition] !== this.answered[partition];
  }

  private view(partition: number): ResyncOp {
    this.told[partition] = at(this.asked, partition);
    const { id, incarnation, zone } = this.agent;
    const held: HeldOp[] = [];
    for (const lease of this.held.values()) {
      if (lease.partition !== partition) continue;
      const { attemptId, attempt, generation, record, startedAt } = lease;
      held.push([lease.task.index, attemptId, attempt, generation, record, startedAt]);
    }
    return [id, incarnation, zone, at(this.parked, partition), held];
  }

  private giveBack(held: Held): Promise<void> {
    if (!this.held.has(held.attemptId) || held.over) return Promise.resolve();
    held.over = true;
    const done = this.host.clock.deferred<null>();
    this.tellReleased(held.partition, held.task.index, held.attemptId, () => {
      this.end(held.attemptId);
      done.resolve(null);
    });
    return done.promise.then(() => undefined);
  }

  private tellReleased(partition: number, index: number, attemptId: string, done: () => void): void {
    const client = this.host.clients[partition] as PartitionClient;
    client.batch('release', this.agent.id).release.push({ op: [index, attemptId], done });
  }

  private takeCredit(partition: number): boolean {
    const from = at(this.parked, partition) > 0 ? partition : this.parked.findIndex((parked) => parked > 0);
    if (from < 0) return false;
    this.parked[from] = at(this.parked, from) - 1;
    if (from !== partition) this.tellLimit(from);
    return true;
  }

  private park(partition: number): void {
    this.parked[partition] = at(this.parked, partition) + 1;
    this.tellLimit(partition);
  }

  private tellLimit(partition: number): void {
    const client = this.host.clients[partition] as PartitionClient;
    client
      .batch('credit', this.agent.id)
      .credit.set(this.agent.id, () => at(this.received, partition) + at(this.parked, partition));
  }

  /** Where tasks wait without credit, else in turn: arrivals are spread evenly. Not where nobody answers. */
  private bestPartition(): number {
    const { clients } = this.host;
    let best = -1;
    for (let i = 0; i < clients.length; i += 1) {
      const partition = (this.nextPartition + i) % clients.length;
      const client = clients[partition] as PartitionClient;
      if (client.away) continue;
      if (best < 0) best = partition;
      if (client.ready === 0 || client.credit > 0) continue;
      best = partition;
      break;
    }
    if (best < 0) best = this.nextPartition % clients.length;
    this.nextPartition = best + 1;
    return best;
  }
}

const at = (numbers: readonly number[], index: number): number => numbers[index] as number;

function verdictOf({ status, final, deferred }: AttemptResult): FinishOp[5] {
  if (status === 'success') return 1;
  if (deferred === true) return 3;
  return final === true ? 2 : 0;
}

/** Agents begin at different partitions, so that a fleet of single slots is spread too. */
function start(id: string): number {
  let sum = 0;
  for (let i = 0; i < id.length; i += 1) sum = (sum * 31 + id.charCodeAt(i)) >>> 0;
  return sum;
}

function ignore(): void {
  // The queue was closed: nothing is given back any more.
}
