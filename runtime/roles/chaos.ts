import { Gauge } from 'prom-client';
import { FileFaultLedger } from '../chaos/adapters/file-fault-ledger.js';
import { LinkProbe } from '../chaos/adapters/link-probe.js';
import { RedisPrimaries } from '../chaos/adapters/redis-primaries.js';
import { ChaosEngineer } from '../chaos/engineer.js';
import { FaultBook } from '../chaos/fault-book.js';
import { MemoryFaultLedger, faultNumber, type FaultLedger } from '../chaos/fault-ledger.js';
import { isOver } from '../coordinator/run-state.js';
import { Aborted } from '../kernel/clock.js';
import { RandomStreams } from '../kernel/random.js';
import { SECOND } from '../kernel/units.js';
import type { FaultRecord } from '../observe/events.js';
import type { FaultType } from '../spec/experiment.js';
import { ProbeMeter } from '../targets/probe-meter.js';
import { BOARD_START, type Board } from './board/board.js';
import { openRoleBoard } from './board/open-board.js';
import { readChaosSettings, type ChaosSettings } from './chaos-settings.js';
import { ChaosSurface } from './chaos-surface.js';
import { ChaosView } from './chaos-view.js';
import { openRoleQueue } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';

/** Undoing what is open, with what may have to be tried again. */
const DRAIN_MS = 10 * SECOND;
/** For the last events to arrive. */
const LAST_WORDS_MS = 2 * SECOND;
const TELL_MS = SECOND;
const COMMANDS_MS = SECOND / 2;
const TRY_AGAIN_MS = SECOND / 2;
/** How long an answer over the agents' links is waited for, beside the largest delay of the plan. */
const ANSWER_MS = 2 * SECOND;

/**
 * Injects the faults of the experiment's plan, as the board tells where the run stands. Killed and started anew it
 * undoes what it had left open, closes those faults in the record, and goes on with the plan.
 */
export const role: Role = {
  async start(host) {
    const { clock, log } = host;
    const settings = readChaosSettings(host.environment);
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; chaos goes on');
    };
    const board = openRoleBoard(host, onError);
    const ledger = await openLedger(host, settings);
    const meter = await watchLimits(host);
    const view = new ChaosView(board, clock, host.experiment);
    const surface = surfaceOf(host, settings, { board, view, meter });
    const book = new FaultBook((event) => {
      board.event(event);
    });
    const engineer = new ChaosEngineer({
      rules: host.experiment.chaos,
      durationMs: host.experiment.durationMs,
      clock,
      random: new RandomStreams(host.experiment.seed).stream('chaos'),
      surface,
      ledger,
      book,
      emit: (event) => {
        board.event(event);
      },
      elapsedMs: () => view.elapsedMs(),
      mayInject: () => view.mayInject(),
      steadyState: () => view.steadyState(),
      health: () => view.health(),
      // Whoever measures recovery learns of both from the events.
      onInjected: () => undefined,
      onEnded: () => undefined,
    });
    const post = new ChaosPost(host, board, engineer, surface, onError);
    const leaving = new AbortController();
    const running = takeUpAndRun(host, { board, book, engineer, view, post }, leaving.signal).catch(
      (error: unknown) => {
        if (!(error instanceof Aborted)) host.fail(error);
      },
    );
    return {
      drainTimeoutMs: DRAIN_MS + LAST_WORDS_MS,
      async drain() {
        leaving.abort('chaos was told to leave');
        await running;
        await engineer.stop();
        view.stop();
        await post.close();
        await meter?.close();
        await board.close(LAST_WORDS_MS);
        if (ledger instanceof FileFaultLedger) await ledger.dispose();
      },
    } satisfies RunningRole;
  },
};

interface Parts {
  readonly board: Board;
  readonly book: FaultBook;
  readonly engineer: ChaosEngineer;
  readonly view: ChaosView;
  readonly post: ChaosPost;
}

async function takeUpAndRun({ clock, log }: RoleHost, parts: Parts, signal: AbortSignal): Promise<void> {
  const { board, book, engineer, view, post } = parts;
  const insist = async (task: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        await task();
        return;
      } catch (error) {
        log.warn({ err: error }, 'the board does not answer so far; it is tried on');
      }
      await clock.sleep(TRY_AGAIN_MS, signal);
    }
  };
  await insist(() => takeUpBook(board, book));
  // Before anything else, whatever state the run is in: what an earlier process has left is undone.
  await engineer.recover();
  // Faults whose time has passed are not made up for: where the run stands has to be known first.
  await insist(() => view.look());
  view.follow(({ state }) => {
    if (!isOver(state)) return;
    clock.spawn(
      () => engineer.stop(),
      (error) => {
        log.warn({ err: error }, 'chaos could not be stopped in order');
      },
    );
  });
  await post.start();
  await engineer.run(signal);
}

/** The record as an earlier process of the run has left it: names go on from there. */
async function takeUpBook(board: Board, book: FaultBook): Promise<void> {
  const records = new Map<string, FaultRecord>();
  let last = 0;
  let position = BOARD_START;
  for (;;) {
    const { events, position: next } = await board.eventsAfter(position);
    for (const event of events) {
      if (event.type !== 'fault') continue;
      last = Math.max(last, faultNumber(event.fault.id));
      if (event.stage !== 'planned' && event.stage !== 'skipped') records.set(event.fault.id, event.fault);
    }
    if (next === position) break;
    position = next;
  }
  book.restore([...records.values()]);
  book.continueAfter(last);
}

async function openLedger({ clock, log }: RoleHost, { ledgerFile }: ChaosSettings): Promise<FaultLedger> {
  if (ledgerFile !== null) return FileFaultLedger.open(ledgerFile, clock);
  log.warn('FAULTS_FILE is not set: should this process be killed, only their leases end the faults that are open');
  return new MemoryFaultLedger();
}

/** Follows what the attempts end with, where the plan asks for it. */
async function watchLimits(
  host: RoleHost,
): Promise<{ rateLimitedShare(): number | null; close(): Promise<void> } | null> {
  if (!plans(host, 'rate_limit')) return null;
  const meter = new ProbeMeter();
  const queue = await openRoleQueue(host, [meter]);
  return { rateLimitedShare: () => meter.rateLimitedShare(host.clock.now()), close: () => queue.close() };
}

function surfaceOf(
  host: RoleHost,
  { links, redisProcesses }: ChaosSettings,
  parts: {
    readonly board: Board;
    readonly view: ChaosView;
    readonly meter: { rateLimitedShare(): number | null } | null;
  },
): ChaosSurface {
  const { clock, identity, experiment } = host;
  const access = host.requireRedis();
  const slowest = Math.max(0, ...experiment.chaos.injections.map(({ latencyMs }) => latencyMs));
  return new ChaosSurface({
    board: parts.board,
    clock,
    runId: identity.runId,
    fleet: () => parts.view.fleetNow(),
    // Connecting takes a few messages, each of them delayed.
    links: links.length === 0 ? null : new LinkProbe(clock, links, access, ANSWER_MS + 3 * slowest),
    primaries: redisProcesses === null ? null : new RedisPrimaries(access, redisProcesses),
    withDescendants: experiment.executor.type === 'command',
    rateLimitedShare: () => parts.meter?.rateLimitedShare() ?? null,
  });
}

function plans({ experiment }: RoleHost, type: FaultType): boolean {
  return experiment.chaos.injections.some((injection) => injection.type === type);
}

/** What chaos says on the board, and is told there. */
class ChaosPost {
  private readonly ticking = new AbortController();
  private readonly loops: Array<Promise<void>> = [];
  private readonly opened: Gauge;
  private position = BOARD_START;

  constructor(
    private readonly host: RoleHost,
    private readonly board: Board,
    private readonly engineer: ChaosEngineer,
    private readonly surface: ChaosSurface,
    private readonly onError: (error: unknown) => void,
  ) {
    this.opened = new Gauge({ name: 'chaos_faults_open', help: 'Faults not undone.', registers: [host.metrics] });
  }

  /** Carries out what was ordered before, then goes on saying and listening. */
  async start(): Promise<void> {
    await this.obey().catch(this.onError);
    this.loops.push(
      this.repeat(TELL_MS, () => this.tell()),
      this.repeat(COMMANDS_MS, () => this.obey()),
    );
  }

  async close(): Promise<void> {
    this.ticking.abort();
    await Promise.all(this.loops);
    await this.tell().catch(this.onError);
  }

  private async tell(): Promise<void> {
    const { status } = this.engineer;
    this.opened.set(status.open.length);
    await this.board.write('chaos', status);
    await this.board.write('effects', this.surface.note());
  }

  /** `chaos on|off`; the last word counts. */
  private async obey(): Promise<void> {
    const { commands, position } = await this.board.commandsAfter(this.position);
    this.position = position;
    for (const command of commands) if (command.name === 'chaos') this.engineer.setEnabled(command.on);
  }

  private async repeat(everyMs: number, task: () => Promise<void>): Promise<void> {
    const { clock } = this.host;
    let failing = false;
    while (!this.ticking.signal.aborted) {
      try {
        await task();
        failing = false;
      } catch (error) {
        // Said once, not every second.
        if (!failing) this.onError(error);
        failing = true;
      }
      await clock.sleep(everyMs, this.ticking.signal).catch(() => undefined);
    }
  }
}
