import type { Clock, Timer } from '../kernel/clock.js';
import { whenSettled } from '../kernel/eventually.js';
import type { EventSink } from '../observe/events.js';
import type { TaskQueue } from '../queue/port.js';
import type { Experiment, LoadSegment } from '../spec/experiment.js';
import { ArrivalSchedule, type ArrivalPosition } from './arrivals.js';
import { LATE_AFTER_MS, type GeneratorJournal, type GeneratorStats } from './port.js';
import { TaskFactory } from './task-factory.js';

/** Offers without an answer at which further arrivals are dropped: the queue is gone, and memory must not follow it. */
const MOST_PENDING = 20_000;

/** An edge this near is passed: epoch milliseconds are doubles, and stand 0.00024 ms apart. */
const EDGE_MS = 0.001;

/** Where a generator stands, for snapshots. */
export interface GeneratorPosition {
  readonly arrivals: ArrivalPosition;
  /** Time of the run that has passed, pauses not counted, ms. */
  readonly elapsedMs: number;
  readonly stats: GeneratorStats;
}

export interface GeneratorOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly queue: TaskQueue;
  readonly journal: GeneratorJournal;
  readonly events: EventSink;
  /** The schedule is exhausted: every arrival has been sent. */
  readonly onFinished: () => void;
  readonly onError: (error: unknown) => void;
  readonly from?: GeneratorPosition;
}

/**
 * Open-loop load: every task is offered at its time, whether or not the queue has answered the ones before. A
 * generator that falls behind sends at once what is overdue and says so (late); latencies count from the schedule,
 * so falling behind makes them worse, never better.
 */
export class LoadGenerator {
  private readonly schedule: ArrivalSchedule;
  private readonly factory: TaskFactory;
  private timer: Timer | null = null;
  private segmentTimer: Timer | null = null;
  /** Epoch ms of the schedule's zero; moves on with every pause. NaN before the start. */
  private origin = NaN;
  private next: number | null = null;
  /** Since when the schedule stands still, epoch ms: a pause, or the end. */
  private stoodStillAt: number | null = null;
  private finishedTold = false;
  private pending = 0;
  private sent: number;
  private late: number;
  private dropped: number;
  private state: 'idle' | 'running' | 'paused' | 'ended' = 'idle';

  constructor(private readonly options: GeneratorOptions) {
    const { experiment, from } = options;
    this.schedule = new ArrivalSchedule(experiment.load, experiment.seed, from?.arrivals);
    this.factory = new TaskFactory(experiment.tasks, experiment.seed);
    this.sent = from?.stats.sent ?? 0;
    this.late = from?.stats.late ?? 0;
    this.dropped = from?.stats.dropped ?? 0;
  }

  start(): void {
    if (this.state !== 'idle') return;
    this.state = 'running';
    this.origin = this.options.clock.now() - (this.options.from?.elapsedMs ?? 0);
    this.announceSegment();
    this.next = this.schedule.next();
    this.arm();
  }

  /** Stops the schedule; later arrivals shift by as long as the pause lasts. */
  pause(): void {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.stoodStillAt = this.options.clock.now();
    this.timer?.cancel();
    this.segmentTimer?.cancel();
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    this.origin += this.options.clock.now() - (this.stoodStillAt as number);
    this.stoodStillAt = null;
    this.announceSegment();
    this.arm();
  }

  /** Ends the schedule where it stands. */
  stop(): void {
    if (this.state === 'running') this.stoodStillAt = this.options.clock.now();
    this.state = 'ended';
    this.timer?.cancel();
    this.segmentTimer?.cancel();
  }

  get stats(): GeneratorStats {
    return { scheduled: this.sent + this.dropped, sent: this.sent, late: this.late, dropped: this.dropped };
  }

  /** Every arrival of the schedule has been sent (or dropped). */
  get exhausted(): boolean {
    return this.state !== 'idle' && this.next === null;
  }

  /** Offers still without an answer. */
  get unanswered(): number {
    return this.pending;
  }

  /** ms of the schedule that have passed; stands still during a pause and after {@link stop}. */
  elapsedMs(): number {
    if (Number.isNaN(this.origin)) return this.options.from?.elapsedMs ?? 0;
    return (this.stoodStillAt ?? this.options.clock.now()) - this.origin;
  }

  position(): GeneratorPosition {
    // The arrival that is armed has been taken from the schedule but not sent: a resumed run must send it.
    const arrivals = this.schedule.position(this.next !== null);
    return { arrivals, elapsedMs: this.elapsedMs(), stats: this.stats };
  }

  private arm(): void {
    if (this.next === null) {
      // The last arrival is not the end of the schedule: quiet time may follow, and be paused.
      if (!this.finishedTold) this.options.onFinished();
      this.finishedTold = true;
      return;
    }
    this.timer = this.options.clock.punctually(this.origin + this.next, this.fire);
  }

  private readonly fire = (): void => {
    const now = this.options.clock.now();
    while (this.next !== null && this.origin + this.next <= now) {
      this.send(this.schedule.index - 1, this.origin + this.next, now);
      this.next = this.schedule.next();
    }
    this.arm();
  };

  private send(index: number, scheduledAt: number, now: number): void {
    const { queue, journal } = this.options;
    if (this.pending >= MOST_PENDING) {
      this.dropped += 1;
      return;
    }
    if (now - scheduledAt > LATE_AFTER_MS) this.late += 1;
    this.sent += 1;
    journal.sent(index, scheduledAt);
    const answer = queue.submit(this.factory.task(index, scheduledAt));
    if (!(answer instanceof Promise)) {
      journal.answered(index, answer);
      return;
    }
    this.pending += 1;
    whenSettled(
      answer,
      (outcome) => {
        this.pending -= 1;
        journal.answered(index, outcome);
      },
      () => {
        this.pending -= 1;
        journal.unknown(index);
      },
    );
  }

  /** Tells when the load changes, now and at every later edge. */
  private announceSegment(): void {
    const elapsed = this.elapsedMs();
    const segment = this.options.experiment.load.segments.find(({ endMs }) => endMs > elapsed + EDGE_MS);
    if (segment === undefined) return;
    this.announce(segment);
    this.segmentTimer = this.options.clock.at(this.origin + segment.endMs, () => {
      if (this.state === 'running') this.announceSegment();
    });
  }

  private announced: LoadSegment | null = null;

  private announce(segment: LoadSegment): void {
    if (this.announced === segment) return;
    this.announced = segment;
    const { label, ratePerMin } = segment;
    this.options.events({ type: 'segment', at: this.options.clock.now(), label, ratePerMin });
  }
}
