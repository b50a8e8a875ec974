/**
 * Windows of equal length over a run of unknown length, in bounded memory: when `capacity` windows are full, each two
 * neighbours become one and the next windows are twice as long.
 */
export class MergingWindows<T> {
  private windows: T[] = [];
  /** The window being filled, and how many of the shortest windows have gone into it. */
  private partial: T | null = null;
  private partialCount = 0;
  private perWindow = 1;

  constructor(
    /** An even number. */
    private readonly capacity: number,
    private readonly merge: (earlier: T, later: T) => T,
  ) {}

  /** Takes the next of the shortest windows; true when that made a window full. */
  push(window: T): boolean {
    this.partial = this.partial === null ? window : this.merge(this.partial, window);
    this.partialCount += 1;
    if (this.partialCount < this.perWindow) return false;
    this.windows.push(this.partial);
    this.partial = null;
    this.partialCount = 0;
    if (this.windows.length === this.capacity) this.halve();
    return true;
  }

  /** The full windows, oldest first. */
  all(): readonly T[] {
    return this.windows;
  }

  private halve(): void {
    const pairs = Math.floor(this.windows.length / 2);
    this.windows = Array.from({ length: pairs }, (_, i) =>
      this.merge(this.windows[2 * i] as T, this.windows[2 * i + 1] as T),
    );
    this.perWindow *= 2;
  }
}
