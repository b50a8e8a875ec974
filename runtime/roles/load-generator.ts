import { Counter, Gauge } from 'prom-client';
import { LoadGenerator } from '../load/generator.js';
import type { GeneratorJournal } from '../load/port.js';
import { openRoleQueue } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';

/** For the answers that are still out. */
const DRAIN_MS = 10_000;
/** How often it looks whether everything has been sent and answered. */
const LOOK_MS = 100;

/** Sends the experiment's load from now on, and ends when everything has been sent and answered. */
export const role: Role = {
  async start(host) {
    const { experiment, clock, log } = host;
    const queue = await openRoleQueue(host, []);
    const done = clock.deferred<number>();
    const generator = new LoadGenerator({
      experiment,
      clock,
      queue,
      journal: new CountingJournal(host),
      events: (event) => {
        log.info({ event }, event.type);
      },
      onFinished: () => undefined,
      onError: (error) => {
        log.warn({ err: error }, 'something failed; the load goes on');
      },
    });
    generator.start();
    const look = clock.every(LOOK_MS, () => {
      if (generator.exhausted && generator.unanswered === 0) done.resolve(0);
    });
    const running: RunningRole = {
      finished: done.promise.then(async (code) => {
        look.cancel();
        log.info({ load: generator.stats }, 'all was sent');
        await queue.close();
        return code;
      }),
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        generator.stop();
        while (generator.unanswered > 0) await clock.sleep(LOOK_MS);
        look.cancel();
        await queue.close();
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

  constructor({ metrics }: RoleHost) {
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

  sent(): void {
    this.offered.inc();
    this.open.inc();
  }

  answered(_index: number, { accepted }: { readonly accepted: boolean }): void {
    this.answers.inc({ accepted: String(accepted) });
    this.open.dec();
  }

  unknown(): void {
    this.open.dec();
  }
}
