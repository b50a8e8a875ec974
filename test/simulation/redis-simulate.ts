import { Agent } from '../../runtime/agents/agent.js';
import type { Executor } from '../../runtime/agents/port.js';
import type { Timer } from '../../runtime/kernel/clock.js';
import { Random } from '../../runtime/kernel/random.js';
import { identityHolds, LedgerAudit } from '../../runtime/observe/audit.js';
import type {
  AgentIdentity,
  Lease,
  LedgerCounts,
  QueueObserver,
  SessionHandlers,
  TaskQueue,
} from '../../runtime/queue/port.js';
import { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { Task } from '../../runtime/queue/task.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { partitionRules, SimulatedRedis } from '../queue/simulated-redis.js';
import { GuardedClock } from './guarded-clock.js';
import { OutsideJournals } from './redis-journal.js';
import { SimulatedProcess } from './redis-process.js';
import type { RedisFault, RedisScenario } from './redis-scenario.js';
import { LOOK_MS, OutageWindows } from './redis-outages.js';
import { partitionProblems } from './redis-partition-check.js';

const START = experiment().startAtMs;
/** Timers beyond which a run is taken not to end. */
const MOST_TIMERS = 5_000_000;
const SWEEP_MS = 250;
/** The queue has to be empty so long after the last fault. */
const DRAIN_MS = 120_000;
/** One seed in so many sends everything as JSON, and one in so many waits until all processes are forgotten. */
const JSON_EVERY = 8;
const FORGET_EVERY = 4;
/** A task of this type runs until it is told to end. */
const HELD = 1;

/** What became of one run. */
export interface RedisSimulated {
  readonly problems: readonly string[];
  /** Tasks that ran again although nothing was wrong with the agent that had them. */
  readonly reruns: readonly string[];
  readonly lost: number;
  /** Tasks counted twice because whoever knew of the first time was gone: the agent's process and both servers. */
  readonly unknowable: number;
  readonly tasks: number;
  readonly events: number;
  /** What happened, for those who look at a single seed. */
  readonly history: readonly string[];
}

/** A process with agents in it. */
interface AgentProcess {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly queue: RedisQueue;
  readonly agents: readonly Agent[];
  readonly names: readonly string[];
}

/** Runs a scenario to its end in virtual time, watching every invariant. */
export async function simulateRedis(scenario: RedisScenario, options: { durable: boolean }): Promise<RedisSimulated> {
  return new RedisSimulation(scenario, options.durable).run();
}

class RedisSimulation {
  private readonly clock: GuardedClock;
  private readonly redis: SimulatedRedis;
  private readonly random: Random;
  private readonly draws: Random;
  private readonly problems: string[] = [];
  private readonly history: string[] = [];
  private readonly journals: OutsideJournals;
  private readonly outages: OutageWindows;
  private readonly audit = new LedgerAudit();
  private readonly fleet: Array<AgentProcess | null> = [];
  private generator: { readonly process: SimulatedProcess; readonly queue: RedisQueue } | null = null;
  private readonly leaders: Array<{ readonly process: SimulatedProcess; readonly queue: RedisQueue; timer: Timer }> =
    [];
  private monitor: RedisQueue | null = null;
  private readonly opened: Array<{ readonly process: SimulatedProcess; readonly queue: RedisQueue }> = [];
  private processes = 0;
  private incarnations = 0;
  private nextIndex = 0;
  private readonly held: Array<() => void> = [];
  private released = false;
  private unknowable = 0;

  constructor(
    private readonly scenario: RedisScenario,
    private readonly durable: boolean,
  ) {
    const { seed, rules, partitions, shards, weather } = scenario;
    this.clock = new GuardedClock(START, new Random(seed, 'ties'), MOST_TIMERS);
    this.random = new Random(seed, 'network');
    this.draws = new Random(seed, 'load');
    this.redis = new SimulatedRedis(
      this.clock,
      partitionRules(rules, partitions),
      () => this.random.next(),
      weather,
      shards,
      // One in so many pays for it.
      seed % JSON_EVERY === 0,
    );
    this.journals = new OutsideJournals(() => this.clock.now() - START, this.complain);
    this.outages = new OutageWindows(() => this.clock.now() - START, this.redis, partitions);
  }

  async run(): Promise<RedisSimulated> {
    let lost = 0;
    this.clock.spawn(
      async () => {
        lost = await this.play();
        this.clock.stop();
      },
      (error) => {
        this.complain(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        this.clock.stop();
      },
    );
    try {
      await this.clock.run();
    } catch (error) {
      this.complain(`failed: ${String(error)}`);
    }
    const { problems, history } = this;
    return {
      ...{ problems, history, lost, unknowable: this.unknowable, reruns: this.journals.reruns },
      ...{ tasks: this.nextIndex, events: this.clock.events },
    };
  }

  private readonly complain = (problem: string): void => {
    if (this.problems.length < 30) this.problems.push(`${problem} [${this.offset()}]`);
  };

  private note(text: string): void {
    this.history.push(`${this.offset()} ${text}`);
  }

  private offset(): string {
    return `${((this.clock.now() - START) / 1_000).toFixed(3)} s`;
  }

  // ---- the play ---------------------------------------------------------------------------------------------------

  private async play(): Promise<number> {
    const { scenario, clock } = this;
    await this.startMonitor();
    for (let i = 0; i < scenario.leaders; i += 1) await this.startLeader();
    for (let i = 0; i < scenario.agents.length; i += 1) await this.startAgents(i, null);
    await this.startGenerator();
    const looks = clock.every(LOOK_MS, () => {
      this.outages.look(this.freeSlots() === 0);
    });
    const checks = clock.every(1_000, () => {
      this.checkPartitions();
    });
    for (const fault of scenario.faults) {
      clock.after(fault.atMs, () => {
        this.strike(fault);
      });
    }
    const arrivals = this.arrive();
    await clock.sleep(scenario.durationMs);
    await arrivals;
    await this.untilQuiet();
    if (this.durable && scenario.faults.some(({ kind }) => kind === 'kill generator')) await this.submitMissing();
    const lost = await this.judge();
    if (this.durable) {
      this.judgeOrphans();
      await this.useAllCredit();
      await this.leaveNothing();
    }
    looks.cancel();
    checks.cancel();
    return lost;
  }

  private async arrive(): Promise<void> {
    const { scenario, clock, draws } = this;
    const end = clock.now() + scenario.durationMs;
    for (;;) {
      await clock.sleep(draws.exponential(1_000 / scenario.arrivalsPerSecond));
      if (clock.now() >= end) return;
      if (this.generator !== null) this.submitNext(0);
    }
  }

  private submitNext(type: number): void {
    const index = this.nextIndex;
    this.nextIndex += 1;
    const priority = this.draws.below(4) as Priority;
    const scheduledAt = this.generator?.process.clock.now() ?? this.clock.now();
    const task: Task = { index, type, priority, scheduledAt };
    this.tasks.set(index, task);
    this.journals.sent(index);
    this.audit.sent(index);
    this.offer(task);
  }

  private readonly tasks = new Map<number, Task>();

  private offer(task: Task): void {
    const { generator } = this;
    if (generator === null) return;
    generator.queue.submit(task).then(
      (outcome) => {
        this.journals.answered(task.index, outcome);
        this.audit.answered(task.index, outcome);
      },
      (error: unknown) => {
        this.complain(`submitting task ${task.index}: ${String(error)}`);
      },
    );
  }

  /** All faults have ended: waits until nothing is left to do. */
  private async untilQuiet(): Promise<void> {
    const { clock } = this;
    const lastFault = Math.max(0, ...this.scenario.faults.map(endOf)) + START;
    if (clock.now() < lastFault) await clock.sleep(lastFault - clock.now());
    if (this.fleet.every((each) => each === null)) await this.startAgents(0, null);
    const end = clock.now() + DRAIN_MS;
    for (;;) {
      await clock.sleep(500);
      const counts = await this.counts();
      const unanswered = this.journals.unanswered().length;
      if (counts !== null && counts.queued + counts.leased === 0 && unanswered === 0) break;
      if (clock.now() > end) {
        this.complain(
          `not quiet after ${DRAIN_MS} ms: ${JSON.stringify(counts)}, ${unanswered} submissions unanswered`,
        );
        break;
      }
    }
    // What has happened reaches the observers a little later.
    await clock.sleep(2_000);
  }

  /** A generator that was killed has not told again what it had submitted: its journal outside of it is what is left. */
  private async submitMissing(): Promise<void> {
    const queue = this.leaders[0]?.queue as RedisQueue;
    let missing = 0;
    for (const index of this.journals.accepted()) {
      if ((await queue.stateOf(index)) !== null) continue;
      missing += 1;
      this.journals.missing(index);
      this.offer(this.tasks.get(index) as Task);
    }
    if (missing > 0) this.note(`${missing} tasks are missing`);
    if (missing > 0) await this.untilQuiet();
  }

  private async counts(): Promise<LedgerCounts | null> {
    const leader = this.leaders[0];
    return leader === undefined ? null : leader.queue.counts();
  }

  // ---- judgement --------------------------------------------------------------------------------------------------

  private async judge(): Promise<number> {
    const { journals, durable } = this;
    const queue = this.leaders[0]?.queue as RedisQueue;
    const holding = new Set<number>();
    let lost = 0;
    for (const index of journals.accepted()) {
      const phase = await queue.stateOf(index);
      if (phase !== 'completed' && phase !== 'failed') lost += 1;
      const endings = journals.endings(index);
      if (!durable) continue;
      if (phase !== 'completed' && phase !== 'failed')
        this.complain(`task ${index} is ${phase}: ${journals.describe(index)}`);
      if (endings.length > 1) {
        if (journals.unknowable(index)) this.unknowable += 1;
        else this.complain(`task ${index} ended ${endings.join(' and ')}: ${journals.describe(index)}`);
      }
      if (phase === 'completed' && !journals.succeeded(index))
        this.complain(`task ${index} completed without a success`);
      const [ending] = endings;
      if (ending !== undefined && (ending === 'counted') !== (phase === 'completed')) {
        this.complain(`task ${index} is ${phase}, and its agent was told ${ending}: ${journals.describe(index)}`);
      }
      if (phase === 'queued' || phase === 'delayed' || phase === 'leased') holding.add(index);
    }
    const counts = await queue.counts();
    const judgement = this.audit.judge(counts, (index) => holding.has(index));
    if (durable) {
      const { lost: missing, doubleCounted, unbacked, unresolved, examples } = judgement;
      if (missing + doubleCounted + unbacked + unresolved > 0) {
        this.complain(
          `the audit: ${missing} lost, ${doubleCounted} double-counted, ${unbacked} unbacked, ${unresolved} unresolved ${JSON.stringify(
            examples,
          )}`,
        );
        for (const index of [...examples.doubleCounted, ...examples.lost].slice(0, 3))
          this.note(`task ${index}: ${journals.describe(index)}`);
      }
      const missed = this.monitor?.['follower']?.missed ?? 0;
      if (missed > 0) this.complain(`the observers missed ${missed} entries of the log`);
    }
    return lost;
  }

  private judgeOrphans(): void {
    const allowedMs = 5_000 + (this.scenario.weather.lostRequests > 0 ? 2_500 : 0);
    for (const { index, process, from, until } of this.journals.orphans) {
      const deadline = this.outages.deadline(index % this.scenario.partitions, from, allowedMs);
      if (until > deadline) {
        this.complain(
          `task ${index} of ${process}, killed at ${(from / 1_000).toFixed(3)} s, ran again after ${until - from} ms, ` +
            `expected within ${deadline - from} ms`,
        );
      }
    }
  }

  /** As many tasks as there are slots: each of them has to get one. */
  private async useAllCredit(): Promise<void> {
    const { clock } = this;
    const slots = this.liveAgents().reduce((sum, agent) => sum + agent.slots, 0);
    for (let i = 0; i < 40 && this.freeSlots() > 0; i += 1) {
      const counts = await this.counts();
      // Where the bound is small some are refused.
      if (counts?.queued === 0) for (let free = this.freeSlots(); free > 0; free -= 1) this.submitNext(HELD);
      await clock.sleep(500);
    }
    if (this.freeSlots() > 0) {
      const idle = this.liveAgents().filter((agent) => agent.busySlots < agent.slots);
      this.complain(
        `${this.freeSlots()} of ${slots} slots get no work: ${idle.map(({ id, busySlots }) => `${id} ${busySlots}`).join(', ')}`,
      );
      this.checkPartitions();
      this.describeCredit();
    }
    this.released = true;
    for (const finish of this.held.splice(0)) finish();
    await clock.sleep(5_000);
  }

  /** What agents offer and what the partitions know of it, for those who look at a single seed. */
  private describeCredit(): void {
    for (let partition = 0; partition < this.scenario.partitions; partition += 1) {
      const { state } = this.redis.shardOf(partition).owner.copy(partition);
      this.note(`partition ${partition}: ${state['ready'].flat().length} ready, ${state['openCredit']()} credit`);
      for (const each of this.fleet) {
        for (const [id, session] of each?.queue['sessions'] ?? []) {
          const agent = state['agents'].get(id);
          const { parked, received, resyncing } = session as unknown as Record<
            'parked' | 'received' | 'resyncing',
            number[]
          >;
          const own = `parked ${parked[partition]}, received ${received[partition]}, resyncing ${resyncing[partition]}`;
          this.note(`    ${id}: ${own}; limit ${agent?.limit}, granted ${agent?.granted}, listed ${agent?.listed}`);
        }
      }
    }
  }

  /** Everybody leaves: what is kept of them goes, too. */
  private async leaveNothing(): Promise<void> {
    const { clock, redis, scenario } = this;
    const [leader] = this.leaders;
    for (const each of this.leaders) each.timer.cancel();
    for (const { process, queue } of this.opened) if (!process.dead && queue !== leader?.queue) await queue.close();
    await clock.sleep(5_000);
    const forgets = scenario.seed % FORGET_EVERY === 0;
    for (let i = 0; forgets && i < 25; i += 1) {
      await clock.sleep(30_000);
      await leader?.queue.sweep();
    }
    for (let partition = 0; partition < scenario.partitions; partition += 1) {
      const { state } = redis.shardOf(partition).owner.copy(partition);
      const left = { tasks: state['tasks'].size, agents: state['agents'].size, drivers: state['drivers'].size };
      if (left.tasks > 0 || left.agents > 0 || (forgets && left.drivers > 1)) {
        this.complain(`partition ${partition} keeps ${JSON.stringify(left)}`);
      }
    }
    await leader?.queue.close();
  }

  private checkPartitions(): void {
    const { redis, scenario } = this;
    for (let partition = 0; partition < scenario.partitions; partition += 1) {
      const problems = partitionProblems(redis.shardOf(partition).owner.copy(partition).state);
      for (const problem of problems) this.complain(`partition ${partition}: ${problem}`);
    }
  }

  // ---- processes --------------------------------------------------------------------------------------------------

  private async open(
    name: string,
    observers: readonly QueueObserver[],
  ): Promise<{ process: SimulatedProcess; queue: RedisQueue }> {
    const { scenario, clock, redis, random, durable } = this;
    const process = new SimulatedProcess(clock, redis.store(), (random.next() - 0.5) * 100);
    const queue = await RedisQueue.open({
      ...{
        clock: process.clock,
        rules: scenario.rules,
        store: process.store,
        driver: name,
        run: 'r',
        observers,
        durable,
      },
      random: () => random.next(),
      onError: (error) => {
        this.complain(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      },
    });
    this.opened.push({ process, queue });
    return { process, queue };
  }

  private name(role: string): string {
    this.processes += 1;
    return `${role}${this.processes}`;
  }

  private async startMonitor(): Promise<void> {
    const watch: Partial<QueueObserver> = {
      finished: ({ task, attemptId }, _agent, _result, outcome, at) => {
        if (outcome === 'counted' || outcome === 'dead') this.journals.observed(task.index, attemptId, at - START);
      },
      requeued: ({ task, attemptId }, _agent, _reason, at, dead) => {
        if (dead) this.journals.over(task.index, at - START);
        else this.journals.requeued(task.index, attemptId, at - START);
      },
    };
    const nothing = (): void => undefined;
    const observer = { submitted: nothing, started: nothing, finished: nothing, requeued: nothing, ...watch };
    this.monitor = (await this.open(this.name('monitor'), [this.audit, observer])).queue;
  }

  private async startLeader(): Promise<void> {
    const { process, queue } = await this.open(this.name('leader'), []);
    let sweeps = 0;
    let sweeping = false;
    const timer = process.clock.every(SWEEP_MS, () => {
      if (sweeping) return;
      sweeping = true;
      sweeps += 1;
      process.clock.spawn(async () => {
        const { held } = await queue.sweep();
        if (held !== null) this.outages.held();
        sweeping = false;
        if (sweeps % 4 !== 0) return;
        const counts = await queue.counts();
        if (!identityHolds(counts)) this.complain(`the ledger does not add up: ${JSON.stringify(counts)}`);
      }, this.complain as never);
    });
    this.leaders.push({ process, queue, timer });
    this.outages.leading(true);
  }

  private async startGenerator(): Promise<void> {
    this.generator = await this.open(this.name('generator'), []);
    for (const index of this.journals.unanswered()) this.offer(this.tasks.get(index) as Task);
  }

  private async startAgents(place: number, names: readonly string[] | null): Promise<void> {
    const slots = this.scenario.agents[place] as readonly number[];
    const name = this.name('agents');
    this.incarnations += 1;
    const { process, queue } = await this.open(name, []);
    const incarnation = this.incarnations;
    const ids = names ?? slots.map((_, i) => `${name}-${i}`);
    const agents = slots.map((count, i) => {
      const id = ids[i] as string;
      return new Agent({
        ...{ id, incarnation, zone: 'A', slots: count, clock: process.clock },
        queue: this.watched(queue, name),
        executor: this.executor(process),
        journal: {
          result: (index, attemptId, status) => {
            this.journals.ended(attemptId, status);
            this.audit.result(index, attemptId, status);
          },
        },
        listener: {
          busyChanged: () => undefined,
          taskEnded: () => undefined,
          drained: (agent) => {
            this.journals.absent(name);
            agent.close();
          },
        },
        onError: (error) => {
          if (!process.dead) this.complain(`${id}: ${String(error)}`);
        },
      });
    });
    this.fleet[place] = { name, process, queue, agents, names: ids };
    for (const agent of agents) agent.start();
  }

  /** The queue as an agent uses it, with what it is told written down. */
  private watched(queue: TaskQueue, process: string): TaskQueue {
    const { journals } = this;
    const attach = (agent: AgentIdentity, handlers: SessionHandlers): ReturnType<TaskQueue['attach']> => {
      const session = queue.attach(agent, {
        onLease: (lease) => {
          journals.began(lease, agent.id, process);
          handlers.onLease(lease);
        },
        onRevoked: (lease) => {
          journals.revoked(lease.attemptId);
          handlers.onRevoked(lease);
        },
      });
      const finish: typeof session.finish = async (lease, result) => {
        const outcome = await session.finish(lease, result);
        journals.told(lease.attemptId, outcome);
        return outcome;
      };
      return {
        finish,
        credit: (slots) => session.credit(slots),
        revokeCredit: () => session.revokeCredit(),
        release: (leases) => session.release(leases),
        freeze: () => session.freeze(),
        thaw: () => session.thaw(),
        crash: () => session.crash(),
        close: () => session.close(),
      };
    };
    return { attach } as unknown as TaskQueue;
  }

  private executor(process: SimulatedProcess): Executor {
    const { scenario, draws } = this;
    return {
      start: (lease: Lease, _agent, done) => {
        const failed = draws.chance(scenario.failureRate);
        const held = lease.task.type === HELD;
        const ms = held ? 1 : scenario.meanTaskMs * (0.2 + draws.exponential(0.8));
        let timer: Timer | null = null;
        const execution = {
          lease,
          stretch: null,
          abort: () => timer?.cancel(),
          freeze: () => undefined,
          thaw: () => undefined,
        };
        const end = (): void => {
          done(
            execution,
            failed && !held
              ? { status: 'failed', error: 'executor_failed', retryAfterMs: 0 }
              : { status: 'success', error: null, retryAfterMs: 0 },
          );
        };
        if (held && !this.released) this.held.push(end);
        else timer = process.clock.after(ms, end);
        return execution;
      },
    };
  }

  private liveAgents(): Agent[] {
    return this.fleet.flatMap((each) =>
      each?.process.running === true ? each.agents.filter(({ atWork }) => atWork) : [],
    );
  }

  private freeSlots(): number {
    return this.liveAgents().reduce((sum, { slots, busySlots }) => sum + slots - busySlots, 0);
  }

  // ---- faults -----------------------------------------------------------------------------------------------------

  private strike(fault: RedisFault): void {
    this.note(JSON.stringify(fault));
    switch (fault.kind) {
      case 'kill agents':
        return this.killAgents(fault.process, fault.backMs, fault.sameNames);
      case 'freeze agents':
        return this.freezeAgents(fault.process, fault.forMs);
      case 'replace frozen agents':
        return this.replaceFrozen(fault.process, fault.forMs);
      case 'drain agents':
        return this.drainAgents(fault.process, fault.inOrder, fault.backMs);
      case 'kill leader':
        return this.killLeader(fault.backMs);
      case 'kill generator':
        return this.killGenerator(fault.backMs);
      case 'stall replica':
        return this.redis.shardOf(fault.partition).stallReplica(fault.forMs);
      case 'lose suffix': {
        const shard = this.redis.shardOf(fault.partition);
        shard.stallReplica(fault.forMs);
        this.clock.after(fault.killAfterMs, () => {
          shard.killPrimary(fault.restartMs);
        });
        return;
      }
      case 'kill primary':
        return this.redis.shardOf(fault.partition).killPrimary(fault.restartMs);
      case 'freeze primary':
        return this.redis.shardOf(fault.partition).freezePrimary(fault.forMs);
      case 'isolate primary':
        return this.redis.shardOf(fault.partition).isolatePrimary(fault.forMs);
      case 'cut off':
        return this.redis.shardOf(fault.partition).cutOff(fault.forMs);
      case 'cut off process': {
        const each = this.fleet[fault.process];
        if (each === null || each === undefined) return;
        each.process.store.cutOff(fault.partition, fault.forMs);
        this.journals.absent(each.name, fault.forMs);
      }
    }
  }

  private later(ms: number, run: () => Promise<void>): void {
    this.clock.after(ms, () => {
      this.clock.spawn(run, (error) => this.complain(String(error)));
    });
  }

  private killAgents(place: number, backMs: number, sameNames: boolean): void {
    const each = this.fleet[place];
    if (each === null || each === undefined) return;
    this.fleet[place] = null;
    each.process.kill();
    this.journals.killed(each.name);
    this.later(backMs, () => this.startAgents(place, sameNames ? each.names : null));
  }

  private freezeAgents(place: number, forMs: number): void {
    const each = this.fleet[place];
    if (each?.process.running !== true) return;
    each.process.freeze();
    this.journals.absent(each.name, forMs);
    this.clock.after(forMs, () => {
      each.process.thaw();
    });
  }

  private replaceFrozen(place: number, forMs: number): void {
    const each = this.fleet[place];
    if (each?.process.running !== true) return;
    each.process.freeze();
    this.journals.absent(each.name);
    this.fleet[place] = null;
    this.later(forMs / 2, () => this.startAgents(place, each.names));
    this.clock.after(forMs, () => {
      each.process.thaw();
    });
  }

  private drainAgents(place: number, inOrder: boolean, backMs: number): void {
    const each = this.fleet[place];
    if (each?.process.running !== true) return;
    this.fleet[place] = null;
    if (inOrder) for (const agent of each.agents) agent.drain();
    else {
      this.journals.absent(each.name);
      for (const agent of each.agents) agent.close();
    }
    this.later(backMs, () => this.startAgents(place, null));
  }

  private killLeader(backMs: number): void {
    const leader = this.leaders.shift();
    if (leader === undefined) return;
    leader.process.kill();
    this.outages.leading(this.leaders.length > 0);
    this.later(backMs, () => this.startLeader());
  }

  private killGenerator(backMs: number): void {
    const { generator } = this;
    if (generator === null) return;
    this.generator = null;
    generator.process.kill();
    this.later(backMs, () => this.startGenerator());
  }
}

function endOf(fault: RedisFault): number {
  const { atMs } = fault;
  if ('backMs' in fault) return atMs + fault.backMs;
  if (fault.kind === 'lose suffix') return atMs + Math.max(fault.forMs, fault.killAfterMs + fault.restartMs);
  if (fault.kind === 'kill primary') return atMs + fault.restartMs;
  return 'forMs' in fault ? atMs + fault.forMs : atMs;
}
