import type { QueueRules } from '../../../spec/experiment.js';

export interface PartitionRules extends QueueRules {
  /** Number of partitions; `bound` is this partition's share. */
  readonly partitions: number;
}

/** What a partition of so many has of the queue's rules: the bound is divided. */
export function partitionRules(rules: QueueRules, partitions: number): PartitionRules {
  return { ...rules, partitions, bound: Math.ceil(rules.bound / partitions) };
}

/** No request at all for longer than this: the partition was away, and the time does not count against agents. */
export const OUTAGE_MS = 1_000;
/** Outcomes of finished tasks, as kept in the bitmaps. */
export const DONE = { completed: 1, failed: 2, queue_full: 3, expected_wait: 4 } as const;

export type DoneCode = (typeof DONE)[keyof typeof DONE];
/**
 * After a promotion nothing is given out before so many beats have passed, nor kept back for longer than so many. What
 * came back empty waits longer: all it is told may be lost on the way once, and nobody knows who ought to be heard.
 */
export const HOLD_BEATS = { least: 1.2, most: 3, emptied: 5 } as const;
/** An agent this many beats late is given nothing until it beats again. */
export const SUSPECT_BEATS = 2;
/** A driver that has said nothing for so long is forgotten; how often one looks for such. */
export const DRIVER_MEMORY = { keptMs: 600_000, everyMs: 60_000 } as const;
