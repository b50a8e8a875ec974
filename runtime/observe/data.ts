/**
 * `ExperimentData` of the document (7.1), one a second or per `storage.timeSeries.resolution`, with additions (marked) and no
 * renamed field. Latency here is response latency over the trailing 60 s; `throughput` is tasks completed in the
 * trailing 60 s, per minute.
 */
export interface ExperimentData {
  /** Epoch ms. */
  timestamp: number;
  agents: {
    total: number;
    /** Ready and beating. */
    active: number;
    /** Active with no task. */
    idle: number;
    /** Silent, crashed or restarting. */
    error: number;
    /** Active agents by zone label. */
    byZone: Record<string, number>;
    /** Addition: what the autoscaler (or the phase) wants. */
    target: number;
    /** Addition: slots with a task, all agents. */
    busySlots: number;
    /** Addition: slots of active agents. */
    slots: number;
  };
  performance: {
    throughput: number;
    latency: { p50: number; p90: number; p99: number };
    queueDepth: number;
    /** Mean wait (ms) of the attempts started in the trailing 60 s. */
    waitTime: number;
    /** Addition: completion latency, ms. */
    completion: { p50: number; p90: number; p99: number };
    /** Addition: arrivals of the trailing 60 s, per minute. */
    offered: number;
    /** Addition: tasks shed in the trailing 60 s, per minute. */
    shed: number;
    /** Addition: worst dispatch lag (ms) of the last second. */
    dispatchLag: number;
    /** Addition: P99 response latency (ms) of the trailing 10 s, which recovery is judged by. */
    p99Recent: number;
  };
  resources: {
    /** Mean CPU of the active agents, percent of their share. */
    cpuTotal: number;
    /** Bytes, all agents. */
    memoryTotal: number;
    /** Bytes/s. */
    networkIO: number;
    /** Addition: connections between agents and queue. */
    connections: number;
  };
  errors: {
    /** Tasks failed for good ÷ tasks finished in the trailing 60 s, 0–1. */
    rate: number;
    /** Failed attempts of the trailing 60 s by reason. */
    byType: Record<string, number>;
  };
  /** Addition: US dollars spent so far by the price table. */
  cost: number;
}
