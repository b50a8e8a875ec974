import { InProcessFleet, type FleetHistory } from '../agents/adapters/in-process-fleet.js';
import { SimulatedExecutor } from '../agents/adapters/simulated.js';
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
import { AlertEngine, type FiringAlert } from '../observe/alerts.js';
import { LedgerAudit } from '../observe/audit.js';
import { Collector } from '../observe/collector.js';
import type { ExperimentData } from '../observe/data.js';
import type { EventSink, FaultRecord } from '../observe/events.js';
import { Monitors } from '../observe/monitors.js';
import { RecoveryTracker } from '../observe/recovery.js';
import { Tally } from '../observe/tally.js';
import { MemoryQueue } from '../queue/adapters/memory.js';
import type { Lease, LedgerCounts, QueueObserver } from '../queue/port.js';
import { augursModels } from '../scaling/adapters/augurs.js';
import { AutoScaler } from '../scaling/autoscaler.js';
import type { ScalingContext } from '../scaling/port.js';
import type { Experiment } from '../spec/experiment.js';
import { InProcessSurface } from './in-process-surface.js';
import { MonitorLoop } from './monitor.js';
import { ProbeMeter } from './probe-meter.js';

/** From the kill of a coordinator until it is back, as standby. */
const COORDINATOR_RESTART_MS = 10_000;

export interface AssemblyOptions {
  readonly experiment: Experiment;
  /** What the run is priced on. */
  readonly sizing: Sizing;
  readonly clock: Clock;
  readonly faultLedger: FaultLedger;
  readonly emit: EventSink;
  readonly onSample: (data: ExperimentData, counts: LedgerCounts) => void;
  readonly onAlert: (alert: FiringAlert) => void;
  readonly onError: (error: unknown) => void;
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
  readonly queue: MemoryQueue;
  readonly fleet: InProcessFleet;
  readonly generator: LoadGenerator;
  readonly run: Run;
  readonly council: Council;
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
}

/**
 * Puts the modules of one experiment together in one process: memory queue, simulated agents, three coordinators,
 * autoscaler, chaos and monitor. What is virtual and what is real about it is the clock alone.
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
  const admission = new AdmissionControl(experiment, () => fleet.sample());

  const link = { delayMs: 0 };
  const observers: QueueObserver[] = [collector, audit, recoveryObserver(recovery)];
  if (experiment.chaos.injections.some(({ type }) => type === 'rate_limit')) observers.push(meter);
  if (experiment.queue.admission !== null) observers.push(admission);
  observers.push(...(options.observers ?? []));
  const queue = new MemoryQueue({ clock, rules: experiment.queue, observers, link });
  const executor = new SimulatedExecutor(clock, experiment);
  const fleet: InProcessFleet = new InProcessFleet({
    experiment,
    clock,
    queue,
    executor,
    journal: audit,
    events: emit,
    onError,
    ...(options.fleetHistory === undefined ? {} : { history: options.fleetHistory }),
  });
  const generator = new LoadGenerator({
    experiment,
    clock,
    queue,
    journal: audit,
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
      counts: () => queue.counts(),
      haltFleet: () => {
        fleet.halt();
      },
    },
  });
  const admitting = admission.duty(queue, onError);
  const duties: Duty[] = [run.duty, sweeping(queue, clock, emit, onError), ...(admitting === null ? [] : [admitting])];
  const council = new Council({
    replicas: experiment.fleet.coordinators,
    restartMs: COORDINATOR_RESTART_MS,
    clock,
    lease: new MemoryLease(clock),
    duties,
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
    counts: () => queue.counts(),
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

  const surface = new InProcessSurface(clock, fleet, council, meter, link, executor, onError);
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

  return {
    ...{ tally, collector, audit, book, recovery, queue, fleet, generator, run, council, scaler, alerts, monitors },
    ...{ costMeter: meterOfCost, scalingContext, monitor, surface, chaos, faults, streams },
  };
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
