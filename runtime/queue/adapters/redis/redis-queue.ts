import { z } from 'zod';
import { ClockOffset, type TimeExchange } from '../../../kernel/clock-offset.js';
import type { Clock, Deferred } from '../../../kernel/clock.js';
import type { QueueRules } from '../../../spec/experiment.js';
import type {
  AdmissionLimits,
  AgentIdentity,
  AgentSession,
  Canary,
  FinishOutcome,
  LedgerCounts,
  QueueObserver,
  SessionHandlers,
  ShedReason,
  SubmitOutcome,
  SweepReport,
  TaskPhase,
  TaskQueue,
  UnfinishedTask,
} from '../../port.js';
import type { Task } from '../../task.js';
import { retold } from './batch.js';
import { Beats } from './beats.js';
import { CanaryDesk } from './canary-desk.js';
import { leasesOf } from './exchange-wire.js';
import { LogFollower } from './log-follower.js';
import type { ExchangeReply, FinishOp, LeaseRecord, SubmitOp, SubmitWord, SweepReply, TaskRecord } from './messages.js';
import { PartitionClient, type ClientStats } from './partition-client.js';
import { ResultJournal, SubmissionJournal } from './journals.js';
import { RedisSession, type SessionHost } from './session.js';
import type { DriverRequest, PartitionStore } from './store.js';

export interface RedisQueueOptions {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly store: PartitionStore;
  /** Names this process among all that use the store; different for every start. */
  readonly driver: string;
  /** Names the run: channels begin with it. */
  readonly run: string;
  /** Told of every transition in the run, whichever process caused it; empty where nobody listens. */
  readonly observers: readonly QueueObserver[];
  /** Uniform draws, to spread credit that moves. */
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
  /** Transitions wait for a replica, and journals are sent again after a promotion. Off only to show what it is for. */
  readonly durable?: boolean;
}

/** A partition that has not answered after this long is left out of a sweep or a look at the counters. */
const PATIENCE_MS = 1_000;

const MESSAGE = z.discriminatedUnion('say', [
  z.object({ say: z.literal('leases'), partition: z.number(), leases: z.array(z.string()) }),
  z.object({ say: z.literal('canary'), id: z.string(), agent: z.string(), from: z.string() }),
  z.object({ say: z.literal('answer'), id: z.string() }),
]);
type Message = z.infer<typeof MESSAGE>;

/**
 * The TaskQueue on partitions in Redis: one driver per process. A task belongs to the partition its index says; what
 * happens to it happens there, in one script, and counts once a replica has it (see partition-client.ts). Agents are
 * told of leases by a message and find out by themselves, with their next beat, when it was lost.
 */
export class RedisQueue implements TaskQueue, SessionHost {
  readonly clock: Clock;
  readonly clients: readonly PartitionClient[];
  private readonly sessions = new Map<string, RedisSession>();
  private readonly submissions: readonly SubmissionJournal[];
  private readonly results: readonly ResultJournal[];
  private readonly desk: CanaryDesk;
  private readonly follower: LogFollower | null;
  private readonly lastCounts: Array<LedgerCounts | null>;
  private readonly lastSweeps: SweepReply[] = [];
  private readonly sweeping: boolean[];
  private readonly reported = new Map<string, number>();
  private readonly beats: Beats;
  /** How far this process's clock is from the first partition's server. On the wire all times are Redis time. */
  private readonly offset: ClockOffset;
  /** As of the latest beat or exchange: it changes by microseconds, and every time on the wire needs it. */
  private offsetMs = 0;
  private closed = false;

  private constructor(private readonly options: RedisQueueOptions) {
    const { clock, store, driver, durable = true, onError } = options;
    this.clock = clock;
    this.beats = new Beats({
      ...{ clock, rules: options.rules, partitions: store.partitions, agents: () => this.sessions.size },
      beat: (partitions, late) => {
        this.beat(partitions, late);
      },
    });
    this.offset = new ClockOffset(() => clock.now());
    const each = <T>(make: (partition: number) => T): T[] =>
      Array.from({ length: store.partitions }, (_, i) => make(i));
    const handlers = {
      onReply: (partition: number, reply: ExchangeReply, resynced: readonly string[]) => {
        this.onReply(partition, reply, resynced);
      },
      beating: () => this.live().map(({ agent }) => agent.id),
      onOtherOwner: (partition: number, request: DriverRequest, first: boolean) =>
        this.tellAgain(partition, request, first),
      onNewOwner: (partition: number) => {
        if (durable) this.submitAgain(partition);
      },
      onTime: (partition: number, exchange: TimeExchange) => {
        if (partition !== 0) return;
        this.offset.add([exchange]);
        this.offsetMs = this.offset.offsetMs();
      },
      onError,
    };
    this.clients = each((partition) => new PartitionClient({ partition, driver, store, clock, durable, handlers }));
    this.submissions = each(() => new SubmissionJournal());
    this.results = each(() => new ResultJournal());
    this.sweeping = each(() => false);
    this.lastCounts = each(() => null);
    this.desk = new CanaryDesk(
      clock,
      (index, send) => {
        (this.clients[index % this.clients.length] as PartitionClient).batch().canaries.push(send);
      },
      (to, agent, id) => {
        this.tell(to, { say: 'canary', id, agent, from: driver });
      },
    );
    this.follower =
      options.observers.length === 0
        ? null
        : new LogFollower({
            ...{ clock, store, observers: options.observers, onError },
            ownTime: (stamp) => this.ownTime(stamp),
          });
  }

  /** Begins to listen. @throws what the store says when it cannot be reached. */
  static async open(options: RedisQueueOptions): Promise<RedisQueue> {
    const queue = new RedisQueue(options);
    await options.store.subscribe(queue.channel(options.driver), (text) => {
      queue.onMessage(text);
    });
    queue.follower?.start();
    queue.beats.start();
    return queue;
  }

  /** By partition: what its line has gone through. */
  get stats(): readonly ClientStats[] {
    return this.clients.map((client) => client.stats);
  }

  /** Transitions whose entry in a log was trimmed before it was read: observers were not told of them. */
  get missedLogEntries(): number {
    return this.follower?.missed ?? 0;
  }

  /** Tasks that ended again after a partition had lost how they had ended: told once, counted twice by nobody. */
  get endedAgain(): number {
    return this.follower?.endedAgain ?? 0;
  }

  // ---- producers --------------------------------------------------------------------------------------------------

  async submit(task: Task): Promise<SubmitOutcome> {
    const enqueuedAt = this.clock.now();
    const reason = await this.offer(task, enqueuedAt);
    return reason === '' ? { accepted: true, enqueuedAt } : { accepted: false, reason };
  }

  private offer(task: Task, enqueuedAt: number): Promise<ShedReason | ''> {
    const home = this.homeOf(task.index);
    const send = (to: number, word: SubmitWord): Promise<ShedReason | ''> => {
      const op: SubmitOp = [task.index, this.recordOf(task), this.stamp(enqueuedAt), word];
      const answer = this.clock.deferred<ShedReason | ''>();
      const resolve = (reason: ShedReason | ''): void => {
        if (to === home && (reason === '' || word === 1)) this.submissions[to]?.add(this.clock.now(), op, reason);
        answer.resolve(reason);
      };
      (this.clients[to] as PartitionClient).batch().submit.push({ op, answer: { ...answer, resolve } });
      return answer.promise;
    };
    return task.priority === 0 && this.clients.length > 1 ? this.askAround(home, send) : send(home, 1);
  }

  /**
   * The most important tasks are refused when every partition refuses them. One of them stays with its own partition
   * all the same, beyond that one's share of the bound: so everybody knows where it is.
   */
  private async askAround(
    home: number,
    send: (to: number, word: SubmitWord) => Promise<ShedReason | ''>,
  ): Promise<ShedReason | ''> {
    if ((await send(home, 0)) === '') return '';
    for (let i = 1; i < this.clients.length; i += 1) {
      if ((await send((home + i) % this.clients.length, 5)) === '') return send(home, 2);
    }
    return send(home, 1);
  }

  private homeOf(index: number): number {
    return index % this.clients.length;
  }

  probe(canary: Canary): void {
    this.desk.send(canary);
  }

  async setAdmission(limits: AdmissionLimits | null): Promise<void> {
    const share = limits === null ? 0 : shareOf(limits, this.clients.length);
    for (const client of this.clients) client.batch().admission = share;
    await Promise.resolve();
  }

  // ---- agents -----------------------------------------------------------------------------------------------------

  attach(agent: AgentIdentity, handlers: SessionHandlers): AgentSession {
    const session = new RedisSession(this, agent, handlers);
    const earlier = this.sessions.get(agent.id);
    this.sessions.set(agent.id, session);
    earlier?.crash();
    return session;
  }

  forget(session: RedisSession): boolean {
    if (this.sessions.get(session.agent.id) !== session) return false;
    this.sessions.delete(session.agent.id);
    return true;
  }

  stamp(at = this.clock.now()): string {
    return (at + this.offsetMs).toFixed(3);
  }

  /** Redis time − own, ms, and how far off that can be. */
  get clockOffset(): { readonly ms: number; readonly boundMs: number } {
    return { ms: this.offset.offsetMs(), boundMs: this.offset.boundMs() };
  }

  private recordOf({ priority, type, scheduledAt, payload }: Task): TaskRecord {
    return [priority, type, this.stamp(scheduledAt), payload ?? ''];
  }

  taskOf(index: number, [priority, type, scheduledAt, payload]: TaskRecord): Task {
    const task = { index, type, priority: priority as Task['priority'], scheduledAt: this.ownTime(scheduledAt) };
    return payload === '' ? task : { ...task, payload };
  }

  /** A time on the wire, on this process's clock. */
  private ownTime(stamp: string): number {
    return Number(stamp) - this.offsetMs;
  }

  counted(partition: number, op: FinishOp, outcome: FinishOutcome): void {
    if (outcome !== 'superseded') this.results[partition]?.add(this.clock.now(), op, outcome !== 'retried');
  }

  // ---- coordinator ------------------------------------------------------------------------------------------------

  async sweep(): Promise<SweepReport> {
    await this.askAll((client, partition) => {
      if (this.sweeping[partition]) return null;
      this.sweeping[partition] = true;
      const answer = this.clock.deferred<SweepReply>();
      client.batch().sweep.push(answer);
      return answer.promise.then((reply) => {
        this.sweeping[partition] = false;
        this.lastSweeps.push(reply);
      });
    });
    return this.sweepReport(this.lastSweeps.splice(0));
  }

  /** An agent expires in each partition by itself, at about the same time: it is told of once. */
  private sweepReport(replies: readonly SweepReply[]): SweepReport {
    const now = this.clock.now();
    for (const [agent, at] of this.reported) if (now - at > 2 * this.options.rules.leaseMs) this.reported.delete(agent);
    const expiredAgents = [...new Set(replies.flatMap(({ agents }) => agents))].filter((id) => !this.reported.has(id));
    for (const agent of expiredAgents) this.reported.set(agent, now);
    const held = replies.find((reply) => reply.held === 1);
    return {
      expiredAgents,
      expiredTasks: replies.reduce((sum, { tasks }) => sum + tasks, 0),
      releasedRetries: replies.reduce((sum, { retries }) => sum + retries, 0),
      held: held === undefined ? null : { silent: held.silent, attached: held.attached },
    };
  }

  async counts(): Promise<LedgerCounts> {
    await this.askAll((client, partition) => {
      const answer = this.clock.deferred<LedgerCounts>();
      client.batch().counts.push(answer);
      return answer.promise.then((counts) => {
        this.lastCounts[partition] = counts;
      });
    });
    const parts = this.lastCounts.filter((counts) => counts !== null);
    const sum = (of: keyof LedgerCounts): number => parts.reduce((total, counts) => total + counts[of], 0);
    return {
      ...{ submitted: sum('submitted'), completed: sum('completed'), failed: sum('failed'), shed: sum('shed') },
      ...{ queued: sum('queued'), leased: sum('leased') },
      ...{ superseded: sum('superseded'), retried: sum('retried'), expired: sum('expired') },
    };
  }

  async stateOf(index: number): Promise<TaskPhase | null> {
    const answer = this.clock.deferred<TaskPhase | null>();
    (this.clients[this.homeOf(index)] as PartitionClient).batch().states.push({ index, answer });
    return answer.promise;
  }

  async unfinished(): Promise<readonly UnfinishedTask[]> {
    const parts = await Promise.all(
      this.clients.map((client) => {
        const answer = this.clock.deferred<ExchangeReply['unfinished']>();
        client.batch().unfinished.push(answer);
        return answer.promise;
      }),
    );
    return parts
      .flat()
      .map(([index, attempts, started, task]) => ({ task: this.taskOf(index, task), attempts, started: started === 1 }))
      .sort((a, b) => a.task.index - b.task.index);
  }

  /** Resolves when the observers have been told all that had happened at the call. */
  async caughtUp(): Promise<void> {
    await this.follower?.caughtUp();
  }

  /** Ends sessions in order and lets go of the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.beats.stop();
    this.desk.close();
    const left = Promise.all([...this.sessions.values()].map((session) => session.close()));
    await Promise.race([left, this.clock.sleep(2 * PATIENCE_MS)]);
    await this.follower?.stop();
    for (const client of this.clients) client.close();
    await this.options.store.close();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private onReply(partition: number, reply: ExchangeReply, resynced: readonly string[]): void {
    for (const agent of resynced) this.sessions.get(agent)?.countsAnew(partition);
    for (const [agent, , attemptId] of reply.revoked) this.sessions.get(agent)?.revoked(attemptId);
    this.hand(partition, reply.leases);
    for (const agent of resynced) this.sessions.get(agent)?.resynced(partition);
    for (const agent of reply.replaced) this.sessions.get(agent)?.replaced();
    for (const agent of reply.unknown) this.sessions.get(agent)?.resync(partition);
    for (const [agent, granted] of reply.granted) this.sessions.get(agent)?.compare(partition, granted);
    this.feed(partition);
    for (const [driver, leases] of reply.pushes) {
      this.send(driver, `{"say":"leases","partition":${partition},"leases":${leases}}`);
    }
  }

  private hand(partition: number, leases: readonly LeaseRecord[]): void {
    for (const lease of leases) this.sessions.get(lease[0])?.receive(partition, lease);
  }

  /**
   * A partition that has changed its server may have lost the latest. What is finished and what agents hold it hears
   * with the request under way, at once: it waits for that, but not for ever.
   */
  private tellAgain(partition: number, request: DriverRequest, first: boolean): DriverRequest {
    const results = [
      ...(this.results[partition]?.since(this.clock.now()) ?? []),
      ...(this.follower?.endings(partition) ?? []),
    ];
    // What a session says when it begins is all there is to say.
    const sessions = first ? [] : [...this.sessions.values()].map((session) => session.tellAgain(partition));
    return retold(
      request,
      results,
      sessions.filter((op) => op !== null),
    );
  }

  private submitAgain(partition: number): void {
    const client = this.clients[partition] as PartitionClient;
    for (const op of this.submissions[partition]?.since(this.clock.now()) ?? []) {
      const answer: Deferred<ShedReason | ''> = { ...this.clock.deferred<ShedReason | ''>() };
      answer.promise.catch(() => undefined);
      client.batch().submit.push({ op, answer });
    }
  }

  get stoodStill(): boolean {
    return this.beats.overdue;
  }

  private live(): RedisSession[] {
    return [...this.sessions.values()].filter(({ state }) => state === 'live');
  }

  private beat(partitions: readonly number[], late: boolean): void {
    const live = this.live();
    if (late) {
      for (const session of live) this.clients.forEach((_client, partition) => session.resync(partition, true));
    }
    this.offsetMs = this.offset.offsetMs();
    for (const partition of partitions) {
      // Also where there is nobody to beat for: who does not ask never hears that a partition has lost his tasks.
      const { beat } = (this.clients[partition] as PartitionClient).batch();
      for (const session of live) beat.add(session.agent.id);
    }
    this.clients.forEach((client, partition) => {
      if (client.away) for (const session of live) session.leave(partition);
    });
  }

  /** Where tasks wait and nobody's credit does, some of the credit that waits elsewhere goes. */
  private feed(to: number): void {
    const hungry = this.clients[to] as PartitionClient;
    if (hungry.ready === 0 || hungry.credit > 0) return;
    const spare = this.clients.reduce((sum, { credit, ready }) => sum + (ready === 0 ? credit : 0), 0);
    if (spare === 0) return;
    const share = Math.min(1, hungry.ready / spare);
    this.clients.forEach((client, from) => {
      if (from === to || client.ready > 0) return;
      for (const session of this.sessions.values()) {
        for (let i = session.parkedAt(from); i > 0; i -= 1) if (this.options.random() < share) session.move(from, to);
      }
    });
  }

  private async askAll(ask: (client: PartitionClient, partition: number) => Promise<void> | null): Promise<void> {
    const asked = this.clients.map((client, partition) => ask(client, partition) ?? Promise.resolve());
    const all = Promise.all(asked).catch(() => undefined);
    let answered = false;
    all.then(
      () => (answered = true),
      () => undefined,
    );
    const cancel = new AbortController();
    const patience = this.clock.sleep(PATIENCE_MS, cancel.signal).catch(() => undefined);
    await Promise.race([all, patience]);
    if (answered) cancel.abort();
  }

  private onMessage(text: string): void {
    const parsed = parseMessage(text);
    if (parsed === null) {
      this.options.onError(new Error(`a message that is none of this project's: ${text.slice(0, 100)}`));
      return;
    }
    this.hear(parsed);
  }

  private hear(message: Message): void {
    switch (message.say) {
      case 'leases':
        this.hand(message.partition, leasesOf(message.leases));
        return;
      case 'canary':
        if (this.sessions.get(message.agent)?.state === 'live')
          this.tell(message.from, { say: 'answer', id: message.id });
        return;
      case 'answer':
        this.desk.answered(message.id);
    }
  }

  private tell(driver: string, message: Message): void {
    if (driver === this.options.driver) {
      this.hear(message);
      return;
    }
    this.send(driver, JSON.stringify(message));
  }

  /** Whoever misses it finds out with the next beat. */
  private send(driver: string, text: string): void {
    this.options.store.publish(this.channel(driver), text).catch(() => undefined);
  }

  private channel(driver: string): string {
    return `ae:${this.options.run}:driver:${driver}`;
  }
}

function parseMessage(text: string): Message | null {
  try {
    return MESSAGE.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function shareOf({ drainPerMs, arrivalsPerMs, maxWaitMs }: AdmissionLimits, partitions: number): AdmissionLimits {
  const [p0, p1, p2, p3] = arrivalsPerMs;
  const arrivals = [p0 / partitions, p1 / partitions, p2 / partitions, p3 / partitions] as const;
  return { drainPerMs: drainPerMs / partitions, arrivalsPerMs: arrivals, maxWaitMs };
}
