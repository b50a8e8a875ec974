import type { ExperimentData } from '../../runtime/observe/data.js';

/** The parts of a sample that a test cares about, flat. */
export interface SampleChange {
  total?: number;
  active?: number;
  error?: number;
  target?: number;
  busySlots?: number;
  slots?: number;
  offered?: number;
  throughput?: number;
  p99?: number;
  queueDepth?: number;
  errorRate?: number;
  memoryBytes?: number;
  connections?: number;
}

/** A second in the life of a healthy fleet of 200. */
export function sampleData(timestamp: number, change: SampleChange = {}): ExperimentData {
  const total = change.total ?? 200;
  const active = change.active ?? total;
  return {
    timestamp,
    agents: {
      total,
      active,
      idle: 20,
      error: change.error ?? 0,
      byZone: { A: active },
      target: change.target ?? total,
      busySlots: change.busySlots ?? 320,
      slots: change.slots ?? active * 4,
    },
    performance: {
      throughput: change.throughput ?? 500,
      latency: { p50: 1, p90: 2, p99: change.p99 ?? 10 },
      queueDepth: change.queueDepth ?? 0,
      waitTime: 0,
      completion: { p50: 30_000, p90: 60_000, p99: 90_000 },
      offered: change.offered ?? 500,
      shed: 0,
      dispatchLag: 0,
      p99Recent: change.p99 ?? 10,
    },
    resources: {
      cpuTotal: 20,
      memoryTotal: change.memoryBytes ?? total * 512 * 2 ** 20,
      networkIO: 0,
      connections: change.connections ?? active,
    },
    errors: { rate: change.errorRate ?? 0, byType: {} },
    cost: 0,
  };
}
