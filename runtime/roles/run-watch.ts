import type { RunEnd } from '../coordinator/run.js';
import { isOver } from '../coordinator/run-state.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import type { GeneratorStats } from '../load/port.js';
import { TaskFactory } from '../load/task-factory.js';
import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent } from '../observe/events.js';
import type { LedgerCounts, QueueObserver } from '../queue/port.js';
import type { Sink } from '../record/port.js';
import type { ReportInput } from '../report/build.js';
import type { Experiment } from '../spec/experiment.js';
import { deployedAtStart } from '../spec/deployed-agents.js';
import { Observation, type RunRecord } from '../targets/observation.js';
import { JournalReader } from '../targets/processes/journal-reader.js';
import { reconcile } from '../targets/reconciliation.js';
import type { RecordedRun } from '../targets/recorder.js';
import type { RunBasis } from '../targets/run-basis.js';
import type { RunQueue } from '../targets/run-queue.js';
import {
  BOARD_START,
  NO_FLEET,
  type AutoscalerNote,
  type Board,
  type Command,
  type FleetNote,
  type LoadNote,
  type RunNote,
} from './board/board.js';
import { eventSchema } from './board/event-schema.js';
import { FaultWatch } from './fault-watch.js';
import { HeldTasks } from './held-tasks.js';

/** How often notes and events are read, ms. */
const LOOK_MS = 200;
/** Who gives the commands that come from here. */
const BY = 'monitor';
/** How long chaos is waited for that has not undone everything when the run is over, ms. */
const UNDO_MS = 30 * SECOND;
/** A note of chaos older than this is that of one that is gone, ms. */
const GONE_MS = 5 * SECOND;

export interface RunWatchOptions {
  readonly experiment: Experiment;
  readonly basis: RunBasis;
  readonly clock: Clock;
  readonly board: Board;
  readonly sinks: readonly Sink[];
  /** When the schedule begins, epoch ms. */
  readonly startedAt: number;
  /** Where agents and load generator write down what they do; null = nowhere that can be read from here. */
  readonly journalFolder: string | null;
  readonly onError: (error: unknown) => void;
}

/** Watches a run whose parts are other processes, through queue and board, and makes the record of it. */
export class RunWatch implements RecordedRun {
  private readonly observation: Observation;
  private readonly held = new HeldTasks();
  private readonly faults: FaultWatch;
  private readonly journals: JournalReader | null;
  private readonly sampleListeners: Array<(data: ExperimentData) => void> = [];
  /** Events of our own that the board will show us again. */
  private readonly own = new Set<string>();
  private position = BOARD_START;
  private run: RunNote | null = null;
  private load: LoadNote | null = null;
  private fleet: FleetNote | null = null;
  private autoscaler: AutoscalerNote | null = null;
  private looking: Timer | null = null;
  private busy = false;
  private queue: RunQueue | null = null;

  constructor(private readonly options: RunWatchOptions) {
    const { experiment, basis, clock, sinks, startedAt, journalFolder, onError } = options;
    this.observation = new Observation({
      ...{ experiment, clock, sinks, startedAt, onError },
      ...{ sizing: basis.sizing, experimentId: basis.experimentId, provenance: basis.provenance },
      target: 'local',
      agentsAtStart: deployedAtStart(experiment),
      remembersTasks: true,
      emit: (event) => {
        this.emit(event);
      },
      // It is an event, too, and whoever watches sees that.
      onAlert: () => undefined,
      onSample: (data, counts) => {
        this.sampled(data, counts);
      },
    });
    this.faults = new FaultWatch({
      book: this.observation.book,
      held: this.held,
      fleet: () => this.fleet,
      onInjected: (fault, held) => {
        this.observation.faultInjected(fault, held);
      },
      onEnded: (id, at) => {
        this.observation.faultEnded(id, at);
      },
    });
    this.journals = journalFolder === null ? null : new JournalReader(journalFolder, this.observation.offers);
  }

  /** Has to be told of every transition of a task. */
  get observers(): QueueObserver[] {
    return [...this.observation.observers, this.held];
  }

  onSample(listener: (data: ExperimentData) => void): void {
    this.sampleListeners.push(listener);
  }

  refresh(): Promise<void> | undefined {
    return this.observation.refresh() as Promise<void> | undefined;
  }

  record(cutShort: null): RunRecord {
    return this.observation.record(cutShort);
  }

  /** Watches the run to its end; resolves with what its report is made from. */
  async watch(queue: RunQueue): Promise<{ readonly end: RunEnd; readonly input: ReportInput }> {
    const { clock, onError } = this.options;
    this.queue = queue;
    this.observation.watch({
      queue,
      fleet: { sample: () => this.fleet?.sample ?? NO_FLEET },
      state: () => this.run?.state ?? 'created',
      load: () => this.stats(),
      nextTask: () => this.load?.stats['sent'] ?? 0,
      forecast: () => this.autoscaler?.forecast ?? null,
      pause: (reason) => {
        this.command({ name: 'pause-because', by: BY, reason });
      },
      abort: (reason) => {
        this.command({ name: 'abort-because', by: BY, reason });
      },
      emergencyScale: () => {
        this.command({ name: 'emergency-scale', by: BY });
      },
      readJournals: async (audit) => {
        await this.journals?.read(audit);
      },
    });
    const over = clock.deferred<RunEnd>();
    await this.look();
    this.observation.monitor.start();
    this.looking = clock.every(LOOK_MS, () => {
      if (this.busy) return;
      this.busy = true;
      clock.spawn(async () => {
        try {
          await this.look();
          const end = this.run?.memory?.run.end ?? null;
          if (end !== null) over.resolve(end);
        } finally {
          this.busy = false;
        }
      }, onError);
    });
    const end = await over.promise;
    await this.reconcile(end).catch(onError);
    await this.untilUndone();
    this.looking.cancel();
    this.observation.monitor.stop();
    await this.readEvents().catch(onError);
    return { end, input: await this.observation.settle(end) };
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private async look(): Promise<void> {
    const { board } = this.options;
    const [run, load, fleet, autoscaler] = await Promise.all([
      board.read('run'),
      board.read('load'),
      board.read('fleet'),
      board.read('autoscaler'),
    ]);
    this.run = run?.note ?? this.run;
    this.load = load?.note ?? this.load;
    this.fleet = fleet?.note ?? this.fleet;
    this.autoscaler = autoscaler?.note ?? this.autoscaler;
    await this.readEvents();
  }

  private async readEvents(): Promise<void> {
    for (;;) {
      const { events, position } = await this.options.board.eventsAfter(this.position);
      if (position === this.position) return;
      this.position = position;
      for (const event of events) if (!this.own.delete(JSON.stringify(event))) this.take(event);
    }
  }

  private take(event: ExperimentEvent): void {
    this.observation.take(event.type === 'fault' ? this.faults.complete(event) : event);
  }

  private emit(event: ExperimentEvent): void {
    // As it will look when it comes back.
    this.own.add(JSON.stringify(eventSchema.parse(event)));
    this.observation.take(event);
    this.options.board.event(event);
  }

  private command(command: Command): void {
    const { clock, board, onError } = this.options;
    clock.spawn(() => board.command(command), onError);
  }

  private stats(): GeneratorStats {
    const { scheduled = 0, sent = 0, late = 0, dropped = 0 } = this.load?.stats ?? {};
    return { scheduled, sent, late, dropped };
  }

  private sampled(data: ExperimentData, counts: LedgerCounts): void {
    const { board, clock, onError } = this.options;
    const { collector, alerts } = this.observation;
    const now = clock.now();
    const scaling = collector.scalingInputs(now);
    const recent = collector.p99Recent(now);
    clock.spawn(
      () =>
        board.write('measures', {
          ...{ scaling, p99RecentMs: recent.p99, samples: recent.samples, errorRate: scaling.errorRate },
          ...{ costUsd: data.cost, data, counts, alertsFiring: alerts.firing().map(({ name }) => name) },
        }),
      onError,
    );
    for (const listener of this.sampleListeners) listener(data);
  }

  /** Somebody still sweeps, and the agents are still there: whoever started them waits for this process. */
  private async reconcile({ state }: RunEnd): Promise<void> {
    const { experiment, clock } = this.options;
    const { open } = this.observation;
    if (open === null || this.queue === null) return;
    await this.journals?.read(this.observation.audit);
    const factory = new TaskFactory(experiment.tasks, experiment.seed);
    const { queue, view } = this.queue;
    await reconcile(
      {
        ...{ clock, queue, view, open },
        task: (index, scheduledAt) => factory.task(index, scheduledAt),
        unanswered: () => this.load?.unanswered ?? 0,
        events: (event) => {
          this.emit(event);
        },
      },
      state === 'aborted' ? 0 : Math.min(experiment.fleet.drainTimeoutMs, MINUTE),
    );
  }

  /** Chaos undoes what is open when it hears of the end; what it tells of that belongs into the record. */
  private async untilUndone(): Promise<void> {
    const { board, clock } = this.options;
    const latest = clock.now() + UNDO_MS;
    while (clock.now() < latest) {
      const found = await board.read('chaos').catch(() => null);
      if (found === null || found.ageMs > GONE_MS || found.note.open.length === 0) return;
      await clock.sleep(LOOK_MS);
    }
  }
}

/** Resolves with the time at which the schedule begins, epoch ms, once that is known; null = the run was over before. */
export async function untilStarted(board: Board, clock: Clock, signal: AbortSignal): Promise<number | null> {
  for (;;) {
    const note = (await board.read('run').catch(() => null))?.note ?? null;
    const startedAt = note?.startedAt ?? null;
    if (startedAt !== null || (note !== null && isOver(note.state))) return startedAt;
    await clock.sleep(LOOK_MS, signal);
  }
}
