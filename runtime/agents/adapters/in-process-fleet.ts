import type { Clock } from '../../kernel/clock.js';
import type { TaskQueue } from '../../queue/port.js';
import type { Experiment } from '../../spec/experiment.js';
import { Agent } from '../agent.js';
import type { FleetMember, MemberFactory, MemberListener, MemberPlace } from '../fleet-member.js';
import { Fleet, type FleetOptions } from '../fleet.js';
import type { AgentJournal, Executor } from '../port.js';

export interface InProcessAgentsOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly queue: TaskQueue;
  readonly executor: Executor;
  readonly journal: AgentJournal;
  readonly onError: (error: unknown) => void;
}

/** Agents that are objects of this process. */
class InProcessAgents implements MemberFactory {
  constructor(private readonly options: InProcessAgentsOptions) {}

  create(place: MemberPlace, listener: MemberListener): FleetMember {
    const { experiment, clock, queue, executor, journal, onError } = this.options;
    const { slots } = experiment.fleet;
    return new Agent({ ...place, slots, clock, queue, executor, journal, listener, onError });
  }
}

export type InProcessFleetOptions = InProcessAgentsOptions & Omit<FleetOptions, 'members'>;

/** A fleet whose agents are objects of this process. */
export class InProcessFleet extends Fleet {
  constructor({ events, history, ...options }: InProcessFleetOptions) {
    const { experiment, clock } = options;
    const members = new InProcessAgents(options);
    super({ experiment, clock, members, events, ...(history === undefined ? {} : { history }) });
  }
}
