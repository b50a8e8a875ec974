import type { Arena, ConsumerShare } from './under-test.js';

/** What a round does. Plain data: it travels to the producer's process. */
export interface RoundPlan {
  readonly engine: string;
  readonly arena: Arena;
  readonly consumers: number;
  readonly consumerProcesses: number;
  /** Program of the consumers' processes. */
  readonly consumerProgram: string;
  /** Tasks before those that are measured: programs and connections warm up. */
  readonly warmUp: number;
  readonly tasks: number;
  /** How long every task takes at its consumer, ms; 0 = it ends as it starts. */
  readonly workMs: number;
  readonly load: Load;
}

/**
 * `saturation`: so many tasks are always on their way, from submission to recorded result; a finished one makes room for
 * the next. `schedule`: arrivals evenly spaced, whatever the engine does.
 */
export type Load =
  | { readonly kind: 'saturation'; readonly outstanding: number }
  | { readonly kind: 'schedule'; readonly perSecond: number };

/** What a round gave. */
export interface RoundResult {
  /** Results recorded per second. */
  readonly perSecond: number;
  /** From submission (or schedule) to recorded result, without the work. */
  readonly total: Percentiles;
  /** From submission (or schedule) to start at the consumer. */
  readonly toStart: Percentiles;
  /** From the end of the work to the recorded result. */
  readonly toRecorded: Percentiles;
  /** How late the producer itself was; part of `toStart`. */
  readonly dispatchLag: Percentiles;
  /** Processor time per task, µs: says more than speed on a machine that others use, too. */
  readonly cpuMicros: { readonly producer: number; readonly consumers: number };
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Producer to consumer. */
export type ToConsumer =
  | {
      readonly say: 'begin';
      readonly engine: string;
      readonly arena: Arena;
      readonly share: ConsumerShare;
      readonly workMs: number;
    }
  | { readonly say: 'end' };

/** Consumer to producer. */
export type FromConsumer =
  | { readonly say: 'ready' }
  /** So many more results are recorded. */
  | { readonly say: 'recorded'; readonly count: number }
  | { readonly say: 'failed'; readonly reason: string }
  | { readonly say: 'times'; readonly times: ConsumerTimes; readonly cpuMicros: number };

/** By task index, on the machine's monotonic clock, ms; 0 where another process had the task. */
export interface ConsumerTimes {
  readonly started: Float64Array;
  readonly ended: Float64Array;
  readonly recorded: Float64Array;
}
