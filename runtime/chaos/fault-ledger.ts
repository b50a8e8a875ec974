import type { Eventually } from '../kernel/clock.js';
import type { PreparedFault } from './fault.js';

/**
 * The write-ahead ledger of faults: what must be undone is written down before anything is broken, and crossed out
 * once it has been undone. Whoever comes after an injector that died undoes what is still open.
 */
export interface FaultLedger {
  /** Durable once this has returned: only then may the fault be injected. */
  open(entry: FaultLedgerEntry): Eventually<void>;
  /** The fault has been undone. Closing twice is harmless. */
  close(faultId: string, at: number): Eventually<void>;
  /** What has not been undone, oldest first. */
  stillOpen(): Eventually<readonly FaultLedgerEntry[]>;
  /** Largest number among the faults ever opened (`f7` → 7); 0 when there were none. */
  lastNumber(): Eventually<number>;
}

export interface FaultLedgerEntry {
  readonly fault: PreparedFault;
  /** Epoch ms. The injection follows, or never happened. */
  readonly openedAt: number;
  /** Epoch ms at which the place ends the fault on its own; equal to openedAt for a fault that does not last. */
  readonly expiresAt: number;
}

/** A ledger that lives as long as the process: rehearsals, and local runs whose faults die with the process too. */
export class MemoryFaultLedger implements FaultLedger {
  private readonly entries = new Map<string, FaultLedgerEntry>();
  private last = 0;

  open(entry: FaultLedgerEntry): void {
    this.entries.set(entry.fault.id, entry);
    this.last = Math.max(this.last, faultNumber(entry.fault.id));
  }

  close(faultId: string): void {
    this.entries.delete(faultId);
  }

  stillOpen(): readonly FaultLedgerEntry[] {
    return [...this.entries.values()];
  }

  lastNumber(): number {
    return this.last;
  }
}

/** `f7` → 7; 0 for anything else. */
export function faultNumber(faultId: string): number {
  const match = /^f(\d+)$/.exec(faultId);
  return match === null ? 0 : Number(match[1]);
}
