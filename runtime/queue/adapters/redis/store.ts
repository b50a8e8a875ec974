import type { ExchangeReply, ExchangeRequest } from './messages.js';

/** A request as the driver makes it; the store adds which server it goes to. */
export type DriverRequest = Omit<ExchangeRequest, 'owner'>;

export interface Exchanged {
  readonly reply: ExchangeReply;
  /** Process id (`run_id`) of the server that answered. */
  readonly owner: string;
  /**
   * True when a replica has it (WAIT), or when there is none to wait for and the cluster's other members agree that
   * this server owns the partition (`degraded`). False: carried out perhaps by a server that is no longer the owner;
   * the request is repeated.
   */
  readonly durable: boolean;
  /** The server had no replica to wait for: what was done rests on the journals. */
  readonly degraded: boolean;
}

/** An entry of a partition's log. */
export interface LogEntry {
  readonly id: string;
  readonly epoch: number;
  /** Number of the entry within its epoch, from 1: a gap means that entries were trimmed before they were read. */
  readonly number: number;
  readonly events: readonly (readonly string[])[];
}

/** Where a reader stands in a partition's log. */
export interface LogCursor {
  readonly epoch: number;
  readonly id: string;
}

/**
 * Where the partitions live: a Redis, a Redis Cluster, or a simulated one. Every call may fail without saying whether
 * it was carried out.
 */
export interface PartitionStore {
  readonly partitions: number;
  /** @throws StoreFailure when there is no answer: it may have been carried out or not. */
  exchange(partition: number, request: DriverRequest, waitForReplica: boolean): Promise<Exchanged>;
  /** Tells other drivers something; may be lost. */
  publish(channel: string, message: string): Promise<void>;
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  /** Connects the subscriptions anew: messages have stopped to arrive. */
  resubscribe(): Promise<void>;
  /**
   * Entries after the cursor, oldest first, at most `limit`; goes on to the next epoch by itself. Only what a replica
   * has, or what is there where there is none: what has been told cannot be undone.
   */
  readLog(partition: number, after: LogCursor, limit: number): Promise<readonly LogEntry[]>;
  /** Entries up to the cursor are no longer needed. */
  trimLog(partition: number, upTo: LogCursor): Promise<void>;
  close(): Promise<void>;
}

/** No answer, or a refusal, from a partition's server. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';

  constructor(
    message: string,
    /** The request was certainly not carried out. */
    readonly notCarriedOut: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
