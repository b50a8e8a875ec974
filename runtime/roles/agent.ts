import { Gauge, Counter } from 'prom-client';
import { FileJournal } from '../agents/adapters/file-journal.js';
import { Agent, type AgentListener } from '../agents/agent.js';
import { agentWork } from '../targets/executors.js';
import { openRoleQueue } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';

/** Beyond the time tasks get to end: for their results to arrive. */
const LAST_WORDS_MS = 2_000;

/** One agent: takes tasks from the queue for as many slots as the experiment gives it. */
export const role: Role = {
  async start(host) {
    const { experiment, identity, clock, log } = host;
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the agent goes on');
    };
    const queue = await openRoleQueue(host, []);
    const journal = host.journalFolder === null ? null : new FileJournal(host.journalFolder, identity.id);
    const work = agentWork({ experiment, clock, target: 'cluster', onError });
    const listener = new Listener(host);
    const agent = new Agent({
      id: identity.id,
      incarnation: identity.incarnation,
      zone: identity.zone ?? '',
      slots: experiment.fleet.slots,
      clock,
      queue,
      executor: work.executor,
      journal: journal ?? { result: () => undefined },
      listener,
      onError,
    });
    agent.start();
    const running: RunningRole = {
      drainTimeoutMs: experiment.fleet.drainTimeoutMs + LAST_WORDS_MS,
      async drain() {
        agent.drain();
        const patience = new AbortController();
        await Promise.race([
          listener.whenDrained,
          clock.sleep(experiment.fleet.drainTimeoutMs, patience.signal).catch(() => undefined),
        ]);
        patience.abort();
        // What is still running goes back to the queue and runs elsewhere.
        agent.close();
        await queue.close();
        await work.close();
        journal?.close();
      },
    };
    return running;
  },
};

/** Counts what the agent does, and tells when it has nothing left. */
class Listener implements AgentListener {
  readonly whenDrained: Promise<null>;
  private readonly tellDrained: (nothing: null) => void;
  private readonly busy: Gauge;
  private readonly ended: Counter;

  constructor({ clock, metrics, experiment }: RoleHost) {
    const drained = clock.deferred<null>();
    this.whenDrained = drained.promise;
    this.tellDrained = drained.resolve;
    const registers = [metrics];
    this.busy = new Gauge({ name: 'agent_slots_busy', help: 'Slots with a task.', registers });
    this.ended = new Counter({ name: 'agent_attempts_total', help: 'Attempts that ended here.', registers });
    new Gauge({ name: 'agent_slots', help: 'Tasks it takes at a time.', registers }).set(experiment.fleet.slots);
  }

  busyChanged(_agent: Agent, by: 1 | -1): void {
    this.busy.inc(by);
  }

  taskEnded(): void {
    this.ended.inc();
  }

  drained(): void {
    this.tellDrained(null);
  }
}
