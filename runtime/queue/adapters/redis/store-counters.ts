/** What a store has gone through, each counted from its beginning. */
export interface StoreCounters {
  /** Scripts that were answered. */
  exchanges: number;
  /** Scripts without an answer: connection gone, timeout, refusal. */
  failures: number;
  /** Of the failures, those where the server said nothing in time. */
  timeouts: number;
  /** Of the failures, those where the server was not the slot's owner. */
  redirects: number;
  /** Answers of which nobody could say that a replica has them. */
  unconfirmed: number;
  /** Answers that counted without a replica, there being none. */
  degraded: number;
  /** Connections to a slot's owner that were made. */
  connections: number;
  /** Times the cluster was asked who owns what. */
  looks: number;
  /** Times the subscriptions were made anew. */
  resubscriptions: number;
}

export const newCounters = (): StoreCounters => ({
  ...{ exchanges: 0, failures: 0, timeouts: 0, redirects: 0, unconfirmed: 0, degraded: 0 },
  ...{ connections: 0, looks: 0, resubscriptions: 0 },
});
