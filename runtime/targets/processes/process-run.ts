import type { RunControl, RunStatus } from '../../control/port.js';
import { isOver, mayGo, wrongState } from '../../coordinator/run-state.js';
import type { RunEnd } from '../../coordinator/run.js';
import type { Clock, Deferred, Timer } from '../../kernel/clock.js';
import { SECOND } from '../../kernel/units.js';
import type { ExperimentData } from '../../observe/data.js';
import type { ExperimentEvent, RunState } from '../../observe/events.js';
import type { LedgerCounts } from '../../queue/port.js';
import {
  BOARD_START,
  type Board,
  type ChaosNote,
  type Command,
  type LoadNote,
  type MeasuresNote,
  type RunNote,
} from '../../roles/board/board.js';
import type { Experiment } from '../../spec/experiment.js';
import { notTakenUp } from '../not-taken-up.js';
import { limitsOf } from '../run-status.js';

/** How often the board is looked at, ms. */
const LOOK_MS = 150;
/** How long a command may take until it shows, ms: a leader may have to be replaced first. */
const CARRIED_OUT_MS = 8 * SECOND;

const NO_COUNTS: LedgerCounts = {
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
};

export interface ProcessRunOptions {
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly clock: Clock;
  readonly board: Board;
  readonly onError: (error: unknown) => void;
}

/** A run whose parts are other processes, as its control sees it: what is ordered goes to the board. */
export class ProcessRun implements RunControl {
  readonly events: ExperimentEvent[] = [];
  /** Resolves when the run is over. */
  readonly ended: Promise<RunEnd>;
  private readonly end: Deferred<RunEnd>;
  private readonly eventListeners: Array<(event: ExperimentEvent) => void> = [];
  private readonly sampleListeners: Array<(data: ExperimentData) => void> = [];
  private readonly stateListeners: Array<(state: RunState) => void> = [];
  private note: RunNote | null = null;
  private load: LoadNote | null = null;
  private measures: MeasuresNote | null = null;
  private chaos: ChaosNote | null = null;
  private position = BOARD_START;
  private looking: Timer | null = null;
  private failing = false;

  constructor(private readonly options: ProcessRunOptions) {
    this.end = options.clock.deferred<RunEnd>();
    this.ended = this.end.promise;
  }

  get id(): string {
    return this.options.experimentId;
  }

  get state(): RunState {
    return this.note?.state ?? 'created';
  }

  /** Begins to look at the board. */
  start(): void {
    const { clock, onError } = this.options;
    let busy = false;
    this.looking = clock.every(LOOK_MS, () => {
      if (busy) return;
      busy = true;
      clock.spawn(
        async () => {
          try {
            await this.look();
            this.failing = false;
          } finally {
            busy = false;
          }
        },
        (error) => {
          // Said once, not seven times a second.
          if (!this.failing) onError(error);
          this.failing = true;
        },
      );
    });
  }

  /** Looks no more. */
  leave(): void {
    this.looking?.cancel();
  }

  begin(): Promise<void> {
    return this.order({ name: 'start', by: 'start' }, () => this.state !== 'created');
  }

  pause(by: string): Promise<void> {
    this.permit('pause', 'paused');
    return this.order({ name: 'pause', by }, () => this.state === 'paused');
  }

  resume(by: string): Promise<void> {
    if (this.state !== 'paused') throw wrongState('resume', this.state, 'running');
    return this.order({ name: 'resume', by }, () => this.state !== 'paused');
  }

  drain(by: string, timeoutMs: number, thenStop: boolean): Promise<void> {
    this.permit('drain', 'draining');
    return this.order(
      { name: 'drain', by, timeoutMs, thenStop },
      () => this.state === 'draining' || isOver(this.state),
    );
  }

  stop(by: string): Promise<void> {
    this.permit('stop', 'stopped');
    return this.order({ name: 'stop', by }, () => isOver(this.state));
  }

  emergencyStop(by: string): Promise<void> {
    return this.order({ name: 'emergency-stop', by }, () => isOver(this.state));
  }

  /** By the supervision, when the run cannot go on. */
  abortBecause(by: string, reason: string): Promise<void> {
    return this.order({ name: 'abort-because', by, reason }, () => isOver(this.state));
  }

  scale(by: string, agents: number): Promise<void> {
    if (this.state !== 'running' && this.state !== 'paused') throw wrongState('scale', this.state, 'paused');
    return this.options.board.command({ name: 'scale', by, agents });
  }

  async setChaos(by: string, on: boolean): Promise<boolean> {
    await this.order({ name: 'chaos', by, on }, () => this.chaos === null || this.chaos.enabled === on).catch(
      () => undefined,
    );
    return this.chaos?.enabled ?? false;
  }

  snapshot(): never {
    throw notTakenUp();
  }

  status(): RunStatus {
    const { experiment, experimentId } = this.options;
    const { note, load, measures, chaos } = this;
    return {
      experimentId,
      title: experiment.title,
      target: 'local',
      state: this.state,
      drained: note?.drained ?? false,
      elapsedMs: Math.min(load?.elapsedMs ?? 0, experiment.durationMs),
      durationMs: experiment.durationMs,
      leader: note?.leader ?? null,
      chaos: chaos ?? { enabled: false, halted: null, open: [] },
      alertsFiring: measures?.alertsFiring ?? [],
      counts: measures?.counts ?? NO_COUNTS,
      latest: measures?.data ?? null,
      limits: limitsOf(experiment),
    };
  }

  onEvent(listener: (event: ExperimentEvent) => void): void {
    this.eventListeners.push(listener);
  }

  onSample(listener: (data: ExperimentData) => void): void {
    this.sampleListeners.push(listener);
  }

  onState(listener: (state: RunState) => void): void {
    this.stateListeners.push(listener);
  }

  /** One look at the board. */
  async look(): Promise<void> {
    const { board } = this.options;
    const [run, load, measures, chaos] = await Promise.all([
      board.read('run'),
      board.read('load'),
      board.read('measures'),
      board.read('chaos'),
    ]);
    await this.readEvents();
    const before = this.state;
    this.load = load?.note ?? null;
    this.chaos = chaos?.note ?? null;
    this.note = run?.note ?? null;
    this.newMeasures(measures?.note ?? null);
    if (this.state !== before) for (const listener of this.stateListeners) listener(this.state);
    const end = this.note?.memory?.run.end ?? null;
    if (end !== null) this.end.resolve(end);
  }

  private async readEvents(): Promise<void> {
    const { events, position } = await this.options.board.eventsAfter(this.position);
    this.position = position;
    for (const event of events) {
      this.events.push(event);
      for (const listener of this.eventListeners) listener(event);
    }
  }

  private newMeasures(measures: MeasuresNote | null): void {
    const isNew = measures?.data?.timestamp !== this.measures?.data?.timestamp;
    this.measures = measures;
    if (isNew && measures?.data !== undefined) for (const listener of this.sampleListeners) listener(measures.data);
  }

  private permit(command: string, to: RunState): void {
    if (!mayGo(this.state, to)) throw wrongState(command, this.state, to);
  }

  /** Gives a command, and waits until it shows. */
  private async order(command: Command, done: () => boolean): Promise<void> {
    const { board, clock } = this.options;
    await board.command(command);
    const latest = clock.now() + CARRIED_OUT_MS;
    do {
      await clock.sleep(LOOK_MS);
      if (done()) return;
    } while (clock.now() < latest);
    throw new Error(`"${command.name}" has not been carried out within ${CARRIED_OUT_MS / SECOND} s`);
  }
}
