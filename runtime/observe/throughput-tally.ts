import { Histogram, type HistogramJson } from '../kernel/histogram.js';
import { MINUTE } from '../kernel/units.js';
import type { SteadyWindow } from './steady-window.js';

/** Tasks/min. */
export interface Throughput {
  readonly avg: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ThroughputJson {
  readonly scheduledInside: number;
  readonly minutes: HistogramJson;
  readonly fewest: number | null;
  readonly begun: number | null;
  readonly completedInMinute: number;
}

/**
 * Throughput of the steady window. The mean counts tasks *scheduled* in the window and completed, whenever that was;
 * minimum, maximum and percentiles are over its whole minutes, by time of completion. Minutes cut by a pause or by
 * the window's end are left out.
 */
export class ThroughputTally {
  private scheduledInside = 0;
  private minutes = new Histogram();
  private fewest = Infinity;
  /** Start of the minute under way; NaN = the window has not begun. */
  private begun = NaN;
  private completedInMinute = 0;

  constructor(private readonly window: SteadyWindow) {}

  completed(scheduledAt: number, at: number): void {
    if (this.window.contains(scheduledAt)) this.scheduledInside += 1;
    this.advance(at);
    if (at >= this.begun && at < this.window.end && !this.window.paused) this.completedInMinute += 1;
  }

  /** Moves on to `at`, so that minutes in which nothing was completed are seen as well. */
  advance(at: number): void {
    if (at < this.begun + MINUTE || this.window.paused) return;
    if (Number.isNaN(this.begun)) {
      if (at < this.window.start) return;
      this.begun = this.window.start;
    }
    while (at >= this.begun + MINUTE && this.begun + MINUTE <= this.window.end) this.closeMinute();
  }

  /** Call before the window learns of the pause. */
  pauseFrom(at: number): void {
    this.advance(at);
    this.completedInMinute = 0;
  }

  /** Call after the window has learnt of the pause's end. */
  pauseTo(at: number): void {
    if (!Number.isNaN(this.begun)) this.begun = at;
    this.completedInMinute = 0;
  }

  /** Where the window has no whole minute, everything is its mean; NaN when it is empty. */
  get summary(): Throughput {
    const avg = this.scheduledInside / (this.window.lengthMs / MINUTE);
    if (this.minutes.count === 0) return { avg, min: avg, max: avg, p50: avg, p99: avg };
    const { minutes } = this;
    return { avg, min: this.fewest, max: minutes.max, p50: minutes.quantile(0.5), p99: minutes.quantile(0.99) };
  }

  /** Tasks scheduled in the window and completed. */
  get count(): number {
    return this.scheduledInside;
  }

  toJSON(): ThroughputJson {
    return {
      scheduledInside: this.scheduledInside,
      minutes: this.minutes.toJSON(),
      fewest: Number.isFinite(this.fewest) ? this.fewest : null,
      begun: Number.isFinite(this.begun) ? this.begun : null,
      completedInMinute: this.completedInMinute,
    };
  }

  restore(json: ThroughputJson): void {
    this.scheduledInside = json.scheduledInside;
    this.minutes = Histogram.fromJSON(json.minutes);
    this.fewest = json.fewest ?? Infinity;
    this.begun = json.begun ?? NaN;
    this.completedInMinute = json.completedInMinute;
  }

  private closeMinute(): void {
    this.minutes.record(this.completedInMinute);
    this.fewest = Math.min(this.fewest, this.completedInMinute);
    this.begun += MINUTE;
    this.completedInMinute = 0;
  }
}
