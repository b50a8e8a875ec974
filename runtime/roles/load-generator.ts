import { Counter, Gauge } from 'prom-client';
import { OfferJournal } from '../load/adapters/offer-journal.js';
import type { GeneratorJournal } from '../load/port.js';
import type { SubmitOutcome } from '../queue/port.js';
import { openRoleBoard } from './board/open-board.js';
import { LoadKeeper } from './load-keeper.js';
import { openRoleQueue } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';

/** For the answers that are still out. */
const DRAIN_MS = 10_000;
/** How often it looks whether everything has been answered. */
const LOOK_MS = 100;
/** For the last note and events. */
const LAST_WORDS_MS = 2_000;

/** Sends the experiment's load while the run is running, and ends when the run is over and all has been answered for. */
export const role: Role = {
  async start(host) {
    const { experiment, clock, log, journalFolder, identity } = host;
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the load goes on');
    };
    const board = openRoleBoard(host, onError);
    const queue = await openRoleQueue(host, []);
    const offers = journalFolder === null ? null : new OfferJournal(journalFolder, identity.id);
    const journal = new CountingJournal(host, offers);
    const keeper = new LoadKeeper({ experiment, clock, board, queue, journal, onError });
    keeper.start();
    const close = async (): Promise<void> => {
      keeper.stop();
      await queue.close();
      await board.close(LAST_WORDS_MS);
      offers?.close();
    };
    const running: RunningRole = {
      finished: keeper.finished.then(async () => {
        log.info('the run is over');
        await close();
        return 0;
      }),
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        keeper.stop();
        while (keeper.unanswered > 0) await clock.sleep(LOOK_MS);
        await close();
      },
    };
    return running;
  },
};

/** What was sent, as metrics. */
class CountingJournal implements GeneratorJournal {
  private readonly offered: Counter;
  private readonly answers: Counter;
  private readonly open: Gauge;

  constructor(
    { metrics }: RoleHost,
    private readonly next: GeneratorJournal | null,
  ) {
    const registers = [metrics];
    this.offered = new Counter({ name: 'load_tasks_total', help: 'Tasks offered.', registers });
    this.answers = new Counter({
      name: 'load_answers_total',
      help: 'Answers, by whether the task was taken.',
      labelNames: ['accepted'],
      registers,
    });
    this.open = new Gauge({ name: 'load_unanswered', help: 'Offers without an answer.', registers });
  }

  sent(index: number, scheduledAt: number): void {
    // Written down first: what is on its way must be known, whatever happens here.
    this.next?.sent(index, scheduledAt);
    this.offered.inc();
    this.open.inc();
  }

  answered(index: number, outcome: SubmitOutcome): void {
    this.next?.answered(index, outcome);
    this.answers.inc({ accepted: String(outcome.accepted) });
    this.open.dec();
  }

  unknown(index: number): void {
    this.next?.unknown(index);
    this.open.dec();
  }
}
