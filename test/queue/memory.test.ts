import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { MemoryQueue } from '../../runtime/queue/adapters/memory.js';
import { experiment } from '../support/experiment.js';
import { describeTaskQueue } from './conformance.js';
import { FAILED, Stage, type OpenQueue } from './stage.js';

const START = experiment().startAtMs;

/** The memory queue on a virtual clock, over a link of so many ms each way. */
function memory(delayMs: number, seed = 1): OpenQueue {
  return async (rules, observers) => {
    const clock = new VirtualClock(START, new Random(seed, 'ties'));
    const queue = new MemoryQueue({ clock, rules, observers, link: { delayMs } });
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
        queue.close();
      },
    };
  };
}

describeTaskQueue('memory', memory(0));
describeTaskQueue('memory over a slow link', memory(60), 30);

describe('memory queue', () => {
  it('takes up where a snapshot left off', async () => {
    const rules = experiment().queue;
    const before = await Stage.open(memory(0), rules);
    const agent = before.attach('a');
    agent.session.credit(3);
    await before.submitMany(6);
    await before.finish(agent, agent.held[0]!);
    await before.finish(agent, agent.held[0]!, FAILED);
    const { queue: old } = before;
    if (!(old instanceof MemoryQueue)) throw new Error('the stage is to hold a memory queue');

    const after = await Stage.open(memory(0), rules);
    const { queue } = after;
    if (!(queue instanceof MemoryQueue)) throw new Error('the stage is to hold a memory queue');
    queue.restore(old.unfinished(), old.counts());
    await after.check();
    expect(queue.counts()).toMatchObject({ submitted: 6, completed: 1, queued: 5, leased: 0, retried: 1 });
    // What it had seen before it still knows: nothing is run twice.
    expect(queue.submit({ index: 0, type: 0, priority: 2, scheduledAt: START })).toMatchObject({ accepted: true });
    expect(queue.counts().submitted).toBe(6);
    const worker = after.attach('w');
    worker.session.credit(10);
    expect(worker.held.map(({ task, attempt }) => [task.index, attempt])).toEqual([
      [1, 2],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 1],
    ]);
    expect(after.log.of('started').map(({ index, first }) => [index, first])).toEqual([
      [1, false],
      [2, false],
      [3, true],
      [4, true],
      [5, true],
    ]);
    for (const lease of [...worker.held]) await after.finish(worker, lease);
    await after.check();
    expect(queue.counts()).toMatchObject({ submitted: 6, completed: 6 });
  });

  it('remembers every refusal, however many there have been since', async () => {
    const stage = await Stage.open(memory(0), { ...experiment().queue, bound: 0 });
    const first = stage.nextTask();
    const refused = { accepted: false, reason: 'queue_full' };
    expect(await stage.answer(stage.queue.submit(first))).toEqual(refused);
    await stage.submitMany(20_000);
    expect(await stage.answer(stage.queue.submit(first))).toEqual(refused);
    expect(await stage.answer(stage.queue.stateOf(0))).toBe('shed');
  });

  it('hands everything back when it is closed', async () => {
    const stage = await Stage.open(memory(0), experiment().queue);
    const agent = stage.attach('a');
    agent.session.credit(2);
    await stage.submitMany(2);
    await stage.harness.close();
    await stage.check();
    expect(await stage.answer(stage.queue.counts())).toMatchObject({ queued: 2, leased: 0 });
  });
});
