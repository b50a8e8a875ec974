import type { AttemptResult, Task } from '../../../runtime/queue/task.js';

/**
 * A queue engine as the bench drives it. Producer and consumers are different processes, which meet in Redis only; the
 * functions here are called in those processes.
 */
export interface QueueUnderTest {
  /** Called once per round, before any consumer or producer is made: what has to be there first (keys, settings). */
  prepare?(arena: Arena): Promise<void>;
  producer(arena: Arena): Promise<ProducerUnderTest>;
  /** Makes this process's share of the consumers; resolves when all of them are ready for tasks. */
  consumers(arena: Arena, share: ConsumerShare, handlers: ConsumerHandlers): Promise<ConsumersUnderTest>;
}

/** Where a round takes place. Plain data: it travels to other processes. */
export interface Arena {
  /** Nodes of the cluster. */
  readonly addresses: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  /** A hash tag on each of the primaries, without braces. */
  readonly hashTags: readonly string[];
  /** Differs from round to round: for prefixes, run ids. */
  readonly round: string;
  /** Tasks of the round, at most. */
  readonly tasks: number;
}

/** Which of the consumers are in this process. A consumer does one task at a time. */
export interface ConsumerShare {
  /** Index of its first consumer among all. */
  readonly first: number;
  readonly count: number;
}

/** A task, and what it says on the wire. */
export interface BenchTask {
  readonly task: Task;
  /** About 300 bytes as JSON, the wire form of design.md §5. */
  readonly wire: WireTask;
}

export interface WireTask {
  readonly task_id: string;
  readonly agent_type: string;
  readonly priority: string;
  readonly payload: Readonly<Record<string, string | number>>;
  readonly metadata: {
    readonly created_at: string;
    readonly scheduled_at: number;
    readonly timeout_seconds: number;
    readonly index: number;
  };
}

/** What every attempt ends with. */
export const RESULT: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };

export interface ProducerUnderTest {
  /**
   * Hands over all tasks at hand; resolves when the engine has taken them all, for good as the engine sees it.
   * @throws when one is refused
   */
  submit(tasks: readonly BenchTask[]): Promise<void>;
  close(): Promise<void>;
}

export interface ConsumerHandlers {
  /** A consumer has the task. The promise is the work it does; undefined when there is none. */
  started(index: number): Promise<void> | undefined;
  /** The engine says that the result is recorded. */
  recorded(index: number): void;
  /** Something the engine should not have done; the round fails. */
  failed(error: unknown): void;
}

export interface ConsumersUnderTest {
  close(): Promise<void>;
}
