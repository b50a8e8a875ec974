import { Random } from '../../runtime/kernel/random.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { CuttableQueue } from '../../runtime/queue/adapters/cuttable-queue.js';
import { MemoryQueue } from '../../runtime/queue/adapters/memory.js';
import type { AgentIdentity } from '../../runtime/queue/port.js';
import { experiment } from '../support/experiment.js';
import { describeTaskQueue } from './conformance.js';
import { Stage, SUCCESS, type OpenQueue, type StageAgent } from './stage.js';

const START = experiment().startAtMs;

/** The memory queue behind links that can be cut; nothing else is in between. */
function cuttable(delayMs: number, opened: (queue: CuttableQueue) => void = () => undefined): OpenQueue {
  return async (rules, observers) => {
    const clock = new VirtualClock(START, new Random(1, 'ties'));
    const queue = new CuttableQueue(clock, new MemoryQueue({ clock, rules, observers, link: { delayMs } }));
    opened(queue);
    return {
      queue,
      settleMs: 2 * delayMs + 1,
      now: () => clock.now(),
      advance: async (ms) => {
        clock.after(ms, () => {
          clock.stop();
        });
        await clock.run();
      },
      close: async () => {
        await queue.close();
      },
    };
  };
}

describeTaskQueue('memory behind links that can be cut', cuttable(0), 30);

describe.each([0, 40])('agents that are cut off, over a link of %d ms', (delayMs) => {
  let queue: CuttableQueue;
  let stage: Stage;
  /** In a zone that is never cut: the others' leases run out only while somebody beats. */
  let other: StageAgent;

  beforeEach(async () => {
    stage = await Stage.open(
      cuttable(delayMs, (opened) => (queue = opened)),
      { ...experiment().queue, massExpiryShare: 1 },
    );
    const attach = queue.attach.bind(queue);
    queue.attach = (agent: AgentIdentity, handlers) =>
      attach({ ...agent, zone: agent.id === 'other' ? 'B' : 'A' }, handlers);
    other = stage.attach('other');
  });

  afterEach(async () => {
    await stage.settle();
    await stage.harness.close();
  });

  const begin = async (id = 'a'): Promise<StageAgent> => {
    const agent = stage.attach(id);
    agent.session.credit(1);
    await stage.settle();
    await stage.submit();
    await stage.until(() => agent.held.length === 1, SECOND);
    return agent;
  };
  const share = (...ids: string[]): number | null => queue.cutOffShare(ids);

  it('get nothing, and what they say waits until they are heard again', async () => {
    const agent = await begin();
    queue.setReachable('A', false);
    expect([share('a'), share('a', 'other'), share('nobody')]).toEqual([1, 0.5, null]);
    const answers: string[] = [];
    const finished = agent.session.finish(agent.held[0]!, SUCCESS);
    agent.session.credit(1);
    const answered = Promise.resolve(finished).then((outcome) => answers.push(outcome));
    await stage.submit();
    await stage.advance(2 * SECOND);
    expect({ answers, seen: agent.seen.length }).toEqual({ answers: [], seen: 1 });
    queue.setReachable('A', true);
    await stage.advance(SECOND);
    await answered;
    expect({ answers, seen: agent.seen.length }).toEqual({ answers: ['counted'], seen: 2 });
    expect(share('a', 'other')).toBe(0);
  });

  it('lose their tasks to others when their leases run out, and their late results are not counted', async () => {
    const agent = await begin();
    queue.setReachable('A', false);
    const late = agent.session.finish(agent.held[0]!, SUCCESS);
    other.session.credit(1);
    await stage.until(() => other.held.length === 1, 6 * SECOND);
    expect(await stage.finish(other, other.held[0]!)).toBe('counted');
    queue.setReachable('A', true);
    expect(await stage.answer(late)).toBe('superseded');
    expect(await stage.answer(queue.counts())).toMatchObject({ completed: 1, superseded: 1, leased: 0, queued: 0 });
  });

  it('hear of a task that was taken from them while they still worked on it, and take another one', async () => {
    const agent = await begin();
    queue.setReachable('A', false);
    other.session.credit(1);
    await stage.until(() => other.held.length === 1, 6 * SECOND);
    queue.setReachable('A', true);
    await stage.until(() => agent.revoked.length === 1, SECOND);
    await stage.submit();
    await stage.until(() => agent.held.length === 1, SECOND);
    expect(await stage.finish(agent, agent.held[0]!)).toBe('counted');
    expect(await stage.finish(other, other.held[0]!)).toBe('counted');
  });

  it('begin unheard when they are started there, and work once they are heard', async () => {
    queue.setReachable('A', false);
    const agent = stage.attach('late');
    agent.session.credit(1);
    await stage.submit();
    await stage.advance(2 * SECOND);
    expect(agent.seen).toEqual([]);
    queue.setReachable('A', true);
    await stage.until(() => agent.held.length === 1, SECOND);
    expect(await stage.finish(agent, agent.held[0]!)).toBe('counted');
  });

  it.each(['close', 'crash'] as const)('leave their tasks behind when they go meanwhile (%s)', async (how) => {
    const agent = await begin();
    queue.setReachable('A', false);
    await agent.session[how]();
    expect(await stage.answer(queue.counts())).toMatchObject({ leased: 1 });
    other.session.credit(1);
    await stage.until(() => other.held.length === 1, 6 * SECOND);
    queue.setReachable('A', true);
    expect(await stage.finish(other, other.held[0]!)).toBe('counted');
  });

  it('that stand still, too, go on when neither is any more', async () => {
    const agent = await begin();
    queue.setReachable('A', false);
    agent.session.freeze();
    await stage.advance(SECOND);
    queue.setReachable('A', true);
    await stage.submit();
    agent.session.credit(1);
    await stage.advance(SECOND);
    expect(agent.seen).toHaveLength(1);
    agent.session.thaw();
    await stage.until(() => agent.held.length === 2, SECOND);
    for (const lease of [...agent.held]) expect(await stage.finish(agent, lease)).toBe('counted');
  });
});
