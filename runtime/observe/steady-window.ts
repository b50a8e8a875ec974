import { steadyWindow } from '../spec/window.js';

export interface SteadyWindowJson {
  readonly start: number;
  readonly end: number;
  readonly loadEnd: number;
  readonly pausedSince: number | null;
  readonly pausedMs: number;
  readonly pausedInsideMs: number;
  /** Where it stood before the load was ended; null while that goes on. */
  readonly planned: { readonly start: number; readonly end: number; readonly loadEnd: number } | null;
}

/**
 * The run without its first and last min(10 min, 5 %) (design.md §2), in epoch ms. A pause stops the arrival schedule
 * and shifts what comes after it: it moves the window's end (and its start, when it comes before it), and its own
 * time does not count.
 */
export class SteadyWindow {
  /** The window is [start, end). */
  start: number;
  end: number;
  /** When the load ends. */
  loadEnd: number;
  private pausedSince: number | null = null;
  private pausedMs = 0;
  private pausedInsideMs = 0;
  private planned: SteadyWindowJson['planned'] = null;

  constructor(
    private readonly startedAt: number,
    durationMs: number,
  ) {
    const { startMs, endMs } = steadyWindow(durationMs);
    this.start = startedAt + startMs;
    this.end = startedAt + endMs;
    this.loadEnd = startedAt + durationMs;
  }

  contains(at: number): boolean {
    return at >= this.start && at < this.end;
  }

  get paused(): boolean {
    return this.pausedSince !== null;
  }

  /** Time in the window that counts, ms: its length without pauses. */
  get lengthMs(): number {
    return Math.max(0, this.end - this.start - this.pausedInsideMs);
  }

  /** Time since the start of the run without pauses, ms: where in the arrival schedule `at` (of now) is. */
  runTime(at: number): number {
    return (this.pausedSince ?? at) - this.startedAt - this.pausedMs;
  }

  pauseFrom(at: number): void {
    this.pausedSince ??= at;
  }

  pauseTo(at: number): void {
    if (this.pausedSince === null) return;
    const from = this.pausedSince;
    const length = at - from;
    this.pausedSince = null;
    this.pausedMs += length;
    this.loadEnd += length;
    if (from < this.end) this.end += length;
    if (from < this.start) this.start += length;
    else if (from < this.end) this.pausedInsideMs += length;
  }

  /** The load ends for good at `at`, before its time or not: nothing later belongs to the window. */
  stopAt(at: number): void {
    this.pauseTo(at);
    this.planned ??= { start: this.start, end: this.end, loadEnd: this.loadEnd };
    this.loadEnd = Math.min(this.loadEnd, at);
    this.end = Math.min(this.end, at);
    this.start = Math.min(this.start, this.end);
  }

  /**
   * A run whose load was ended (it was drained for a snapshot) or that was cut off at `leftAt` is taken up at `at`: the
   * load goes on as planned, and the time without it was a pause.
   */
  takeUp(leftAt: number, at: number): void {
    const { planned, loadEnd } = this;
    if (planned !== null) {
      Object.assign(this, planned);
      this.planned = null;
    }
    this.pauseFrom(planned === null ? leftAt : Math.min(loadEnd, leftAt));
    this.pauseTo(at);
  }

  toJSON(): SteadyWindowJson {
    const { start, end, loadEnd, pausedSince, pausedMs, pausedInsideMs, planned } = this;
    return { start, end, loadEnd, pausedSince, pausedMs, pausedInsideMs, planned };
  }

  restore(json: SteadyWindowJson): void {
    this.start = json.start;
    this.end = json.end;
    this.loadEnd = json.loadEnd;
    this.pausedSince = json.pausedSince;
    this.pausedMs = json.pausedMs;
    this.pausedInsideMs = json.pausedInsideMs;
    this.planned = json.planned;
  }
}
