import type { ExecutingAgent } from './port.js';

/** One incarnation of an agent as its fleet sees it: an object of this process, or a process of its own. */
export interface FleetMember extends ExecutingAgent {
  readonly slots: number;
  readonly startedAt: number;
  readonly busySlots: number;
  readonly tasksEnded: number;
  /** See {@link ExecutingAgent.slowdown}; a slow_agents fault sets it. */
  slowdown: number;
  /** Of the attempt started last: how much longer than normal it takes, and when it started; null = not known. */
  readonly lastStretch: { readonly stretch: number; readonly at: number } | null;
  /** Gets on with what it holds: ready or draining, neither frozen nor gone. */
  readonly atWork: boolean;
  /** Takes tasks as soon as it is started; otherwise {@link MemberListener.ready} tells when it does. */
  readonly ready: boolean;
  /** As measured; null = the fleet goes by its model. */
  readonly memoryBytes: number | null;
  start(): void;
  /** Indices of the tasks it is running. */
  held(): readonly number[];
  /** Takes nothing new; `listener.drained` follows once nothing is held. */
  drain(): void;
  /** Leaves; what is still running is handed back to the queue. */
  close(): void;
  /** Leaves at once, as an emergency stop wants it: what is running is cut off. */
  abort(): void;
  /** Ends without a word, as under kill -9. */
  kill(): void;
  /** Stands still, as under SIGSTOP. */
  freeze(): void;
  thaw(): void;
}

/** Told by an agent of what changes; the platform keeps its counts by it. */
export interface AgentListener {
  /** A slot became busy (+1) or free (−1). */
  busyChanged(agent: FleetMember, by: 1 | -1): void;
  /** A task ended here, and its result is on its way. */
  taskEnded(agent: FleetMember): void;
  /** A draining agent holds nothing any more. */
  drained(agent: FleetMember): void;
}

/** Told by members of what changes with them, from their birth to their end. */
export interface MemberListener extends AgentListener {
  /** One that was not ready when it was started is now. */
  ready(member: FleetMember): void;
  /** It has ended by itself, without being told to. */
  wentDown(member: FleetMember, reason: string): void;
}

/** Where a member is to stand. */
export interface MemberPlace {
  readonly id: string;
  readonly zone: string;
  /** Different for every start within the run. */
  readonly incarnation: number;
}

/** Makes the members of a fleet. */
export interface MemberFactory {
  create(place: MemberPlace, listener: MemberListener): FleetMember;
  /** What they use, as measured, where it can be: mean CPU as a share of what an agent asks for, and memory. */
  usage?(): { readonly cpu: number; readonly memoryBytes: number } | null;
  /** Resolves once nothing of any member is left running; nothing to wait for where they are objects. */
  close?(): Promise<void>;
}
