import { Aborted, type Clock, type Eventually } from '../kernel/clock.js';
import type { EventSink, FaultRecord } from '../observe/events.js';
import type { FaultInjector, PreparedFault } from './fault.js';
import { newFaultRecord, type FaultBook } from './fault-book.js';
import type { FaultLedger, FaultLedgerEntry } from './fault-ledger.js';
import { INJECTORS } from './injectors/table.js';
import { cutsOff, isLasting } from './plan.js';
import type { FaultSurface } from './port.js';
import { probeUntil } from './probe.js';

/** Answer of the steady-state check: is the fleet as the experiment's hypothesis says it is? */
export interface SteadyState {
  readonly ok: boolean;
  /** Why not, for people; empty when it is. */
  readonly reason: string;
}

/** Waits and intervals of chaos, ms. */
export interface ChaosTiming {
  /** How long an injection waits for the steady state before it is skipped. */
  readonly steadyWaitMs: number;
  /** How long the steady state may take to come back after a fault before that is an incident. */
  readonly settleMs: number;
  /** Between two checks of the steady state or the stop condition. */
  readonly checkEveryMs: number;
  readonly probeEveryMs: number;
  readonly effectProbeMs: number;
  readonly endProbeMs: number;
  /** How much longer than planned the place keeps a fault whose injector has died (clocks differ a little). */
  readonly leaseGraceMs: number;
  /** A fault that could not be injected for this long after its time is skipped. */
  readonly latestMs: number;
}

export const DEFAULT_CHAOS_TIMING: ChaosTiming = {
  steadyWaitMs: 60_000,
  settleMs: 120_000,
  checkEveryMs: 1_000,
  probeEveryMs: 250,
  effectProbeMs: 15_000,
  endProbeMs: 120_000,
  leaseGraceMs: 2_000,
  latestMs: 300_000,
};

/** What a fault needs around it. */
export interface FaultSurroundings {
  readonly clock: Clock;
  readonly surface: FaultSurface;
  readonly ledger: FaultLedger;
  readonly book: FaultBook;
  readonly emit: EventSink;
  readonly timing: ChaosTiming;
  readonly steadyState: () => Eventually<SteadyState>;
  /** Told right after an injection, with the tasks that it cut off: those its victims held just before. */
  readonly onInjected: (fault: FaultRecord, heldTasks: readonly number[]) => void;
  /** Told when a fault has ended; at once for one that does not last. */
  readonly onEnded: (faultId: string, at: number) => void;
}

/** The two ways to end a fault before its time. */
export interface FaultSignals {
  /** Undo now: chaos was switched off or stopped, or the run ends. */
  readonly callOff: AbortSignal;
  /** The run ends: probe once more and do not wait for anything. */
  readonly closing: AbortSignal;
}

const UNDO_ATTEMPTS = 5;
/** Before the second attempt; grows linearly. */
const UNDO_BACKOFF_MS = 200;

/**
 * One fault from the write-ahead to the steady state after it: written down → injected → effect probed → undone →
 * end probed → steady again. Whatever happens in between, it is undone.
 */
export class FaultLife {
  /** `open` until it is undone (a blow that does not last never is), then `settling` until the steady state is back (or has been given up on). */
  stage: 'open' | 'settling' | 'over' = 'open';
  private readonly injector: FaultInjector;
  private readonly lasting: boolean;
  private expiresAt = 0;
  private injectedAt = 0;

  constructor(
    readonly fault: PreparedFault,
    private readonly around: FaultSurroundings,
  ) {
    this.injector = INJECTORS[fault.type];
    this.lasting = isLasting(fault.type);
  }

  /** Writes the undo down, then injects. Rejects when it could not; then it is undone as far as it had come. */
  async begin(callOff: AbortSignal): Promise<void> {
    const { clock, ledger } = this.around;
    const openedAt = clock.now();
    this.expiresAt = openedAt + (this.lasting ? this.fault.durationMs + this.around.timing.leaseGraceMs : 0);
    try {
      await ledger.open({ fault: this.fault, openedAt, expiresAt: this.expiresAt });
    } catch (error) {
      this.stage = 'over';
      throw new Error(`the undo could not be written down: ${messageOf(error)}`, { cause: error });
    }
    try {
      if (callOff.aborted) throw new Aborted(callOff.reason);
      await this.inject();
    } catch (error) {
      await this.undo();
      this.stage = 'over';
      throw error;
    }
  }

  /** Everything after a successful {@link begin}. Never rejects: what goes wrong becomes an incident. */
  async complete(signals: FaultSignals): Promise<void> {
    let reason = '';
    try {
      await this.confirmEffect(signals.callOff);
      if (this.lasting) await this.around.clock.sleep(this.endsAt - this.around.clock.now(), signals.callOff);
    } catch (error) {
      if (!(error instanceof Aborted)) this.report('fault_failed', 'warning', messageOf(error), 'undone');
      reason = messageOf(error);
    }
    if (this.lasting) await this.end(reason, signals.closing);
    this.stage = 'settling';
    try {
      await this.confirmEnd(signals.closing);
      await this.awaitSteadyState(signals.closing);
    } catch (error) {
      if (!(error instanceof Aborted)) this.report('fault_failed', 'warning', messageOf(error), 'none');
    }
    this.stage = 'over';
  }

  /** Undoes a fault that an injector left open when it died, and probes its end. Never rejects. */
  static async recover(entry: FaultLedgerEntry, around: FaultSurroundings): Promise<FaultLife> {
    const life = new FaultLife(entry.fault, around);
    life.injectedAt = entry.openedAt;
    life.expiresAt = entry.expiresAt;
    const undone = await life.undo();
    const at = around.clock.now();
    const detail = `${entry.fault.detail}; left open by an injector that died, undone by the next one`;
    // What the one that died had told of it stands.
    const known = around.book.get(entry.fault.id) ?? life.record();
    around.book.enter('undone', at, { ...known, endedAt: undone ? at : null, detail });
    life.stage = 'settling';
    return life;
  }

  /** The rest of a recovered fault. Never rejects. */
  async settle(closing: AbortSignal): Promise<void> {
    try {
      await this.confirmEnd(closing);
    } catch (error) {
      if (!(error instanceof Aborted)) this.report('fault_failed', 'warning', messageOf(error), 'none');
    }
    this.stage = 'over';
  }

  private get endsAt(): number {
    return this.injectedAt + this.fault.durationMs;
  }

  private async inject(): Promise<void> {
    const { clock, surface, book, onInjected, onEnded } = this.around;
    const held = await surface.heldBy(await this.agentsHit());
    await this.injector.inject(surface, this.fault, { faultId: this.fault.id, expiresAtMs: this.expiresAt });
    this.injectedAt = clock.now();
    const endedAt = this.lasting ? null : this.injectedAt;
    const record = book.enter('injected', this.injectedAt, { ...this.record(), endedAt, tasksHeld: held.length });
    onInjected(record, cutsOff(this.fault.type) ? held : []);
    if (this.lasting) return;
    this.stage = 'settling';
    onEnded(this.fault.id, this.injectedAt);
    await this.undo();
  }

  private async agentsHit(): Promise<readonly string[]> {
    if (!this.fault.hitsAll) return this.fault.agents.map((agent) => agent.id);
    const fleet = await this.around.surface.agents();
    return fleet.filter((agent) => agent.ready).map((agent) => agent.id);
  }

  private async confirmEffect(callOff: AbortSignal): Promise<void> {
    const { clock, surface, book, timing } = this.around;
    const latest = this.injectedAt + timing.effectProbeMs;
    const span = { untilMs: this.lasting ? Math.min(latest, this.endsAt) : latest, everyMs: timing.probeEveryMs };
    const effectSeen = await probeUntil(clock, () => this.injector.probeEffect(surface, this.fault), span, callOff);
    book.update(this.fault.id, 'probed', clock.now(), { effectSeen });
    if (effectSeen) return;
    this.report('fault_without_effect', 'warning', 'its probe saw no effect: this fault has shown nothing', 'none');
  }

  /** Undoes a lasting fault; when that is impossible, the place still ends it when its lease runs out. */
  private async end(reason: string, closing: AbortSignal): Promise<void> {
    const { clock, book, onEnded } = this.around;
    const undone = await this.undo();
    if (!undone) await sleepUnlessAborted(clock, this.expiresAt - clock.now(), closing);
    const at = clock.now();
    if (!undone && at < this.expiresAt) return;
    const early = reason === '' ? {} : { detail: `${this.fault.detail}; ended early: ${reason}` };
    book.update(this.fault.id, 'undone', at, { endedAt: at, ...early });
    onEnded(this.fault.id, at);
  }

  /** Tries several times. False = it could not be undone; then it stays open in the ledger. */
  private async undo(): Promise<boolean> {
    const { clock, surface, ledger } = this.around;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.injector.undo(surface, this.fault);
        break;
      } catch (error) {
        if (attempt === UNDO_ATTEMPTS) {
          const resolution = 'the place ends it when its lease runs out; the next start tries again';
          this.report('fault_not_undone', 'critical', `it could not be undone: ${messageOf(error)}`, resolution);
          return false;
        }
        await clock.sleep(UNDO_BACKOFF_MS * attempt);
      }
    }
    try {
      await ledger.close(this.fault.id, clock.now());
    } catch (error) {
      const resolution = 'none needed: the next start undoes it once more';
      this.report('fault_ledger', 'warning', `its undo could not be written down: ${messageOf(error)}`, resolution);
    }
    return true;
  }

  private async confirmEnd(closing: AbortSignal): Promise<void> {
    const { clock, surface, book, timing } = this.around;
    const look = (): Promise<boolean> => this.injector.probeEnd(surface, this.fault);
    const span = { untilMs: clock.now() + timing.endProbeMs, everyMs: timing.probeEveryMs };
    const endSeen = await probeUntil(clock, look, span, closing);
    book.update(this.fault.id, 'probed', clock.now(), { endSeen });
    if (endSeen) return;
    this.report('fault_not_ended', 'critical', 'its probe did not see its end', 'look at what it hit');
  }

  /** After a fault the hypothesis must hold again. */
  private async awaitSteadyState(closing: AbortSignal): Promise<void> {
    const { clock, timing, steadyState } = this.around;
    const latest = clock.now() + timing.settleMs;
    for (;;) {
      const { ok, reason } = await steadyState();
      if (ok) return;
      if (clock.now() >= latest) {
        this.report('steady_state_lost', 'warning', `not steady again after it: ${reason}`, 'none');
        return;
      }
      await clock.sleep(timing.checkEveryMs, closing);
    }
  }

  private record(): FaultRecord {
    const { id, type, subjects, detail } = this.fault;
    return newFaultRecord({ id, type, subjects, detail, voluntary: true, injectedAt: this.injectedAt });
  }

  private report(type: string, severity: 'critical' | 'warning', what: string, resolution: string): void {
    const { clock, emit } = this.around;
    const at = clock.now();
    const description = `Fault ${this.fault.id} (${this.fault.type}): ${what}`;
    const duration = Math.max(0, at - this.injectedAt);
    emit({ type: 'incident', at, incident: { timestamp: at, type, severity, description, resolution, duration } });
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function sleepUnlessAborted(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch (error) {
    if (!(error instanceof Aborted)) throw error;
  }
}
