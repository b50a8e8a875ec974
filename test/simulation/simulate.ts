import type { FaultLedger } from '../../runtime/chaos/fault-ledger.js';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import type { RunEnd } from '../../runtime/coordinator/run.js';
import { mayGo } from '../../runtime/coordinator/run-state.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { Random } from '../../runtime/kernel/random.js';
import { MINUTE } from '../../runtime/kernel/units.js';
import { ArrivalSchedule } from '../../runtime/load/arrivals.js';
import { identityHolds } from '../../runtime/observe/audit.js';
import type { ExperimentData } from '../../runtime/observe/data.js';
import type { ExperimentEvent, RunState } from '../../runtime/observe/events.js';
import { Council } from '../../runtime/coordinator/council.js';
import { MemoryQueue } from '../../runtime/queue/adapters/memory.js';
import type { AgentIdentity } from '../../runtime/queue/port.js';
import type { Sink } from '../../runtime/record/port.js';
import { buildReport } from '../../runtime/report/build.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { parseReport, renderJson } from '../../runtime/report/render-json.js';
import { renderMarkdown } from '../../runtime/report/render-markdown.js';
import { ExperimentRun } from '../../runtime/targets/experiment-run.js';
import { parseRecord, recordToJson } from '../../runtime/targets/run-record.js';
import type { RunSnapshot } from '../../runtime/targets/snapshot.js';
import { FleetWatch } from './fleet-watch.js';
import { GuardedClock } from './guarded-clock.js';
import { reportProblems } from './report-problems.js';
import type { OperatorAction, Scenario } from './scenario.js';
import { TaskWatch, type Complain } from './task-watch.js';

/** Timers beyond which a run is taken not to end; a run of a simulation needs a tenth of it. */
const MOST_TIMERS = 2_000_000;
/** What may come after the planned end: a pause and a drain nobody answers, both 30 min, and the drains themselves. */
const MOST_AFTERWARDS_MS = 75 * MINUTE;

/** More than twice the longest delay of a message. */
const LONGEST_DELAY_MS = 12_000;
/** Sweeps come every 250 ms, looks every 2 s; the longest delay of a message is under way on top. */
const ORPHAN_GRACE_MS = 8_000;

/** When the record for a report that is cut short is tried out, ms from the start. */
const RECORD_AT_MS = 90_000;

/** What became of one run. */
export interface Simulated {
  /** Broken invariants, in the order in which they were noticed. */
  readonly problems: string[];
  /** Every event as it is recorded. */
  readonly lines: string[];
  /** `report.json`; null when the run was cut off. */
  readonly report: string | null;
  readonly end: RunEnd | null;
  /** Set when the run was cut off. */
  readonly left: Left | null;
  readonly events: number;
}

/** What a run that was cut off leaves to the one that takes it up. */
export interface Left {
  readonly snapshot: RunSnapshot;
  readonly watch: TaskWatch;
}

export interface SimulateOptions {
  /** Draws the order of events of the same time. */
  readonly tieSeed: number;
  /** Cut the run off as the scenario says. */
  readonly interrupt: boolean;
  /** False: only run it, for its bytes. */
  readonly watched: boolean;
  /** Take up what was left. */
  readonly left?: Left;
}

/** Runs a scenario to its end in virtual time, watching every invariant. */
export async function simulate(scenario: Scenario, options: SimulateOptions): Promise<Simulated> {
  const simulation = new Simulation(scenario, options);
  return simulation.run();
}

class Simulation {
  private readonly problems: string[] = [];
  private readonly lines: string[] = [];
  private readonly clock: GuardedClock;
  private readonly ledger: FaultLedger = new MemoryFaultLedger();
  private readonly watch: TaskWatch;
  private readonly fleetWatch: FleetWatch;
  private readonly target: ExperimentRun;
  private left: Left | null = null;
  private state: RunState = 'created';
  private lastEventAt = -Infinity;
  private lastCost = 0;
  private delayedAt = -Infinity;
  private leaderlessSince: number | null = null;

  constructor(
    private readonly scenario: Scenario,
    private readonly options: SimulateOptions,
  ) {
    const { experiment, seed } = scenario;
    const { left, tieSeed } = options;
    const startsAt = left?.snapshot.takenAt ?? experiment.startAtMs;
    this.clock = new GuardedClock(startsAt, new Random(tieSeed, 'ties'), MOST_TIMERS);
    this.watch = new TaskWatch({
      maxAttempts: experiment.queue.maxAttempts,
      slots: experiment.fleet.slots,
      busySlots: ({ id }) => this.target['parts'].fleet.agent(id)?.busySlots ?? null,
      complain: this.complain,
    });
    if (left !== undefined) this.watch.takeUp(left.watch, left.snapshot.unfinished);
    this.target = new ExperimentRun({
      experiment,
      experimentId: `simulation-${seed}`,
      target: 'rehearsal',
      clock: this.clock,
      sinks: [this.sink()],
      faultLedger: this.ledger,
      provenance: {
        version: '0',
        commit: '',
        imageDigest: null,
        schemaVersion: 1,
        specHash: '',
        seed: experiment.seed,
      },
      onError: (error) => {
        this.complain(`an error behind the scenes: ${messageOf(error)}`);
      },
      observers: options.watched ? [this.watch] : [],
      // What a snapshot holds has to survive being written and read.
      ...(left === undefined ? {} : { resume: JSON.parse(JSON.stringify(left.snapshot)) as RunSnapshot }),
    });
    this.fleetWatch = new FleetWatch(experiment, this.target['parts'].fleet, this.complain);
    this.target.onSample((data) => {
      if (options.watched) this.look(data);
    });
  }

  async run(): Promise<Simulated> {
    const { clock, problems, lines } = this;
    let end: RunEnd | null = null;
    let report: string | null = null;
    this.plan();
    const carriedOut = this.target.carryOut().finally(() => {
      clock.stop();
    });
    carriedOut.catch(() => undefined);
    try {
      await clock.run();
      if (this.left === null) {
        const done = await Promise.race([carriedOut, soon()]);
        if (done === null) this.complain('nothing is left to happen, and the run has not ended');
        else {
          end = done.end;
          const built = buildReport(done.input);
          report = renderJson(built);
          if (this.options.watched) this.judge(built, report, end);
        }
      }
    } catch (error) {
      this.complain(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    return { problems, lines, report, end, left: this.left, events: clock.events };
  }

  private readonly complain: Complain = (problem) => {
    if (this.problems.length < 20) this.problems.push(`${problem} [${this.offset()}]`);
  };

  private offset(): string {
    return `${((this.clock.now() - this.scenario.experiment.startAtMs) / 1_000).toFixed(3)} s`;
  }

  // ---- what is done to the run ------------------------------------------------------------------------------------

  private plan(): void {
    const { clock, scenario } = this;
    const { actions, experiment, interruption } = scenario;
    const now = clock.now();
    for (const action of actions) {
      const at = experiment.startAtMs + action.atMs;
      if (at < now) continue;
      clock.at(at, () => {
        this.act(action);
      });
    }
    if (interruption === null || !this.options.interrupt) return;
    clock.at(experiment.startAtMs + interruption.atMs, () => {
      if (interruption.drained) this.drainAndLeave();
      else this.leave();
    });
  }

  private act(action: OperatorAction): void {
    const before = this.target.state;
    const eventsBefore = this.lines.length;
    try {
      this.carryOut(action);
    } catch (error) {
      if (!(error instanceof ExperimentError && error.code === 'WRONG_STATE')) throw error;
      if (this.target.state !== before)
        this.complain(`${action.type} was refused and yet the run is ${this.target.state}`);
      if (this.lines.length !== eventsBefore) this.complain(`${action.type} was refused and yet recorded`);
    }
  }

  private carryOut(action: OperatorAction): void {
    const { target } = this;
    switch (action.type) {
      case 'pause':
        return target.pause('operator');
      case 'resume':
        return target.resume('operator');
      case 'stop':
        return target.stop('operator');
      case 'emergency_stop':
        target.emergencyStop('operator');
        return;
      case 'drain':
        return target.drain('operator', action.timeoutMs, action.thenStop);
      case 'scale':
        return target.scale('operator', action.agents);
      case 'chaos_on':
      case 'chaos_off':
        target.setChaos('operator', action.type === 'chaos_on');
        return;
      case 'freeze':
        return this.freeze(action.share, action.forMs);
    }
  }

  /** What the run keeps its tasks in: memory, as nothing else was asked for. */
  private get queue(): MemoryQueue {
    const { queue } = this.target['parts'].queue;
    if (!(queue instanceof MemoryQueue)) throw new Error('the queue is not in memory');
    return queue;
  }

  private freeze(share: number, forMs: number): void {
    const { surface } = this.target['parts'];
    const ready = surface.agents().filter((agent) => agent.ready);
    const agentIds = ready.slice(0, Math.ceil(ready.length * share)).map((agent) => agent.id);
    const lease = { faultId: `freeze-${this.clock.now()}`, expiresAtMs: this.clock.now() + forMs };
    this.clock.spawn(
      () => surface.apply({ kind: 'freeze', agentIds }, lease),
      (error) => {
        this.complain(messageOf(error));
      },
    );
  }

  private drainAndLeave(): void {
    if (this.state !== 'running' && this.state !== 'paused') return;
    this.target.drain('operator', 20_000, false);
    const waiting = this.clock.every(1_000, () => {
      if (!this.target.status().drained) return;
      waiting.cancel();
      this.leave();
    });
  }

  /** Writes down all there is and goes without a word. */
  private leave(): void {
    if (this.state === 'created' || this.state === 'stopped' || this.state === 'aborted') return;
    const snapshot = this.target.snapshot('operator');
    this.watch.compareUnfinished(snapshot.unfinished);
    this.left = { snapshot, watch: this.watch };
    this.clock.stop();
  }

  // ---- what is looked at ------------------------------------------------------------------------------------------

  private look(data: ExperimentData): void {
    const { clock, scenario } = this;
    const { queue } = this;
    const counts = queue.counts();
    if (!identityHolds(counts)) this.complain(`the ledger does not add up: ${JSON.stringify(counts)}`);
    this.watch.compare(counts);
    if (data.timestamp % 10_000 === 0) {
      this.watch.compareUnfinished(queue.unfinished());
      this.checkRecord();
    }
    this.checkProgress(data);
    this.fleetWatch.compare();
    this.checkLeaders();
    if (data.timestamp !== clock.now()) this.complain(`a sample of ${data.timestamp} was taken at ${clock.now()}`);
    if (data.cost < this.lastCost) this.complain(`the cost fell from ${this.lastCost} to ${data.cost}`);
    this.lastCost = data.cost;
    const { experiment } = scenario;
    if (clock.now() > experiment.startAtMs + 2 * experiment.durationMs + MOST_AFTERWARDS_MS) {
      throw new Error('the run does not end');
    }
  }

  /** Nobody waits beside a free slot, and nothing stays with an agent that is gone. */
  private checkProgress(data: ExperimentData): void {
    const { fleet, council, surface } = this.target['parts'];
    const { queue } = this;
    const { queue: rules, fleet: rulesOfFleet } = this.scenario.experiment;
    const now = this.clock.now();
    // One that is cut off has free slots of which nobody knows.
    const isCut = (agent: { id: string; zone: string }): boolean => surface['place'].cutOffShare([agent]) === 1;
    const agents = fleet.agents().filter((agent) => agent.ready && !isCut(agent));
    if (queue.link.delayMs > 0) this.delayedAt = now;
    const free = agents.filter(({ id }) => (fleet.agent(id)?.busySlots ?? 0) < rulesOfFleet.slots);
    // Messages sent under a delay may still be on their way.
    if (queue.queueDepth > 0 && free.length > 0 && now - this.delayedAt > LONGEST_DELAY_MS) {
      this.complain(`${queue.queueDepth} tasks wait beside free slots of ${free.map(({ id }) => id).join(', ')}`);
    }
    // While all are silent, or nobody leads, nothing expires.
    if (agents.length === 0 || council.leader() === null) this.watch.excuseOrphans();
    const alive = new Map(fleet.agents().map((agent) => [agent.id, agent.incarnation]));
    const isThere = ({ id, incarnation }: AgentIdentity): boolean =>
      alive.get(id) === incarnation && fleet.agent(id) !== null;
    if (data.timestamp % 2_000 === 0) this.watch.checkOrphans(now, isThere, 2 * rules.leaseMs + ORPHAN_GRACE_MS);
  }

  private checkLeaders(): void {
    const { council } = this.target['parts'];
    if (!(council instanceof Council)) throw new Error('the coordinators are elsewhere');
    const leaders = council['coordinators'].filter((coordinator) => coordinator.isLeader);
    if (leaders.length > 1) this.complain(`${leaders.map(({ replica }) => replica).join(' and ')} both lead`);
    if (leaders.length > 0 || council.alive === 0) this.leaderlessSince = null;
    else {
      this.leaderlessSince ??= this.clock.now();
      if (this.clock.now() - this.leaderlessSince > 3_000) this.complain('nobody has led for more than 3 s');
    }
  }

  /** What is written down now and then has to be a report, should it be the last that was written. */
  private checkRecord(): void {
    if (this.clock.now() - this.scenario.experiment.startAtMs !== RECORD_AT_MS) return;
    const { experiment } = this.scenario;
    const { record } = parseRecord(recordToJson(this.target.record('cut short'), false), 'record.json', experiment);
    const events = this.lines.map((line) => JSON.parse(line) as ExperimentEvent);
    const report = renderJson(buildReport({ experiment, events, ...record }));
    const direct = renderJson(buildReport({ experiment, events, ...this.target.record('cut short') }));
    if (report !== direct) this.complain('a record that was written and read gives another report');
  }

  private sink(): Sink {
    let records = 0;
    return {
      name: 'memory',
      event: (event) => {
        records += 1;
        this.happened(event);
      },
      sample: () => {
        records += 1;
      },
      pressure: () => null,
      close: () => {
        this.checkUndone();
        return Promise.resolve();
      },
      state: () => ({ name: 'memory', records, complete: true, note: '' }),
    };
  }

  private happened(event: ExperimentEvent): void {
    const line = JSON.stringify(event);
    this.lines.push(line);
    // A bundle of diagnostics may well say that something could not be measured.
    if (event.type !== 'diagnostics') this.checkNumbers(event, event.type);
    if (event.at > this.clock.now() || event.at < this.lastEventAt) {
      this.complain(`an event of ${event.at} (${event.type}) came after one of ${this.lastEventAt}`);
    }
    this.lastEventAt = event.at;
    if (event.type === 'incident' && !(event.incident.duration >= 0)) {
      this.complain(`an incident lasted ${event.incident.duration} ms: ${event.incident.description}`);
    }
    if (event.type !== 'run_state') return;
    // Another process takes a run up from the start of its own states.
    if (this.options.left !== undefined && event.from === 'created') this.state = 'created';
    if (event.from !== this.state) this.complain(`the run went from ${event.from}, but was ${this.state}`);
    if (!mayGo(event.from, event.to)) this.complain(`the run went from ${event.from} to ${event.to}`);
    this.state = event.to;
  }

  /** JSON turns NaN into null without a word. */
  private checkNumbers(value: unknown, path: string): void {
    if (typeof value === 'number' && !Number.isFinite(value)) this.complain(`event with ${path} = ${value}`);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) this.checkNumbers(inner, `${path}.${key}`);
  }

  /** Every lasting fault is undone by the time the run is over. */
  private checkUndone(): void {
    const { fleet, surface, chaos } = this.target['parts'];
    const { queue } = this;
    const open = surface['effects'].open.filter((id) => !id.startsWith('freeze'));
    if (open.length > 0) this.complain(`effects are still on: ${open.join(', ')}`);
    if (queue.link.delayMs !== 0) this.complain(`messages still take ${queue.link.delayMs} ms`);
    for (const { id } of fleet.agents()) {
      const slowdown = fleet.agent(id)?.slowdown ?? 1;
      if (slowdown !== 1) this.complain(`${id} is still ${slowdown} times slower`);
    }
    if (fleet['zonesDown'].size > 0) this.complain(`zones are still down: ${[...fleet['zonesDown']].join(', ')}`);
    if (chaos.status.open.length > 0) this.complain(`faults are still open: ${chaos.status.open.join(', ')}`);
    const entries = this.ledger.stillOpen();
    if (entries instanceof Promise || entries.length > 0) this.complain('the fault ledger has open entries');
  }

  private judge(report: ExperimentReport, json: string, end: RunEnd): void {
    const { experiment } = this.scenario;
    const { queue } = this;
    for (const problem of reportProblems(report, queue.counts(), this.options.left !== undefined))
      this.complain(problem);
    parseReport(JSON.parse(json));
    if (this.options.tieSeed === this.scenario.seed) renderMarkdown(report, 'en');
    if (!end.complete) return;
    const carriedOutMs = this.target['parts'].observation.tally.carriedOutMs(end.at);
    if (carriedOutMs < experiment.durationMs - 1) {
      this.complain(`the run is complete, and ${carriedOutMs} of ${experiment.durationMs} ms were carried out`);
    }
    const planned = arrivals(this.scenario);
    if (report.load.scheduled !== planned) {
      this.complain(`${report.load.scheduled} of ${planned} arrivals were sent (${experiment.load.process})`);
    }
  }
}

function arrivals({ experiment }: Scenario): number {
  const schedule = new ArrivalSchedule(experiment.load, experiment.seed);
  let count = 0;
  while (schedule.next() !== null) count += 1;
  return count;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Null, after everything that was settled already has had its turn. */
function soon(): Promise<null> {
  return new Promise((resolve) => {
    setImmediate(resolve, null);
  });
}
