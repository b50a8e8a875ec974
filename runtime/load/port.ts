import type { SubmitOutcome } from '../queue/port.js';

/**
 * What the load generator writes down of its own work: the side of the ledger's audit that does not depend on the
 * queue.
 */
export interface GeneratorJournal {
  /** The task has been offered (`scheduledAt`: epoch ms); an answer or `unknown` follows. */
  sent(index: number, scheduledAt: number): void;
  answered(index: number, outcome: SubmitOutcome): void;
  /** No answer came (connection lost); the task is offered again before the end. */
  unknown(index: number): void;
}

export interface GeneratorStats {
  /** Arrivals the schedule has asked for so far. */
  readonly scheduled: number;
  readonly sent: number;
  /** Sent more than {@link LATE_AFTER_MS} after their time. */
  readonly late: number;
  /** Never sent: too many offers without an answer. Any dropped arrival makes the run INVALID. */
  readonly dropped: number;
}

/** An arrival sent later than this is counted as late. */
export const LATE_AFTER_MS = 10;
