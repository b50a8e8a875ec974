import { runPreemptions } from '../chaos/preemption.js';
import type { FaultLedger } from '../chaos/fault-ledger.js';
import type { RunControl, RunStatus } from '../control/port.js';
import type { RunEnd } from '../coordinator/run.js';
import { isOver, mayGo, wrongState } from '../coordinator/run-state.js';
import { defaultSizing } from '../cost/deployment-sizing.js';
import type { Sizing } from '../cost/sizing.js';
import type { Clock, Eventually, Timer } from '../kernel/clock.js';
import { MINUTE } from '../kernel/units.js';
import type { FiringAlert } from '../observe/alerts.js';
import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent, RunState } from '../observe/events.js';
import type { LedgerCounts, QueueObserver } from '../queue/port.js';
import type { Sink } from '../record/port.js';
import type { ReportInput } from '../report/build.js';
import { deployedAtStart } from '../spec/deployed-agents.js';
import type { Experiment } from '../spec/experiment.js';
import { assemble, type Assembly } from './assembly.js';
import { notTakenUp } from './not-taken-up.js';
import { splitFaults, type RunRecord } from './observation.js';
import { runStatus } from './run-status.js';
import type { RunQueueMaker } from './run-queue.js';
import type { RunSnapshot } from './snapshot.js';

export interface ExperimentRunOptions {
  readonly experiment: Experiment;
  /** What the run is priced on. @default that of the run taken up, or else of the experiment's default deployment */
  readonly sizing?: Sizing;
  readonly experimentId: string;
  readonly target: 'rehearsal' | 'local';
  readonly clock: Clock;
  readonly sinks: readonly Sink[];
  readonly faultLedger: FaultLedger;
  readonly provenance: Omit<ReportInput['provenance'], 'sinks' | 'queue'>;
  /** Where tasks are kept. @default in this process */
  readonly queue?: RunQueueMaker;
  readonly onAlert?: (alert: FiringAlert) => void;
  /** Something failed behind the scenes; the run goes on. */
  readonly onError: (error: unknown) => void;
  /** Further ones who watch every task: a log on a laptop, the invariants of a simulation. */
  readonly observers?: readonly QueueObserver[];
  /** Take up a run where its snapshot stood. */
  readonly resume?: RunSnapshot;
}

/**
 * One execution of an experiment in this process: brings everything up, lets it run to its end or to an operator's
 * command, and takes everything down again on every way out.
 */
export class ExperimentRun implements RunControl {
  private readonly sizing: Sizing;
  private readonly parts: Assembly;
  private readonly listeners = new Set<(event: ExperimentEvent) => void>();
  private readonly sampleListeners = new Set<(data: ExperimentData) => void>();
  private readonly closing = new AbortController();
  private lastSubmitted = 0;
  private readonly timers: Timer[] = [];

  constructor(private readonly options: ExperimentRunOptions) {
    const { experiment, experimentId, target, clock, sinks, provenance, faultLedger, resume, onError } = options;
    this.sizing = options.sizing ?? resume?.sizing ?? defaultSizing(experiment);
    this.parts = assemble({
      ...{ experiment, experimentId, target, clock, sinks, provenance, faultLedger, onError },
      sizing: this.sizing,
      startedAt: resume?.startedAt ?? clock.now(),
      emit: (event) => {
        this.emit(event);
      },
      onSample: (data, counts) => {
        this.sampled(data, counts);
      },
      onAlert: options.onAlert ?? (() => undefined),
      ...(options.observers === undefined ? {} : { observers: options.observers }),
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      ...(resume === undefined ? {} : { earlier: resume }),
    });
    if (resume !== undefined) this.takeUp(resume);
  }

  get id(): string {
    return this.options.experimentId;
  }

  get state(): RunState {
    return this.parts.run.state;
  }

  onEvent(listener: (event: ExperimentEvent) => void): void {
    this.listeners.add(listener);
  }

  onSample(listener: (data: ExperimentData) => void): void {
    this.sampleListeners.add(listener);
  }

  /** Runs the experiment to its end. Everything is down again when this resolves. */
  async carryOut(): Promise<{ end: RunEnd; input: ReportInput }> {
    const { experiment, clock } = this.options;
    const { fleet, council, observation, run, chaos, generator } = this.parts;
    fleet.deploy(this.agentsToDeploy());
    council.start();
    observation.monitor.start();
    const scaling = clock.every(experiment.scaling.evaluateMs, () => {
      this.evaluateScaling();
    });
    this.timers.push(scaling);
    if (run.state === 'created') run.start();
    const chaosEnded = chaos.run(this.closing.signal).catch(this.options.onError);
    const preemptions = this.preemptions().catch(this.options.onError);
    const end = await run.ended;
    this.closing.abort('the run is over');
    await chaos.stop().catch(this.options.onError);
    await Promise.all([chaosEnded, preemptions]);
    generator.stop();
    for (const timer of this.timers) timer.cancel();
    const { reconcile } = this.parts;
    // Somebody has to sweep, and to be there for the tasks.
    if (reconcile !== null) await reconcile(this.timeToRunAgain(end)).catch(this.options.onError);
    council.stop();
    observation.monitor.stop();
    const input = await observation.settle(end);
    const gone = fleet.close();
    if (gone instanceof Promise) await gone;
    await this.parts.endAgentWork().catch(this.options.onError);
    return { end, input };
  }

  // ---- control ----------------------------------------------------------------------------------------------------

  pause(by: string): void {
    this.permit('pause', 'paused');
    this.control('pause', by, '');
    this.parts.run.pause(`paused by ${by}`);
  }

  resume(by: string): void {
    if (this.state !== 'paused') throw wrongState('resume', this.state, 'running');
    this.control('resume', by, '');
    this.parts.run.resume(`resumed by ${by}`);
  }

  drain(by: string, timeoutMs: number, thenStop: boolean): void {
    this.permit('drain', 'draining');
    this.control('drain', by, `timeout ${timeoutMs} ms`);
    this.parts.run.drain(`drained by ${by}`, timeoutMs, thenStop);
  }

  stop(by: string): void {
    this.permit('stop', 'stopped');
    this.control('stop', by, '');
    this.parts.run.stop(`stopped by ${by}`);
  }

  /** Answers ms from the command until nothing ran any more. */
  emergencyStop(by: string): void {
    this.control('emergency-stop', by, '');
    this.parts.run.abort(`emergency stop by ${by}`);
  }

  scale(by: string, agents: number): void {
    const { run, scaler, fleet } = this.parts;
    if (run.state !== 'running' && run.state !== 'paused') throw wrongState('scale', run.state, 'paused');
    this.control('scale', by, `${agents} agents`);
    scaler.setFloor(agents);
    fleet.scaleTo(agents);
  }

  /** Answers whether chaos is on now: once halted it stays off. */
  setChaos(by: string, on: boolean): boolean {
    this.control('chaos', by, on ? 'on' : 'off');
    return this.parts.chaos.setEnabled(on);
  }

  /** Everything needed to take the run up again. Best taken of a drained run; else running tasks run again. */
  snapshot(by: string): RunSnapshot {
    const { run, generator, queue, observation, scaler, fleet, chaos } = this.parts;
    const { tally, audit, costMeter } = observation;
    const { experiment } = this.options;
    if (queue.restore === null) throw notTakenUp();
    if (run.state === 'created') throw wrongState('snapshot', run.state, 'draining');
    this.control('snapshot', by, '');
    return {
      schemaVersion: 1,
      experimentId: this.options.experimentId,
      experiment,
      sizing: this.sizing,
      target: this.options.target,
      takenAt: this.options.clock.now(),
      startedAt: tally.startedAt,
      state: run.state,
      generator: generator.position(),
      unfinished: queue.view.unfinished(),
      counts: queue.view.counts(),
      tally: tally.toJSON(),
      audit: audit.toJSON(),
      scaler: scaler.snapshot(),
      agents: fleet.sample().target,
      fleet: fleet.history,
      cost: costMeter.used,
      faults: observation.faultRecords(),
      alerts: observation.alertRecords(),
      chaos: isOver(run.state) ? experiment.chaos.enabled : chaos.status.enabled,
      events: [...observation.events],
    };
  }

  status(): RunStatus {
    return runStatus(this.parts, this.options);
  }

  /** See {@link Observation.refresh}. */
  refresh(): Eventually<void> {
    return this.parts.observation.refresh();
  }

  /** See {@link Observation.record}. */
  record(cutShort: string | null): RunRecord {
    return this.parts.observation.record(cutShort);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  /** As many as the snapshot wants; with none wanted (its fleet had been halted) those of a new run. */
  private agentsToDeploy(): number {
    const { experiment, resume } = this.options;
    return resume === undefined || resume.agents === 0 ? deployedAtStart(experiment) : resume.agents;
  }

  /** Goes on where the snapshot stands: the time since then counts as a pause. */
  private takeUp(snapshot: RunSnapshot): void {
    const { queue, scaler, observation, chaos } = this.parts;
    const { tally, book, recovery } = observation;
    const now = this.options.clock.now();
    if (queue.restore === null) throw notTakenUp();
    queue.restore(snapshot.unfinished, snapshot.counts);
    scaler.restore(snapshot.scaler);
    tally.takeUp(snapshot.takenAt, now);
    this.lastSubmitted = snapshot.counts.submitted;
    const { open } = splitFaults(snapshot.faults);
    book.restore(snapshot.faults);
    // What had begun and was cut off has to run again, whichever fault it had been waiting for.
    const cutOff = snapshot.unfinished.filter(({ started }) => started).map(({ task }) => task.index);
    for (const fault of open) {
      recovery.injected(fault, cutOff);
      // A fault does not outlive the process that held it.
      if (fault.endedAt === null) recovery.ended(fault.id, now);
    }
    if (!snapshot.chaos) chaos.setEnabled(false);
  }

  /** What is submitted again at the end may take as long as a drain, but a run that is to end must not go on for ever. */
  private timeToRunAgain({ state }: RunEnd): number {
    return state === 'aborted' ? 0 : Math.min(this.options.experiment.fleet.drainTimeoutMs, MINUTE);
  }

  private permit(command: string, to: RunState): void {
    if (!mayGo(this.state, to)) throw wrongState(command, this.state, to);
  }

  private preemptions(): Promise<void> {
    const { experiment, clock } = this.options;
    const { surface, observation, faults, streams, generator } = this.parts;
    return runPreemptions(
      {
        fleet: experiment.fleet,
        durationMs: experiment.durationMs,
        elapsedMs: generator.elapsedMs(),
        clock,
        random: streams.stream('preemption'),
        surface,
        book: observation.book,
        emit: (event) => {
          this.emit(event);
        },
        ...faults,
      },
      this.closing.signal,
    );
  }

  private evaluateScaling(): void {
    const { scaler, observation, fleet, scalingContext } = this.parts;
    const now = this.options.clock.now();
    scaler.evaluate(
      now,
      { ...observation.collector.scalingInputs(now), agents: fleet.sample().target },
      scalingContext(),
    );
  }

  private sampled(data: ExperimentData, counts: LedgerCounts): void {
    this.parts.scaler.recordArrivals(data.timestamp, counts.submitted - this.lastSubmitted);
    this.lastSubmitted = counts.submitted;
    for (const listener of this.sampleListeners) listener(data);
  }

  private emit(event: ExperimentEvent): void {
    this.parts.observation.take(event);
    for (const listener of this.listeners) listener(event);
  }

  private control(command: string, by: string, detail: string): void {
    this.emit({ type: 'control', at: this.options.clock.now(), command, by, detail });
  }
}
