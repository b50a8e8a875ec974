import { SECOND } from '../kernel/units.js';
import type { FaultRecord } from './events.js';

/** What the tracker looks at once a second. */
export interface RecoverySample {
  /** P99 response latency of the trailing 10 s, ms; NaN when nothing started. */
  readonly p99RecentMs: number;
  /** First attempts started in those 10 s. */
  readonly samples: number;
  readonly queueDepth: number;
  /** Agents ready, and wanted. */
  readonly active: number;
  readonly target: number;
}

/** What the criterion `recovery` is judged by. */
export interface RecoverySummary {
  readonly faults: number;
  /** Without service recovery (so far). */
  readonly unrecovered: number;
  /** Worst service recovery among the recovered, ms; null = none. */
  readonly worstMs: number | null;
  readonly worstFaultId: string | null;
}

/**
 * The trailing window P99 is taken over. A fault is closed no sooner than one window after it hit (or ended): until
 * then the window still holds the time before it, and a lost agent may not have been missed yet.
 */
const RECOVERY_WINDOW_MS = 10 * SECOND;
/** Of this type a fault cuts agents off which work on: what they hold waits for nothing until it is taken from them. */
const UNHEARD = 'network_partition';
/** Records kept; beyond it the oldest recovered ones go, never the worst nor one that has not recovered. */
const MOST_RECORDS = 2_000;

/**
 * Recovery time of every fault, voluntary or not (design.md §2), counted from its injection, for a lasting fault
 * from its end:
 *
 * - **service recovery**: every task an affected agent held is running or finished again and the P99 of the trailing
 *   10 s is inside its target. The former is known to the millisecond, the latter to the tick. Where P99 never left
 *   its target, the last held task alone counts; where no task was held either, it is 0.
 * - **capacity recovery**: as many agents are ready as were wanted when the fault hit (or as are wanted now, if that
 *   is fewer: a scale-down is no damage).
 *
 * Both must have lasted for one window to count, so that a P99 that leaves its target only once the tasks delayed by
 * the fault start, or comes back and goes again, is not taken for recovered.
 */
export class RecoveryTracker {
  private readonly entries = new Map<string, TrackedFault>();
  private readonly open = new Set<TrackedFault>();
  /** Held tasks that have not run again, with the faults that wait for them. */
  private readonly waiting = new Map<number, TrackedFault[]>();
  /** Tasks that run on with agents nobody hears, with the faults that wait for them once they are taken away. */
  private readonly unheard = new Map<number, TrackedFault[]>();
  /** Since when P99 has been inside its target; null while it is outside. */
  private insideSince: number | null = -Infinity;
  private target = NaN;
  private total = 0;
  private worst: { readonly id: string; readonly ms: number } | null = null;

  constructor(
    private readonly p99TargetMs: number,
    /** Called once per fault when service and capacity are both back; at the end of the run when the service is. */
    private readonly onRecovered: (fault: FaultRecord) => void,
  ) {}

  /**
   * A fault was injected, or happened. `heldTasks` are the tasks it cut off: those of agents killed or unreachable,
   * none for a fault that only slows things down. A fault already known is ignored.
   */
  injected(fault: FaultRecord, heldTasks: readonly number[]): void {
    if (this.entries.has(fault.id)) return;
    const tracked: TrackedFault = {
      fault: { ...fault, serviceRecoveryMs: null, capacityRecoveryMs: null },
      countedFrom: fault.endedAt,
      outstanding: 0,
      lastAgainAt: fault.injectedAt,
      wanted: this.target,
      fullSince: fault.injectedAt,
    };
    for (const task of new Set(heldTasks)) {
      if (fault.type === UNHEARD) add(this.unheard, task, tracked);
      else this.waitFor(task, tracked);
    }
    this.total += 1;
    this.entries.set(fault.id, tracked);
    this.open.add(tracked);
    if (this.entries.size > MOST_RECORDS) this.forgetOldest();
  }

  /** A lasting fault is over: its recovery counts from now. */
  ended(faultId: string, at: number): void {
    const tracked = this.entries.get(faultId);
    if (tracked?.countedFrom !== null) return;
    tracked.countedFrom = at;
    tracked.fault = { ...tracked.fault, endedAt: at };
  }

  /** Takes over what others have learnt about a fault (its probes, its detail); the recovery times stay ours. */
  noted(fault: FaultRecord): void {
    const tracked = this.entries.get(fault.id);
    if (tracked === undefined) return;
    const { endedAt, serviceRecoveryMs, capacityRecoveryMs } = tracked.fault;
    tracked.fault = { ...fault, endedAt, serviceRecoveryMs, capacityRecoveryMs };
  }

  /** An attempt at the task started. */
  started(taskIndex: number, at: number): void {
    if (this.waiting.size > 0) this.runsAgain(taskIndex, at);
  }

  /** The task has been taken away from its agent. */
  requeued(taskIndex: number): void {
    const faults = this.unheard.get(taskIndex);
    if (faults === undefined) return;
    this.unheard.delete(taskIndex);
    for (const tracked of faults) this.waitFor(taskIndex, tracked);
  }

  /** The task has ended, with success or for good. */
  finished(taskIndex: number, at: number): void {
    if (this.waiting.size > 0) this.runsAgain(taskIndex, at);
  }

  /** To be called once a second; its cost grows with the faults that are open, not with those that were. */
  tick(now: number, sample: RecoverySample): void {
    this.target = sample.target;
    if (!this.isInside(sample)) this.insideSince = null;
    else this.insideSince ??= now;
    for (const tracked of this.open) {
      if (Number.isNaN(tracked.wanted)) tracked.wanted = sample.target;
      if (sample.active < Math.min(tracked.wanted, sample.target)) tracked.fullSince = null;
      else tracked.fullSince ??= now;
      this.settle(tracked, now - RECOVERY_WINDOW_MS);
    }
  }

  /** The run is over: what is back counts as recovered without waiting for the window; the rest never recovered. */
  end(): void {
    for (const tracked of this.open) {
      this.settle(tracked, Infinity);
      const { fault } = tracked;
      if (fault.serviceRecoveryMs === null || fault.capacityRecoveryMs !== null) continue;
      this.open.delete(tracked);
      this.onRecovered(fault);
    }
  }

  summary(): RecoverySummary {
    let unrecovered = 0;
    for (const { fault } of this.open) if (fault.serviceRecoveryMs === null) unrecovered += 1;
    return { faults: this.total, unrecovered, worstMs: this.worst?.ms ?? null, worstFaultId: this.worst?.id ?? null };
  }

  /** Null for a fault that is not known (any more). */
  record(faultId: string): FaultRecord | null {
    return this.entries.get(faultId)?.fault ?? null;
  }

  /** The faults in the order in which they hit; the oldest recovered ones are missing beyond two thousand. */
  records(): FaultRecord[] {
    return [...this.entries.values()].map(({ fault }) => fault);
  }

  private isInside({ p99RecentMs, samples, queueDepth }: RecoverySample): boolean {
    // Nothing started: fine when nothing waits, a standstill when something does.
    if (samples === 0 || Number.isNaN(p99RecentMs)) return queueDepth === 0;
    return p99RecentMs <= this.p99TargetMs;
  }

  private waitFor(taskIndex: number, tracked: TrackedFault): void {
    add(this.waiting, taskIndex, tracked);
    tracked.outstanding += 1;
  }

  private runsAgain(taskIndex: number, at: number): void {
    const waiters = this.waiting.get(taskIndex);
    if (waiters === undefined) return;
    this.waiting.delete(taskIndex);
    for (const tracked of waiters) {
      tracked.outstanding -= 1;
      tracked.lastAgainAt = Math.max(tracked.lastAgainAt, at);
    }
  }

  /** Writes down what is back since `until` at the latest, and closes the fault when all of it is. */
  private settle(tracked: TrackedFault, until: number): void {
    const { countedFrom, fullSince, lastAgainAt } = tracked;
    if (countedFrom === null || countedFrom > until) return;
    const { insideSince } = this;
    if (
      tracked.fault.serviceRecoveryMs === null &&
      tracked.outstanding === 0 &&
      insideSince !== null &&
      insideSince <= until
    ) {
      const serviceRecoveryMs = Math.max(0, lastAgainAt - countedFrom, insideSince - countedFrom);
      tracked.fault = { ...tracked.fault, serviceRecoveryMs };
      if (this.worst === null || serviceRecoveryMs > this.worst.ms)
        this.worst = { id: tracked.fault.id, ms: serviceRecoveryMs };
    }
    if (tracked.fault.capacityRecoveryMs === null && fullSince !== null && fullSince <= until) {
      tracked.fault = { ...tracked.fault, capacityRecoveryMs: Math.max(0, fullSince - countedFrom) };
    }
    if (tracked.fault.serviceRecoveryMs === null || tracked.fault.capacityRecoveryMs === null) return;
    this.open.delete(tracked);
    if (tracked.fault.type === UNHEARD) this.forgetUnheard(tracked);
    this.onRecovered(tracked.fault);
  }

  private forgetUnheard(tracked: TrackedFault): void {
    for (const [task, faults] of this.unheard) {
      const others = faults.filter((other) => other !== tracked);
      if (others.length === 0) this.unheard.delete(task);
      else this.unheard.set(task, others);
    }
  }

  private forgetOldest(): void {
    for (const [id, tracked] of this.entries) {
      if (this.open.has(tracked) || id === this.worst?.id) continue;
      this.entries.delete(id);
      return;
    }
  }
}

function add(map: Map<number, TrackedFault[]>, task: number, tracked: TrackedFault): void {
  const faults = map.get(task);
  if (faults === undefined) map.set(task, [tracked]);
  else faults.push(tracked);
}

interface TrackedFault {
  fault: FaultRecord;
  /** What recovery is counted from; null while a lasting fault lasts. */
  countedFrom: number | null;
  /** Held tasks that have not run again. */
  outstanding: number;
  lastAgainAt: number;
  /** Agents wanted when it hit; NaN = not known yet. */
  wanted: number;
  /** Since when enough agents have been ready; null while there are too few. */
  fullSince: number | null;
}
