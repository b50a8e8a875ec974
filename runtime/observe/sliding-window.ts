import { SECOND } from '../kernel/units.js';
import { bucketOf, LogBuckets } from './log-buckets.js';

/**
 * Time is cut into seconds that end at `origin`, `origin` + 1 s, … and own their last instant: a window of 60 s asked
 * for at the end of a second holds exactly what happened in (now − 60 s, now], asked for in between it holds the
 * second under way and the 59 before it.
 */
class Seconds {
  /** Number of the second under way; everything up to `origin` is second 0. */
  current = 0;
  end: number;

  constructor(readonly origin: number) {
    this.end = origin;
  }

  /** Moves on to the second `at` is in, and says how many seconds that was. */
  moveTo(at: number): number {
    const before = this.current;
    this.current = Math.max(before, Math.ceil((at - this.origin) / SECOND));
    this.end = this.origin + this.current * SECOND;
    return this.current - before;
  }
}

/**
 * Sums over a trailing window: counters and totals, told apart by small numbers (`field`). Adding is O(1); asking
 * adds up one number per second, so that no rounding error is carried along for days.
 */
export class SlidingSums {
  private readonly time: Seconds;
  private readonly ring: Float64Array;
  private base = 0;

  /** `seconds`: length of the window. `origin`: epoch ms at which the measurement begins. */
  constructor(
    origin: number,
    private readonly seconds: number,
    private readonly fields: number,
  ) {
    this.time = new Seconds(origin);
    this.ring = new Float64Array(seconds * fields);
  }

  /** `at` must not go backwards by more than the second under way. */
  add(at: number, field: number, amount = 1): void {
    if (at > this.time.end) this.advance(at);
    this.ring[this.base + field] = (this.ring[this.base + field] as number) + amount;
  }

  sum(now: number, field: number): number {
    if (now > this.time.end) this.advance(now);
    let sum = 0;
    for (let i = field; i < this.ring.length; i += this.fields) sum += this.ring[i] as number;
    return sum;
  }

  /** How much time the window covers at `now`, ms: what a sum is divided by to make a rate. At least one second. */
  coveredMs(now: number): number {
    if (now > this.time.end) this.advance(now);
    const from = Math.max(this.time.origin, this.time.end - this.seconds * SECOND);
    return Math.max(SECOND, now - from);
  }

  private advance(at: number): void {
    const moved = this.time.moveTo(at);
    const last = this.time.current;
    for (let second = last - Math.min(moved, this.seconds) + 1; second <= last; second += 1) {
      const start = (second % this.seconds) * this.fields;
      this.ring.fill(0, start, start + this.fields);
    }
    this.base = (last % this.seconds) * this.fields;
  }
}

/** One of the windows of a {@link SlidingQuantiles}. */
interface Span {
  readonly seconds: number;
  readonly buckets: LogBuckets;
  /** Position of the oldest value still in the window. */
  tail: number;
}

/**
 * Quantiles over trailing windows of latencies. All windows share one queue of the values they hold, each kept as
 * the two-byte number of its bucket; a value costs the same whether 500 or 50,000 come in a minute. Resolution: see
 * {@link LogBuckets}.
 */
export class SlidingQuantiles {
  private readonly time: Seconds;
  private readonly spans: readonly Span[];
  /** Position in the queue at which each of the last seconds began. */
  private readonly begins: Float64Array;
  private ring = new Uint16Array(1024);
  private head = 0;
  private oldest = 0;

  /** `spans`: lengths of the windows in seconds; the methods name a window by its position in this list. */
  constructor(origin: number, spans: readonly number[]) {
    this.time = new Seconds(origin);
    this.spans = spans.map((seconds) => ({ seconds, buckets: new LogBuckets(), tail: 0 }));
    this.begins = new Float64Array(Math.max(...spans));
  }

  record(at: number, valueMs: number): void {
    if (at > this.time.end) this.advance(at);
    if (this.head - this.oldest === this.ring.length) this.grow();
    const bucket = bucketOf(valueMs);
    this.ring[this.head & (this.ring.length - 1)] = bucket;
    this.head += 1;
    for (const span of this.spans) span.buckets.add(bucket);
  }

  /** NaN when the window is empty. */
  quantile(now: number, window: number, q: number): number {
    if (now > this.time.end) this.advance(now);
    return (this.spans[window] as Span).buckets.quantile(q);
  }

  count(now: number, window: number): number {
    if (now > this.time.end) this.advance(now);
    return (this.spans[window] as Span).buckets.count;
  }

  private advance(at: number): void {
    const moved = Math.min(this.time.moveTo(at), this.begins.length);
    const last = this.time.current;
    for (let second = last - moved + 1; second <= last; second += 1)
      this.begins[second % this.begins.length] = this.head;
    this.oldest = this.head;
    for (const span of this.spans) {
      this.expire(span, last - span.seconds + 1);
      this.oldest = Math.min(this.oldest, span.tail);
    }
  }

  /** Drops what happened before second `from`. */
  private expire(span: Span, from: number): void {
    const target = from > 0 ? (this.begins[from % this.begins.length] as number) : 0;
    const mask = this.ring.length - 1;
    while (span.tail < target) {
      span.buckets.remove(this.ring[span.tail & mask] as number);
      span.tail += 1;
    }
  }

  private grow(): void {
    const larger = new Uint16Array(this.ring.length * 2);
    for (let position = this.oldest; position < this.head; position += 1) {
      larger[position & (larger.length - 1)] = this.ring[position & (this.ring.length - 1)] as number;
    }
    this.ring = larger;
  }
}
