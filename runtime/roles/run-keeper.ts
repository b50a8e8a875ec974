import { wrongState } from '../coordinator/run-state.js';
import { Run, type RunMemory } from '../coordinator/run.js';
import type { Duty } from '../coordinator/port.js';
import type { Clock } from '../kernel/clock.js';
import { ExperimentError } from '../kernel/errors.js';
import type { ExperimentEvent } from '../observe/events.js';
import type { LedgerCounts, TaskQueue } from '../queue/port.js';
import type { Experiment } from '../spec/experiment.js';
import { BOARD_START, Outranked, type Board, type Command, type LoadNote } from './board/board.js';

/** How often the leader looks for commands, ms. */
const LOOK_MS = 100;
/** How often it says where the run stands, also when nothing has changed, ms. */
const WRITE_MS = 500;
/** From the order to start until the schedule begins, ms: the load generator has to have heard of it. */
const LEAD_TIME_MS = 500;

export interface RunKeeperOptions {
  readonly experiment: Experiment;
  readonly replica: string;
  readonly clock: Clock;
  readonly board: Board;
  readonly queue: Pick<TaskQueue, 'counts'>;
  /** Of the present leadership. */
  readonly term: () => number;
  readonly onError: (error: unknown) => void;
}

/** A run as its present leader has it. */
interface Kept {
  readonly term: number;
  readonly run: Run;
  commandsUpTo: string;
  startedAt: number | null;
  reason: string;
  writtenAt: number;
  written: string;
}

/**
 * Leader's duty: carries the run on from where its note says it stands, carries out the commands of the board, and
 * writes the note anew. State and the position among the commands are one note, so that a leader that takes over neither
 * repeats a command whose outcome is known nor passes one over.
 */
export class RunKeeper {
  private kept: Kept | null = null;
  private busy = false;
  private load: LoadNote | null = null;
  private counts: LedgerCounts | null = null;

  constructor(private readonly options: RunKeeperOptions) {}

  get duty(): Duty {
    return {
      everyMs: LOOK_MS,
      run: () => {
        // A Redis that does not answer is not asked twice at a time.
        if (this.busy) return;
        this.busy = true;
        this.options.clock.spawn(async () => {
          try {
            await this.look();
          } finally {
            this.busy = false;
          }
        }, this.options.onError);
      },
    };
  }

  /** One look at board and queue; rejects when either does not answer, and then goes on with the next one. */
  async look(): Promise<void> {
    const { board, queue, clock, term } = this.options;
    const kept = this.kept?.term === term() ? this.kept : await this.takeOver(term());
    this.load = (await board.read('load'))?.note ?? null;
    if (kept.run.state === 'draining') this.counts = await queue.counts();
    const { commands, position } = await board.commandsAfter(kept.commandsUpTo);
    for (const command of commands) await this.carryOut(kept, command);
    kept.commandsUpTo = position;
    kept.run.duty.run();
    const text = JSON.stringify([kept.run.memory, kept.commandsUpTo]);
    if (text === kept.written && clock.now() - kept.writtenAt < WRITE_MS) return;
    await this.write(kept);
    kept.written = text;
    kept.writtenAt = clock.now();
  }

  private async takeOver(term: number): Promise<Kept> {
    const { board, clock, replica } = this.options;
    const found = (await board.read('run'))?.note ?? null;
    const kept: Kept = {
      term,
      run: this.newRun(found?.memory?.run),
      commandsUpTo: found?.memory?.commandsUpTo ?? BOARD_START,
      startedAt: found?.startedAt ?? null,
      reason: found?.reason ?? '',
      writtenAt: -Infinity,
      written: '',
    };
    this.kept = kept;
    // Before anything is done: whoever led before must not write any more.
    await this.write(kept);
    board.event({ type: 'leader', at: clock.now(), replica, previous: found?.leader ?? null });
    return kept;
  }

  private newRun(memory: RunMemory | undefined): Run {
    const { clock, experiment } = this.options;
    return new Run({
      clock,
      events: (event) => {
        this.emit(event);
      },
      durationMs: experiment.durationMs,
      drainTimeoutMs: experiment.fleet.drainTimeoutMs,
      parts: {
        load: this.remoteLoad(),
        counts: () => this.countsWithThoseOnTheWay(),
        // Whoever starts the agents sees it in the note.
        haltFleet: () => undefined,
      },
      ...(memory === undefined ? {} : { memory }),
    });
  }

  /** The load generator obeys the note; what is known of it is what it wrote last. */
  private remoteLoad(): ConstructorParameters<typeof Run>[0]['parts']['load'] {
    const load = (): LoadNote | null => this.load;
    const obeys = (): undefined => undefined;
    return {
      ...{ start: obeys, pause: obeys, resume: obeys, stop: obeys },
      elapsedMs: () => load()?.elapsedMs ?? 0,
      get exhausted() {
        return load()?.exhausted === true;
      },
    };
  }

  /** A load generator that has not heard of the drain may still send: then the run is not empty. */
  private countsWithThoseOnTheWay(): LedgerCounts {
    const counts = this.counts ?? NOTHING_KNOWN;
    const sent = this.load?.stats['sent'] ?? 0;
    const quiet = this.load === null || (this.load.obeys === 'draining' && this.load.unanswered === 0);
    const onTheWay = Math.max(sent - counts.submitted, quiet && this.counts !== null ? 0 : 1);
    return { ...counts, queued: counts.queued + onTheWay };
  }

  private async write({ run, term, startedAt, reason, commandsUpTo }: Kept): Promise<void> {
    const { state, experimentMode, drained, memory } = run;
    const { board, replica } = this.options;
    try {
      await board.write(
        'run',
        {
          ...{ state, reason, startedAt, experimentMode, drained, leader: replica },
          memory: { run: memory, commandsUpTo },
        },
        term,
      );
    } catch (error) {
      // Somebody else carries the run on; what this one believes of it is worth nothing any more.
      if (error instanceof Outranked) this.kept = null;
      throw error;
    }
  }

  private async carryOut(kept: Kept, command: Command): Promise<void> {
    const refused = await this.tryToCarryOut(kept, command).catch((error: unknown) => {
      if (error instanceof ExperimentError) return error;
      throw error;
    });
    const detail = refused === null ? detailOf(command) : `refused: ${refused.headline}`;
    if (refused !== null || !command.name.endsWith('-because')) this.note(command, detail);
  }

  private async tryToCarryOut(kept: Kept, command: Command): Promise<null> {
    const { run } = kept;
    const { clock, experiment, board } = this.options;
    switch (command.name) {
      case 'start':
        run.start();
        kept.startedAt = clock.now() + LEAD_TIME_MS;
        break;
      case 'pause':
        run.pause(`paused by ${command.by}`);
        break;
      case 'resume':
        run.resume(`resumed by ${command.by}`);
        break;
      case 'drain':
        run.drain(`drained by ${command.by}`, command.timeoutMs, command.thenStop);
        break;
      case 'stop':
        run.stop(`stopped by ${command.by}`);
        break;
      case 'emergency-stop':
        run.abort(`emergency stop by ${command.by}`);
        break;
      case 'scale':
        if (run.state !== 'running' && run.state !== 'paused') throw wrongState('scale', run.state, 'paused');
        await board.write('wanted', { agents: Math.min(command.agents, experiment.fleet.max), floor: command.agents });
        break;
      case 'pause-because':
        if (run.state === 'running') run.pause(command.reason);
        break;
      case 'abort-because':
        run.abort(command.reason);
        break;
      case 'chaos':
      case 'emergency-scale':
        // Chaos and the autoscaler read it themselves.
        break;
    }
    return null;
  }

  private note({ name, by }: Command, detail: string): void {
    const { board, clock } = this.options;
    board.event({ type: 'control', at: clock.now(), command: name, by, detail });
  }

  private emit(event: ExperimentEvent): void {
    if (event.type === 'run_state' && this.kept !== null) this.kept.reason = event.reason;
    this.options.board.event(event);
  }
}

const NOTHING_KNOWN: LedgerCounts = {
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
};

function detailOf(command: Command): string {
  switch (command.name) {
    case 'drain':
      return `timeout ${command.timeoutMs} ms`;
    case 'scale':
      return `${command.agents} agents`;
    case 'chaos':
      return command.on ? 'on' : 'off';
    default:
      return '';
  }
}
