import type { FleetSample } from '../../agents/port.js';
import type { Timer } from '../../kernel/clock.js';
import type { ExperimentEvent, RunState } from '../../observe/events.js';
import type { ScalingInputs } from '../../scaling/port.js';

/**
 * What the processes of a run tell each other beside the tasks, kept in Redis. Each note has one writer at a time and
 * is replaced whole; readers see it with the age it has by Redis' clock, so that a writer that is gone is not taken for
 * one that has nothing to say. Times are epoch ms on Redis' clock, durations ms.
 */
export interface Notes {
  /** By the leading coordinator. */
  readonly run: RunNote;
  /** By the load generator, once a second and after every change. */
  readonly load: LoadNote;
  /** By the monitor, once a second. */
  readonly measures: MeasuresNote;
  /** By whoever starts the agents: the run itself on one machine, the monitor on a cluster. */
  readonly fleet: FleetNote;
  /** By the autoscaler, or by a command. */
  readonly wanted: WantedNote;
  /** By chaos, after every change and once a second. */
  readonly chaos: ChaosNote;
}

/** Where the run stands. */
export interface RunNote {
  readonly state: RunState;
  readonly reason: string;
  /** null while the run is created. */
  readonly startedAt: number | null;
  readonly experimentMode: boolean;
  /** A drain is done, the run waits to be stopped. */
  readonly drained: boolean;
}

/** Where the load stands. */
export interface LoadNote {
  /** Position in the arrival schedule: run time without pauses. */
  readonly elapsedMs: number;
  /** As the generator gives and takes it; validated by it. */
  readonly position: unknown;
  readonly exhausted: boolean;
  readonly unanswered: number;
  readonly stats: Readonly<Record<string, number>>;
}

/** What was measured of late. */
export interface MeasuresNote {
  readonly scaling: ScalingInputs;
  readonly p99RecentMs: number;
  /** First attempts behind {@link p99RecentMs}. */
  readonly samples: number;
  /** 0–1 */
  readonly errorRate: number;
  readonly costUsd: number;
}

/** The agents that exist. */
export interface FleetNote {
  readonly sample: FleetSample;
  readonly agents: readonly AgentNote[];
}

export interface AgentNote {
  readonly id: string;
  readonly zone: string;
  readonly node: string;
  readonly ready: boolean;
  /** Larger for every start of the agent. */
  readonly incarnation: number;
  /** Indices of the tasks it holds. */
  readonly held: readonly number[];
  /** Of its process, where it runs on this machine; else null. */
  readonly pid: number | null;
}

export interface WantedNote {
  readonly agents: number;
  /** Promised by an operator; the autoscaler does not go below it. null = the experiment's own. */
  readonly floor: number | null;
}

export interface ChaosNote {
  readonly enabled: boolean;
  /** Why chaos has ended itself; null = it has not. */
  readonly halted: string | null;
  /** Ids of the faults under way. */
  readonly open: readonly string[];
}

export type NoteName = keyof Notes;

/** A note as it was found. */
export interface Found<T> {
  readonly note: T;
  /** Since it was written, by Redis' clock. */
  readonly ageMs: number;
}

/** What somebody wants of a run; `by` is recorded with it. */
export type Command =
  | { readonly name: 'start' | 'pause' | 'resume' | 'stop' | 'emergency-stop'; readonly by: string }
  | { readonly name: 'drain'; readonly by: string; readonly timeoutMs: number; readonly thenStop: boolean }
  | { readonly name: 'scale'; readonly by: string; readonly agents: number }
  | { readonly name: 'chaos'; readonly by: string; readonly on: boolean }
  /** By a role that sees why the run must not go on: cost cap, broken ledger, an alert's action. */
  | { readonly name: 'pause-because' | 'abort-because'; readonly by: string; readonly reason: string };

/** A run's notes, commands and events, as one process sees them. */
export interface Board {
  /** Replaces a note; resolves when Redis has it. Rejects when it cannot be reached: the caller tries again later. */
  write<N extends NoteName>(name: N, note: Notes[N]): Promise<void>;
  /** null = nobody has written it yet. Rejects when Redis cannot be reached or holds something else. */
  read<N extends NoteName>(name: N): Promise<Found<Notes[N]> | null>;
  /** Tells the newest note about every `everyMs` and whenever it can; errors go to the board's own handler. */
  follow<N extends NoteName>(name: N, everyMs: number, listener: (found: Found<Notes[N]> | null) => void): Timer;
  /** Appends a command. */
  command(command: Command): Promise<void>;
  /** Commands after the position, in order, for whoever carries them out; answers the new position. */
  commandsAfter(position: string): Promise<{ readonly commands: readonly Command[]; readonly position: string }>;
  /** Appends an event; kept and sent again until Redis has it, in order, at least once. */
  event(event: ExperimentEvent): void;
  /** Events after the position, in order, each once. */
  eventsAfter(position: string): Promise<{ readonly events: readonly ExperimentEvent[]; readonly position: string }>;
  /** Sends what is still to be sent, as long as that takes at most; then lets go of Redis. */
  close(patienceMs: number): Promise<void>;
}
