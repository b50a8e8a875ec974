import type { FleetSample } from '../../runtime/agents/port.js';
import type { AgentIdentity, Lease, LedgerCounts } from '../../runtime/queue/port.js';
import type { AttemptResult, Task } from '../../runtime/queue/task.js';

export const AGENT: AgentIdentity = { id: 'agent-1', incarnation: 1, zone: 'A' };
export const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };
export const FAILURE: AttemptResult = { status: 'failed', error: 'executor_failed', retryAfterMs: 0 };

/** Ten ready agents of four slots, ten of them busy. */
export function fleetSample(change: Partial<FleetSample> = {}): FleetSample {
  return {
    total: 10,
    target: 10,
    active: 10,
    idle: 2,
    error: 0,
    slots: 40,
    busySlots: 10,
    byZone: { A: 3, B: 3, C: 2, D: 2 },
    cpu: 0.12,
    memoryBytes: 4_000_000_000,
    networkBytes: 0,
    connections: 10,
    restarts: 0,
    recycled: 0,
    ...change,
  };
}

export function ledgerCounts(change: Partial<LedgerCounts> = {}): LedgerCounts {
  return {
    submitted: 0,
    completed: 0,
    failed: 0,
    shed: 0,
    queued: 0,
    leased: 0,
    superseded: 0,
    retried: 0,
    expired: 0,
    ...change,
  };
}

export function leaseOf(task: Task, attempt = 1): Lease {
  return { attemptId: `${task.index}-${attempt}`, attempt, task };
}
