import { InProcessFleet } from '../agents/adapters/in-process-fleet.js';
import type { Fleet } from '../agents/fleet.js';
import { type FleetOptions } from '../agents/fleet.js';
import type { FleetSample } from '../agents/port.js';
import { ChaosEngineer, type ChaosOptions } from '../chaos/engineer.js';
import type { FaultLedger } from '../chaos/fault-ledger.js';
import { MemoryLease } from '../coordinator/adapters/memory-lease.js';
import { AdmissionControl } from '../coordinator/admission.js';
import { Council } from '../coordinator/council.js';
import { Run } from '../coordinator/run.js';
import { sweeping } from '../coordinator/sweeper.js';
import { RandomStreams } from '../kernel/random.js';
import { LoadGenerator } from '../load/generator.js';
import { TaskFactory } from '../load/task-factory.js';
import type { LedgerAudit } from '../observe/audit.js';
import type { Collector } from '../observe/collector.js';
import type { FaultRecord } from '../observe/events.js';
import { CuttableQueue } from '../queue/adapters/cuttable-queue.js';
import type { LedgerCounts, QueueObserver } from '../queue/port.js';
import { augursModels } from '../scaling/adapters/augurs.js';
import { AutoScaler } from '../scaling/autoscaler.js';
import type { ScalingContext } from '../scaling/port.js';
import { deployedAtStart } from '../spec/deployed-agents.js';
import type { Experiment } from '../spec/experiment.js';
import { agentWork } from './executors.js';
import { InProcessSurface, type PlaceOfFaults } from './in-process-surface.js';
import { Observation, type ObservationOptions } from './observation.js';
import { reconcile } from './reconciliation.js';
import { memoryRunQueue, type RunQueue, type RunQueueMaker } from './run-queue.js';

/** From the kill of a coordinator until it is back, as standby. */
export const COORDINATOR_RESTART_MS = 10_000;

export interface AssemblyOptions extends Pick<
  ObservationOptions,
  | 'experiment'
  | 'sizing'
  | 'experimentId'
  | 'target'
  | 'clock'
  | 'sinks'
  | 'provenance'
  | 'startedAt'
  | 'earlier'
  | 'emit'
  | 'onAlert'
  | 'onSample'
  | 'onError'
> {
  readonly faultLedger: FaultLedger;
  /** Where tasks are kept. @default in this process */
  readonly queue?: RunQueueMaker;
  /** Told of every transition of a task, after all others. */
  readonly observers?: readonly QueueObserver[];
}

/** The parts of a run in one process. */
export interface Assembly {
  readonly observation: Observation;
  readonly queue: RunQueue;
  readonly fleet: Fleet;
  readonly generator: LoadGenerator;
  readonly run: Run;
  readonly council: Council;
  readonly scaler: AutoScaler;
  readonly scalingContext: () => ScalingContext;
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

  const { startedAt, earlier } = options;
  const observation = new Observation({
    ...options,
    agentsAtStart: deployedAtStart(experiment),
    // A queue of this process loses nothing: what it has accepted need not be remembered beside it.
    remembersTasks: options.queue !== undefined,
  });
  const { collector, audit, book, meter, open } = observation;
  const admission = new AdmissionControl(experiment, (): FleetSample => fleet.sample());

  const { observers } = observation;
  if (experiment.queue.admission !== null) observers.push(admission);
  observers.push(...(options.observers ?? []));
  const runQueue = (options.queue ?? memoryRunQueue(clock, experiment.queue))(observers);
  const { queue, view } = runQueue;
  const { fleet, place, endAgentWork } = ownFleet(options, runQueue, audit);
  const generator = new LoadGenerator({
    experiment,
    clock,
    queue,
    journal: observation.offers,
    events: emit,
    onFinished: () => undefined,
    onError,
    ...(earlier === undefined ? {} : { from: earlier.generator }),
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
  const council = new Council({
    replicas: experiment.fleet.coordinators,
    restartMs: COORDINATOR_RESTART_MS,
    clock,
    lease: new MemoryLease(clock),
    duties: [run.duty, sweeping(queue, clock, emit, onError), ...(admitting === null ? [] : [admitting])],
    events: emit,
    onError,
  });

  const scaler = new AutoScaler({
    rules: experiment.scaling,
    fleet: experiment.fleet,
    load: experiment.load,
    startAtMs: startedAt,
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
  observation.watch({
    queue: runQueue,
    fleet,
    state: () => run.state,
    load: () => generator.stats,
    nextTask: () => generator.position().arrivals.index,
    forecast: () => scaler.forecastReport(),
    pause: (reason) => {
      run.pause(reason);
    },
    abort: (reason) => {
      run.abort(reason);
    },
    emergencyScale: () => {
      scaler.emergency(clock.now(), 0, scalingContext());
    },
  });

  const surface = new InProcessSurface(clock, fleet, council, meter, place, onError);
  const faults = {
    onInjected: (fault: FaultRecord, held: readonly number[]): void => {
      observation.faultInjected(fault, held);
    },
    onEnded: (id: string, at: number): void => {
      observation.faultEnded(id, at);
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
    ...{ observation, queue: runQueue, fleet, generator, run, council, scaler, scalingContext },
    ...{ surface, chaos, faults, streams, endAgentWork },
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
  readonly place: PlaceOfFaults;
  readonly endAgentWork: () => Promise<void>;
}

/** Agents that are objects of this process. */
function ownFleet(options: AssemblyOptions, runQueue: RunQueue, journal: LedgerAudit): FleetWithWork {
  const { experiment, clock, target, onError } = options;
  const { executor, close } = agentWork({ experiment, clock, target, onError });
  const partitions = experiment.chaos.injections.some(({ type }) => type === 'network_partition');
  const cuttable = partitions ? new CuttableQueue(clock, runQueue.queue) : null;
  const queue = cuttable ?? runQueue.queue;
  const fleet = new InProcessFleet({ ...fleetOptions(options), queue, executor, journal, onError });
  const place: PlaceOfFaults = {
    setLinkDelay: (latencyMs) => {
      runQueue.setLinkDelay(latencyMs);
    },
    setReachable: (zone, reachable) => {
      cuttable?.setReachable(zone, reachable);
    },
    setRateLimit: (share) => {
      executor.extraRateLimit = share;
    },
    cutOffShare: (agents) => cuttable?.cutOffShare(agents.map(({ id }) => id)) ?? null,
    store: () => runQueue.redis?.store() ?? null,
    killStore: (name) => runQueue.redis?.killStore(name),
  };
  return { fleet, place, endAgentWork: close };
}

function fleetOptions({ experiment, clock, emit, earlier }: AssemblyOptions): Omit<FleetOptions, 'members'> {
  return { experiment, clock, events: emit, ...(earlier === undefined ? {} : { history: earlier.fleet }) };
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
