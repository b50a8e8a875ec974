import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram as HdrHistogram,
} from 'hdr-histogram-js';

/** Recorded in units of 1/1000 of the value's own unit (µs for ms), with three significant digits. */
const SCALE = 1_000;
/** 30 days in ms; larger values are recorded as this. */
const LARGEST = 2_592_000_000;
/** HdrHistogram's buckets at three digits: single units below 2,048, then 1,024 per doubling. */
const HALF_BITS = 10;
const SINGLE = 2 << HALF_BITS;
/** Values below this (36 min) are staged: one integer operation instead of HdrHistogram's logarithms and powers. */
const STAGED_LIMIT = 2 ** 31;
const STAGED_BUCKETS = (31 - HALF_BITS + 1) << HALF_BITS;

/**
 * Distribution of non-negative values with 0.1 % resolution (HdrHistogram) and an exact mean and maximum; its size
 * does not grow with the number of values.
 */
export class Histogram {
  private hdr: HdrHistogram = newHdr();
  /** Counts by HdrHistogram's own buckets, handed over to it when something is asked. */
  private staged: Uint32Array | null = null;
  private stagedCount = 0;
  private total = 0;
  private largest = 0;

  record(value: number): void {
    const clamped = value < 0 ? 0 : value > LARGEST ? LARGEST : value;
    this.total += clamped;
    if (clamped > this.largest) this.largest = clamped;
    const units = Math.round(clamped * SCALE);
    if (units < STAGED_LIMIT) this.stage(units);
    else this.hdr.recordValue(units);
  }

  get count(): number {
    return this.hdr.totalCount + this.stagedCount;
  }

  /** NaN when empty. */
  get mean(): number {
    return this.total / this.count;
  }

  get sum(): number {
    return this.total;
  }

  get max(): number {
    return this.largest;
  }

  /** Value below which the share `q` (0–1) of all values lies; NaN when empty. */
  quantile(q: number): number {
    if (this.count === 0) return NaN;
    this.handOver();
    return Math.min(this.hdr.getValueAtPercentile(q * 100) / SCALE, this.largest);
  }

  add(other: Histogram): void {
    other.handOver();
    this.handOver();
    this.hdr.add(other.hdr);
    this.total += other.total;
    this.largest = Math.max(this.largest, other.largest);
  }

  /** How many values are at most `value` (within the resolution). */
  countUpTo(value: number): number {
    let seen = 0;
    for (const { from, count } of this.bars()) {
      if (from > value) break;
      seen += count;
    }
    return seen;
  }

  /** The non-empty buckets in ascending order: the smallest and the largest value that fall into each. */
  *bars(): Generator<{ from: number; to: number; count: number }> {
    this.handOver();
    const hdr = this.hdr as HdrHistogram & HdrInternals;
    const iterator = hdr.recordedValuesIterator;
    iterator.reset();
    while (iterator.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = iterator.next();
      const from = hdr.lowestEquivalentValue(valueIteratedTo);
      yield { from: from / SCALE, to: valueIteratedTo / SCALE, count: countAtValueIteratedTo };
    }
  }

  toJSON(): HistogramJson {
    const counts: number[] = [];
    let last = 0;
    const staged = this.staged ?? [];
    // A plain loop: this runs between two arrivals of a live run, over 22,528 buckets of a dozen histograms.
    for (let bucket = 0; bucket < staged.length; bucket += 1) {
      const count = staged[bucket] as number;
      if (count === 0) continue;
      counts.push(bucket - last, count);
      last = bucket;
    }
    const hdr = this.hdr.totalCount === 0 ? null : encodeIntoCompressedBase64(this.hdr);
    return { counts, hdr, total: this.total, largest: this.largest };
  }

  static fromJSON(json: HistogramJson): Histogram {
    const histogram = new Histogram();
    if (json.hdr !== null) {
      histogram.hdr = decodeFromCompressedBase64(json.hdr, 64);
      histogram.hdr.autoResize = true;
    }
    let bucket = 0;
    for (let i = 0; i + 1 < json.counts.length; i += 2) {
      bucket += json.counts[i] as number;
      histogram.staged ??= new Uint32Array(STAGED_BUCKETS);
      histogram.staged[bucket] = json.counts[i + 1] as number;
      histogram.stagedCount += json.counts[i + 1] as number;
    }
    histogram.total = json.total;
    histogram.largest = json.largest;
    return histogram;
  }

  private stage(units: number): void {
    this.staged ??= new Uint32Array(STAGED_BUCKETS);
    const shift = units < SINGLE ? 0 : 31 - HALF_BITS - Math.clz32(units);
    const bucket = (shift << HALF_BITS) + (units >> shift);
    this.staged[bucket] = (this.staged[bucket] as number) + 1;
    this.stagedCount += 1;
  }

  private handOver(): void {
    if (this.staged === null || this.stagedCount === 0) return;
    this.staged.forEach((count, bucket) => {
      if (count === 0) return;
      const shift = Math.max(0, (bucket >> HALF_BITS) - 1);
      this.hdr.recordValueWithCount((bucket - (shift << HALF_BITS)) * 2 ** shift, count);
    });
    this.staged.fill(0);
    this.stagedCount = 0;
  }
}

/** What the library has but does not declare on the interface. */
interface HdrInternals {
  readonly recordedValuesIterator: {
    reset(): void;
    hasNext(): boolean;
    next(): { readonly valueIteratedTo: number; readonly countAtValueIteratedTo: number };
  };
  lowestEquivalentValue(value: number): number;
}

/**
 * A histogram as JSON. A live run writes its histograms down every few seconds between two arrivals, so what has only
 * been counted is listed as it is; compressing it would hold up the load.
 */
export interface HistogramJson {
  /** Distance from the bucket before, and count, in turn. */
  readonly counts: readonly number[];
  /** What HdrHistogram holds already, compressed; null = nothing. */
  readonly hdr: string | null;
  readonly total: number;
  readonly largest: number;
}

function newHdr(): HdrHistogram {
  return build({
    bitBucketSize: 64,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 * SCALE,
    numberOfSignificantValueDigits: 3,
  });
}
