import { spotOf } from '../../agents/fleet.js';
import type { FleetMember, MemberFactory, MemberListener, MemberPlace } from '../../agents/fleet-member.js';
import { Aborted, type Clock } from '../../kernel/clock.js';
import { ExperimentError } from '../../kernel/errors.js';
import type { AgentIdentity, FinishOutcome, Lease, QueueObserver } from '../../queue/port.js';
import type { AttemptResult } from '../../queue/task.js';
import type { Experiment } from '../../spec/experiment.js';
import { AgentProcess } from './agent-process.js';
import { ProcessUsage } from './process-usage.js';
import { RoleProcess, type RoleProcessOptions } from './role-process.js';

/** So many start at a time: all at once would only be slower, and felt by the run. */
const STARTING_AT_ONCE = 4;

/** A Redis that is slow for a moment must not cost a start: an agent that ends instead is tried so often. */
const TRIES = 3;
const TRY_AGAIN_MS = 1_000;

/** Asked to leave with nothing in hand, an agent is gone within milliseconds. */
const LEAVE_MS = 3_000;

export interface AgentProcessesOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly command: RoleProcessOptions['command'];
  /** What all agents are told; each is told its name and zone beside it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What those of a zone are told beside that, or instead. @default nothing */
  readonly envOfZone?: (zone: string) => Readonly<Record<string, string>>;
  readonly onText: (text: string) => void;
}

/** Agents that are processes of their own: makes them, and knows from the queue's log what each is doing. */
export class AgentProcesses implements MemberFactory, QueueObserver {
  /** The latest of each name. */
  private readonly agents = new Map<string, AgentProcess>();
  private readonly processes = new Set<RoleProcess>();
  /** Started before the run, and not yet taken by its fleet. */
  private readonly prepared = new Map<string, AgentProcess>();
  private readonly waiting: Array<() => boolean> = [];
  private starting = 0;
  private readonly measurement: ProcessUsage;

  constructor(private readonly options: AgentProcessesOptions) {
    this.measurement = new ProcessUsage(options.clock, () => [...this.agents.values()]);
  }

  /**
   * Starts the agents that a run begins with.
   *
   * @param onReady told how many are ready by now.
   * @throws ExperimentError INTERNAL when one ends instead, three times in a row; Aborted when `signal` aborts.
   */
  async prepare(count: number, onReady: (ready: number) => void, signal: AbortSignal): Promise<void> {
    const { clock, experiment } = this.options;
    const done = clock.deferred<null>();
    const ready = new Set<string>();
    const tries = new Map<string, number>();
    let over = false;
    const launch = (ordinal: number): void => {
      if (over) return;
      const spot = spotOf(ordinal, experiment.fleet);
      const agent = this.make(spot, {
        ready: () => {
          ready.add(spot.id);
          onReady(ready.size);
          if (ready.size === count) done.resolve(null);
        },
        wentDown: (_agent, how) => {
          ready.delete(spot.id);
          const tried = (tries.get(spot.id) ?? 0) + 1;
          tries.set(spot.id, tried);
          if (tried === TRIES) done.reject(notStarted(spot.id, how));
          else clock.after(TRY_AGAIN_MS, () => launch(ordinal));
        },
        ...{ busyChanged: ignore, taskEnded: ignore, drained: ignore },
      });
      this.prepared.set(spot.id, agent);
      agent.start();
    };
    const abort = (): void => {
      done.reject(new Aborted('the run was called off before it began'));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (let ordinal = 0; ordinal < count; ordinal += 1) {
        launch(ordinal);
      }
      if (signal.aborted) abort();
      if (count > 0) await done.promise;
      this.measurement.start();
    } finally {
      over = true;
      signal.removeEventListener('abort', abort);
    }
  }

  create(place: MemberPlace, listener: MemberListener): FleetMember {
    const prepared = this.prepared.get(place.id);
    this.prepared.delete(place.id);
    if (prepared?.ready === true) {
      prepared.belongsTo(listener);
      return prepared;
    }
    prepared?.kill();
    return this.make(place, listener);
  }

  usage(): { readonly cpu: number; readonly memoryBytes: number } | null {
    const total = this.measurement.total();
    if (total === null) return null;
    const share = this.options.experiment.fleet.requests.cpuMilli / 1_000;
    return { cpu: total.cores / share, memoryBytes: total.memoryBytes };
  }

  /** Of the agent's process; null = it has none now. */
  pidOf(id: string): number | null {
    return this.agents.get(id)?.pid ?? null;
  }

  /** Ends what is left, and resolves when all are gone. */
  async close(): Promise<void> {
    this.measurement.stop();
    this.waiting.length = 0;
    for (const process of this.processes) process.end();
    await this.gone();
  }

  /** Resolves when all are gone that there are now; ends none. */
  async gone(): Promise<void> {
    await Promise.all([...this.processes].map(({ gone }) => gone));
  }

  // ---- the queue's log --------------------------------------------------------------------------------------------

  submitted(): void {
    // No agent has it yet.
  }

  started(lease: Lease, agent: AgentIdentity): void {
    this.agents.get(agent.id)?.began(lease.attemptId, lease.task.index);
  }

  finished(lease: Lease, agent: AgentIdentity, _result: AttemptResult, _outcome: FinishOutcome): void {
    this.agents.get(agent.id)?.ended(lease.attemptId, true);
  }

  requeued(lease: Lease, agent: AgentIdentity): void {
    this.agents.get(agent.id)?.ended(lease.attemptId, false);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private make({ id, zone }: Pick<MemberPlace, 'id' | 'zone'>, listener: MemberListener): AgentProcess {
    const agent = new AgentProcess({
      ...{ id, zone, slots: this.options.experiment.fleet.slots, clock: this.options.clock },
      launch: (launched) => {
        this.waiting.push(() => launched.begins(() => this.spawn(launched)));
        this.startNext();
      },
      onGone: (gone) => {
        if (this.agents.get(id) === gone) this.agents.delete(id);
      },
    });
    agent.belongsTo(listener);
    this.agents.set(id, agent);
    return agent;
  }

  private spawn(agent: AgentProcess): RoleProcess {
    const { experiment, clock, command, env, onText } = this.options;
    let counted = true;
    // It has started, or never will: the next one may.
    const settled = (): void => {
      if (!counted) return;
      counted = false;
      this.starting -= 1;
      this.startNext();
    };
    this.starting += 1;
    const process = new RoleProcess({
      ...{ id: agent.id, command, clock, onText, graceMs: LEAVE_MS },
      env: { ...env, ...this.options.envOfZone?.(agent.zone), POD_NAME: agent.id, ZONE: agent.zone },
      hasChildren: experiment.executor.type === 'command',
      onLine: (line) => {
        if (line.msg === 'pace' && typeof line['stretch'] === 'number') agent.hasPace(line['stretch']);
        if (line.msg !== 'attached') return;
        settled();
        agent.hasStarted();
      },
      onExit: (told, how) => {
        this.processes.delete(process);
        settled();
        agent.hasEnded(told, how);
      },
    });
    this.processes.add(process);
    return process;
  }

  private startNext(): void {
    while (this.starting < STARTING_AT_ONCE) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      next();
    }
  }
}

function notStarted(id: string, how: string): ExperimentError {
  return new ExperimentError('INTERNAL', 'An agent could not be started', [
    { path: id, message: how, hint: 'the same settings with LOG_LEVEL=debug say more' },
  ]);
}

function ignore(): void {
  // The run has not begun.
}
