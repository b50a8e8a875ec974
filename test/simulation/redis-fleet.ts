import { Agent } from '../../runtime/agents/agent.js';
import type { Executor } from '../../runtime/agents/port.js';
import type { Clock, Timer } from '../../runtime/kernel/clock.js';
import type { Random } from '../../runtime/kernel/random.js';
import { identityHolds, type LedgerAudit } from '../../runtime/observe/audit.js';
import { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { AgentIdentity, Lease, QueueObserver, SessionHandlers, TaskQueue } from '../../runtime/queue/port.js';
import type { SimulatedRedis } from '../queue/simulated-redis.js';
import type { OutsideJournals } from './redis-journal.js';
import type { OutageWindows } from './redis-outages.js';
import { SimulatedProcess } from './redis-process.js';
import type { RedisFault, RedisScenario } from './redis-scenario.js';

const SWEEP_MS = 250;
/** The ledger's counters are looked at with every so many sweeps. */
const SWEEPS_PER_COUNT = 4;

/** A task of this type runs until it is told to end. */
export const HELD = 1;

/** A process with its driver. */
interface Driver {
  readonly process: SimulatedProcess;
  readonly queue: RedisQueue;
}

/** A process with agents in it. */
interface AgentProcess extends Driver {
  readonly name: string;
  readonly agents: readonly Agent[];
  readonly names: readonly string[];
}

export interface RedisFleetOptions {
  readonly scenario: RedisScenario;
  readonly durable: boolean;
  readonly clock: Clock;
  readonly startMs: number;
  readonly redis: SimulatedRedis;
  /** The network's draws, and the load's. */
  readonly random: Random;
  readonly draws: Random;
  readonly journals: OutsideJournals;
  readonly outages: OutageWindows;
  readonly audit: LedgerAudit;
  readonly complain: (problem: string) => void;
  /** A generator has started, and has what is without an answer to submit again. */
  readonly onGenerator: () => void;
}

/** The processes of a run – agents, generator, leading coordinators, monitor – and what faults do to them. */
export class RedisFleet {
  generator: Driver | null = null;
  monitor: Driver | null = null;
  readonly leaders: Array<Driver & { readonly timer: Timer }> = [];
  readonly opened: Driver[] = [];
  private readonly places: Array<AgentProcess | null> = [];
  private processes = 0;
  private incarnations = 0;
  private readonly held: Array<() => void> = [];
  private released = false;

  constructor(private readonly options: RedisFleetOptions) {}

  async start(): Promise<void> {
    const { scenario } = this.options;
    await this.startMonitor();
    for (let i = 0; i < scenario.leaders; i += 1) await this.startLeader();
    for (let i = 0; i < scenario.agents.length; i += 1) await this.startAgents(i, null);
    await this.startGenerator();
  }

  /** Where everybody has gone, somebody comes. */
  async ensureAgents(): Promise<void> {
    if (this.places.every((each) => each === null)) await this.startAgents(0, null);
  }

  liveAgents(): Agent[] {
    return this.places.flatMap((each) =>
      each?.process.running === true ? each.agents.filter(({ atWork }) => atWork) : [],
    );
  }

  freeSlots(): number {
    return this.liveAgents().reduce((sum, { slots, busySlots }) => sum + slots - busySlots, 0);
  }

  /** Tasks that run until they are told to end do so now, and later ones at once. */
  release(): void {
    this.released = true;
    for (const finish of this.held.splice(0)) finish();
  }

  // ---- processes --------------------------------------------------------------------------------------------------

  private async open(name: string, observers: readonly QueueObserver[]): Promise<Driver> {
    const { scenario, clock, redis, random, durable, journals, complain } = this.options;
    const store = redis.store();
    const { exchange } = store;
    store.exchange = async (partition, request, wait) => {
      const answer = await exchange(partition, request, wait);
      journals.heard(name, partition);
      return answer;
    };
    const process = new SimulatedProcess(clock, store, (random.next() - 0.5) * 100);
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
        complain(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
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
    const { journals, audit, startMs } = this.options;
    const watch: Partial<QueueObserver> = {
      finished: ({ task, attemptId }, _agent, _result, outcome, at) => {
        if (outcome === 'counted' || outcome === 'dead') journals.observed(task.index, attemptId, at - startMs);
      },
      requeued: ({ task, attemptId }, _agent, _reason, at, dead) => {
        if (dead) journals.over(task.index, at - startMs);
        else journals.requeued(task.index, attemptId, at - startMs);
      },
    };
    const nothing = (): void => undefined;
    const observer = { submitted: nothing, started: nothing, finished: nothing, requeued: nothing, ...watch };
    this.monitor = await this.open(this.name('monitor'), [audit, observer]);
  }

  private async startLeader(): Promise<void> {
    const { outages, complain } = this.options;
    const { process, queue } = await this.open(this.name('leader'), []);
    let sweeps = 0;
    let sweeping = false;
    const timer = process.clock.every(SWEEP_MS, () => {
      if (sweeping) return;
      sweeping = true;
      sweeps += 1;
      process.clock.spawn(
        async () => {
          const { held } = await queue.sweep();
          if (held !== null) outages.held();
          sweeping = false;
          if (sweeps % SWEEPS_PER_COUNT !== 0) return;
          const counts = await queue.counts();
          if (!identityHolds(counts)) complain(`the ledger does not add up: ${JSON.stringify(counts)}`);
        },
        (error) => complain(String(error)),
      );
    });
    this.leaders.push({ process, queue, timer });
    outages.leading(true);
  }

  private async startGenerator(): Promise<void> {
    this.generator = await this.open(this.name('generator'), []);
    this.options.onGenerator();
  }

  private async startAgents(place: number, names: readonly string[] | null): Promise<void> {
    const { scenario, journals, audit, complain } = this.options;
    const slots = scenario.agents[place] as readonly number[];
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
            journals.ended(attemptId, status);
            audit.result(index, attemptId, status);
          },
        },
        listener: {
          busyChanged: () => undefined,
          taskEnded: () => undefined,
          drained: (agent) => {
            journals.absent(name);
            agent.close();
          },
        },
        onError: (error) => {
          if (!process.dead) complain(`${id}: ${String(error)}`);
        },
      });
    });
    this.places[place] = { name, process, queue, agents, names: ids };
    for (const agent of agents) agent.start();
  }

  /** The queue as an agent uses it, with what it is told written down. */
  private watched(queue: TaskQueue, process: string): TaskQueue {
    const { journals } = this.options;
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
    const { scenario, draws } = this.options;
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

  // ---- faults -----------------------------------------------------------------------------------------------------

  strike(fault: RedisFault): void {
    const { redis, journals } = this.options;
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
        return redis.shardOf(fault.partition).stallReplica(fault.forMs);
      case 'lose suffix': {
        const shard = redis.shardOf(fault.partition);
        shard.stallReplica(fault.forMs);
        this.options.clock.after(fault.killAfterMs, () => {
          shard.killPrimary(fault.restartMs);
        });
        return;
      }
      case 'kill primary':
        return redis.shardOf(fault.partition).killPrimary(fault.restartMs);
      case 'freeze primary':
        return redis.shardOf(fault.partition).freezePrimary(fault.forMs);
      case 'isolate primary':
        return redis.shardOf(fault.partition).isolatePrimary(fault.forMs);
      case 'cut off':
        return redis.shardOf(fault.partition).cutOff(fault.forMs);
      case 'cut off process': {
        const each = this.places[fault.process];
        if (each === null || each === undefined) return;
        each.process.store.cutOff(fault.partition, fault.forMs);
        journals.absent(each.name, fault.forMs);
      }
    }
  }

  private later(ms: number, run: () => Promise<void>): void {
    const { clock, complain } = this.options;
    clock.after(ms, () => {
      clock.spawn(run, (error) => complain(String(error)));
    });
  }

  private killAgents(place: number, backMs: number, sameNames: boolean): void {
    const each = this.places[place];
    if (each === null || each === undefined) return;
    this.places[place] = null;
    each.process.kill();
    this.options.journals.killed(each.name);
    this.later(backMs, () => this.startAgents(place, sameNames ? each.names : null));
  }

  private freezeAgents(place: number, forMs: number): void {
    const each = this.places[place];
    if (each?.process.running !== true) return;
    each.process.freeze();
    this.options.journals.absent(each.name, forMs);
    this.options.clock.after(forMs, () => {
      each.process.thaw();
    });
  }

  private replaceFrozen(place: number, forMs: number): void {
    const each = this.places[place];
    if (each?.process.running !== true) return;
    each.process.freeze();
    this.options.journals.absent(each.name);
    this.places[place] = null;
    this.later(forMs / 2, () => this.startAgents(place, each.names));
    this.options.clock.after(forMs, () => {
      each.process.thaw();
    });
  }

  private drainAgents(place: number, inOrder: boolean, backMs: number): void {
    const each = this.places[place];
    if (each?.process.running !== true) return;
    this.places[place] = null;
    if (inOrder) for (const agent of each.agents) agent.drain();
    else {
      this.options.journals.absent(each.name);
      for (const agent of each.agents) agent.close();
    }
    this.later(backMs, () => this.startAgents(place, null));
  }

  private killLeader(backMs: number): void {
    const leader = this.leaders.shift();
    if (leader === undefined) return;
    leader.process.kill();
    this.options.outages.leading(this.leaders.length > 0);
    this.later(backMs, () => this.startLeader());
  }

  private killGenerator(backMs: number): void {
    const { generator } = this;
    if (generator === null) return;
    this.generator = null;
    this.options.journals.generatorKilled = true;
    generator.process.kill();
    this.later(backMs, () => this.startGenerator());
  }
}
