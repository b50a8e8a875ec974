import type { FaultSurface } from '../chaos/port.js';
import type { Clock, Eventually } from '../kernel/clock.js';
import { MemoryQueue } from '../queue/adapters/memory.js';
import type { LedgerCounts, QueueObserver, TaskQueue, UnfinishedTask } from '../queue/port.js';
import type { QueueProvenance } from '../report/model.js';
import type { QueueRules } from '../spec/experiment.js';

/** What is known of a queue without asking it: for all who must look now and cannot wait. */
export interface QueueView {
  /** The ledger's counters, at most about a second old. */
  counts(): LedgerCounts;
  /** Everything that is not finished, as of the latest {@link refresh}. */
  unfinished(): readonly UnfinishedTask[];
  /**
   * Brings both up to date, and all observers with them: what the queue has done before the call they have been told
   * when it resolves. Nothing to wait for where that is always so.
   */
  refresh(): Eventually<void>;
}

/** The queue of a run, and how it is looked at and disturbed. */
export interface RunQueue {
  readonly queue: TaskQueue;
  readonly view: QueueView;
  /** Where it is in a Redis whose primaries may be killed. */
  readonly redis?: Pick<FaultSurface, 'store' | 'killStore'>;
  /** Every message between the agents of this process and the queue takes this much longer, ms each way. */
  setLinkDelay(latencyMs: number): void;
  /** Takes up where a snapshot left off, before the first task; null = this queue cannot. */
  readonly restore: ((tasks: readonly UnfinishedTask[], counts: LedgerCounts) => void) | null;
  /** For the report. */
  kind(): QueueProvenance;
}

/** Gives a run its queue; `observers` are told of every transition. */
export type RunQueueMaker = (observers: readonly QueueObserver[]) => RunQueue;

/** A queue in this process, its own view. */
export function memoryRunQueue(clock: Clock, rules: QueueRules): RunQueueMaker {
  return (observers) => {
    const link = { delayMs: 0 };
    const queue = new MemoryQueue({ clock, rules, observers, link });
    return {
      queue,
      view: {
        counts: () => queue.counts(),
        unfinished: () => queue.unfinished(),
        refresh: () => undefined,
      },
      setLinkDelay: (latencyMs) => {
        link.delayMs = latencyMs;
      },
      restore: (tasks, counts) => {
        queue.restore(tasks, counts);
      },
      kind: () => ({ kind: 'memory' }),
    };
  };
}
