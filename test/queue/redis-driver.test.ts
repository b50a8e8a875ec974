import { rowOfLeases } from '../../runtime/queue/adapters/redis/exchange.js';
import { agentOf, submit, sweeping } from './simulated-roles.js';
import { FAIR } from './simulated-redis.js';
import { World } from './simulated-world.js';
import { FAILED, QueueLog, SUCCESS } from './stage.js';

describe('the driver of the redis queue', () => {
  it('gives a frozen agent that hears of a lost lease its slot back when it goes on', async () => {
    const world = new World();
    const { queue: monitor } = await world.start('monitor');
    sweeping(world, monitor);
    const { queue: generator } = await world.start('generator');
    const { queue } = await world.start('worker');
    const agent = agentOf(queue, 'a', 1, 1);
    await submit(world, generator, 1);
    await world.advance(100);
    agent.session.freeze();
    await world.advance(6_000);
    agent.session.thaw();
    // The answer to what it asks when it goes on comes when it stands still again.
    agent.session.freeze();
    await world.advance(1_000);
    agent.session.thaw();
    await world.advance(2_000);
    expect(agent.seen).toHaveLength(2);
  });

  it('takes a most important task beyond its own share while another partition has room, and knows it everywhere', async () => {
    const world = new World({ partitions: 2, rules: { bound: 2 } });
    const { queue: first, process } = await world.start('generator');
    await submit(world, first, 1);
    const important = { ...world.nextTask(0), index: 2 };
    expect(await world.answer(first.submit(important))).toMatchObject({ accepted: true });
    process.kill();
    const { queue: second } = await world.start('generator again');
    expect(await world.answer(second.submit(important))).toMatchObject({ accepted: true });
    expect(await world.answer(second.counts())).toMatchObject({ submitted: 2, queued: 2 });
    expect(await world.answer(second.stateOf(2))).toBe('queued');
    const full = { ...world.nextTask(0), index: 1 };
    expect(await world.answer(second.submit(full))).toMatchObject({ accepted: true });
    expect(await world.answer(second.submit({ ...full, index: 4 }))).toEqual({ accepted: false, reason: 'queue_full' });
  });

  it('offers no slot to a partition that does not answer, and takes back what it had offered', async () => {
    const world = new World({ partitions: 2 });
    const { queue: generator } = await world.start('generator');
    const { queue } = await world.start('worker');
    const agent = agentOf(queue, 'a', 1, 2);
    agent.react = (lease) => {
      world.clock.after(100, () => {
        agent.drop(lease);
        Promise.resolve(agent.session.finish(lease, SUCCESS)).catch((error: unknown) => world.errors.push(error));
        agent.session.credit(1);
      });
    };
    await world.advance(1_000);
    world.redis.shardOf(1).cutOff(60_000);
    await world.advance(2_000);
    // Two slots and a tenth of a second each: twenty a second.
    for (let i = 0; i < 100; i += 1) {
      generator.submit({ ...world.nextTask(), index: 2 * i }).catch((error: unknown) => world.errors.push(error));
    }
    await world.advance(8_000);
    expect(agent.seen).toHaveLength(100);
  });

  it('begins nothing that waited for a process that stood still, unless it is still its own', async () => {
    const world = new World();
    const { queue: generator } = await world.start('generator');
    sweeping(world, generator);
    const frozen = await world.start('frozen');
    const agent = agentOf(frozen.queue, 'a', 1, 2);
    await world.advance(1_000);
    frozen.process.freeze();
    await submit(world, generator, 2);
    const other = agentOf((await world.start('other')).queue, 'b', 1, 4);
    await world.advance(6_000);
    expect(other.held).toHaveLength(2);
    frozen.process.thaw();
    await world.advance(2_000);
    expect(agent.seen).toEqual([]);
    await submit(world, generator, 4);
    await world.advance(2_000);
    expect(agent.held).toHaveLength(2);
  });

  it('runs no attempt again whose lease is told once more when it is over', async () => {
    const world = new World();
    const { queue: generator } = await world.start('generator');
    const { queue } = await world.start('worker');
    const agent = agentOf(queue, 'a', 1, 2);
    await submit(world, generator, 1);
    await world.advance(1_000);
    const [lease] = agent.held;
    const { attemptId, attempt, task } = lease!;
    expect(await world.answer(Promise.resolve(agent.session.finish(lease!, SUCCESS)))).toBe('counted');
    const record = [task.priority, task.type, String(task.scheduledAt), ''] as const;
    const leases = [['a', task.index, attemptId, attempt, 1, record]] as const;
    await world.answer(
      world.redis
        .store()
        .publish('ae:r:driver:worker', JSON.stringify({ say: 'leases', partition: 0, leases: rowOfLeases(leases) })),
    );
    await world.advance(1_000);
    expect(agent.seen).toHaveLength(1);
    // And it does not stand for one that gets lost.
    world.redis.weather = { ...FAIR, lostMessages: 1 };
    await submit(world, generator, 1);
    await world.advance(2_000);
    expect(agent.seen).toHaveLength(2);
  });

  it('passes on that a failure is final, that an attempt never began, and what an attempt used', async () => {
    const world = new World();
    const used: unknown[] = [];
    const log = new QueueLog();
    const nothing = (): void => undefined;
    const { queue: monitor } = await world.start('monitor', [
      log,
      { submitted: nothing, started: nothing, requeued: nothing, finished: (_l, _a, { usage }) => used.push(usage) },
    ]);
    sweeping(world, monitor);
    const { queue } = await world.start('worker');
    const agent = agentOf(queue, 'a', 1, 3);
    await submit(world, queue, 2);
    await world.advance(100);
    const usage = { inputTokens: 1_200, outputTokens: 34, usd: 0.0125 };
    const [first, second] = agent.held;
    expect(await world.answer(Promise.resolve(agent.session.finish(first!, { ...FAILED, final: true, usage })))).toBe(
      'dead',
    );
    const deferred = { ...FAILED, deferred: true, retryAfterMs: 500 };
    expect(await world.answer(Promise.resolve(agent.session.finish(second!, deferred)))).toBe('retried');
    await world.advance(2_000);
    expect(agent.seen.at(-1)).toMatchObject({ attempt: 1, task: { index: 1 } });
    expect(used).toEqual([usage, undefined]);
  });

  it('tells what is known of a task in one partition when several processes read the log at their own pace', async () => {
    const world = new World();
    const [fast, slow] = [new QueueLog(), new QueueLog()];
    const { queue } = await world.start('fast', [fast]);
    const other = await world.start('slow', [slow]);
    await submit(world, queue, 1);
    await world.advance(100);
    other.process.freeze();
    await submit(world, queue, 5);
    await world.advance(20_000);
    other.process.thaw();
    await world.advance(3_000);
    expect(slow.of('submitted')).toHaveLength(6);
    expect(other.queue.missedLogEntries).toBe(0);
  });
});
