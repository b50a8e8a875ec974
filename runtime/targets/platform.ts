import type { MemberFactory } from '../agents/fleet-member.js';
import type { AgentJournal, RateLimitSwitch } from '../agents/port.js';
import type { Duty } from '../coordinator/port.js';
import type { Eventually } from '../kernel/clock.js';
import type { EventSink } from '../observe/events.js';
import type { QueueObserver } from '../queue/port.js';

/** The coordinators of a run, wherever they are. */
export interface Leadership {
  start(): void;
  /** Ends them in order. */
  stop(): Eventually<void>;
  leader(): string | null;
  /** Kills the leader without a word; answers its name, null when nobody leads. */
  killLeader(): string | null;
}

/** Agents and coordinators as processes of their own, which share nothing with this one but the queue. */
export interface ProcessPlatform {
  readonly members: MemberFactory;
  /** Has to be told of every transition: it is how the platform knows what each process holds. */
  readonly observer: QueueObserver;
  /** Of the executors in the processes. */
  readonly executor: RateLimitSwitch;
  /** The coordinators; `duties` are those of the run itself, carried out here. */
  leadership(duties: readonly Duty[], events: EventSink): Leadership;
  /** Tells what the agents have written down of their work so far; each line once. */
  readJournals(journal: AgentJournal): Promise<void>;
  /** Ends what is left running. */
  close(): Promise<void>;
}
