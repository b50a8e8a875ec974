import { Worker } from 'node:worker_threads';

/** How late timers fired that had nothing beside them, ms. */
export interface MachineLagSummary {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Between two timers, ms: often enough to see a P99.9 within a minute, and next to no work. */
const INTERVAL_MS = 5;
const BUCKET_MS = 0.05;
/** Up to a quarter of a second; the last one holds what is later still. */
const BUCKETS = 5_001;
/** Microseconds of the latest timer, behind the buckets. */
const LATEST = BUCKETS;

/** An empty thread with one timer. It counts into memory that is shared, so that it is never asked for anything. */
const THREAD = `
  const { workerData } = require('node:worker_threads');
  const counts = new Int32Array(workerData.shared);
  let due = performance.now();
  const next = () => {
    due = Math.max(due + ${INTERVAL_MS}, performance.now());
    setTimeout(() => {
      const lag = Math.max(0, performance.now() - due);
      counts[Math.min(${BUCKETS - 1}, Math.floor(lag / ${BUCKET_MS}))] += 1;
      counts[${LATEST}] = Math.max(counts[${LATEST}], Math.round(lag * 1000));
      next();
    }, Math.ceil(due - performance.now()));
  };
  next();
`;

/**
 * How late this machine lets anybody be. A processor that the host takes away, a page that has to be fetched back,
 * another program: they make a load generator late as well, and no change of it would help. Measured beside a live
 * run by the timers of a thread that does nothing else, so that the two can be told apart.
 */
export class MachineLag {
  private readonly counts = new Int32Array(new SharedArrayBuffer((BUCKETS + 1) * Int32Array.BYTES_PER_ELEMENT));
  private readonly worker = new Worker(THREAD, { eval: true, workerData: { shared: this.counts.buffer } });

  constructor() {
    // Nothing waits for it, and where no thread can be had there are no figures.
    this.worker.unref();
    this.worker.on('error', () => undefined);
  }

  /** Ends the measurement. null when no timer has fired. */
  async stop(): Promise<MachineLagSummary | null> {
    await this.worker.terminate();
    const total = this.counts.subarray(0, BUCKETS).reduce((sum, count) => sum + count, 0);
    if (total === 0) return null;
    const max = (this.counts[LATEST] as number) / 1_000;
    return {
      p50: this.quantile(0.5, total, max),
      p99: this.quantile(0.99, total, max),
      p999: this.quantile(0.999, total, max),
      max,
    };
  }

  /** Upper edge of the bucket, but never above the latest of all. */
  private quantile(share: number, total: number, max: number): number {
    let [bucket, seen] = [0, this.counts[0] as number];
    while (seen < share * total) seen += this.counts[++bucket] as number;
    return bucket === BUCKETS - 1 ? max : Math.min(max, Math.round((bucket + 1) * BUCKET_MS * 1_000) / 1_000);
  }
}
