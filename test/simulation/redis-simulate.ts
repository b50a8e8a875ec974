import { Random } from '../../runtime/kernel/random.js';
import { LedgerAudit } from '../../runtime/observe/audit.js';
import type { LedgerCounts } from '../../runtime/queue/port.js';
import type { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { Task } from '../../runtime/queue/task.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { partitionRules, SimulatedRedis } from '../queue/simulated-redis.js';
import { GuardedClock } from './guarded-clock.js';
import { HELD, RedisFleet } from './redis-fleet.js';
import { OutsideJournals } from './redis-journal.js';
import type { RedisFault, RedisScenario } from './redis-scenario.js';
import { LOOK_MS, OutageWindows } from './redis-outages.js';
import { partitionProblems } from './redis-partition-check.js';

const START = experiment().startAtMs;
/** Timers beyond which a run is taken not to end. */
const MOST_TIMERS = 5_000_000;
/** The queue has to be empty so long after the last fault. */
const DRAIN_MS = 120_000;
/** One seed in so many sends everything as JSON, and one in so many waits until all processes are forgotten. */
const JSON_EVERY = 8;
const FORGET_EVERY = 4;

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
  private readonly fleet: RedisFleet;
  private readonly tasks = new Map<number, Task>();
  private nextIndex = 0;
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
    this.journals = new OutsideJournals(() => this.clock.now() - START, partitions, this.complain);
    this.outages = new OutageWindows(() => this.clock.now() - START, this.redis, partitions);
    const { clock, redis, random, draws, journals, outages, audit, complain } = this;
    this.fleet = new RedisFleet({
      ...{ scenario, durable, clock, redis, random, draws, journals, outages, audit, complain, startMs: START },
      onGenerator: () => {
        for (const index of journals.unanswered()) this.offer(this.tasks.get(index) as Task);
      },
    });
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
    await this.fleet.start();
    const looks = clock.every(LOOK_MS, () => {
      this.outages.look(this.fleet.freeSlots() === 0);
    });
    const checks = clock.every(1_000, () => {
      this.checkPartitions();
    });
    for (const fault of scenario.faults) {
      clock.after(fault.atMs, () => {
        this.note(JSON.stringify(fault));
        this.fleet.strike(fault);
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
      if (this.fleet.generator !== null) this.submitNext(0);
    }
  }

  private submitNext(type: number): void {
    const index = this.nextIndex;
    this.nextIndex += 1;
    const priority = this.draws.below(4) as Priority;
    const scheduledAt = this.fleet.generator?.process.clock.now() ?? this.clock.now();
    const task: Task = { index, type, priority, scheduledAt };
    this.tasks.set(index, task);
    this.journals.sent(index);
    this.audit.sent(index);
    this.offer(task);
  }

  private offer(task: Task): void {
    const { generator } = this.fleet;
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
    await this.fleet.ensureAgents();
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
    const queue = this.fleet.leaders[0]?.queue as RedisQueue;
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
    const leader = this.fleet.leaders[0];
    return leader === undefined ? null : leader.queue.counts();
  }

  // ---- judgement --------------------------------------------------------------------------------------------------

  private async judge(): Promise<number> {
    const { journals, durable } = this;
    const queue = this.fleet.leaders[0]?.queue as RedisQueue;
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
      const missed = this.fleet.monitor?.queue.missedLogEntries ?? 0;
      if (missed > 0) this.complain(`the observers missed ${missed} entries of the log`);
    }
    return lost;
  }

  private judgeOrphans(): void {
    const allowedMs = 5_000 + (this.scenario.weather.lostRequests > 0 ? 3_000 : 0);
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
    const slots = this.fleet.liveAgents().reduce((sum, agent) => sum + agent.slots, 0);
    for (let i = 0; i < 40 && this.fleet.freeSlots() > 0; i += 1) {
      const counts = await this.counts();
      // Where the bound is small some are refused.
      if (counts?.queued === 0) for (let free = this.fleet.freeSlots(); free > 0; free -= 1) this.submitNext(HELD);
      await clock.sleep(500);
    }
    if (this.fleet.freeSlots() > 0) {
      const idle = this.fleet.liveAgents().filter((agent) => agent.busySlots < agent.slots);
      this.complain(
        `${this.fleet.freeSlots()} of ${slots} slots get no work: ${idle.map(({ id, busySlots }) => `${id} ${busySlots}`).join(', ')}`,
      );
      this.checkPartitions();
    }
    this.fleet.release();
    await clock.sleep(5_000);
  }

  /** Everybody leaves: what is kept of them goes, too. */
  private async leaveNothing(): Promise<void> {
    const { clock, redis, scenario } = this;
    const [leader] = this.fleet.leaders;
    for (const each of this.fleet.leaders) each.timer.cancel();
    for (const { process, queue } of this.fleet.opened)
      if (!process.dead && queue !== leader?.queue) await queue.close();
    await clock.sleep(5_000);
    const forgets = scenario.seed % FORGET_EVERY === 0;
    for (let i = 0; forgets && i < 25; i += 1) {
      await clock.sleep(30_000);
      await leader?.queue.sweep();
    }
    for (let partition = 0; partition < scenario.partitions; partition += 1) {
      const { state } = redis.shardOf(partition).owner.copy(partition);
      const left = { tasks: state['tasks'].size, agents: state['agents'].size, drivers: state['drivers'].size };
      // In bad weather an agent's farewell may not arrive while its process waits for it.
      const stayed = scenario.weather.lostRequests > 0 ? 0 : left.agents;
      if (left.tasks > 0 || stayed > 0 || (forgets && left.drivers > 1)) {
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
}

function endOf(fault: RedisFault): number {
  const { atMs } = fault;
  if ('backMs' in fault) return atMs + fault.backMs;
  if (fault.kind === 'lose suffix') return atMs + Math.max(fault.forMs, fault.killAfterMs + fault.restartMs);
  if (fault.kind === 'kill primary') return atMs + fault.restartMs;
  return 'forMs' in fault ? atMs + fault.forMs : atMs;
}
