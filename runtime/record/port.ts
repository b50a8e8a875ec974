import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent } from '../observe/events.js';

/** A place where a run is recorded. Recording never slows a run: a sink that cannot follow says so. */
export interface Sink {
  readonly name: string;
  event(event: ExperimentEvent): void;
  sample(data: ExperimentData): void;
  /** A promise while the sink has more than it can hold; virtual time waits for it, real time does not. */
  pressure(): Promise<void> | null;
  /** Writes out everything; afterwards nothing is taken any more. Never rejects: see {@link SinkState.note}. */
  close(): Promise<void>;
  state(): SinkState;
}

/** What a sink holds, as stated in the report. */
export interface SinkState {
  readonly name: string;
  readonly records: number;
  readonly complete: boolean;
  /** Why it is not complete; empty otherwise. */
  readonly note: string;
}
