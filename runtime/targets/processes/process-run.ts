import type { RunControl, RunStatus } from '../../control/port.js';
import { isOver, mayGo, wrongState } from '../../coordinator/run-state.js';
import type { RunEnd } from '../../coordinator/run.js';
import type { Clock, Deferred, Timer } from '../../kernel/clock.js';
import { MINUTE, SECOND } from '../../kernel/units.js';
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
/** The board has not answered for so long, ms: people are told. A failover is over by then. */
const SILENT_MS = 10 * SECOND;
/** And for so long, ms: nobody will come back. The agents have stopped working long before. */
const GIVEN_UP_MS = 2 * MINUTE;

const NO_COUNTS: LedgerCounts = {
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
};

export interface ProcessRunOptions {
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly clock: Clock;
  readonly board: Board;
  /** Ends all agents at once, without asking anybody; resolves when they are gone. */
  readonly halt: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** A run whose parts are other processes, as its control sees it: what is ordered goes to the board. */
export class ProcessRun implements RunControl {
  readonly events: ExperimentEvent[] = [];
  /** Resolves when the run is over. */
  readonly ended: Promise<RunEnd>;
  /** Resolves with why when the run is given up, since nobody answers any more. */
  readonly lost: Promise<string>;
  private readonly end: Deferred<RunEnd>;
  private readonly givenUp: Deferred<string>;
  private readonly eventListeners: Array<(event: ExperimentEvent) => void> = [];
  private readonly sampleListeners: Array<(data: ExperimentData) => void> = [];
  private readonly stateListeners: Array<(state: RunState) => void> = [];
  private note: RunNote | null = null;
  private load: LoadNote | null = null;
  private measures: MeasuresNote | null = null;
  private chaos: ChaosNote | null = null;
  private position = BOARD_START;
  private looking: Timer | null = null;
  private heardAt: number;
  private told = false;

  constructor(private readonly options: ProcessRunOptions) {
    this.end = options.clock.deferred<RunEnd>();
    this.ended = this.end.promise;
    this.givenUp = options.clock.deferred<string>();
    this.lost = this.givenUp.promise;
    this.heardAt = options.clock.now();
  }

  get id(): string {
    return this.options.experimentId;
  }

  get state(): RunState {
    return this.note?.state ?? 'created';
  }

  /** Begins to look at the board. */
  start(): void {
    const { clock } = this.options;
    let busy = false;
    let last: unknown = null;
    this.heardAt = clock.now();
    this.looking = clock.every(LOOK_MS, () => {
      this.watchSilence(last);
      if (busy) return;
      busy = true;
      clock.spawn(
        async () => {
          try {
            await this.look();
            this.heard();
          } finally {
            busy = false;
          }
        },
        (error) => {
          last = error;
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

  /** Ends the agents at once and resolves when they are gone; that the run is over, the coordinators say after that. */
  async emergencyStop(by: string): Promise<void> {
    const { clock, halt } = this.options;
    clock.spawn(
      () => this.order({ name: 'emergency-stop', by }, () => isOver(this.state)),
      (error) => {
        this.giveUp(`emergency stop by ${by}; no coordinator confirmed it: ${messageOf(error)}`);
      },
    );
    await halt();
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

  private heard(): void {
    const { clock, onError } = this.options;
    const silentMs = clock.now() - this.heardAt;
    this.heardAt = clock.now();
    if (this.told) onError(new Error(`Redis answers again, after ${Math.round(silentMs / SECOND)} s; the run goes on`));
    this.told = false;
  }

  /** Redis is where everybody meets: without it nothing can be known of the run, nor be ordered. */
  private watchSilence(last: unknown): void {
    const { clock, onError } = this.options;
    const silentMs = clock.now() - this.heardAt;
    if (silentMs >= GIVEN_UP_MS) {
      this.giveUp(`Redis has not answered for ${GIVEN_UP_MS / SECOND} s: ${messageOf(last)}`);
    } else if (silentMs >= SILENT_MS && !this.told) {
      this.told = true;
      const rest = `${(GIVEN_UP_MS - SILENT_MS) / SECOND} s`;
      const message =
        `Redis has not answered for ${SILENT_MS / SECOND} s (${messageOf(last)}); ` +
        `the run goes on as soon as it does, and is given up in ${rest}`;
      onError(new Error(message));
    }
  }

  private giveUp(reason: string): void {
    this.leave();
    this.givenUp.resolve(reason);
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'no answer';
}
