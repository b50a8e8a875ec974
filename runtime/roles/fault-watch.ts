import type { FaultBook } from '../chaos/fault-book.js';
import { cutsOff } from '../chaos/plan.js';
import type { ExperimentEvent, FaultRecord } from '../observe/events.js';
import type { FleetNote } from './board/board.js';
import type { HeldTasks } from './held-tasks.js';

type FaultEvent = Extract<ExperimentEvent, { type: 'fault' }>;

export interface FaultWatchOptions {
  readonly book: FaultBook;
  readonly held: HeldTasks;
  readonly fleet: () => FleetNote | null;
  readonly onInjected: (fault: FaultRecord, held: readonly number[]) => void;
  readonly onEnded: (id: string, at: number) => void;
}

/**
 * Follows faults that others inject, by their events: what they cut off, when they end, and when the run has recovered.
 * The injector does not know the latter, so its records are completed here.
 */
export class FaultWatch {
  private readonly ended = new Set<string>();

  constructor(private readonly options: FaultWatchOptions) {}

  /** Takes an event into account; answers it with all that is known of its fault. */
  complete(event: FaultEvent): FaultEvent {
    if (event.stage === 'planned' || event.stage === 'skipped') return event;
    const { book, onInjected, onEnded } = this.options;
    const known = book.get(event.fault.id);
    const fault: FaultRecord = {
      ...event.fault,
      serviceRecoveryMs: known?.serviceRecoveryMs ?? event.fault.serviceRecoveryMs,
      capacityRecoveryMs: known?.capacityRecoveryMs ?? event.fault.capacityRecoveryMs,
    };
    book.restore([fault]);
    if (known === undefined) onInjected(fault, this.cutOff(fault));
    if (fault.endedAt !== null && !this.ended.has(fault.id)) {
      this.ended.add(fault.id);
      onEnded(fault.id, fault.endedAt);
    }
    return { ...event, fault };
  }

  /** Tasks of the agents hit; of one that cuts nothing off there are none. */
  private cutOff({ type, subjects, injectedAt }: FaultRecord): number[] {
    if (!cutsOff(type)) return [];
    const { held, fleet } = this.options;
    const hit = new Set(subjects);
    const inZones = (fleet()?.agents ?? []).filter(({ zone }) => hit.has(zone)).map(({ id }) => id);
    return [...new Set([...subjects, ...inZones])].flatMap((agent) => held.by(agent, injectedAt));
  }
}
