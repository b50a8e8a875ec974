import { Gauge, Counter } from 'prom-client';
import { FileJournal } from '../agents/adapters/file-journal.js';
import { Agent, type AgentListener } from '../agents/agent.js';
import { Aborted } from '../kernel/clock.js';
import type { Experiment } from '../spec/experiment.js';
import { agentWork } from '../targets/executors.js';
import { reachRoleQueue, type RoleQueue } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';
import { sharedKeys } from './shared-keys.js';

/** Beyond the time tasks get to end: for their results to arrive. */
const LAST_WORDS_MS = 2_000;

/**
 * One agent: takes tasks from the queue for as many slots as the experiment gives it. It is there, and ready, before it
 * has reached the queue: `attached` in its log says when it has.
 */
export const role: Role = {
  start(host) {
    const { experiment, identity, clock, log } = host;
    host.requireRedis();
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the agent goes on');
    };
    let reached: RoleQueue | null = null;
    // Nobody asks for a key before there are tasks.
    const limiter = sharedKeys(host, () => present(reached).keys, onError);
    const work = agentWork({ experiment, clock, target: 'cluster', onError, ...(limiter === null ? {} : { limiter }) });
    const journal = host.journalFolder === null ? null : new FileJournal(host.journalFolder, identity.id);
    const listener = new Listener(host);
    let agent: Agent | null = null;
    let endEffects = (): Promise<void> => Promise.resolve();
    const leaving = new AbortController();
    const attach = async (): Promise<void> => {
      reached = await reachRoleQueue(host, [], leaving.signal);
      if (leaving.signal.aborted) {
        await reached.queue.close();
        return;
      }
      agent = new Agent({
        id: identity.id,
        incarnation: identity.incarnation,
        zone: identity.zone ?? '',
        slots: experiment.fleet.slots,
        clock,
        queue: reached.queue,
        executor: work.executor,
        journal: journal ?? { result: () => undefined },
        listener,
        onError,
      });
      agent.start();
      log.info('attached');
      if (!hasFaultsInside(experiment)) return;
      // Loaded by those only who need it: an agent is to start fast, and be small.
      const { followEffects } = await import('./agent-effects.js');
      endEffects = followEffects(host, agent, work.executor);
    };
    attach().catch((error: unknown) => {
      if (!(error instanceof Aborted)) host.fail(error);
    });
    const running: RunningRole = {
      drainTimeoutMs: experiment.fleet.drainTimeoutMs + LAST_WORDS_MS,
      async drain() {
        leaving.abort();
        if (agent !== null) {
          agent.drain();
          const patience = new AbortController();
          await Promise.race([
            listener.whenDrained,
            clock.sleep(experiment.fleet.drainTimeoutMs, patience.signal).catch(() => undefined),
          ]);
          patience.abort();
          // What is still running goes back to the queue and runs elsewhere.
          agent.close();
          await reached?.queue.close();
        }
        await endEffects();
        limiter?.close();
        await work.close();
        journal?.close();
      },
      async abort() {
        agent?.kill();
        await work.close();
      },
    };
    return Promise.resolve(running);
  },
};

/** Faults that act inside an agent: only then it has to look for them. */
function hasFaultsInside({ chaos }: Experiment): boolean {
  return chaos.injections.some(({ type }) => type === 'slow_agents' || type === 'rate_limit');
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error('the queue has not been reached yet');
  return value;
}

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
