import type { EventSink, FaultRecord, FaultStage } from '../observe/events.js';
import { faultNumber } from './fault-ledger.js';

/** Changes to a record as its fault goes on. */
export type FaultChanges = Partial<Omit<FaultRecord, 'id' | 'type'>>;

/**
 * The records of all faults of a run, voluntary and not: hands out their names, keeps one record of each up to date,
 * and turns every change into an event that carries the whole record.
 */
export class FaultBook {
  private readonly records = new Map<string, FaultRecord>();
  private lastNumber = 0;

  /** @param letter names begin with it: two books of one run have different ones. */
  constructor(
    private readonly emit: EventSink,
    private readonly letter = 'f',
  ) {}

  /** Names go on after this number (an earlier process of the same run used those before). */
  continueAfter(number: number): void {
    this.lastNumber = Math.max(this.lastNumber, number);
  }

  /** Takes up the book of an earlier process of the same run; nothing is told anew. */
  restore(records: readonly FaultRecord[]): void {
    for (const record of records) {
      this.records.set(record.id, record);
      this.continueAfter(faultNumber(record.id));
    }
  }

  /** The next name: `f1`, `f2`, … */
  nextId(): string {
    this.lastNumber += 1;
    return `${this.letter}${this.lastNumber}`;
  }

  /** Tells of a fault that has not happened: it is planned, or it is skipped. It does not enter the book. */
  announce(stage: 'planned' | 'skipped', at: number, record: FaultRecord): void {
    this.emit({ type: 'fault', at, stage, fault: record });
  }

  /** Enters a fault that has happened. */
  enter(stage: FaultStage, at: number, record: FaultRecord): FaultRecord {
    this.records.set(record.id, record);
    this.emit({ type: 'fault', at, stage, fault: record });
    return record;
  }

  /** Changes a record and tells so. Throws for a fault that was never entered. */
  update(id: string, stage: FaultStage, at: number, changes: FaultChanges): FaultRecord {
    const record = this.records.get(id);
    if (record === undefined) throw new Error(`there is no fault ${id}`);
    return this.enter(stage, at, { ...record, ...changes });
  }

  /**
   * Called by the recovery tracker: what has recovered so far, ms; null = not yet. The event keeps whatever the
   * probes found meanwhile.
   */
  recovered(id: string, at: number, serviceRecoveryMs: number | null, capacityRecoveryMs: number | null): FaultRecord {
    return this.update(id, 'recovered', at, { serviceRecoveryMs, capacityRecoveryMs });
  }

  /** The record as it stands now. */
  get(id: string): FaultRecord | undefined {
    return this.records.get(id);
  }

  /** The faults injected so far, in order of injection. */
  all(): readonly FaultRecord[] {
    return [...this.records.values()];
  }
}

/** A record with nothing measured yet. */
export function newFaultRecord(
  known: Pick<FaultRecord, 'id' | 'type' | 'voluntary' | 'injectedAt' | 'detail'> & FaultChanges,
): FaultRecord {
  return {
    endedAt: null,
    subjects: [],
    tasksHeld: 0,
    serviceRecoveryMs: null,
    capacityRecoveryMs: null,
    effectSeen: null,
    endSeen: null,
    ...known,
  };
}
