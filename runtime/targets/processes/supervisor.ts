import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from '../../agents/fleet.js';
import { FaultBook } from '../../chaos/fault-book.js';
import { runPreemptions } from '../../chaos/preemption.js';
import type { RunEnd } from '../../coordinator/run.js';
import type { Clock, Timer } from '../../kernel/clock.js';
import { RandomStreams } from '../../kernel/random.js';
import { SECOND } from '../../kernel/units.js';
import type { QueueObserver } from '../../queue/port.js';
import type { FleetNote } from '../../roles/board/board.js';
import { nodeFlags } from '../../roles/node-flags.js';
import { RedisBoard } from '../../roles/board/redis-board.js';
import { connectRedis } from '../../roles/redis-connection.js';
import { deployedAtStart } from '../../spec/deployed-agents.js';
import { COORDINATOR_RESTART_MS } from '../assembly.js';
import { AgentProcesses } from './agent-processes.js';
import { CoordinatorProcesses } from './coordinator-processes.js';
import { processEnvironment, type ProcessPlace } from './process-environment.js';
import { openProcessFaults, type FaultTools, type ProcessFaults } from './process-faults.js';
import { ProcessRun } from './process-run.js';
import { rolePrograms } from './role-programs.js';
import { RoleServices, singleRoles, type SingleRole } from './role-services.js';

/** In the folder of a run: what all its processes wrote. */
const LOG_FILE = 'processes.log';
/** How often the agents are told of on the board, ms. */
const FLEET_MS = SECOND / 2;
/** How often it is looked at how many agents are wanted, and what is broken, ms. */
const LOOK_MS = SECOND / 4;
/** An agent's pace counts as measured when it started something within this, ms. */
const PACE_AGE_MS = 10 * SECOND;
/** For the last events, ms. */
const LAST_WORDS_MS = 2 * SECOND;

export interface SupervisorOptions extends ProcessPlace {
  readonly experimentId: string;
  readonly clock: Clock;
  /** What faults are injected with. */
  readonly tools: FaultTools;
  /** Told now and then how far the start is. */
  readonly onProgress: (text: string) => void;
  readonly onError: (error: unknown) => void;
  /** Calls the start off. */
  readonly signal: AbortSignal;
}

/** How a supervised run ended. */
export interface SupervisedEnd {
  readonly end: RunEnd;
  /** The monitor has written the record to its end; null, or what became of the monitor. */
  readonly recordCutShort: string | null;
}

/**
 * Starts all roles of a run as processes and keeps them up; what the run does is their business. On this machine it is
 * also what Kubernetes is on a cluster: it starts as many agents as are wanted, and brings back those that die.
 */
export class Supervisor {
  readonly run: ProcessRun;
  private readonly board: RedisBoard;
  private readonly coordinators: CoordinatorProcesses;
  private readonly agents: AgentProcesses;
  private readonly fleet: Fleet;
  private readonly services: RoleServices;
  private readonly timers: Timer[] = [];
  private readonly monitorLost: Promise<string>;
  private readonly over = new AbortController();
  private writing = false;

  private constructor(
    private readonly options: SupervisorOptions,
    private readonly faults: ProcessFaults,
    private readonly log: WriteStream,
    private readonly folder: string,
    program: Readonly<Record<SingleRole | 'agent' | 'coordinator', string>>,
  ) {
    const { experiment, experimentId, clock, redis, cluster, run, onError } = options;
    const env = processEnvironment(options);
    const onText = (text: string): void => {
      log.write(`${text}\n`);
    };
    const command = (role: 'agent' | 'coordinator'): readonly [string, ...string[]] => [
      ...([process.execPath, ...nodeFlags(role)] as const),
      program[role],
    ];
    this.coordinators = new CoordinatorProcesses({
      ...{ replicas: experiment.fleet.coordinators, restartMs: COORDINATOR_RESTART_MS, clock, env, onText, onError },
      command: command('coordinator'),
    });
    this.agents = new AgentProcesses({
      ...{
        experiment,
        clock,
        env,
        onText,
        envOfZone: (zone) => faults.agentEnvironment(zone),
        command: command('agent'),
      },
    });
    this.board = new RedisBoard({
      redis: connectRedis({ ...redis, cluster, natMap: {}, durable: true }, 'start-board', () => undefined),
      ...{ run, clock, onError },
      writer: `start.${Math.floor(clock.now() * 1_000)}`,
    });
    this.fleet = new Fleet({
      ...{ experiment, clock, members: this.agents },
      events: (event) => {
        this.board.event(event);
      },
    });
    this.run = new ProcessRun({
      ...{ experiment, experimentId, clock, board: this.board, onError },
      halt: () => {
        this.fleet.halt();
        return this.agents.gone();
      },
    });
    const lost = clock.deferred<string>();
    this.monitorLost = lost.promise;
    this.services = new RoleServices(singleRoles(experiment), {
      ...{ programs: program, env, clock, onText, onError },
      ...{ chaosEnvironment: faults.chaosEnvironment, folder: options.folder },
      onLost: (how) => {
        if (how.startsWith('monitor')) lost.resolve(how);
        onError(new Error(`${how}: the run cannot go on`));
        clock.spawn(() => this.run.abortBecause('start', how), onError);
      },
    });
  }

  /**
   * Makes the programs and opens what faults need; nothing runs yet.
   *
   * @throws ExperimentError when something it takes is missing.
   */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const { folder, onError, onProgress, experiment } = options;
    const programs = await mkdtemp(join(tmpdir(), 'agent-experiment-'));
    const log = createWriteStream(join(folder, LOG_FILE), { flags: 'a' });
    log.on('error', onError);
    let faults: ProcessFaults | null = null;
    try {
      faults = await openProcessFaults(options);
      onProgress('Making the programs of the roles');
      const program = await rolePrograms(['agent', 'coordinator', ...singleRoles(experiment)], programs);
      return new Supervisor(options, faults, log, programs, program);
    } catch (error) {
      await faults?.close();
      log.end();
      await rm(programs, { recursive: true, force: true });
      throw error;
    }
  }

  /** Has to be told of every transition: it is how it is known what each agent holds. */
  get observer(): QueueObserver {
    return this.agents;
  }

  /**
   * Starts everything but the load; resolves when the agents that the run begins with are attached to the queue.
   *
   * @throws ExperimentError INTERNAL when one cannot be started, Aborted when the start was called off.
   */
  async start(): Promise<void> {
    const { experiment, onProgress, onError, signal } = this.options;
    this.coordinators.start();
    const services = this.services.start();
    const count = deployedAtStart(experiment);
    const step = Math.max(1, Math.ceil(count / 10));
    await this.agents.prepare(
      count,
      (ready) => {
        if (ready % step === 0 || ready === count) onProgress(`${ready} of ${count} agent processes are ready`);
      },
      signal,
    );
    await services;
    this.fleet.deploy(count);
    await this.board.write('fleet', this.fleetNote());
    this.follow(onError);
    this.run.start();
  }

  /** Lets the run begin, and sees it to its end; resolves when its record is written. */
  async carryOut(): Promise<SupervisedEnd> {
    await this.run.begin();
    const preemptions = this.preemptions().catch(this.options.onError);
    const { run } = this;
    const end = await Promise.race([run.ended, run.lost.then((reason) => this.givenUp(reason))]);
    this.over.abort('the run is over');
    await preemptions;
    // Who never hears of the end writes no last record.
    const recordCutShort = await Promise.race([this.services.recorded, this.monitorLost, run.lost]);
    return { end, recordCutShort };
  }

  /** Ends all processes, whatever they are doing, and lets go of Redis. */
  async close(): Promise<void> {
    this.over.abort('the run is over');
    for (const timer of this.timers) timer.cancel();
    this.run.leave();
    await this.services.stop();
    const gone = this.fleet.close();
    if (gone instanceof Promise) await gone;
    await Promise.all([this.agents.close(), this.coordinators.close()]);
    await this.board.close(LAST_WORDS_MS);
    await this.faults.close();
    this.log.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private follow(onError: (error: unknown) => void): void {
    const { clock } = this.options;
    const follower = this.faults.follower(this.fleet);
    this.timers.push(
      clock.every(FLEET_MS, () => {
        this.writeFleet(onError);
      }),
      this.board.follow('wanted', LOOK_MS, (found) => {
        if (found !== null) this.fleet.scaleTo(found.note.agents);
      }),
      this.board.follow('effects', LOOK_MS, (found) => {
        if (found !== null) follower.heard(found.note.effects, found.ageMs);
      }),
    );
    this.run.onState((state) => {
      if (state === 'aborted') this.fleet.halt();
    });
  }

  /** Here no provider takes Spot nodes away: somebody has to, as often as one would. */
  private async preemptions(): Promise<void> {
    const { experiment, clock } = this.options;
    const nothing = (): void => undefined;
    await runPreemptions(
      {
        ...{ fleet: experiment.fleet, durationMs: experiment.durationMs, clock },
        random: new RandomStreams(experiment.seed).stream('preemption'),
        surface: {
          agents: () => this.fleet.agents(),
          heldBy: (ids) => ids.flatMap((id) => this.fleet.agent(id)?.held() ?? []),
          preempt: (ids, nodeStartupMs) => {
            this.fleet.kill(ids, nodeStartupMs);
          },
        },
        book: new FaultBook((event) => {
          this.board.event(event);
        }, 'p'),
        emit: (event) => {
          this.board.event(event);
        },
        // The monitor learns of both from the events.
        ...{ onInjected: nothing, onEnded: nothing },
      },
      this.over.signal,
    );
  }

  private givenUp(reason: string): RunEnd {
    this.fleet.halt();
    const { elapsedMs } = this.run.status();
    const at = this.options.clock.now();
    return { state: 'aborted', at, reason, elapsedMs, complete: false, timeToHaltMs: null };
  }

  private writeFleet(onError: (error: unknown) => void): void {
    if (this.writing) return;
    this.writing = true;
    this.options.clock.spawn(async () => {
      try {
        await this.board.write('fleet', this.fleetNote());
      } finally {
        this.writing = false;
      }
    }, onError);
  }

  private fleetNote(): FleetNote {
    const now = this.options.clock.now();
    return {
      sample: this.fleet.sample(),
      agents: this.fleet.agents().map((agent) => {
        const member = this.fleet.agent(agent.id);
        const last = member?.lastStretch ?? null;
        return {
          ...agent,
          held: member?.held() ?? [],
          pid: this.agents.pidOf(agent.id),
          stretch: last !== null && now - last.at <= PACE_AGE_MS ? last.stretch : null,
        };
      }),
      leader: this.coordinators.leading(),
    };
  }
}
