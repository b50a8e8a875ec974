import type { Eventually } from '../kernel/clock.js';
import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent, RunState } from '../observe/events.js';
import type { LedgerCounts } from '../queue/port.js';

/** One look at a run. Times are ms; plain JSON. */
export interface RunStatus {
  readonly experimentId: string;
  readonly title: string;
  readonly target: string;
  readonly state: RunState;
  /** A drain is done, the run waits to be stopped. */
  readonly drained: boolean;
  /** Of the schedule; stands still while the run is paused. */
  readonly elapsedMs: number;
  readonly durationMs: number;
  /** The leading coordinator. */
  readonly leader: string | null;
  readonly chaos: { readonly enabled: boolean; readonly halted: string | null; readonly open: readonly string[] };
  readonly alertsFiring: readonly string[];
  readonly counts: LedgerCounts;
  readonly latest: ExperimentData | null;
  readonly limits: RunLimits;
}

/** What the figures of a status are held against: shares 0–1, rates tasks/min. */
export interface RunLimits {
  readonly p99LatencyMs: number;
  readonly errorRate: number;
  readonly cpu: number;
  readonly throughputPerMin: number;
  readonly queueBound: number;
  readonly maxAgents: number;
}

/**
 * A run as its control sees it. Commands throw (or reject with) an ExperimentError WRONG_STATE where the run's state
 * does not allow them; a command of a run that is elsewhere resolves when it has been carried out. `by` says who gave it
 * and is recorded with it.
 */
export interface RunControl {
  readonly id: string;
  status(): RunStatus;
  pause(by: string): Eventually<void>;
  resume(by: string): Eventually<void>;
  drain(by: string, timeoutMs: number, thenStop: boolean): Eventually<void>;
  stop(by: string): Eventually<void>;
  emergencyStop(by: string): Eventually<void>;
  scale(by: string, agents: number): Eventually<void>;
  /** Answers whether chaos is on now: once halted it stays off. */
  setChaos(by: string, on: boolean): Eventually<boolean>;
  /** Everything needed to take the run up again, as plain JSON. */
  snapshot(by: string): object;
  onEvent(listener: (event: ExperimentEvent) => void): void;
  onSample(listener: (data: ExperimentData) => void): void;
}
