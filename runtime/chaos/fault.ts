import type { Random } from '../kernel/random.js';
import type { FaultType } from '../spec/experiment.js';
import type { PlannedFault } from './plan.js';
import type { FaultableAgent, FaultLease, FaultSurface } from './port.js';

/**
 * A fault made ready: everything that its injection, its probes and its undo need, as plain JSON. This is what the
 * fault ledger keeps, so that a process that knows nothing else can undo it.
 */
export interface PreparedFault {
  /** `f1`, `f2`, … */
  readonly id: string;
  readonly type: FaultType;
  /** Agents, zones or replicas hit, for people. */
  readonly subjects: readonly string[];
  /** Agents hit, as they were before. Empty when no agent is hit, or when all are. */
  readonly agents: readonly FaultableAgent[];
  /** True when every agent is affected: then `agents` is empty. */
  readonly hitsAll: boolean;
  /** 0 for a fault that does not last. */
  readonly durationMs: number;
  /** What the probe measured before, in its own unit; 0 where it has nothing to compare with. */
  readonly baseline: number;
  /** The fault's strength in its own unit: ms, factor, share; 0 where it has none. */
  readonly strength: number;
  /** One line for people. */
  readonly detail: string;
}

/** What {@link FaultInjector.prepare} finds out; the engineer adds id, type and duration. */
export type Preparation = Omit<PreparedFault, 'id' | 'type' | 'durationMs'>;

/** How one type of fault is done. Stateless: everything it needs is in the prepared fault. */
export interface FaultInjector {
  /** Why there may be nothing to hit, for people. @default nothing is ready to be hit at the moment */
  readonly nothing?: string;
  /** Chooses what is hit and measures how things are before; null = there is nothing to hit. */
  prepare(surface: FaultSurface, planned: PlannedFault, random: Random): Promise<Preparation | null>;
  inject(surface: FaultSurface, fault: PreparedFault, lease: FaultLease): Promise<void>;
  /** Idempotent, also when the fault was never injected. */
  undo(surface: FaultSurface, fault: PreparedFault): Promise<void>;
  /** Has the fleet been hit? */
  probeEffect(surface: FaultSurface, fault: PreparedFault): Promise<boolean>;
  /** Is what was hit as it was before? */
  probeEnd(surface: FaultSurface, fault: PreparedFault): Promise<boolean>;
}
