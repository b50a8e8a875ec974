import type { Clock, Deferred } from '../kernel/clock.js';
import { MINUTE } from '../kernel/units.js';
import type { EventSink, RunState } from '../observe/events.js';
import type { LedgerCounts } from '../queue/port.js';
import type { Duty } from './port.js';
import { isOver, mayGo, wrongState } from './run-state.js';

/** A pause (or a finished drain) nobody answers becomes a stop. */
export const UNANSWERED_MS = 30 * MINUTE;

/** How often the leader looks at the run. */
const SUPERVISE_MS = 250;

/** What a run steers. */
export interface RunParts {
  /** The load generator. */
  readonly load: {
    start(): void;
    pause(): void;
    resume(): void;
    stop(): void;
    elapsedMs(): number;
    readonly exhausted: boolean;
  };
  readonly counts: () => LedgerCounts;
  /** Ends all agents at once (emergency stop). */
  readonly haltFleet: () => void;
}

export interface RunOptions {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly parts: RunParts;
  readonly durationMs: number;
  /** Longest drain at the regular end. */
  readonly drainTimeoutMs: number;
  /** Where another leader has left it. @default it is created */
  readonly memory?: RunMemory;
}

/** How a run ended. */
export interface RunEnd {
  readonly state: 'stopped' | 'aborted';
  readonly at: number;
  readonly reason: string;
  /** ms of the schedule that were carried out. */
  readonly elapsedMs: number;
  /** Reached its planned end. */
  readonly complete: boolean;
  /** Emergency stop: from the command until nothing ran any more, ms. */
  readonly timeToHaltMs: number | null;
}

/** All that a run is at one instant, for whoever carries it on; plain JSON but for an infinite `drainDeadline`. */
export interface RunMemory {
  readonly state: RunState;
  /** Since when it is in that state, epoch ms. */
  readonly since: number;
  /** Epoch ms; Infinity = nothing is drained. */
  readonly drainDeadline: number;
  readonly stopWhenDrained: boolean;
  readonly drainedAt: number | null;
  readonly endReason: string;
  readonly complete: boolean;
  readonly loadStarted: boolean;
  readonly end: RunEnd | null;
}

/**
 * The run's state machine: created → running ⇄ paused → draining → stopped, and aborted from anywhere. Commands come
 * from an operator, an alert or the CLI; the leading coordinator supervises (end of the schedule, drain, pauses
 * nobody answers).
 */
export class Run {
  private current: RunState = 'created';
  private readonly end: Deferred<RunEnd>;
  private since: number;
  private drainDeadline = Infinity;
  /** Stop once drained, instead of waiting for the operator. */
  private stopWhenDrained = false;
  private drainedAt: number | null = null;
  private endReason = '';
  private complete = false;
  private loadStarted = false;
  private howItEnded: RunEnd | null = null;

  constructor(private readonly options: RunOptions) {
    this.end = options.clock.deferred<RunEnd>();
    this.since = options.clock.now();
    if (options.memory !== undefined) this.goOnFrom(options.memory);
  }

  /** What another leader needs to go on from here. */
  get memory(): RunMemory {
    const { current, since, drainDeadline, stopWhenDrained, drainedAt, endReason, complete, loadStarted } = this;
    return {
      ...{ state: current, since, drainDeadline, stopWhenDrained, drainedAt, endReason, complete, loadStarted },
      end: this.howItEnded,
    };
  }

  get state(): RunState {
    return this.current;
  }

  /** True from the end of a drain until the run is stopped. */
  get drained(): boolean {
    return this.drainedAt !== null;
  }

  /** Experiment mode: off once the run has been aborted; nobody scales, injects or starts tasks then. */
  get experimentMode(): boolean {
    return this.current !== 'aborted';
  }

  get ended(): Promise<RunEnd> {
    return this.end.promise;
  }

  /** The supervision, for the leader's list of duties. */
  get duty(): Duty {
    return {
      everyMs: SUPERVISE_MS,
      run: () => {
        this.supervise();
      },
    };
  }

  start(): void {
    if (this.current !== 'created') throw wrongState('start', this.current, 'running');
    this.go('start', 'running', 'started');
    this.loadStarted = true;
    this.options.parts.load.start();
  }

  pause(reason: string): void {
    this.go('pause', 'paused', reason);
    this.options.parts.load.pause();
  }

  resume(reason: string): void {
    if (this.current !== 'paused') throw wrongState('resume', this.current, 'running');
    this.go('resume', 'running', reason);
    this.options.parts.load.resume();
  }

  /** Takes no new tasks and lets those accepted finish. With `thenStop` the run stops when that is done. */
  drain(reason: string, timeoutMs: number, thenStop: boolean): void {
    this.go('drain', 'draining', reason);
    this.options.parts.load.stop();
    this.drainDeadline = this.options.clock.now() + timeoutMs;
    this.stopWhenDrained = thenStop;
    this.endReason = reason;
  }

  stop(reason: string): void {
    this.go('stop', 'stopped', reason);
    this.options.parts.load.stop();
    this.finish('stopped', this.endReason === '' ? reason : this.endReason, null);
  }

  /** Emergency stop: nothing new, nothing finishes, all agents gone. Harmless when repeated. */
  abort(reason: string): void {
    if (isOver(this.current)) return;
    const commandedAt = this.options.clock.now();
    this.go('emergency-stop', 'aborted', reason);
    this.options.parts.load.stop();
    this.options.parts.haltFleet();
    this.finish('aborted', reason, this.options.clock.now() - commandedAt);
  }

  private goOnFrom(memory: RunMemory): void {
    this.current = memory.state;
    this.since = memory.since;
    this.drainDeadline = memory.drainDeadline;
    this.stopWhenDrained = memory.stopWhenDrained;
    this.drainedAt = memory.drainedAt;
    this.endReason = memory.endReason;
    this.complete = memory.complete;
    this.loadStarted = memory.loadStarted;
    this.howItEnded = memory.end;
    if (memory.end !== null) this.end.resolve(memory.end);
  }

  private supervise(): void {
    const now = this.options.clock.now();
    switch (this.current) {
      case 'running':
        if (this.options.parts.load.exhausted && this.options.parts.load.elapsedMs() >= this.options.durationMs) {
          this.complete = true;
          this.drain('planned end', this.options.drainTimeoutMs, true);
        }
        return;
      case 'paused':
        if (now - this.since >= UNANSWERED_MS) {
          this.drain('pause unanswered for 30 min', this.options.drainTimeoutMs, true);
        }
        return;
      case 'draining':
        this.superviseDrain(now);
        return;
      case 'created':
      case 'stopped':
      case 'aborted':
    }
  }

  private superviseDrain(now: number): void {
    if (this.drainedAt !== null) {
      if (now - this.drainedAt >= UNANSWERED_MS) this.stop('drained, unanswered for 30 min');
      return;
    }
    const { queued, leased } = this.options.parts.counts();
    const empty = queued + leased === 0;
    if (!empty && now < this.drainDeadline) return;
    if (this.stopWhenDrained) {
      this.stop(empty ? 'drained' : `drain timed out with ${queued + leased} tasks unfinished`);
      return;
    }
    this.drainedAt = now;
    const detail = empty ? 'nothing left to finish' : `timed out with ${queued + leased} tasks unfinished`;
    this.options.events({ type: 'control', at: now, command: 'drained', by: 'coordinator', detail });
  }

  private go(command: string, to: RunState, reason: string): void {
    const from = this.current;
    if (!mayGo(from, to)) throw wrongState(command, from, to);
    this.current = to;
    this.since = this.options.clock.now();
    this.options.events({ type: 'run_state', at: this.since, from, to, reason });
  }

  private finish(state: 'stopped' | 'aborted', reason: string, timeToHaltMs: number | null): void {
    const { clock, parts, durationMs } = this.options;
    const elapsedMs = this.loadStarted ? Math.min(parts.load.elapsedMs(), durationMs) : 0;
    this.howItEnded = { state, at: clock.now(), reason, elapsedMs, complete: this.complete, timeToHaltMs };
    this.end.resolve(this.howItEnded);
  }
}
