import type { FleetSample } from '../agents/port.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { AgentIdentity, FinishOutcome, Lease, LedgerCounts, QueueObserver, SubmitOutcome } from '../queue/port.js';
import type { AttemptResult, Task } from '../queue/task.js';
import type { ScalingInputs } from '../scaling/port.js';
import type { Experiment } from '../spec/experiment.js';
import type { ExperimentData } from './data.js';
import { SlidingQuantiles, SlidingSums } from './sliding-window.js';
import { Tally } from './tally.js';

/** The windows of {@link ExperimentData}, s: 60 for everything, 10 for what recovery is judged by. */
const WINDOW = 60;
const RECENT = 10;
/** Positions in the list of windows given to SlidingQuantiles. */
const IN_WINDOW = 0;
const IN_RECENT = 1;

/** Fields of the sliding sums. */
enum Sum {
  offered,
  shed,
  completed,
  failed,
  starts,
  waitMs,
  samples,
  queueDepth,
  cpu,
  cpuSamples,
}
const SUMS = 10;

/**
 * Seconds after which a service time counts for 1/e. A minute's mean wobbles by several percent and leans to the
 * short tasks when a burst begins; the fleet must not be sized by that.
 */
const SERVICE_FADES_S = 15 * 60;
const FADE_PER_S = Math.exp(-1 / SERVICE_FADES_S);

/** Reasons of failed attempts told apart; further ones are counted as `other`. */
const MOST_REASONS = 16;
const OTHER = 'other';
/** Reason of an attempt taken from a silent agent. */
const LEASE_EXPIRED = 'lease_expired';

/**
 * Watches the queue and turns what it sees into the metrics of every second ({@link ExperimentData}), the inputs of
 * the autoscaler, and the {@link Tally} the report is made from. Constant work per task and per second; memory
 * follows the tasks of the last minute.
 */
export class Collector implements QueueObserver {
  private readonly sums: SlidingSums;
  private readonly failures: SlidingSums;
  private readonly response: SlidingQuantiles;
  private readonly completion: SlidingQuantiles;
  private readonly reasons = new Map<string, number>();

  private worstLag = 0;
  /** Service times of completed tasks, and how many: both fade with {@link SERVICE_FADES_S}. */
  private serviceMs = 0;
  private serviced = 0;
  /** Since when tasks have been waiting, or the last start since; NaN while none waits. */
  private stalledSince = NaN;
  private lastFleet: FleetSample | null = null;
  private lastSampleAt: number;
  private lastNetworkBytes = 0;

  /** `startedAt`: when the arrival schedule begins, epoch ms. */
  constructor(
    experiment: Experiment,
    startedAt: number = experiment.startAtMs,
    readonly tally: Tally = new Tally(experiment, startedAt),
  ) {
    this.sums = new SlidingSums(startedAt, WINDOW, SUMS);
    this.failures = new SlidingSums(startedAt, WINDOW, MOST_REASONS + 1);
    this.response = new SlidingQuantiles(startedAt, [WINDOW, RECENT]);
    this.completion = new SlidingQuantiles(startedAt, [WINDOW]);
    this.lastSampleAt = startedAt;
  }

  // ---- what the queue tells ---------------------------------------------------------------------------------------

  submitted(task: Task, outcome: SubmitOutcome, at: number): void {
    const lag = at - task.scheduledAt;
    if (lag > this.worstLag) this.worstLag = lag;
    this.sums.add(at, Sum.offered);
    if (!outcome.accepted) this.sums.add(at, Sum.shed);
    this.tally.submitted(task, outcome.accepted, at);
  }

  started(lease: Lease, _agent: AgentIdentity, at: number, first: boolean): void {
    if (!Number.isNaN(this.stalledSince)) this.stalledSince = at;
    if (!first) return;
    const wait = at - lease.task.scheduledAt;
    this.sums.add(at, Sum.starts);
    this.sums.add(at, Sum.waitMs, wait);
    this.response.record(at, wait);
    this.tally.started(lease.task, at);
  }

  finished(
    lease: Lease,
    _agent: AgentIdentity,
    result: AttemptResult,
    outcome: FinishOutcome,
    at: number,
    startedAt: number,
  ): void {
    if (result.usage !== undefined) this.tally.used(result.usage);
    switch (outcome) {
      case 'counted':
        this.sums.add(at, Sum.completed);
        this.serviceMs += at - startedAt;
        this.serviced += 1;
        this.completion.record(at, at - lease.task.scheduledAt);
        this.tally.completed(lease.task, at, startedAt);
        return;
      case 'retried':
        this.attemptFailed(at, result.error);
        this.tally.retried(at);
        return;
      case 'dead':
        this.attemptFailed(at, result.error);
        this.taskFailed(lease.task, at);
        return;
      case 'superseded':
        this.tally.superseded();
    }
  }

  requeued(lease: Lease, _agent: AgentIdentity, reason: 'expired' | 'released', at: number, dead: boolean): void {
    if (reason === 'expired') {
      this.attemptFailed(at, LEASE_EXPIRED);
      this.tally.expired();
    }
    if (dead) this.taskFailed(lease.task, at);
  }

  // ---- canaries ---------------------------------------------------------------------------------------------------

  canarySent(index: number, at: number): void {
    this.tally.canarySent(index, at);
  }

  canaryAnswered(index: number, sentAt: number, at: number): void {
    this.tally.canaryAnswered(index, sentAt, at);
  }

  // ---- what comes of it -------------------------------------------------------------------------------------------

  /**
   * Takes the sample of the second that ends at `now`. A latency or rate without a single value in its window is NaN;
   * when tasks wait and none has started for a minute, the response latency is the time since the last start: they
   * wait at least about that long, and a standstill must not look like silence.
   */
  sample(now: number, fleet: FleetSample, costUsd: number, counts: LedgerCounts): ExperimentData {
    if (counts.queued === 0) this.stalledSince = NaN;
    else if (Number.isNaN(this.stalledSince)) this.stalledSince = now;
    this.sums.add(now, Sum.samples);
    this.sums.add(now, Sum.queueDepth, counts.queued);
    // Without an agent there is no CPU to measure; one such second must not take the whole window's mean with it.
    if (!Number.isNaN(fleet.cpu)) {
      this.sums.add(now, Sum.cpu, fleet.cpu);
      this.sums.add(now, Sum.cpuSamples);
    }
    this.tally.sample(now, fleet, counts, costUsd);
    this.serviceMs *= FADE_PER_S;
    this.serviced *= FADE_PER_S;
    const data = this.data(now, fleet, costUsd, counts);
    this.worstLag = 0;
    this.lastFleet = fleet;
    this.lastNetworkBytes = fleet.networkBytes;
    this.lastSampleAt = now;
    return data;
  }

  /** Means over the trailing 60 s, for the autoscaler. */
  scalingInputs(now: number): ScalingInputs {
    const { sums } = this;
    const samples = Math.max(1, sums.sum(now, Sum.samples));
    const errorRate = this.errorRate(now);
    return {
      queueDepth: sums.sum(now, Sum.queueDepth) / samples,
      avgWaitMs: this.meanWaitMs(now),
      cpu: sums.sum(now, Sum.cpu) / Math.max(1, sums.sum(now, Sum.cpuSamples)),
      errorRate: Number.isNaN(errorRate) ? 0 : errorRate,
      offeredPerMin: this.perMinute(now, Sum.offered),
      refusedPerMin: this.perMinute(now, Sum.shed),
      agents: this.lastFleet?.target ?? 0,
      readyAgents: this.lastFleet?.active ?? 0,
      meanServiceMs: this.serviced > 0 ? this.serviceMs / this.serviced : 0,
    };
  }

  /** Response latency of the trailing 10 s: its P99 (ms; NaN without samples) and how many first attempts it is of. */
  p99Recent(now: number): { p99: number; samples: number } {
    return {
      p99: this.response.quantile(now, IN_RECENT, 0.99),
      samples: this.response.count(now, IN_RECENT),
    };
  }

  private data(now: number, fleet: FleetSample, costUsd: number, counts: LedgerCounts): ExperimentData {
    const seconds = (now - this.lastSampleAt) / SECOND;
    return {
      timestamp: now,
      agents: {
        total: fleet.total,
        active: fleet.active,
        idle: fleet.idle,
        error: fleet.error,
        byZone: { ...fleet.byZone },
        target: fleet.target,
        busySlots: fleet.busySlots,
        slots: fleet.slots,
      },
      performance: {
        throughput: this.perMinute(now, Sum.completed),
        latency: this.percentiles(now, this.response, now - this.stalledSince),
        queueDepth: counts.queued,
        waitTime: this.meanWaitMs(now),
        completion: this.percentiles(now, this.completion, NaN),
        offered: this.perMinute(now, Sum.offered),
        shed: this.perMinute(now, Sum.shed),
        dispatchLag: this.worstLag,
        p99Recent: this.response.quantile(now, IN_RECENT, 0.99),
      },
      resources: {
        cpuTotal: fleet.cpu * 100,
        memoryTotal: fleet.memoryBytes,
        networkIO: seconds > 0 ? (fleet.networkBytes - this.lastNetworkBytes) / seconds : 0,
        connections: fleet.connections,
      },
      errors: { rate: this.errorRate(now), byType: this.failuresByReason(now) },
      cost: costUsd,
    };
  }

  private percentiles(
    now: number,
    latencies: SlidingQuantiles,
    otherwise: number,
  ): { p50: number; p90: number; p99: number } {
    if (latencies.count(now, IN_WINDOW) === 0) return { p50: otherwise, p90: otherwise, p99: otherwise };
    return {
      p50: latencies.quantile(now, IN_WINDOW, 0.5),
      p90: latencies.quantile(now, IN_WINDOW, 0.9),
      p99: latencies.quantile(now, IN_WINDOW, 0.99),
    };
  }

  private perMinute(now: number, field: Sum): number {
    return this.sums.sum(now, field) / (this.sums.coveredMs(now) / MINUTE);
  }

  private errorRate(now: number): number {
    const failed = this.sums.sum(now, Sum.failed);
    return failed / (failed + this.sums.sum(now, Sum.completed));
  }

  /** Mean wait of the first attempts started in the window; in a standstill, its length so far. */
  private meanWaitMs(now: number): number {
    const starts = this.sums.sum(now, Sum.starts);
    if (starts > 0) return this.sums.sum(now, Sum.waitMs) / starts;
    return Number.isNaN(this.stalledSince) ? 0 : now - this.stalledSince;
  }

  private taskFailed(task: Task, at: number): void {
    this.sums.add(at, Sum.failed);
    this.completion.record(at, at - task.scheduledAt);
    this.tally.failed(task, at);
  }

  private attemptFailed(at: number, error: string | null): void {
    const reason = error ?? OTHER;
    let field = this.reasons.get(reason);
    if (field === undefined) {
      field = Math.min(this.reasons.size, MOST_REASONS);
      if (field < MOST_REASONS) this.reasons.set(reason, field);
    }
    this.failures.add(at, field);
  }

  private failuresByReason(now: number): Record<string, number> {
    const byReason: Record<string, number> = {};
    for (const [reason, field] of this.reasons) {
      const failures = this.failures.sum(now, field);
      if (failures > 0) byReason[reason] = failures;
    }
    const others = this.failures.sum(now, MOST_REASONS);
    if (others > 0) byReason[OTHER] = (byReason[OTHER] ?? 0) + others;
    return byReason;
  }
}
