import type { Priority } from '../../../spec/experiment.js';
import type { AdmissionLimits, ShedReason } from '../../port.js';
import { admit, transition, type TaskState } from '../../protocol.js';
import type {
  AttachOp,
  BeganOp,
  CreditOp,
  DoneOp,
  ExchangeReply,
  ExchangeRequest,
  FinishOp,
  HeldOp,
  ReleaseOp,
  ResyncOp,
  SubmitOp,
  SubmitWord,
  SweepReply,
  TaskRecord,
} from './messages.js';
import {
  ascending,
  byDriver,
  byName,
  firstOf,
  forgetSilent,
  fresh,
  newCounters,
  phaseOf,
  takeFrom,
  told,
  unfinishedOf,
  type AgentEntry,
  type Context,
  type DriverEntry,
  type GivenLease,
  type TaskEntry,
} from './partition-records.js';
import {
  DONE,
  DRIVER_MEMORY,
  HOLD_BEATS,
  OUTAGE_MS,
  SUSPECT_BEATS,
  type DoneCode,
  type PartitionRules,
} from './partition-rules.js';

/** What a submission was answered before, by its word. */
const TOLD_BEFORE: Partial<Record<SubmitWord, ShedReason | ''>> = { 2: '', 3: 'queue_full', 4: 'expected_wait' };

/** What the partition has to be told the whole of. */
const UNKNOWN = 'u';

const FINISH_LETTER = { counted: 'c', retried: 'r', dead: 'd', superseded: 's' } as const;

/**
 * One partition of the queue as a value: what the script of `exchange.ts` does in Redis, said in TypeScript on the
 * pure state machine. Tests compare the two; the simulation runs the driver against this one.
 */
export class Partition {
  private epoch = 0;
  private owner = '';
  private holdLeast = 0;
  private holdMost = 0;
  private lastAt = 0;
  private outage = 0;
  private heldSince = 0;
  private limits: AdmissionLimits | 0 = 0;
  private canaryTurn = 0;
  private readonly counters = newCounters();
  private readonly tasks = new Map<number, TaskEntry>();
  private readonly done = new Map<number, DoneCode>();
  private readonly ready: [number[], number[], number[], number[]] = [[], [], [], []];
  private readonly delayed = new Map<number, number>();
  private readonly agents = new Map<string, AgentEntry>();
  private waiting: string[] = [];
  private readonly drivers = new Map<string, DriverEntry>();
  private forgotAt = 0;
  /**
   * Entries of the log in order, one per exchange, each with the epoch it belongs to. Events are rows of text; behind
   * each stand priority, type and `scheduledAt` of its task. Times are those of the process that caused it where it has
   * one of its own, else Redis time.
   *
   *     submitted  index reason('' = accepted) at
   *     started    index attemptId attempt agent first at
   *     ran        index attemptId attempt agent first('' = told before) at startedAt
   *     finished   index attemptId attempt agent outcome status error at startedAt usage
   *     requeued   index attemptId attempt agent reason dead at
   */
  readonly log: Array<{ readonly epoch: number; readonly events: readonly string[][] }> = [];

  private events: string[][] = [];
  private leases: GivenLease[] = [];
  private attemptsMade = 0;

  constructor(private readonly rules: PartitionRules) {}

  /** Carries out a request at `nowMs` (Redis time, whole ms). */
  exchange(request: ExchangeRequest, nowMs: number): ExchangeReply {
    this.events = [];
    this.leases = [];
    this.attemptsMade = 0;
    this.passTime(nowMs);
    this.recogniseOwner(request);
    const context: Context = { request, nowMs, revoked: [], unknown: [], replaced: [], granted: [] };
    const last = this.drivers.get(request.driver);
    if (last !== undefined && request.seq < last.seq) return this.reply(context, { stale: 1 });
    const again = last?.seq === request.seq;

    for (const op of request.results ?? []) this.resend(op, nowMs);
    for (const op of request.attach ?? []) this.attach(op, context);
    for (const op of request.resync ?? []) this.resync(op, context);
    const submitted = (request.submit ?? []).map((op) => this.submit(op));
    for (const op of request.began ?? []) this.began(op);
    const finished = again ? last.finished : this.end(request, nowMs);
    for (const op of request.release ?? []) this.release(op, nowMs);
    for (const agent of request.detach ?? []) this.detach(agent, context);
    for (const op of request.credit ?? []) this.credit(op, context);
    for (const agent of request.revoke ?? []) this.revoke(agent, context);
    for (const agent of request.beat ?? []) this.beat(agent, context);
    const sweep = request.sweep === 1 ? this.sweep(nowMs) : 0;
    if (request.admission !== undefined) this.limits = request.admission;
    this.dispatch(request.nonce);
    this.drivers.set(request.driver, { seq: request.seq, finished, at: nowMs });
    if (this.events.length > 0) this.log.push({ epoch: this.epoch, events: this.events });
    return this.reply(context, {
      submitted: submitted.some((reason) => reason !== '') ? submitted : [],
      finished,
      sweep,
    });
  }

  /** A replica's copy at this instant, for the simulation. */
  clone(): Partition {
    const copy = new Partition(this.rules);
    for (const key of Object.keys(this) as Array<keyof this>) {
      if (key !== 'rules') Object.defineProperty(copy, key, { value: structuredClone(this[key]), writable: true });
    }
    return copy;
  }

  // ---- time and owner ---------------------------------------------------------------------------------------------

  private passTime(nowMs: number): void {
    if (this.lastAt > 0 && nowMs - this.lastAt > OUTAGE_MS) this.outage += nowMs - this.lastAt;
    this.lastAt = Math.max(this.lastAt, nowMs);
  }

  /** Time during which the partition could take beats. */
  private get present(): number {
    return this.lastAt - this.outage;
  }

  private recogniseOwner({ owner, epoch, known }: ExchangeRequest): void {
    // The owner may have come back empty, and a driver that knew nothing may have been the first to come.
    const later = epoch > this.epoch || (epoch === this.epoch && known !== owner);
    if (this.owner === owner && !later) return;
    const emptied = this.epoch === 0 || this.owner === owner;
    this.owner = owner;
    this.epoch = Math.max(this.epoch, epoch) + 1;
    if (this.epoch === 1) return;
    const { least, most, emptied: longest } = HOLD_BEATS;
    // Time during which nobody reaches the partition does not count: nobody can be heard in it.
    this.holdLeast = this.present + (emptied ? longest : least) * this.rules.beatMs;
    this.holdMost = this.present + (emptied ? longest : most) * this.rules.beatMs;
    for (const agent of this.agents.values()) agent.beat = this.present;
  }

  private holding(): boolean {
    if (this.present >= this.holdMost) return false;
    if (this.present < this.holdLeast) return true;
    for (const agent of this.agents.values()) if (agent.synced !== this.epoch) return true;
    return false;
  }

  // ---- producers --------------------------------------------------------------------------------------------------

  private submit([index, task, enqueuedAt, word]: SubmitOp): ShedReason | '' {
    const done = this.done.get(index);
    if (done === DONE.queue_full) return 'queue_full';
    if (done === DONE.expected_wait) return 'expected_wait';
    if (done !== undefined || this.tasks.has(index)) return '';
    const priority = task[0] as Priority;
    const reason = TOLD_BEFORE[word] ?? this.refusal(priority) ?? '';
    if (word === 5 || (word === 0 && reason !== '')) return reason;
    this.counters.submitted += 1;
    this.events.push(['submitted', String(index), reason, enqueuedAt, ...told(task)]);
    if (reason !== '') {
      this.counters.shed += 1;
      this.done.set(index, DONE[reason]);
      return reason;
    }
    this.tasks.set(index, fresh(task));
    this.ready[priority].push(index);
    return '';
  }

  private refusal(priority: Priority): ShedReason | null {
    const [p0, p1, p2, p3] = this.ready;
    const ready = [p0.length, p1.length, p2.length, p3.length] as const;
    const idle = this.openCredit() > ready[0] + ready[1] + ready[2] + ready[3] && !this.holding();
    return admit({ ready, idle }, priority, this.rules, this.limits === 0 ? null : this.limits);
  }

  // ---- agents -----------------------------------------------------------------------------------------------------

  private attach([id, incarnation, zone]: AttachOp, context: Context): boolean {
    const before = this.agents.get(id);
    if (before !== undefined && before.incarnation > incarnation) {
      context.replaced.push(id);
      return false;
    }
    if (before !== undefined && before.incarnation < incarnation) {
      this.expireAgent(id, context.nowMs);
    }
    const agent = this.agents.get(id) ?? {
      ...{ incarnation, zone, driver: '', limit: 0, granted: 0, beat: 0, listed: false, synced: 0 },
    };
    agent.driver = context.request.driver;
    agent.beat = this.present;
    agent.synced = this.epoch;
    this.agents.set(id, agent);
    return true;
  }

  private resync([id, incarnation, zone, free, held]: ResyncOp, context: Context): void {
    if (!this.attach([id, incarnation, zone], context)) {
      for (const [index, attemptId] of held) context.revoked.push([id, index, attemptId]);
      return;
    }
    const believed = new Set<number>();
    for (const op of held) {
      // A later attempt may be this agent's as well, and be unknown to it.
      if (this.assert(op, id)) believed.add(op[0]);
      else context.revoked.push([id, op[0], op[1]]);
    }
    const agent = this.agents.get(id) as AgentEntry;
    agent.granted = 0;
    agent.limit = free;
    // What it was given and does not know of: the message was lost.
    for (const [index, entry] of ascending(this.tasks)) {
      if (entry.state.phase !== 'leased' || entry.agent !== id || believed.has(index)) continue;
      agent.granted += 1;
      this.hand(index, entry, agent);
    }
    this.list(id, agent);
  }

  /** An agent's word that it is running a task. False when the task is no longer its own. */
  private assert([index, attemptId, attempt, generation, task, startedAt]: HeldOp, agent: string): boolean {
    if (this.done.has(index)) return false;
    let entry = this.tasks.get(index);
    if (entry?.state.phase === 'leased' && entry.state.attemptId === attemptId) return true;
    if (entry !== undefined && entry.generation >= generation) return false;
    entry ??= this.unheardOf(index, task, startedAt);
    this.delayed.delete(index);
    takeFrom(this.ready[entry.task[0] as Priority], index);
    if (entry.state.phase !== 'leased') this.counters.leased += 1;
    entry.state = { phase: 'leased', attempts: attempt, attemptId };
    entry.generation = generation;
    entry.agent = agent;
    // What was known of an earlier attempt does not say when this one began.
    entry.startedAt = '';
    if (startedAt !== '') this.start(index, entry, startedAt);
    return true;
  }

  /** A task whose submission was lost with the server that had taken it. */
  private unheardOf(index: number, task: TaskRecord, at: string): TaskEntry {
    const entry = fresh(task);
    this.tasks.set(index, entry);
    this.ready[task[0] as Priority].push(index);
    this.counters.submitted += 1;
    this.events.push(['submitted', String(index), '', at, ...told(task)]);
    return entry;
  }

  private began([index, attemptId, at]: BeganOp): void {
    const entry = this.tasks.get(index);
    if (entry?.state.phase === 'leased' && entry.state.attemptId === attemptId) this.start(index, entry, at);
  }

  private start(index: number, entry: TaskEntry, at: string): void {
    if (entry.state.phase !== 'leased' || entry.startedAt !== '') return;
    const { attempts, attemptId } = entry.state;
    const first = entry.everStarted ? '0' : '1';
    entry.startedAt = at;
    entry.everStarted = true;
    const line = ['started', String(index), attemptId, String(attempts), entry.agent, first, at];
    this.events.push([...line, ...told(entry.task)]);
  }

  private end({ done = [], finish = [] }: ExchangeRequest, nowMs: number): string {
    const letters = done.map((op) => this.succeed(op, nowMs));
    return [...letters, ...finish.map((op) => this.finish(op, nowMs))].join('');
  }

  /** A success, where the partition has given that lease. */
  private succeed([index, attemptId, startedAt, endedAt]: DoneOp, nowMs: number): string {
    const entry = this.tasks.get(index);
    if (entry?.state.phase !== 'leased' || entry.state.attemptId !== attemptId) return UNKNOWN;
    const news = startedAt !== '' && entry.startedAt === '';
    const first = news ? (entry.everStarted ? '0' : '1') : '';
    const line = [
      'ran',
      String(index),
      attemptId,
      String(entry.state.attempts),
      entry.agent,
      first,
      endedAt,
      startedAt,
    ];
    this.events.push([...line, ...told(entry.task)]);
    const result = { status: 'success', error: null, retryAfterMs: 0 } as const;
    const next = transition(entry.state, { type: 'finish', attemptId, result, at: nowMs }, this.rules);
    this.unlease(index, entry, next.state);
    return FINISH_LETTER.counted;
  }

  private finish(op: FinishOp, nowMs: number): string {
    const [index, attemptId, attempt, generation, agent, verdict, error, retryAfterMs, endedAt, startedAt, task] = op;
    const usage = op[12] ?? '';
    let entry = this.tasks.get(index);
    const holds = (): boolean => entry?.state.phase === 'leased' && entry.state.attemptId === attemptId;
    if (!holds() && !this.done.has(index) && (entry === undefined || entry.generation < generation)) {
      // The lease was lost with the server that had given it: the agent's word is all there is.
      this.assert([index, attemptId, attempt, generation, task, startedAt], agent);
      entry = this.tasks.get(index);
    }
    const status = verdict === 1 ? 'success' : 'failed';
    if (entry === undefined || !holds()) {
      this.counters.superseded += 1;
      const line = ['finished', String(index), attemptId, String(attempt), agent, 'superseded', status, error];
      this.events.push([...line, endedAt, startedAt, usage, ...told(task)]);
      return FINISH_LETTER.superseded;
    }
    if (startedAt !== '') this.start(index, entry, startedAt);
    const result = { status, error, retryAfterMs, final: verdict === 2, deferred: verdict === 3 } as const;
    const next = transition(entry.state, { type: 'finish', attemptId, result, at: nowMs }, this.rules);
    const outcome = next.outcome as keyof typeof FINISH_LETTER;
    this.unlease(index, entry, next.state);
    if (outcome === 'retried') this.counters.retried += 1;
    const line = ['finished', String(index), attemptId, String(attempt), agent, outcome, status, error];
    this.events.push([...line, endedAt, startedAt, usage, ...told(entry.task)]);
    return FINISH_LETTER[outcome];
  }

  /** A result from a journal. What had ended a task ends it again, whoever has it by now. */
  private resend(op: FinishOp, nowMs: number): void {
    const [index, attemptId, attempt, generation, agent, , , , , startedAt, task, counted] = op;
    if (this.done.has(index)) return;
    const entry = this.tasks.get(index);
    const holds = entry?.state.phase === 'leased' && entry.state.attemptId === attemptId;
    if (!holds && entry !== undefined && entry.generation >= generation) {
      if (counted === 0) return;
      this.assert([index, attemptId, attempt, entry.generation + 1, task, startedAt], agent);
    }
    this.finish(op, nowMs);
  }

  private release([index, attemptId]: ReleaseOp, nowMs: number): void {
    const entry = this.tasks.get(index);
    if (entry?.state.phase !== 'leased' || entry.state.attemptId !== attemptId) return;
    this.takeBack(index, entry, 'released', nowMs);
  }

  private detach(id: string, context: Context): void {
    const agent = this.agents.get(id);
    if (agent?.driver !== context.request.driver) return;
    for (const [index, entry] of ascending(this.tasks)) {
      if (entry.state.phase === 'leased' && entry.agent === id) this.takeBack(index, entry, 'released', context.nowMs);
    }
    this.remove(id);
  }

  private credit([id, limit]: CreditOp, context: Context): void {
    const agent = this.agents.get(id);
    if (agent?.driver !== context.request.driver) {
      context.unknown.push(id);
      return;
    }
    agent.limit = Math.max(limit, agent.granted);
    this.list(id, agent);
  }

  private revoke(id: string, context: Context): void {
    const agent = this.agents.get(id);
    if (agent?.driver !== context.request.driver) return;
    agent.limit = agent.granted;
    context.granted.push([id, agent.granted]);
  }

  private beat(id: string, context: Context): void {
    const agent = this.agents.get(id);
    if (agent?.driver !== context.request.driver) {
      context.unknown.push(id);
      return;
    }
    agent.beat = this.present;
    this.list(id, agent);
    context.granted.push([id, agent.granted]);
  }

  private list(id: string, agent: AgentEntry): void {
    if (agent.listed || agent.limit <= agent.granted) return;
    agent.listed = true;
    this.waiting.push(id);
  }

  // ---- coordinator ------------------------------------------------------------------------------------------------

  private sweep(nowMs: number): SweepReply {
    if (nowMs - this.forgotAt >= DRIVER_MEMORY.everyMs) {
      this.forgotAt = nowMs;
      forgetSilent(this.drivers, nowMs - DRIVER_MEMORY.keptMs);
    }
    let retries = 0;
    const due = [...this.delayed].filter(([, at]) => at <= nowMs).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    for (const [index] of due) {
      const entry = this.tasks.get(index) as TaskEntry;
      this.delayed.delete(index);
      entry.state = transition(entry.state, { type: 'due', at: nowMs }, this.rules).state;
      this.ready[entry.task[0] as Priority].push(index);
      retries += 1;
    }
    const silent: string[] = [];
    let beating = 0;
    for (const [id, agent] of byName(this.agents)) {
      const age = this.present - agent.beat;
      if (age > this.rules.leaseMs) silent.push(id);
      if (age <= SUSPECT_BEATS * this.rules.beatMs) beating += 1;
    }
    const attached = this.agents.size;
    const answer = { retries, silent: silent.length, attached };
    if (this.mustHold(silent.length, beating, nowMs)) return { ...answer, agents: [], tasks: 0, held: 1 };
    let tasks = 0;
    for (const id of silent) tasks += this.expireAgent(id, nowMs);
    return { ...answer, agents: silent, tasks, held: 0 };
  }

  /** See MemoryQueue: many at once look like a fault between the agents and the queue. */
  private mustHold(silent: number, beating: number, nowMs: number): boolean {
    if (silent === 0) this.heldSince = 0;
    const many = silent > Math.max(2, this.rules.massExpiryShare * this.agents.size);
    if (this.heldSince === 0 && !many) return false;
    // From when the others beat again, those that were cut off with them have a whole lease to come back, too.
    if (this.heldSince === 0 || beating === 0) this.heldSince = nowMs;
    return nowMs - this.heldSince < this.rules.leaseMs;
  }

  private expireAgent(id: string, nowMs: number): number {
    let tasks = 0;
    for (const [index, entry] of ascending(this.tasks)) {
      if (entry.state.phase !== 'leased' || entry.agent !== id) continue;
      this.takeBack(index, entry, 'expired', nowMs);
      tasks += 1;
    }
    this.remove(id);
    return tasks;
  }

  private remove(id: string): void {
    this.agents.delete(id);
    this.waiting = this.waiting.filter((other) => other !== id);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private takeBack(index: number, entry: TaskEntry, reason: 'expired' | 'released', nowMs: number): void {
    const { attempts, attemptId } = entry.state as { attempts: number; attemptId: string };
    const type = reason === 'expired' ? 'expire' : 'release';
    const { agent } = entry;
    const next = transition(entry.state, { type, attemptId }, this.rules);
    const dead = next.outcome === 'dead';
    if (reason === 'expired') this.counters.expired += 1;
    const line = ['requeued', String(index), attemptId, String(attempts), agent, reason, dead ? '1' : '0'];
    this.events.push([...line, String(nowMs), ...told(entry.task)]);
    this.unlease(index, entry, next.state);
  }

  /** The attempt is over: the task waits, is tried again later, or is done. */
  private unlease(index: number, entry: TaskEntry, state: TaskState): void {
    this.counters.leased -= 1;
    entry.state = state;
    entry.agent = '';
    entry.startedAt = '';
    switch (state.phase) {
      case 'completed':
      case 'failed':
        this.tasks.delete(index);
        this.done.set(index, DONE[state.phase]);
        this.counters[state.phase] += 1;
        return;
      case 'delayed':
        this.delayed.set(index, state.due);
        return;
      default:
        // It has waited longer than anything of its priority.
        this.ready[entry.task[0] as Priority].unshift(index);
    }
  }

  private openCredit(): number {
    let open = 0;
    for (const id of this.waiting) {
      const agent = this.agents.get(id) as AgentEntry;
      if (!this.suspect(agent)) open += Math.max(0, agent.limit - agent.granted);
    }
    return open;
  }

  private suspect(agent: AgentEntry): boolean {
    return this.present - agent.beat > SUSPECT_BEATS * this.rules.beatMs;
  }

  /** Gives what is ready to those that wait, one at a time, in turn. */
  private dispatch(nonce: string): void {
    if (this.holding()) return;
    while (this.waiting.length > 0 && this.ready.some((line) => line.length > 0)) {
      const id = this.waiting.shift() as string;
      const agent = this.agents.get(id) as AgentEntry;
      agent.listed = false;
      if (agent.limit <= agent.granted || this.suspect(agent)) continue;
      const index = firstOf(this.ready);
      const entry = this.tasks.get(index) as TaskEntry;
      this.attemptsMade += 1;
      const attemptId = `${nonce}.${this.attemptsMade}`;
      entry.state = transition(entry.state, { type: 'claim', attemptId }, this.rules).state;
      entry.generation += 1;
      entry.agent = id;
      entry.startedAt = '';
      this.counters.leased += 1;
      agent.granted += 1;
      this.hand(index, entry, agent);
      this.list(id, agent);
    }
  }

  private hand(index: number, entry: TaskEntry, { driver }: AgentEntry): void {
    const { attempts, attemptId } = entry.state as { attempts: number; attemptId: string };
    this.leases.push({ driver, lease: [entry.agent, index, attemptId, attempts, entry.generation, entry.task] });
  }

  // ---- answers ----------------------------------------------------------------------------------------------------

  private reply(
    { request, nowMs, revoked, unknown, replaced, granted }: Context,
    parts: Partial<ExchangeReply>,
  ): ExchangeReply {
    const { own, pushes } = byDriver(this.leases, request.driver);
    const ready = this.ready.reduce((sum, line) => sum + line.length, 0);
    const stale = parts.stale === 1;
    return {
      stale: 0,
      epoch: this.epoch,
      now: String(nowMs),
      ready,
      credit: this.openCredit(),
      holding: this.holding() ? 1 : 0,
      submitted: [],
      finished: '',
      leases: own,
      pushes,
      revoked,
      unknown,
      replaced,
      granted,
      sweep: 0,
      canaries: stale ? [] : this.canaries(request.canaries ?? 0),
      counts: !stale && request.counts === 1 ? { ...this.counters, queued: ready + this.delayed.size } : 0,
      states: stale ? [] : (request.states ?? []).map((index) => phaseOf(this.tasks.get(index), this.done.get(index))),
      unfinished: !stale && request.unfinished === 1 ? unfinishedOf(this.tasks) : [],
      ...parts,
    };
  }

  /** Agents that are not late, in turn. */
  private canaries(count: number): Array<[string, string]> {
    if (count === 0) return [];
    const alive = byName(this.agents).filter(([, agent]) => !this.suspect(agent));
    if (alive.length === 0) return [];
    return Array.from({ length: count }, () => {
      this.canaryTurn += 1;
      const [id, { driver }] = alive[this.canaryTurn % alive.length] as [string, AgentEntry];
      return [driver, id] as [string, string];
    });
  }
}
