import type { ArrivalSeries } from './port.js';
import { DAY, MINUTE } from '../kernel/units.js';

/** Arrivals of an earlier run: `count` tasks in the `overMs` from `at` (epoch ms) on. */
export interface ArrivalRecord {
  readonly at: number;
  readonly count: number;
  readonly overMs: number;
}

/** {@link ArrivalHistory} as plain JSON. */
export interface ArrivalHistorySnapshot {
  readonly firstBucket: number;
  readonly counts: readonly number[];
  readonly coveredMs: readonly number[];
}

/**
 * Arrivals counted in buckets aligned to the epoch, bounded by the lookback. A bucket knows how long load was
 * offered in it, so that a pause, or a run that starts inside a bucket, is not mistaken for little load.
 */
export class ArrivalHistory {
  private firstBucket = 0;
  private counts: number[] = [];
  private coveredMs: number[] = [];
  private readonly mostBuckets: number;

  constructor(
    readonly bucketMs: number,
    lookbackMs: number,
  ) {
    this.mostBuckets = Math.max(1, Math.floor(lookbackMs / bucketMs));
  }

  /** The bucket a time falls in. */
  bucketAt(at: number): number {
    return Math.floor(at / this.bucketMs);
  }

  /** Counts arrivals; those older than everything known are left out. */
  add(at: number, count: number): void {
    const index = this.indexOf(this.bucketAt(at));
    if (index >= 0) this.counts[index] = (this.counts[index] as number) + count;
  }

  /** Says that load was offered from `from` to `to`. */
  cover(from: number, to: number): void {
    for (let start = from; start < to;) {
      const bucket = this.bucketAt(start);
      const end = Math.min(to, (bucket + 1) * this.bucketMs);
      const index = this.indexOf(bucket);
      if (index >= 0) this.coveredMs[index] = (this.coveredMs[index] as number) + end - start;
      start = end;
    }
  }

  /** Adds what an earlier run recorded, spread evenly over its time. */
  addRecord({ at, count, overMs }: ArrivalRecord): void {
    for (let start = at; start < at + overMs;) {
      const end = Math.min(at + overMs, (this.bucketAt(start) + 1) * this.bucketMs);
      this.add(start, (count * (end - start)) / overMs);
      this.cover(start, end);
      start = end;
    }
  }

  /** Rate of a bucket, tasks/min; null when load was offered for less than half of it. */
  ratePerMin(bucket: number): number | null {
    const index = bucket - this.firstBucket;
    const covered = this.coveredMs[index] ?? 0;
    if (covered < this.bucketMs / 2) return null;
    return ((this.counts[index] as number) / covered) * MINUTE;
  }

  /** True when load was offered through the whole bucket. */
  isFull(bucket: number): boolean {
    return (this.coveredMs[bucket - this.firstBucket] ?? 0) >= this.bucketMs - 1;
  }

  /**
   * The buckets before `endBucket` as a gapless series that starts with the first one measured. A gap takes the
   * value of the day before, or of the bucket before. Null = nothing measured.
   */
  series(endBucket: number): ArrivalSeries | null {
    const perDay = Math.max(1, Math.round(DAY / this.bucketMs));
    const filled: number[] = [];
    for (let bucket = Math.max(this.firstBucket, endBucket - this.mostBuckets); bucket < endBucket; bucket += 1) {
      const rate = this.ratePerMin(bucket);
      const substitute = filled[filled.length - perDay] ?? filled[filled.length - 1];
      if (rate !== null) filled.push(rate);
      else if (substitute !== undefined) filled.push(substitute);
    }
    return filled.length === 0 ? null : { bucketMs: this.bucketMs, perDay, perMin: Float64Array.from(filled) };
  }

  snapshot(): ArrivalHistorySnapshot {
    return { firstBucket: this.firstBucket, counts: [...this.counts], coveredMs: [...this.coveredMs] };
  }

  restore(snapshot: ArrivalHistorySnapshot): void {
    this.firstBucket = snapshot.firstBucket;
    this.counts = [...snapshot.counts];
    this.coveredMs = [...snapshot.coveredMs];
  }

  /** Where a bucket is kept, making room for it; negative = too old. */
  private indexOf(bucket: number): number {
    if (this.counts.length === 0 || bucket >= this.firstBucket + this.counts.length + this.mostBuckets) {
      this.firstBucket = bucket;
      this.counts = [];
      this.coveredMs = [];
    }
    const index = bucket - this.firstBucket;
    while (this.counts.length <= index) {
      this.counts.push(0);
      this.coveredMs.push(0);
    }
    // Twice the lookback before anything is moved: moving then costs next to nothing per bucket.
    if (this.counts.length <= 2 * this.mostBuckets) return index;
    const surplus = this.counts.length - this.mostBuckets;
    this.counts.splice(0, surplus);
    this.coveredMs.splice(0, surplus);
    this.firstBucket += surplus;
    return index - surplus;
  }
}
