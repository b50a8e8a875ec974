import { InProcessFleet } from '../agents/adapters/in-process-fleet.js';
import { Fleet, type FleetHistory, type FleetOptions } from '../agents/fleet.js';
import type { FleetSample, RateLimitSwitch } from '../agents/port.js';
import { ChaosEngineer, type ChaosOptions } from '../chaos/engineer.js';
import { FaultBook } from '../chaos/fault-book.js';
import type { FaultLedger } from '../chaos/fault-ledger.js';
import { MemoryLease } from '../coordinator/adapters/memory-lease.js';
import { AdmissionControl } from '../coordinator/admission.js';
import { Council } from '../coordinator/council.js';
import type { Duty } from '../coordinator/port.js';
import { Run } from '../coordinator/run.js';
import { sweeping } from '../coordinator/sweeper.js';
import { CostMeter, type MeterReading } from '../cost/meter.js';
import type { Sizing } from '../cost/sizing.js';
import type { Clock } from '../kernel/clock.js';
import { RandomStreams } from '../kernel/random.js';
import { LoadGenerator, type GeneratorPosition } from '../load/generator.js';
import { TaskFactory } from '../load/task-factory.js';
import { AlertEngine, type FiringAlert } from '../observe/alerts.js';
import { LedgerAudit } from '../observe/audit.js';
import { Collector } from '../observe/collector.js';
import type { ExperimentData } from '../observe/data.js';
import type { EventSink, FaultRecord } from '../observe/events.js';
import { Monitors } from '../observe/monitors.js';
import { RecoveryTracker } from '../observe/recovery.js';
import { Tally } from '../observe/tally.js';
import type { Lease, LedgerCounts, QueueObserver, TaskQueue } from '../queue/port.js';
import { augursModels } from '../scaling/adapters/augurs.js';
import { AutoScaler } from '../scaling/autoscaler.js';
import type { ScalingContext } from '../scaling/port.js';
import type { Experiment } from '../spec/experiment.js';
import { agentWork, usageObserver } from './executors.js';
import { InProcessSurface } from './in-process-surface.js';
import { MonitorLoop } from './monitor.js';
import { OpenTasks } from './open-tasks.js';
import type { Leadership, ProcessPlatform } from './platform.js';
import { ProbeMeter } from './probe-meter.js';
import { reconcile } from './reconciliation.js';
import { memoryRunQueue, type RunQueue, type RunQueueMaker } from './run-queue.js';

/** From the kill of a coordinator until it is back, as standby. */
export const COORDINATOR_RESTART_MS = 10_000;

export interface AssemblyOptions {
  readonly experiment: Experiment;
  /** What the run is priced on. */
  readonly sizing: Sizing;
  readonly clock: Clock;
  readonly target: 'rehearsal' | 'local';
  readonly faultLedger: FaultLedger;
  readonly emit: EventSink;
  readonly onSample: (data: ExperimentData, counts: LedgerCounts) => void;
  readonly onAlert: (alert: FiringAlert) => void;
  readonly onError: (error: unknown) => void;
  /** Where tasks are kept. @default in this process */
  readonly queue?: RunQueueMaker;
  /** Where agents and coordinators are processes of their own. @default they are objects of this process */
  readonly platform?: ProcessPlatform;
  /** Told of every transition of a task, after all others. */
  readonly observers?: readonly QueueObserver[];
  /** When the schedule begins; earlier than now where a run is taken up again. */
  readonly startedAt: number;
  readonly tally?: Tally;
  readonly audit?: LedgerAudit;
  readonly from?: GeneratorPosition;
  readonly fleetHistory?: FleetHistory;
  readonly costUsed?: MeterReading;
}

/** The parts of a run in one process. */
export interface Assembly {
  readonly tally: Tally;
  readonly collector: Collector;
  readonly audit: LedgerAudit;
  readonly book: FaultBook;
  readonly recovery: RecoveryTracker;
  readonly queue: RunQueue;
  readonly fleet: Fleet;
  readonly generator: LoadGenerator;
  readonly run: Run;
  readonly council: Leadership;
  readonly scaler: AutoScaler;
  readonly alerts: AlertEngine;
  readonly monitors: Monitors;
  readonly costMeter: CostMeter;
  readonly scalingContext: () => ScalingContext;
  readonly monitor: MonitorLoop;
  readonly surface: InProcessSurface;
  readonly chaos: ChaosEngineer;
  /** Whoever injects a fault tells of it here. */
  readonly faults: Pick<ChaosOptions, 'onInjected' | 'onEnded'>;
  readonly streams: RandomStreams;
  /** Ends what agents still have under way. */
  readonly endAgentWork: () => Promise<void>;
  /** Where the queue can lose tasks: submits again what it does not know any more, and gives it so long to run. */
  readonly reconcile: ((runMs: number) => Promise<void>) | null;
}

/**
 * Puts the modules of one experiment together in one process: queue, agents, three coordinators, autoscaler, chaos and
 * monitor. Whether time is virtual is the clock's business, where tasks are kept the queue's, and where agents and
 * coordinators run the platform's.
 */
export function assemble(options: AssemblyOptions): Assembly {
  const { experiment, clock, emit, onError } = options;
  const streams = new RandomStreams(experiment.seed);

  const tally = options.tally ?? new Tally(experiment, options.startedAt);
  const collector = new Collector(experiment, options.startedAt, tally);
  const audit = options.audit ?? new LedgerAudit();
  const meter = new ProbeMeter();
  const book = new FaultBook(emit);
  const recovery = new RecoveryTracker(experiment.targets.p99LatencyMs, (fault) => {
    book.recovered(fault.id, clock.now(), fault.serviceRecoveryMs, fault.capacityRecoveryMs);
  });
  const admission = new AdmissionControl(experiment, (): FleetSample => fleet.sample());

  const { platform } = options;
  const observers: QueueObserver[] = [collector, audit, recoveryObserver(recovery)];
  if (experiment.chaos.injections.some(({ type }) => type === 'rate_limit')) observers.push(meter);
  if (experiment.queue.admission !== null) observers.push(admission);
  if (experiment.executor.type !== 'simulated') {
    observers.push(
      usageObserver((usd) => {
        meterOfCost.charge(usd);
      }),
    );
  }
  // A queue of this process loses nothing: what it has accepted need not be remembered beside it.
  const open = options.queue === undefined ? null : new OpenTasks(audit);
  if (open !== null) observers.push(open);
  if (platform !== undefined) observers.push(platform.observer);
  observers.push(...(options.observers ?? []));
  const runQueue = (options.queue ?? memoryRunQueue(clock, experiment.queue))(observers);
  const { queue, view } = runQueue;
  const { fleet, executor, endAgentWork } =
    platform === undefined ? ownFleet(options, queue, audit) : fleetOn(platform, options);
  const generator = new LoadGenerator({
    experiment,
    clock,
    queue,
    journal: open ?? audit,
    events: emit,
    onFinished: () => undefined,
    onError,
    ...(options.from === undefined ? {} : { from: options.from }),
  });
  const run = new Run({
    clock,
    events: emit,
    durationMs: experiment.durationMs,
    drainTimeoutMs: experiment.fleet.drainTimeoutMs,
    parts: {
      load: generator,
      counts: () => withThoseOnTheWay(view.counts(), generator.stats.sent),
      haltFleet: () => {
        fleet.halt();
      },
    },
  });
  const admitting = admission.duty(queue, onError);
  const own: Duty[] = [run.duty];
  const admissionDuty = admitting === null ? [] : [admitting];
  const council: Leadership =
    platform?.leadership([...own, ...admissionDuty], emit) ??
    new Council({
      replicas: experiment.fleet.coordinators,
      restartMs: COORDINATOR_RESTART_MS,
      clock,
      lease: new MemoryLease(clock),
      duties: [...own, sweeping(queue, clock, emit, onError), ...admissionDuty],
      events: emit,
      onError,
    });

  const scaler = new AutoScaler({
    rules: experiment.scaling,
    fleet: experiment.fleet,
    load: experiment.load,
    startAtMs: options.startedAt,
    mixMeanMs: experiment.tasks.types.reduce((sum, type) => sum + type.share * type.meanMs, 0),
    actuator: fleet,
    emit,
    onHalt: (reason) => {
      run.abort(reason);
    },
    models:
      experiment.scaling.mode === 'predictive' || experiment.scaling.mode === 'feed_forward' ? augursModels() : [],
  });
  const scalingContext = (): ScalingContext => ({
    running: run.state === 'running',
    experimentMode: run.experimentMode,
    halted: run.state === 'aborted',
    scheduleMs: generator.elapsedMs(),
  });
  const alerts = new AlertEngine(
    experiment.alerts,
    {
      pauseExperiment: (reason) => {
        if (run.state === 'running') run.pause(reason);
      },
      emergencyScale: () => {
        scaler.emergency(clock.now(), 0, scalingContext());
      },
      notify: options.onAlert,
      fleetSample: () => ({ ...fleet.sample() }),
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
  const meterOfCost = new CostMeter({
    experiment,
    sizing: options.sizing,
    startMs: clock.now(),
    agents: deployedAtStart(experiment),
    ...(options.costUsed === undefined ? {} : { used: options.costUsed }),
  });
  const monitor = new MonitorLoop({
    clock,
    queue,
    counts: () => view.counts(),
    fleet,
    collector,
    alerts,
    monitors,
    recovery,
    meter,
    cost: (now, agents) => {
      meterOfCost.advance(now, agents);
      return meterOfCost.totalUsd;
    },
    underLoad: () => run.state === 'running',
    onSample: options.onSample,
  });

  const surface = new InProcessSurface(clock, fleet, council, meter, runQueue, executor, onError);
  const faults = {
    onInjected: (fault: FaultRecord, held: readonly number[]): void => {
      recovery.injected(fault, held);
      tally.faultAt(fault.injectedAt, fault.endedAt ?? fault.injectedAt);
    },
    onEnded: (id: string, at: number): void => {
      recovery.ended(id, at);
      tally.faultAt(at);
    },
  };
  const chaos = new ChaosEngineer({
    rules: experiment.chaos,
    durationMs: experiment.durationMs,
    clock,
    random: streams.stream('chaos'),
    surface,
    ledger: options.faultLedger,
    book,
    emit,
    elapsedMs: () => (run.state === 'created' ? 0 : generator.elapsedMs()),
    mayInject: () => run.state === 'running',
    steadyState: () => steadyState(experiment, collector, clock.now(), fleet.sample().active),
    health: () => {
      const { errorRate } = collector.scalingInputs(clock.now());
      const { active } = fleet.sample();
      return { errorRate, offlineShare: Math.max(0, 1 - active / Math.max(1, experiment.fleet.agents)) };
    },
    ...faults,
  });

  const factory = new TaskFactory(experiment.tasks, experiment.seed);
  const reconciliation =
    open === null
      ? null
      : (runMs: number) =>
          reconcile(
            {
              ...{ clock, queue, view, open, events: emit },
              task: (index, scheduledAt) => factory.task(index, scheduledAt),
              unanswered: () => generator.unanswered,
            },
            runMs,
          );

  return {
    ...{ tally, collector, audit, book, recovery, queue: runQueue, fleet, generator, run, council, scaler, alerts },
    ...{ monitors, costMeter: meterOfCost, scalingContext, monitor, surface, chaos, faults, streams, endAgentWork },
    reconcile: reconciliation,
  };
}

/** A queue that is looked at now and then may not know the latest arrivals yet: they are in it, or on their way. */
function withThoseOnTheWay(counts: LedgerCounts, sent: number): LedgerCounts {
  const onTheWay = sent - counts.submitted;
  if (onTheWay <= 0) return counts;
  return { ...counts, submitted: sent, queued: counts.queued + onTheWay };
}

interface FleetWithWork {
  readonly fleet: Fleet;
  readonly executor: RateLimitSwitch;
  readonly endAgentWork: () => Promise<void>;
}

/** Agents that are objects of this process. */
function ownFleet(options: AssemblyOptions, queue: TaskQueue, journal: LedgerAudit): FleetWithWork {
  const { experiment, clock, target, onError } = options;
  const { executor, close } = agentWork({ experiment, clock, target, onError });
  const fleet = new InProcessFleet({ ...fleetOptions(options), queue, executor, journal, onError });
  return { fleet, executor, endAgentWork: close };
}

/** Agents that are processes. */
function fleetOn(platform: ProcessPlatform, options: AssemblyOptions): FleetWithWork {
  const fleet = new Fleet({ ...fleetOptions(options), members: platform.members });
  return { fleet, executor: platform.executor, endAgentWork: () => platform.close() };
}

function fleetOptions({ experiment, clock, emit, fleetHistory }: AssemblyOptions): Omit<FleetOptions, 'members'> {
  return { experiment, clock, events: emit, ...(fleetHistory === undefined ? {} : { history: fleetHistory }) };
}

/** Agents a run begins with: the first stage's, or the phase's with its reserve. */
export function deployedAtStart({ fleet }: Experiment): number {
  return fleet.stages[0]?.agents ?? fleet.agents + fleet.reserve;
}

/** Chaos's hypothesis: the service answers in time, and the fleet is whole but for its reserve. */
function steadyState(experiment: Experiment, collector: Collector, now: number, active: number) {
  const { p99, samples } = collector.p99Recent(now);
  if (samples > 0 && p99 > experiment.targets.p99LatencyMs) {
    return { ok: false, reason: `P99 of the last 10 s is ${Math.round(p99)} ms` };
  }
  const { agents } = experiment.fleet;
  if (active < agents) return { ok: false, reason: `${active} of ${agents} agents are ready` };
  return { ok: true, reason: '' };
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
      if (dead) recovery.finished(lease.task.index, at);
    },
  };
}
