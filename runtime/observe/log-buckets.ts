/** Values are counted in eighths of a millisecond: below 16 ms exactly so, above with 64 buckets per doubling. */
const UNITS_PER_MS = 8;
const BUCKET_BITS = 6;
const PER_DOUBLING = 1 << BUCKET_BITS;
const EXACT = PER_DOUBLING * 2;
/** Largest value, units: about 3.1 days; larger ones are counted as this. */
const LARGEST = 2_147_483_647;
const LARGEST_MS = LARGEST / UNITS_PER_MS;
const GROUPS = 31 - BUCKET_BITS + 1;
const BUCKETS = GROUPS * PER_DOUBLING;

/** Number of the bucket that counts `valueMs`; below 65,536. */
export function bucketOf(valueMs: number): number {
  const units = valueMs >= LARGEST_MS ? LARGEST : (valueMs * UNITS_PER_MS) | 0;
  if (units < EXACT) return units < 0 ? 0 : units;
  const shift = 31 - BUCKET_BITS - Math.clz32(units);
  return (shift << BUCKET_BITS) + (units >> shift);
}

/** What values of a bucket are taken for, ms: at most 0.8 % (below 16 ms: 0.125 ms) from any of them. */
export function valueOf(bucket: number): number {
  if (bucket < EXACT) return bucket / UNITS_PER_MS;
  const shift = (bucket >> BUCKET_BITS) - 1;
  const lowest = bucket - (shift << BUCKET_BITS);
  return ((lowest + 0.5) * 2 ** shift) / UNITS_PER_MS;
}

/** Non-empty buckets: number, count, number, count, … */
export type LogBucketsJson = readonly number[];

/**
 * A distribution that values can leave again, which HdrHistogram does not offer: what sliding windows and the
 * report's series count in. Log-linear as that, coarser, and with counts of whole groups of buckets, so that a
 * quantile is found in about a hundred steps however many values there are.
 */
export class LogBuckets {
  private readonly counts = new Uint32Array(BUCKETS);
  private readonly groups = new Uint32Array(GROUPS);
  private total = 0;

  get count(): number {
    return this.total;
  }

  add(bucket: number, times = 1): void {
    const group = bucket >> BUCKET_BITS;
    this.counts[bucket] = (this.counts[bucket] as number) + times;
    this.groups[group] = (this.groups[group] as number) + times;
    this.total += times;
  }

  /** Takes back one value added before. */
  remove(bucket: number): void {
    this.add(bucket, -1);
  }

  clear(): void {
    this.counts.fill(0);
    this.groups.fill(0);
    this.total = 0;
  }

  /** Smallest value (ms) that at least the share `q` (0–1) of all values does not exceed; NaN when empty. */
  quantile(q: number): number {
    if (this.total === 0) return NaN;
    let rank = Math.max(1, Math.ceil(q * this.total));
    let group = 0;
    while (rank > (this.groups[group] as number)) {
      rank -= this.groups[group] as number;
      group += 1;
    }
    let bucket = group << BUCKET_BITS;
    while (rank > (this.counts[bucket] as number)) {
      rank -= this.counts[bucket] as number;
      bucket += 1;
    }
    return valueOf(bucket);
  }

  toJSON(): number[] {
    const json: number[] = [];
    this.counts.forEach((count, bucket) => {
      if (count > 0) json.push(bucket, count);
    });
    return json;
  }

  static fromJSON(json: LogBucketsJson): LogBuckets {
    const buckets = new LogBuckets();
    for (let i = 0; i + 1 < json.length; i += 2) buckets.add(json[i] as number, json[i + 1]);
    return buckets;
  }
}
