import type { FleetSample } from '../../agents/port.js';
import type { LeasedEffect } from '../../chaos/port.js';
import type { RunMemory } from '../../coordinator/run.js';
import type { Timer } from '../../kernel/clock.js';
import type { ExperimentData } from '../../observe/data.js';
import type { ExperimentEvent, RunState } from '../../observe/events.js';
import type { LedgerCounts } from '../../queue/port.js';
import type { ForecastReport, ScalingInputs } from '../../scaling/port.js';

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
  /** By the autoscaler, at every evaluation. */
  readonly autoscaler: AutoscalerNote;
  /** By chaos, after every change and once a second. */
  readonly chaos: ChaosNote;
  /** By chaos, after every change and once a second while there are any. */
  readonly effects: EffectsNote;
}

/** Where the run stands. */
export interface RunNote {
  readonly state: RunState;
  readonly reason: string;
  /** When the schedule begins, a moment after the start was ordered; null while the run is created. */
  readonly startedAt: number | null;
  readonly experimentMode: boolean;
  /** A drain is done, the run waits to be stopped. */
  readonly drained: boolean;
  /** The replica that wrote this. */
  readonly leader?: string | undefined;
  /** What the next leader goes on from: the run, and up to where commands have been carried out. */
  readonly memory?: { readonly run: RunMemory; readonly commandsUpTo: string } | undefined;
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
  /** The state of the run it acts by: once it says `draining`, nothing new comes. */
  readonly obeys?: RunState | undefined;
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
  /** The newest sample, and the ledger's counters with it. */
  readonly data?: ExperimentData | undefined;
  readonly counts?: LedgerCounts | undefined;
  readonly alertsFiring?: readonly string[] | undefined;
}

/** What is known of a fleet nobody has told of. */
export const NO_FLEET: FleetSample = {
  ...{ total: 0, target: 0, active: 0, idle: 0, error: 0, slots: 0, busySlots: 0, byZone: {}, cpu: 0, memoryBytes: 0 },
  ...{ networkBytes: 0, connections: 0, restarts: 0, recycled: 0 },
};

/** The agents that exist. */
export interface FleetNote {
  readonly sample: FleetSample;
  readonly agents: readonly AgentNote[];
  /** The leading coordinator; `pid` where it runs on this machine. null = nobody leads, as far as is known. */
  readonly leader?: { readonly id: string; readonly pid: number | null } | null | undefined;
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
  /** Of the attempt started last, where that was a moment ago: how much longer than normal it takes. */
  readonly stretch?: number | null | undefined;
}

export interface WantedNote {
  readonly agents: number;
  /** Promised by an operator; the autoscaler does not go below it. null = the experiment's own. */
  readonly floor: number | null;
}

/** What the autoscaler goes on from when it is started anew, and what the report says of its forecast. */
export interface AutoscalerNote {
  /** As the autoscaler gives and takes it. */
  readonly snapshot: unknown;
  /** null = it does not look ahead. */
  readonly forecast: ForecastReport | null;
}

export interface ChaosNote {
  readonly enabled: boolean;
  /** Why chaos has ended itself; null = it has not. */
  readonly halted: string | null;
  /** Ids of the faults under way. */
  readonly open: readonly string[];
}

/** What is broken at the moment, for the places that break it: each ends an effect by itself when its time is over. */
export interface EffectsNote {
  readonly effects: readonly LeasedEffect[];
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
  /** For the autoscaler: an alert wants more agents at once. */
  | { readonly name: 'emergency-scale'; readonly by: string }
  | { readonly name: 'drain'; readonly by: string; readonly timeoutMs: number; readonly thenStop: boolean }
  | { readonly name: 'scale'; readonly by: string; readonly agents: number }
  | { readonly name: 'chaos'; readonly by: string; readonly on: boolean }
  /** By a role that sees why the run must not go on: cost cap, broken ledger, an alert's action. */
  | { readonly name: 'pause-because' | 'abort-because'; readonly by: string; readonly reason: string };

/** Where commands and events begin, for whoever has read none yet. */
export const BOARD_START = '';

/** What the write of a note rejects with when somebody of a later term has written it. */
export class Outranked extends Error {
  override readonly name = 'Outranked';
}

/** A run's notes, commands and events, as one process sees them. */
export interface Board {
  /**
   * Replaces a note; resolves when Redis has it. Rejects when it cannot be reached: the caller tries again later.
   *
   * @param term of the writer's leadership, where there is one: a note of a later term is not replaced, and the write
   * rejects with {@link Outranked}.
   */
  write<N extends NoteName>(name: N, note: Notes[N], term?: number): Promise<void>;
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
