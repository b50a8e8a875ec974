import type { Clock } from '../kernel/clock.js';
import { whenSettled } from '../kernel/eventually.js';
import type { EventSink } from '../observe/events.js';
import type { TaskQueue } from '../queue/port.js';
import type { Duty } from './port.js';

/** Fine enough that a killed agent's tasks run again within the lease plus this. */
const SWEEP_MS = 250;

/** Leader's duty: gives the tasks of silent agents to others, and releases retries that are due. */
export function sweeping(queue: TaskQueue, clock: Clock, events: EventSink, onError: (error: unknown) => void): Duty {
  let heldSince: number | null = null;
  let pending = false;
  const sweep = (): void => {
    // A queue that does not answer is not asked twice at a time.
    if (pending) return;
    pending = true;
    whenSettled(
      queue.sweep(),
      (report) => {
        pending = false;
        const at = clock.now();
        if (report.expiredAgents.length > 0) {
          const reason = `silent for longer than a lease; ${report.expiredTasks} tasks run again elsewhere`;
          events({ type: 'agents', at, change: 'expired', agents: report.expiredAgents, reason });
        }
        if (report.held !== null) heldSince ??= at;
        else if (heldSince !== null) {
          const incident = {
            timestamp: heldSince,
            type: 'mass_expiry_held',
            severity: 'warning' as const,
            description: 'more agents than the limit fell silent at once: taken for a fault of the control plane',
            resolution: 'leases were held until the agents came back or proved to be gone',
            duration: at - heldSince,
          };
          heldSince = null;
          events({ type: 'incident', at, incident });
        }
      },
      (error) => {
        pending = false;
        onError(error);
      },
    );
  };
  return { everyMs: SWEEP_MS, run: sweep };
}
