import type { FleetActuator } from '../agents/port.js';
import { FaultBook } from '../chaos/fault-book.js';
import { isOver } from '../coordinator/run-state.js';
import { CostMeter } from '../cost/meter.js';
import type { Sizing } from '../cost/sizing.js';
import type { Clock, Eventually } from '../kernel/clock.js';
import type { GeneratorJournal, GeneratorStats } from '../load/port.js';
import { AlertEngine, type AlertRecord, type FiringAlert } from '../observe/alerts.js';
import { identityHolds, LedgerAudit } from '../observe/audit.js';
import { Collector } from '../observe/collector.js';
import type { ExperimentData } from '../observe/data.js';
import type { EventSink, ExperimentEvent, FaultRecord, RunState } from '../observe/events.js';
import { Monitors } from '../observe/monitors.js';
import { RecoveryTracker } from '../observe/recovery.js';
import { Tally } from '../observe/tally.js';
import type { Lease, LedgerCounts, QueueObserver } from '../queue/port.js';
import type { Sink } from '../record/port.js';
import type { ReportInput } from '../report/build.js';
import type { ForecastReport } from '../scaling/port.js';
import type { Experiment } from '../spec/experiment.js';
import { usageObserver } from './executors.js';
import { MonitorLoop } from './monitor.js';
import { OpenTasks } from './open-tasks.js';
import { ProbeMeter } from './probe-meter.js';
import type { RunQueue } from './run-queue.js';
import type { RunSnapshot } from './snapshot.js';

/** What a report is made from but for spec and events, which have files of their own. */
export type RunRecord = Omit<ReportInput, 'experiment' | 'events'>;

/** What the observation looks at, and what it does about it. */
export interface ObservedRun {
  readonly queue: RunQueue;
  readonly fleet: Pick<FleetActuator, 'sample'>;
  state(): RunState;
  load(): GeneratorStats;
  /** Tasks from this index on have not been sent yet. */
  nextTask(): number;
  forecast(): ForecastReport | null;
  pause(reason: string): void;
  abort(reason: string): void;
  emergencyScale(): void;
  /** Tells what agents have written down by now that run elsewhere. */
  readJournals?(audit: LedgerAudit): Promise<void>;
}

export interface ObservationOptions {
  readonly experiment: Experiment;
  /** What the run is priced on. */
  readonly sizing: Sizing;
  readonly experimentId: string;
  readonly target: 'rehearsal' | 'local';
  readonly clock: Clock;
  readonly sinks: readonly Sink[];
  readonly provenance: Omit<ReportInput['provenance'], 'sinks' | 'queue'>;
  /** When the schedule begins; earlier than now where a run is taken up again. */
  readonly startedAt: number;
  /** Agents that cost money from now on. */
  readonly agentsAtStart: number;
  /** The queue can lose what it has accepted: that is remembered beside it. */
  readonly remembersTasks: boolean;
  readonly earlier?: RunSnapshot;
  /** What the observation itself finds out: alerts, findings, recovered faults. */
  readonly emit: EventSink;
  readonly onAlert: (alert: FiringAlert) => void;
  /** Every second, with the figures of that second. */
  readonly onSample: (data: ExperimentData, counts: LedgerCounts) => void;
  readonly onError: (error: unknown) => void;
}

/** What only exists once it is known what is observed. */
interface Watching {
  readonly run: ObservedRun;
  readonly alerts: AlertEngine;
  readonly monitors: Monitors;
  readonly loop: MonitorLoop;
}

/**
 * All that looks at a run and judges it: measures, audit, recovery times, alerts, cost; and the record they make.
 * Whether the run is in this process or in many does not matter to it.
 */
export class Observation {
  readonly tally: Tally;
  readonly collector: Collector;
  readonly audit: LedgerAudit;
  readonly book: FaultBook;
  readonly recovery: RecoveryTracker;
  readonly meter = new ProbeMeter();
  readonly open: OpenTasks | null;
  readonly costMeter: CostMeter;
  readonly events: ExperimentEvent[];
  private watching: Watching | null = null;
  private samplesSinceRecord = 0;
  /** Tasks from here on were sent after the queue was asked what it holds; Infinity = its view is never behind. */
  private askedUpTo = Infinity;

  constructor(private readonly options: ObservationOptions) {
    const { experiment, startedAt, earlier, clock, emit } = options;
    this.events = [...(earlier?.events ?? [])];
    // The records of a run that is taken up again tell its whole story.
    for (const event of this.events) for (const sink of options.sinks) sink.event(event);
    this.tally = earlier === undefined ? new Tally(experiment, startedAt) : Tally.fromJSON(experiment, earlier.tally);
    this.collector = new Collector(experiment, startedAt, this.tally);
    this.audit = earlier === undefined ? new LedgerAudit() : LedgerAudit.fromJSON(earlier.audit);
    this.book = new FaultBook(emit);
    this.recovery = new RecoveryTracker(experiment.targets.p99LatencyMs, (fault) => {
      this.book.recovered(fault.id, clock.now(), fault.serviceRecoveryMs, fault.capacityRecoveryMs);
    });
    this.open = options.remembersTasks ? new OpenTasks(this.audit) : null;
    this.costMeter = new CostMeter({
      experiment,
      sizing: options.sizing,
      startMs: clock.now(),
      agents: options.agentsAtStart,
      ...(earlier === undefined ? {} : { used: earlier.cost }),
    });
  }

  /** Has to be told of every transition of a task. */
  get observers(): QueueObserver[] {
    const { experiment } = this.options;
    const observers: QueueObserver[] = [this.collector, this.audit, recoveryObserver(this.recovery)];
    if (experiment.chaos.injections.some(({ type }) => type === 'rate_limit')) observers.push(this.meter);
    if (experiment.executor.type !== 'simulated') {
      observers.push(
        usageObserver((usd) => {
          this.costMeter.charge(usd);
        }),
      );
    }
    if (this.open !== null) observers.push(this.open);
    return observers;
  }

  /** Has to be told of every offer of a task. */
  get offers(): GeneratorJournal {
    return this.open ?? this.audit;
  }

  get alerts(): AlertEngine {
    return this.watched().alerts;
  }

  get monitor(): MonitorLoop {
    return this.watched().loop;
  }

  /** Says what is to be looked at; the loop begins with {@link MonitorLoop.start}. */
  watch(run: ObservedRun): void {
    const { experiment, clock, emit, onAlert } = this.options;
    const alerts = new AlertEngine(
      experiment.alerts,
      {
        pauseExperiment: (reason) => {
          if (run.state() === 'running') run.pause(reason);
        },
        emergencyScale: () => {
          run.emergencyScale();
        },
        notify: onAlert,
        fleetSample: () => ({ ...run.fleet.sample() }),
      },
      emit,
      {
        maxAgents: Math.min(experiment.fleet.max, experiment.scaling.up.max),
        slotsPerAgent: experiment.fleet.slots,
        headroom: experiment.scaling.headroom,
      },
    );
    const monitors = new Monitors(
      { monitors: experiment.monitors, recycleLimitBytes: experiment.fleet.recycle.maxMemoryBytes },
      emit,
    );
    const loop = new MonitorLoop({
      ...{ clock, alerts, monitors, fleet: run.fleet, queue: run.queue.queue },
      ...{ collector: this.collector, recovery: this.recovery, meter: this.meter },
      counts: () => run.queue.view.counts(),
      cost: (now, agents) => {
        this.costMeter.advance(now, agents);
        return this.costMeter.totalUsd;
      },
      underLoad: () => run.state() === 'running',
      onSample: (data, counts) => {
        this.sampled(data, counts);
      },
    });
    this.watching = { run, alerts, monitors, loop };
  }

  /** Takes an event into the record, and into account. */
  take(event: ExperimentEvent): void {
    this.events.push(event);
    for (const sink of this.options.sinks) sink.event(event);
    if (event.type === 'run_state') this.followLoad(event.to, event.at);
    // What the probes saw is part of the record.
    if (event.type === 'fault') this.recovery.noted(event.fault);
    this.watching?.alerts.note(event);
  }

  /** A fault was injected, or happened; `held` are the tasks that it cut off. */
  faultInjected(fault: FaultRecord, held: readonly number[]): void {
    this.recovery.injected(fault, held);
    this.tally.faultAt(fault.injectedAt, fault.endedAt ?? fault.injectedAt);
  }

  faultEnded(id: string, at: number): void {
    this.recovery.ended(id, at);
    this.tally.faultAt(at);
  }

  /** Those of an earlier process first. */
  faultRecords(): FaultRecord[] {
    const { earlier } = this.options;
    const before = earlier === undefined ? [] : splitFaults(earlier.faults).recovered;
    return [...before, ...this.recovery.records()];
  }

  alertRecords(): AlertRecord[] {
    return [...(this.options.earlier?.alerts ?? []), ...this.alerts.records()];
  }

  /** Before {@link record}: brings up to date what is known of the queue; nothing to wait for where it always is. */
  refresh(): Eventually<void> {
    const { run } = this.watched();
    const next = run.nextTask();
    const refreshed = run.queue.view.refresh();
    if (!(refreshed instanceof Promise)) return undefined;
    return refreshed.then(async () => {
      this.askedUpTo = next;
      // What the queue has counted by now was written down by its agent before.
      await run.readJournals?.(this.audit);
    });
  }

  /** What a report would be made from if the run ended here: written now and then, in case nobody gets to do it. */
  record(cutShort: string | null, endedAt = this.options.clock.now()): RunRecord {
    const { run, monitors } = this.watched();
    const { experimentId, target, provenance, sinks } = this.options;
    const { view } = run.queue;
    const counts = view.counts();
    const held = new Set(view.unfinished().map(({ task }) => task.index));
    const holds = (index: number): boolean => held.has(index) || index >= this.askedUpTo;
    const { agentTime } = this.costMeter;
    return {
      experimentId,
      target,
      tally: this.tally,
      ledger: { counts, judgement: this.audit.judge(counts, holds) },
      load: run.load(),
      cost: { ...this.costMeter.estimate(), ...(agentTime === null ? {} : { agentTime }) },
      provenance: {
        ...provenance,
        ...(target === 'rehearsal' ? {} : { queue: run.queue.kind() }),
        sinks: sinks.map((sink) => sink.state()),
      },
      endedAt,
      cutShort,
      forecast: run.forecast(),
      monitors: monitors.findings(),
      faults: this.faultRecords(),
      alerts: this.alertRecords(),
    };
  }

  /** The last look, after the end; what comes of it is the report's. */
  async settle(end: {
    readonly at: number;
    readonly complete: boolean;
    readonly reason: string;
  }): Promise<ReportInput> {
    const { experiment, sinks, clock } = this.options;
    const { run, loop, alerts } = this.watched();
    const refreshed = this.refresh();
    if (refreshed instanceof Promise) await refreshed;
    loop.look();
    this.recovery.end();
    alerts.end(end.at);
    this.tally.unfinished(run.queue.view.unfinished(), end.at);
    const cutShort = end.complete ? null : end.reason;
    // Held: nothing more may happen in virtual time while the disk is busy.
    await clock.hold(Promise.all(sinks.map((sink) => sink.close())));
    return { experiment, events: this.events, ...this.record(cutShort, end.at) };
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private watched(): Watching {
    if (this.watching === null) throw new Error('nothing is observed yet');
    return this.watching;
  }

  private sampled(data: ExperimentData, counts: LedgerCounts): void {
    const { experiment, sinks, clock, onSample, onError } = this.options;
    const { run } = this.watched();
    const state = run.state();
    if (!identityHolds(counts) && !isOver(state)) run.abort(`the ledger does not add up: ${JSON.stringify(counts)}`);
    if (data.cost >= experiment.budget.maxUsd && run.state() === 'running') {
      run.pause(`the cost cap of ${experiment.budget.maxUsd} USD is reached`);
    }
    this.samplesSinceRecord += 1000;
    if (this.samplesSinceRecord >= experiment.storage.timeSeries.resolutionMs) {
      this.samplesSinceRecord = 0;
      for (const sink of sinks) sink.sample(data);
    }
    onSample(data, counts);
    for (const sink of sinks) {
      const pressure = sink.pressure();
      if (pressure !== null) clock.hold(pressure).catch(onError);
    }
  }

  /** Tells the tally when the schedule stands still and when it ends. */
  private followLoad(state: RunState, at: number): void {
    if (state === 'paused') this.tally.pauseFrom(at);
    else if (state === 'running') this.tally.pauseTo(at);
    else if (state !== 'created') this.tally.stopAt(at);
  }
}

/** Recovered and not. */
export function splitFaults(faults: readonly FaultRecord[]): { recovered: FaultRecord[]; open: FaultRecord[] } {
  const isRecovered = ({ serviceRecoveryMs }: FaultRecord): boolean => serviceRecoveryMs !== null;
  return { recovered: faults.filter(isRecovered), open: faults.filter((fault) => !isRecovered(fault)) };
}

function recoveryObserver(recovery: RecoveryTracker): QueueObserver {
  return {
    submitted: () => undefined,
    started: (lease: Lease, _agent, at) => {
      recovery.started(lease.task.index, at);
    },
    finished: (lease: Lease, _agent, _result, outcome, at) => {
      if (outcome !== 'superseded') recovery.finished(lease.task.index, at);
    },
    requeued: (lease: Lease, _agent, _reason, at, dead) => {
      recovery.requeued(lease.task.index);
      if (dead) recovery.finished(lease.task.index, at);
    },
  };
}
