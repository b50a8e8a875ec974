import { z } from 'zod';
import { isOver } from '../coordinator/run-state.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import { LoadGenerator, type GeneratorPosition } from '../load/generator.js';
import type { GeneratorJournal } from '../load/port.js';
import type { RunState } from '../observe/events.js';
import type { TaskQueue } from '../queue/port.js';
import type { Experiment } from '../spec/experiment.js';
import type { Board, Found, LoadNote, RunNote } from './board/board.js';
import { figure } from './board/event-schema.js';

/** How often it looks where the run stands, ms. */
const LOOK_MS = 100;
/** How often it says where it stands itself, ms. */
const WRITE_MS = 500;
/** For the answers that are still out when the run is over, ms. */
const ANSWERS_MS = 10 * SECOND;

/** `origin`: when the schedule began, as if it had never been paused, epoch ms; null = it stands still. */
const positionSchema = z.object({
  origin: figure.nullable(),
  generator: z.object({
    arrivals: z.custom<GeneratorPosition['arrivals']>((value) => typeof value === 'object' && value !== null),
    elapsedMs: figure,
    stats: z.object({ scheduled: figure, sent: figure, late: figure, dropped: figure }),
  }),
});

export interface LoadKeeperOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly board: Board;
  readonly queue: TaskQueue;
  readonly journal: GeneratorJournal;
  readonly onError: (error: unknown) => void;
}

/**
 * Sends the load as the run's note says. Started anew it goes on from where its own note stands: what had been sent
 * since is offered again, which the queue answers as the first time; what should have been sent meanwhile goes out at
 * once, and counts as late.
 */
export class LoadKeeper {
  /** Resolves when the run is over and all offers have been answered for. */
  readonly finished: Promise<null>;
  private readonly finish: () => void;
  private generator: LoadGenerator | null = null;
  private obeys: RunState = 'created';
  /** The order to start has come, and its time perhaps not yet. */
  private started = false;
  private timers: Timer[] = [];
  private busy = false;
  private writing = false;
  private dirty = false;
  private overAt: number | null = null;

  constructor(private readonly options: LoadKeeperOptions) {
    const finished = options.clock.deferred<null>();
    this.finished = finished.promise;
    this.finish = () => {
      finished.resolve(null);
    };
  }

  start(): void {
    const { clock, onError } = this.options;
    this.timers = [
      clock.every(LOOK_MS, () => {
        if (this.busy) return;
        this.busy = true;
        clock.spawn(async () => {
          try {
            await this.look();
          } finally {
            this.busy = false;
          }
        }, onError);
      }),
      clock.every(WRITE_MS, () => {
        this.write();
      }),
    ];
  }

  get unanswered(): number {
    return this.generator?.unanswered ?? 0;
  }

  /** Sends nothing any more; the run's schedule stands still until another one goes on with it. */
  stop(): void {
    for (const timer of this.timers) timer.cancel();
    this.generator?.stop();
  }

  /** One look at the run's note. */
  async look(): Promise<void> {
    const { board } = this.options;
    const found = await board.read('run');
    if (found === null) return;
    const generator = this.generator ?? this.takeUp(found.note, await board.read('load'));
    this.generator = generator;
    this.obey(generator, found.note);
    if (!isOver(found.note.state)) return;
    const now = this.options.clock.now();
    this.overAt ??= now;
    if (generator.unanswered > 0 && now - this.overAt < ANSWERS_MS) return;
    await board.write('load', this.note(generator));
    this.finish();
  }

  private takeUp({ state }: RunNote, found: Found<LoadNote> | null): LoadGenerator {
    const { experiment, clock, queue, journal, board, onError } = this.options;
    const earlier = positionSchema.safeParse(found?.note.position).data;
    const from =
      earlier === undefined
        ? null
        : {
            ...earlier.generator,
            // The schedule has gone on without us.
            ...(state === 'running' && earlier.origin !== null && { elapsedMs: clock.now() - earlier.origin }),
          };
    return new LoadGenerator({
      ...{ experiment, clock, queue, journal, onError },
      events: (event) => {
        board.event(event);
      },
      onFinished: () => undefined,
      ...(from === null ? {} : { from }),
    });
  }

  private obey(generator: LoadGenerator, { state, startedAt }: RunNote): void {
    if (state === this.obeys) return;
    const before = this.obeys;
    this.obeys = state;
    this.dirty = true;
    if (state === 'running') {
      if (before === 'paused' && this.started) generator.resume();
      else if (!this.started) this.startAt(generator, startedAt ?? this.options.clock.now());
    } else if (state === 'paused') {
      generator.pause();
    } else if (state !== 'created') {
      generator.stop();
    }
    this.write();
  }

  private startAt(generator: LoadGenerator, startedAt: number): void {
    this.started = true;
    const timer = this.options.clock.at(startedAt, () => {
      generator.start();
      if (this.obeys === 'paused') generator.pause();
    });
    this.timers.push(timer);
  }

  private note(generator: LoadGenerator): LoadNote {
    const { clock } = this.options;
    const position = generator.position();
    const moves = this.obeys === 'running' && this.started;
    return {
      elapsedMs: position.elapsedMs,
      position: { origin: moves ? clock.now() - position.elapsedMs : null, generator: position },
      exhausted: generator.exhausted,
      unanswered: generator.unanswered,
      stats: { ...generator.stats },
      obeys: this.obeys,
    };
  }

  private write(): void {
    const { board, onError, clock } = this.options;
    const { generator } = this;
    if (generator === null) return;
    this.dirty = true;
    if (this.writing) return;
    this.writing = true;
    clock.spawn(async () => {
      try {
        while (this.dirty) {
          this.dirty = false;
          await board.write('load', this.note(generator));
        }
      } finally {
        this.writing = false;
      }
    }, onError);
  }
}
