import type { ChaosHealth } from '../chaos/engineer.js';
import type { SteadyState } from '../chaos/fault-life.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import type { Experiment } from '../spec/experiment.js';
import type { Board, FleetNote, Found, LoadNote, MeasuresNote, RunNote } from './board/board.js';

/** How often the board is looked at. */
const LOOK_MS = SECOND / 4;
/** What is older tells nothing of now: its writer is gone, or Redis. */
const STALE_MS = 5 * SECOND;

/** A note, and when by our own clock it was written. */
interface Seen<T> {
  readonly note: T;
  readonly writtenAt: number;
}

/** What chaos knows of the run from the board. */
export class ChaosView {
  private run: Seen<RunNote> | null = null;
  private load: Seen<LoadNote> | null = null;
  private measures: Seen<MeasuresNote> | null = null;
  private fleet: Seen<FleetNote> | null = null;
  private readonly timers: Timer[] = [];

  constructor(
    private readonly board: Pick<Board, 'follow' | 'read'>,
    private readonly clock: Clock,
    private readonly experiment: Experiment,
  ) {}

  /** Looks once at all of it; rejects when the board does not answer. */
  async look(): Promise<void> {
    const { board } = this;
    const [run, load, measures, fleet] = await Promise.all([
      board.read('run'),
      board.read('load'),
      board.read('measures'),
      board.read('fleet'),
    ]);
    this.run = this.seen(run);
    this.load = this.seen(load);
    this.measures = this.seen(measures);
    this.fleet = this.seen(fleet);
  }

  /** @param onRun told of the run's note whenever it has been looked at. */
  follow(onRun: (run: RunNote) => void): void {
    this.timers.push(
      this.board.follow('run', LOOK_MS, (found) => {
        this.run = this.seen(found);
        if (found !== null) onRun(found.note);
      }),
      this.board.follow('load', LOOK_MS, (found) => (this.load = this.seen(found))),
      this.board.follow('measures', LOOK_MS, (found) => (this.measures = this.seen(found))),
      this.board.follow('fleet', LOOK_MS, (found) => (this.fleet = this.seen(found))),
    );
  }

  stop(): void {
    for (const timer of this.timers) timer.cancel();
  }

  /** How far the run is in its schedule, ms; goes on between two looks while the run does. */
  elapsedMs(): number {
    if (this.load === null) return 0;
    const { note, writtenAt } = this.load;
    const since = this.run?.note.state === 'running' && !note.exhausted ? this.clock.now() - writtenAt : 0;
    // A load generator that is silent may stand still.
    return note.elapsedMs + Math.min(Math.max(0, since), STALE_MS);
  }

  mayInject(): boolean {
    return this.run?.note.state === 'running' && this.isFresh(this.run) && this.isFresh(this.load);
  }

  /** Chaos's hypothesis: the service answers in time, and the fleet is whole but for its reserve. */
  steadyState(): SteadyState {
    const { measures, fleet, experiment } = this;
    if (measures === null || !this.isFresh(measures)) return unsteady('nothing has been measured of late');
    if (fleet === null || !this.isFresh(fleet)) return unsteady('nothing has been heard of the fleet of late');
    const { p99RecentMs, samples } = measures.note;
    if (samples > 0 && p99RecentMs > experiment.targets.p99LatencyMs) {
      return unsteady(`P99 of the last 10 s is ${Math.round(p99RecentMs)} ms`);
    }
    const { active } = fleet.note.sample;
    const { agents } = experiment.fleet;
    return active < agents ? unsteady(`${active} of ${agents} agents are ready`) : { ok: true, reason: '' };
  }

  /** As last heard. */
  health(): ChaosHealth {
    const errorRate = this.measures?.note.errorRate ?? 0;
    const { agents } = this.experiment.fleet;
    const active = this.fleet?.note.sample.active ?? agents;
    return {
      errorRate: Number.isNaN(errorRate) ? 0 : errorRate,
      offlineShare: Math.max(0, 1 - active / Math.max(1, agents)),
    };
  }

  /** @throws Error when nothing has been heard of the fleet of late. */
  fleetNow(): FleetNote {
    if (this.fleet === null || !this.isFresh(this.fleet))
      throw new Error('nothing has been heard of the fleet of late');
    return this.fleet.note;
  }

  private seen<T>(found: Found<T> | null): Seen<T> | null {
    return found === null ? null : { note: found.note, writtenAt: this.clock.now() - found.ageMs };
  }

  private isFresh(seen: Seen<unknown> | null): boolean {
    return seen !== null && this.clock.now() - seen.writtenAt <= STALE_MS;
  }
}

function unsteady(reason: string): SteadyState {
  return { ok: false, reason };
}
