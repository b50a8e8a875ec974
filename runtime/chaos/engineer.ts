import { Aborted, type Clock, type Eventually, type Timer } from '../kernel/clock.js';
import { Random } from '../kernel/random.js';
import type { EventSink, FaultRecord } from '../observe/events.js';
import type { ChaosRules } from '../spec/experiment.js';
import type { PreparedFault } from './fault.js';
import { newFaultRecord, type FaultBook } from './fault-book.js';
import type { FaultLedger } from './fault-ledger.js';
import {
  DEFAULT_CHAOS_TIMING,
  FaultLife,
  messageOf,
  type ChaosTiming,
  type FaultSurroundings,
  type SteadyState,
} from './fault-life.js';
import { INJECTORS } from './injectors/table.js';
import { planFaults, type PlannedFault } from './plan.js';
import type { FaultSurface } from './port.js';

/** What the stop condition looks at, as of now. */
export interface ChaosHealth {
  /** Tasks failed for good ÷ tasks finished, 0–1. */
  readonly errorRate: number;
  /** Agents that should be ready and are not ÷ agents that should be, 0–1. */
  readonly offlineShare: number;
}

export interface ChaosOptions {
  readonly rules: ChaosRules;
  /** Length of the run, ms. */
  readonly durationMs: number;
  readonly clock: Clock;
  /** Stream of chaos alone. */
  readonly random: Random;
  readonly surface: FaultSurface;
  readonly ledger: FaultLedger;
  readonly book: FaultBook;
  readonly emit: EventSink;
  /** How far the run is, ms: the time of the plan. Stands still while the run is paused, as its arrivals do. */
  readonly elapsedMs: () => number;
  /** Is the run running? Nothing is injected while it is not. */
  readonly mayInject: () => boolean;
  readonly steadyState: () => Eventually<SteadyState>;
  readonly health: () => ChaosHealth;
  /** Told right after an injection, with the tasks that it cut off: those its victims held just before. */
  readonly onInjected: (fault: FaultRecord, heldTasks: readonly number[]) => void;
  /** Told when a fault has ended; at once for one that does not last. */
  readonly onEnded: (faultId: string, at: number) => void;
  readonly timing?: Partial<ChaosTiming>;
}

export interface ChaosStatus {
  readonly enabled: boolean;
  /** Why chaos has stopped for good; null = it has not. */
  readonly halted: string | null;
  /** Faults that are not undone yet. */
  readonly open: readonly string[];
}

/** Why a fault cannot be injected now. */
interface Obstacle {
  readonly reason: string;
  /** Waiting may remove it. */
  readonly passing: boolean;
}

/**
 * Carries out the fault plan of a run: hypothesis (steady state) → fault → hypothesis, each fault undone on every
 * way out. It stops for good, with an incident, once the stop condition is met.
 */
export class ChaosEngineer {
  private readonly around: FaultSurroundings;
  private readonly timing: ChaosTiming;
  private readonly lives = new Set<FaultLife>();
  private readonly tasks = new Set<Promise<void>>();
  private readonly closing = new AbortController();
  /** Renewed when chaos is switched on again. */
  private callOff = new AbortController();
  private switchedOn: boolean;
  private haltReason: string | null = null;
  private watch: Timer | null = null;
  private recovered = false;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: ChaosOptions) {
    this.timing = { ...DEFAULT_CHAOS_TIMING, ...options.timing };
    this.around = { ...options, timing: this.timing };
    this.switchedOn = options.rules.enabled;
  }

  get status(): ChaosStatus {
    const open = [...this.lives].filter((life) => life.stage === 'open').map((life) => life.fault.id);
    return { enabled: this.switchedOn, halted: this.haltReason, open };
  }

  /**
   * Clears what an earlier injector left, then injects the plan's faults, those before now excepted. Resolves when
   * the plan is through, chaos has halted or {@link stop} was called; nothing is broken any more then. Aborting
   * `signal` is the same as `stop`.
   */
  async run(signal?: AbortSignal): Promise<void> {
    const onAbort = (): void => {
      this.close('the run was aborted');
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    this.running = this.carryOut();
    try {
      await this.running;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Undoes every open fault and ends {@link run}. Resolves when all is undone. Idempotent. */
  async stop(): Promise<void> {
    this.close('chaos was stopped');
    // What the plan itself failed with is told by `run`.
    await this.running.catch(() => undefined);
    await this.allOver();
  }

  /**
   * `chaos on|off` of the CLI. Off undoes what is open at once; on takes the plan up where it stands now. Answers
   * whether chaos is on: once halted or stopped, it stays off.
   */
  setEnabled(on: boolean): boolean {
    if (this.haltReason !== null || this.closing.signal.aborted) return false;
    if (on && !this.switchedOn) this.callOff = new AbortController();
    if (!on && this.switchedOn) this.callOff.abort('chaos was switched off');
    this.switchedOn = on;
    return on;
  }

  /** Undoes what the ledger says is still open: its injector died. Done by {@link run} too; the second time is free. */
  async recover(): Promise<void> {
    if (this.recovered) return;
    this.recovered = true;
    const { ledger, book } = this.options;
    book.continueAfter(await ledger.lastNumber());
    for (const entry of await ledger.stillOpen()) {
      const life = await FaultLife.recover(entry, this.around);
      this.track(life, life.settle(this.closing.signal));
    }
  }

  private async carryOut(): Promise<void> {
    const { rules, durationMs, random, elapsedMs } = this.options;
    try {
      await this.recover();
      const resumedAtMs = elapsedMs();
      // Planned even when switched off: `chaos on` may come later.
      for (const planned of planFaults({ ...rules, enabled: true }, durationMs, random)) {
        if (planned.atMs < resumedAtMs) continue;
        await this.untilDue(planned);
        if (this.switchedOn) await this.perform(planned);
        if (this.haltReason !== null) break;
      }
    } catch (error) {
      // Before anything else: whatever went wrong here, nothing stays broken.
      this.close(`chaos failed: ${messageOf(error)}`);
      if (!(error instanceof Aborted)) throw error;
    } finally {
      await this.allOver();
    }
  }

  // ---- one fault ------------------------------------------------------------------------------------------------

  private async untilDue(planned: PlannedFault): Promise<void> {
    const { clock, elapsedMs, mayInject } = this.options;
    for (;;) {
      const leftMs = planned.atMs - elapsedMs();
      // Epoch milliseconds in a double resolve 0.0002 ms: less is not worth a wait, and would not move time.
      if (leftMs > 0.001) await clock.sleep(Math.max(1, leftMs), this.closing.signal);
      else if (!mayInject()) await clock.sleep(this.timing.checkEveryMs, this.closing.signal);
      else return;
    }
  }

  private async perform(planned: PlannedFault): Promise<void> {
    const { clock, book, surface } = this.options;
    const id = book.nextId();
    const record = newFaultRecord({
      id,
      type: planned.type,
      voluntary: true,
      injectedAt: clock.now(),
      detail: `planned for ${planned.atMs} ms after the start`,
    });
    book.announce('planned', clock.now(), record);
    const skip = (detail: string): void => {
      book.announce('skipped', clock.now(), { ...record, injectedAt: clock.now(), endedAt: clock.now(), detail });
    };
    try {
      const obstacle = await this.untilClear(planned);
      if (obstacle !== null) {
        skip(obstacle);
        return;
      }
      const random = new Random(planned.seed, 'subjects');
      const preparation = await INJECTORS[planned.type].prepare(surface, planned, random);
      if (preparation === null) {
        skip(INJECTORS[planned.type].nothing ?? 'there was nothing to hit');
        return;
      }
      const { type } = planned;
      await this.release({ id, type, durationMs: planned.endMs - planned.atMs, ...preparation });
    } catch (error) {
      skip(error instanceof Aborted ? error.message : `it could not be injected: ${messageOf(error)}`);
    }
  }

  /** Injects, and lets the rest of the fault's life run beside the plan. */
  private async release(fault: PreparedFault): Promise<void> {
    const signals = { callOff: this.callOff.signal, closing: this.closing.signal };
    const life = new FaultLife(fault, this.around);
    const begun = life.begin(signals.callOff);
    const lived = begun.then(
      () => life.complete(signals),
      () => undefined,
    );
    this.track(life, lived);
    await begun;
  }

  private track(life: FaultLife, lived: Promise<void>): void {
    const { clock } = this.options;
    this.lives.add(life);
    this.watch ??= clock.every(this.timing.checkEveryMs, () => {
      this.checkStopCondition();
    });
    const task = lived.finally(() => {
      this.lives.delete(life);
      this.tasks.delete(task);
      if (this.tasks.size > 0) return;
      this.watch?.cancel();
      this.watch = null;
    });
    this.tasks.add(task);
  }

  // ---- before a fault -------------------------------------------------------------------------------------------

  /** Waits for the steady state. Answers why the fault must be skipped; null = it may be injected. */
  private async untilClear(planned: PlannedFault): Promise<string | null> {
    const { clock } = this.options;
    const latest = clock.now() + this.timing.steadyWaitMs;
    for (;;) {
      const obstacle = this.obstacle(planned) ?? (await this.unsteady());
      if (obstacle === null) return null;
      if (!obstacle.passing || clock.now() >= latest) return obstacle.reason;
      await clock.sleep(this.timing.checkEveryMs, this.closing.signal);
    }
  }

  private obstacle(planned: PlannedFault): Obstacle | null {
    const { durationMs, elapsedMs, mayInject } = this.options;
    this.checkStopCondition();
    if (this.haltReason !== null) return { reason: this.haltReason, passing: false };
    if (!this.switchedOn) return { reason: 'chaos was switched off', passing: false };
    if (elapsedMs() - planned.atMs > this.timing.latestMs) return { reason: 'its time had passed', passing: false };
    if (elapsedMs() + planned.endMs - planned.atMs >= durationMs) {
      return { reason: 'it would outlast the run', passing: false };
    }
    if (!mayInject()) return { reason: 'the run is not running', passing: true };
    // Faults of different types may last side by side, but each starts on a fleet that is over the last blow, so
    // that what follows is its own doing.
    for (const { fault, stage } of this.lives) {
      if (stage === 'settling') return { reason: `not steady: ${fault.id} (${fault.type}) is not over`, passing: true };
      if (fault.type === planned.type) return { reason: `${fault.id} of the same type is still open`, passing: true };
    }
    return null;
  }

  private async unsteady(): Promise<Obstacle | null> {
    const { ok, reason } = await this.options.steadyState();
    return ok ? null : { reason: `not steady: ${reason}`, passing: true };
  }

  // ---- ways out -------------------------------------------------------------------------------------------------

  private checkStopCondition(): void {
    const { rules, health } = this.options;
    if (!this.switchedOn || this.haltReason !== null) return;
    const { errorRate, offlineShare } = health();
    if (errorRate > rules.stop.errorRate) {
      this.halt(`error rate ${percent(errorRate)} above ${percent(rules.stop.errorRate)}`);
    } else if (offlineShare > rules.stop.offlineShare) {
      this.halt(`${percent(offlineShare)} of the agents offline, more than ${percent(rules.stop.offlineShare)}`);
    }
  }

  /** Stops chaos for good; the run itself goes on. */
  private halt(reason: string): void {
    const { clock, emit } = this.options;
    this.haltReason = `stop condition: ${reason}`;
    this.switchedOn = false;
    const at = clock.now();
    const { open } = this.status;
    this.callOff.abort(this.haltReason);
    emit({
      type: 'incident',
      at,
      incident: {
        timestamp: at,
        type: 'chaos_stopped',
        severity: 'critical',
        description: `Chaos stopped for good: ${reason}`,
        resolution: open.length === 0 ? 'no fault was open' : `undoing ${open.join(', ')}`,
        duration: 0,
      },
    });
  }

  private close(reason: string): void {
    this.switchedOn = false;
    this.callOff.abort(reason);
    this.closing.abort(reason);
  }

  private async allOver(): Promise<void> {
    while (this.tasks.size > 0) await Promise.allSettled(this.tasks);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
