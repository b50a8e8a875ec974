import type { FleetSample } from '../agents/port.js';
import { Histogram, type HistogramJson } from '../kernel/histogram.js';
import type { ByPriority, LedgerCounts, UnfinishedTask } from '../queue/port.js';
import type { ModelUsage, Task } from '../queue/task.js';
import { PRIORITIES, type Experiment } from '../spec/experiment.js';
import { CanaryTally, type Availability, type CanaryJson } from './canary-tally.js';
import { FleetTally, floorAt, type FleetSummary, type FleetTallyJson } from './fleet-tally.js';
import { Population, type LittlesLaw, type PopulationJson } from './population.js';
import { rowLengthMs, Series, type SeriesJson } from './series.js';
import { StageTally, type StageJson, type StageThroughput } from './stage-tally.js';
import { SteadyWindow, type SteadyWindowJson } from './steady-window.js';
import { ThroughputTally, type Throughput, type ThroughputJson } from './throughput-tally.js';

/** Numbers of tasks and attempts. */
export interface TaskCounts {
  readonly submitted: number;
  readonly completed: number;
  /** Failed for good. */
  readonly failed: number;
  readonly shed: number;
  readonly submittedByPriority: ByPriority<number>;
  readonly shedByPriority: ByPriority<number>;
  /** Attempts that failed and were tried again. */
  readonly retried: number;
  /** Attempts taken from silent agents. */
  readonly expired: number;
  /** Results of attempts that no longer held the lease. */
  readonly superseded: number;
  /** Tasks that had not started when the run ended. */
  readonly censored: number;
}

/** What attempts used of models, as far as agents reported it. */
export interface UsageSum extends ModelUsage {
  /** Attempts that reported anything. */
  readonly attempts: number;
}

/** Of one task type. */
export interface TypeCounts {
  readonly completed: number;
  readonly failed: number;
  /** Mean duration of the successful attempts, ms; NaN when there was none. */
  readonly meanServiceMs: number;
}

export interface TallyJson {
  readonly startedAt: number;
  readonly window: SteadyWindowJson;
  readonly population: PopulationJson;
  readonly throughput: ThroughputJson;
  readonly canaries: CanaryJson;
  readonly fleet: FleetTallyJson;
  readonly stages: StageJson;
  readonly series: SeriesJson;
  readonly response: readonly HistogramJson[];
  readonly completion: HistogramJson;
  readonly service: HistogramJson;
  readonly dispatchLag: HistogramJson;
  readonly stretch: HistogramJson;
  readonly types: { readonly completed: number[]; readonly failed: number[]; readonly serviceMs: number[] };
  readonly counters: Counters;
  /** Absent = nothing was reported. */
  readonly usage?: UsageSum;
}

interface Counters {
  submitted: number[];
  shed: number[];
  completed: number;
  failed: number;
  retried: number;
  expired: number;
  superseded: number;
  censored: number;
}

/**
 * Everything a report says about a run, added up while it runs: constant work per task and per sample, and a size
 * fixed before the run. It can be written as JSON at any time, and a report made from that. Times are epoch ms.
 *
 * Latencies are over the whole run (design.md §2 gives the definitions); throughput, utilisation and CPU are over the
 * {@link SteadyWindow}.
 */
export class Tally {
  readonly window: SteadyWindow;
  private readonly population: Population;
  private readonly throughputTally: ThroughputTally;
  private readonly canaries: CanaryTally;
  private readonly fleetTally: FleetTally;
  private readonly stageTally: StageTally;
  private seriesRows: Series;

  private response: Histogram[] = PRIORITIES.map(() => new Histogram());
  private completionHistogram = new Histogram();
  private serviceHistogram = new Histogram();
  private lagHistogram = new Histogram();
  private stretchHistogram = new Histogram();

  private readonly typeCompleted: Float64Array;
  private readonly typeFailed: Float64Array;
  private readonly typeServiceMs: Float64Array;
  private counters: Counters;
  private usageSum: UsageSum | null = null;

  /** `startedAt`: when the arrival schedule begins. */
  constructor(
    private readonly experiment: Experiment,
    readonly startedAt: number = experiment.startAtMs,
  ) {
    const { durationMs, fleet, targets, tasks } = experiment;
    this.window = new SteadyWindow(startedAt, durationMs);
    this.population = new Population(startedAt);
    this.throughputTally = new ThroughputTally(this.window);
    this.canaries = new CanaryTally(targets.p99LatencyMs);
    this.fleetTally = new FleetTally(startedAt);
    this.stageTally = new StageTally(experiment);
    this.seriesRows = new Series(startedAt, rowLengthMs(durationMs), fleet.zones);
    this.typeCompleted = new Float64Array(tasks.types.length);
    this.typeFailed = new Float64Array(tasks.types.length);
    this.typeServiceMs = new Float64Array(tasks.types.length);
    this.counters = {
      submitted: [0, 0, 0, 0],
      shed: [0, 0, 0, 0],
      completed: 0,
      failed: 0,
      retried: 0,
      expired: 0,
      superseded: 0,
      censored: 0,
    };
  }

  // ---- tasks ------------------------------------------------------------------------------------------------------

  submitted(task: Task, accepted: boolean, at: number): void {
    const { counters } = this;
    const lag = at - task.scheduledAt;
    addTo(counters.submitted, task.priority, 1);
    this.lagHistogram.record(lag);
    this.seriesRows.dispatchLag(at, lag);
    this.seriesRows.count('offered', at);
    if (accepted) {
      this.population.enters(task.scheduledAt, at);
    } else {
      addTo(counters.shed, task.priority, 1);
      this.seriesRows.count('shed', at);
    }
  }

  /** The first attempt of a task has begun. */
  started(task: Task, at: number): void {
    const latency = at - task.scheduledAt;
    (this.response[task.priority] as Histogram).record(latency);
    this.seriesRows.responseLatency(at, latency);
  }

  /** A task was counted as completed; its successful attempt began at `attemptStartedAt`. */
  completed(task: Task, at: number, attemptStartedAt: number): void {
    const latency = this.leaves(task, at);
    const service = at - attemptStartedAt;
    this.counters.completed += 1;
    this.typeCompleted[task.type] = (this.typeCompleted[task.type] as number) + 1;
    this.typeServiceMs[task.type] = (this.typeServiceMs[task.type] as number) + service;
    this.serviceHistogram.record(service);
    if (service > 0) this.stretchHistogram.record(latency / service);
    this.throughputTally.completed(task.scheduledAt, at);
    this.stageTally.completed(this.window.runTime(at));
    this.seriesRows.count('completed', at);
  }

  /** A task failed for good. */
  failed(task: Task, at: number): void {
    this.leaves(task, at);
    this.counters.failed += 1;
    this.typeFailed[task.type] = (this.typeFailed[task.type] as number) + 1;
    this.seriesRows.count('failed', at);
  }

  /** An attempt failed and will be followed by another. */
  retried(at: number): void {
    this.counters.retried += 1;
    this.seriesRows.count('retried', at);
  }

  expired(): void {
    this.counters.expired += 1;
  }

  superseded(): void {
    this.counters.superseded += 1;
  }

  /** An attempt has ended, however, and reported what it used. */
  used({ inputTokens, outputTokens, usd }: ModelUsage): void {
    const before = this.usageSum ?? { attempts: 0, inputTokens: 0, outputTokens: 0, usd: 0 };
    this.usageSum = {
      attempts: before.attempts + 1,
      inputTokens: before.inputTokens + inputTokens,
      outputTokens: before.outputTokens + outputTokens,
      usd: before.usd + usd,
    };
  }

  /**
   * What is left when the run ends at `at`: a task that has not started enters the response latencies, one that has
   * not finished the completion latencies, with the time it has waited by then (censored: at least this long).
   */
  unfinished(tasks: readonly UnfinishedTask[], at: number): void {
    for (const { task, started } of tasks) {
      const latency = at - task.scheduledAt;
      this.completionHistogram.record(latency);
      if (started) continue;
      this.counters.censored += 1;
      (this.response[task.priority] as Histogram).record(latency);
    }
  }

  // ---- canaries, fleet, run ---------------------------------------------------------------------------------------

  canarySent(index: number, at: number): void {
    this.canaries.sent(index, at);
    this.seriesRows.canary('canaries', at);
  }

  canaryAnswered(index: number, sentAt: number, at: number): void {
    if (this.canaries.answered(index, sentAt, at)) this.seriesRows.canary('canariesWithin', sentAt);
  }

  /** Once a second. */
  sample(now: number, fleet: FleetSample, counts: LedgerCounts, costUsd: number): void {
    const { window } = this;
    const runTime = window.runTime(now);
    this.throughputTally.advance(now);
    this.stageTally.advance(runTime);
    this.fleetTally.sample(now, fleet, {
      steady: window.contains(now) && !window.paused,
      underLoad: now <= window.loadEnd || window.paused,
      floor: floorAt(this.experiment.fleet, runTime),
    });
    this.seriesRows.sample(now, fleet, counts.queued, costUsd);
  }

  /** A fault was injected; `endsAt` for those that last. Excuses 30 s below the floor (see {@link FleetTally}). */
  faultAt(at: number, endsAt = at): void {
    this.fleetTally.faultAt(at, endsAt);
  }

  /** The arrival schedule stands still from now on. */
  pauseFrom(at: number): void {
    this.throughputTally.pauseFrom(at);
    this.window.pauseFrom(at);
  }

  /** The arrival schedule goes on. */
  pauseTo(at: number): void {
    if (!this.window.paused) return;
    this.window.pauseTo(at);
    this.throughputTally.pauseTo(at);
  }

  /** The load ends for good: because its time is over, or because the run is stopped or drained before. */
  stopAt(at: number): void {
    this.pauseTo(at);
    this.window.stopAt(at);
  }

  /** The run was left at `leftAt` (a snapshot of it is all there is) and is taken up at `at`: its load goes on. */
  takeUp(leftAt: number, at: number): void {
    this.throughputTally.pauseFrom(leftAt);
    this.window.takeUp(leftAt, at);
    this.throughputTally.pauseTo(at);
    this.fleetTally.takeUp(at);
  }

  // ---- what it comes to -------------------------------------------------------------------------------------------

  get counts(): TaskCounts {
    const { submitted, shed, completed, failed, retried, expired, superseded, censored } = this.counters;
    return {
      submitted: sum(submitted),
      completed,
      failed,
      shed: sum(shed),
      submittedByPriority: byPriority(submitted),
      shedByPriority: byPriority(shed),
      retried,
      expired,
      superseded,
      censored,
    };
  }

  /** Response latency, ms: of one priority, or of all. */
  responseLatency(priority?: number): Histogram {
    const merged = new Histogram();
    this.response.forEach((histogram, i) => {
      if (priority === undefined || i === priority) merged.add(histogram);
    });
    return merged;
  }

  get completion(): Histogram {
    return this.completionHistogram;
  }

  get service(): Histogram {
    return this.serviceHistogram;
  }

  get dispatchLag(): Histogram {
    return this.lagHistogram;
  }

  get stretch(): Histogram {
    return this.stretchHistogram;
  }

  get throughput(): Throughput {
    return this.throughputTally.summary;
  }

  get fleet(): FleetSummary {
    return this.fleetTally.summary;
  }

  /** Where the fleet was stepped: what each stage carried. */
  get stages(): readonly StageThroughput[] {
    return this.stageTally.summary;
  }

  get series(): Series {
    return this.seriesRows;
  }

  /** Null where no agent reported anything. */
  get usage(): UsageSum | null {
    return this.usageSum;
  }

  /** By task type, in the order of the experiment's task mix. */
  get types(): readonly TypeCounts[] {
    return this.experiment.tasks.types.map((_, type) => {
      const completed = this.typeCompleted[type] as number;
      const serviceMs = this.typeServiceMs[type] as number;
      return { completed, failed: this.typeFailed[type] as number, meanServiceMs: serviceMs / completed };
    });
  }

  /** How much of the arrival schedule was carried out by `endedAt`, ms: neither pauses nor the drain count. */
  carriedOutMs(endedAt: number): number {
    return this.window.runTime(Math.min(endedAt, this.window.loadEnd));
  }

  availability(endedAt: number): Availability {
    return this.canaries.summary(endedAt);
  }

  /** Over the whole run; what is still in the system counts with its stay so far. */
  littlesLaw(endedAt: number): LittlesLaw {
    return this.population.littlesLaw(endedAt);
  }

  toJSON(): TallyJson {
    return {
      startedAt: this.startedAt,
      window: this.window.toJSON(),
      population: this.population.toJSON(),
      throughput: this.throughputTally.toJSON(),
      canaries: this.canaries.toJSON(),
      fleet: this.fleetTally.toJSON(),
      stages: this.stageTally.toJSON(),
      series: this.seriesRows.toJSON(),
      response: this.response.map((histogram) => histogram.toJSON()),
      completion: this.completionHistogram.toJSON(),
      service: this.serviceHistogram.toJSON(),
      dispatchLag: this.lagHistogram.toJSON(),
      stretch: this.stretchHistogram.toJSON(),
      types: {
        completed: [...this.typeCompleted],
        failed: [...this.typeFailed],
        serviceMs: [...this.typeServiceMs],
      },
      counters: { ...this.counters, submitted: [...this.counters.submitted], shed: [...this.counters.shed] },
      ...(this.usageSum === null ? {} : { usage: this.usageSum }),
    };
  }

  /** `experiment` is the one the tally was made with; it can be gone on with. */
  static fromJSON(experiment: Experiment, json: TallyJson): Tally {
    const tally = new Tally(experiment, json.startedAt);
    tally.window.restore(json.window);
    tally.population.restore(json.population);
    tally.throughputTally.restore(json.throughput);
    tally.canaries.restore(json.canaries);
    tally.fleetTally.restore(json.fleet);
    tally.stageTally.restore(json.stages);
    tally.seriesRows = Series.fromJSON(json.series);
    tally.response = json.response.map((histogram) => Histogram.fromJSON(histogram));
    tally.completionHistogram = Histogram.fromJSON(json.completion);
    tally.serviceHistogram = Histogram.fromJSON(json.service);
    tally.lagHistogram = Histogram.fromJSON(json.dispatchLag);
    tally.stretchHistogram = Histogram.fromJSON(json.stretch);
    tally.typeCompleted.set(json.types.completed);
    tally.typeFailed.set(json.types.failed);
    tally.typeServiceMs.set(json.types.serviceMs);
    tally.counters = { ...json.counters, submitted: [...json.counters.submitted], shed: [...json.counters.shed] };
    tally.usageSum = json.usage ?? null;
    return tally;
  }

  /** A task leaves the system; answers its completion latency. */
  private leaves(task: Task, at: number): number {
    const latency = at - task.scheduledAt;
    this.population.leaves(task.scheduledAt, at);
    this.completionHistogram.record(latency);
    this.seriesRows.completionLatency(at, latency);
    return latency;
  }
}

function addTo(counts: number[], index: number, by: number): void {
  counts[index] = (counts[index] as number) + by;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function byPriority(counts: readonly number[]): ByPriority<number> {
  const [p0 = 0, p1 = 0, p2 = 0, p3 = 0] = counts;
  return [p0, p1, p2, p3];
}
