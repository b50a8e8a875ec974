import { LedgerAudit } from '../../runtime/observe/audit.js';
import type { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { TaskQueue } from '../../runtime/queue/port.js';
import { describeTaskQueue } from './conformance.js';
import { FAIR, type Weather } from './simulated-redis.js';
import { World } from './simulated-world.js';
import { FAILED, QueueLog, StageAgent, SUCCESS, type OpenQueue } from './stage.js';

/** The Redis queue's driver on a virtual clock, over a simulated Redis. */
function simulated(partitions: number, weather: Weather, settleMs: number): OpenQueue {
  return async (rules, observers) => {
    const world = new World({ partitions, weather, rules });
    const { queue } = await world.start('d1', observers);
    return {
      queue,
      settleMs,
      now: () => world.clock.now(),
      advance: (ms) => world.advance(ms),
      close: async () => {
        const closed = queue.close();
        await world.advance(3_000);
        await closed;
      },
    };
  };
}

describeTaskQueue('redis driver over a simulated redis', simulated(1, FAIR, 50), 30);

describe('the redis queue', () => {
  /** An agent that runs what it is given until it is told to finish it. */
  const agentOf = (queue: TaskQueue, id: string, incarnation: number, slots: number): StageAgent => {
    const agent = new StageAgent(queue, id, incarnation);
    agent.session.credit(slots);
    return agent;
  };
  const submit = async (world: World, queue: RedisQueue, count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      expect(await world.answer(queue.submit(world.nextTask()))).toMatchObject({ accepted: true });
    }
  };
  const sweeping = (world: World, queue: RedisQueue): void => {
    world.clock.every(250, () => {
      world.clock.spawn(
        async () => {
          await queue.sweep();
        },
        (error) => world.errors.push(error),
      );
    });
  };

  describe('when a partition came back empty', () => {
    it('takes again all it had accepted, whatever the bound says now', async () => {
      const world = new World({ rules: { bound: 3 } });
      const { queue: generator } = await world.start('generator');
      const worker = await world.start('worker');
      const agent = agentOf(worker.queue, 'a', 1, 4);
      await world.advance(1_000);
      await submit(world, generator, 7);
      expect(agent.held).toHaveLength(4);
      world.comeBackEmpty();
      await world.advance(5_000);
      expect(await world.answer(generator.counts())).toMatchObject({ submitted: 7, shed: 0, queued: 3, leased: 4 });
      expect(agent.seen).toHaveLength(4);
    });

    it('does not take what it had refused', async () => {
      const world = new World({ rules: { bound: 1 } });
      const { queue: generator } = await world.start('generator');
      const [accepted, refused] = [world.nextTask(), world.nextTask()];
      expect(await world.answer(generator.submit(accepted))).toMatchObject({ accepted: true });
      expect(await world.answer(generator.submit(refused))).toEqual({ accepted: false, reason: 'queue_full' });
      const worker = await world.start('worker');
      const agent = agentOf(worker.queue, 'a', 1, 4);
      await world.advance(1_000);
      world.comeBackEmpty();
      await world.advance(5_000);
      expect(await world.answer(generator.submit(refused))).toEqual({ accepted: false, reason: 'queue_full' });
      expect(agent.seen.map(({ task }) => task.index)).toEqual([0]);
      expect(await world.answer(generator.stateOf(1))).toBe('shed');
    });

    it('knows what agents had finished that have been killed since, from those who follow the log', async () => {
      const world = new World();
      const log = new QueueLog();
      const audit = new LedgerAudit();
      const { queue: monitor } = await world.start('monitor', [log, audit]);
      sweeping(world, monitor);
      const { queue: generator } = await world.start('generator');
      const worker = await world.start('worker');
      const agent = agentOf(worker.queue, 'a', 1, 2);
      await submit(world, generator, 2);
      await world.advance(100);
      expect(await world.answer(agent.session.finish(agent.held[0]!, SUCCESS))).toBe('counted');
      expect(await world.answer(agent.session.finish(agent.held[1]!, { ...FAILED, final: true }))).toBe('dead');
      await world.advance(100);
      worker.process.kill();
      world.comeBackEmpty();
      const other = agentOf((await world.start('other')).queue, 'b', 1, 4);
      await world.advance(10_000);
      expect(other.seen).toEqual([]);
      expect(await world.answer(monitor.counts())).toMatchObject({ completed: 1, failed: 1, queued: 0, leased: 0 });
      expect(log.of('finished').map(({ outcome }) => outcome)).toEqual(['counted', 'dead']);
      expect(audit.judge(await world.answer(monitor.counts()))).toMatchObject({ doubleCounted: 0 });
    });

    it('tells observers of a task that ended again as of a late result, though not when nothing had been lost', async () => {
      const world = new World();
      const log = new QueueLog();
      const { queue: monitor } = await world.start('monitor', [log]);
      const finish = (attemptId: string, seq: number, index: number): Promise<unknown> => {
        const head = { driver: 'd', seq, nonce: `d.${seq}`, epoch: seq - 1, known: seq === 1 ? '' : 'server-0-1' };
        const times = [String(world.clock.now()), '', [2, 0, '0', ''], 0] as const;
        return world.redis
          .store()
          .exchange(0, { ...head, finish: [[index, attemptId, 1, seq, 'a', 1, '', 0, ...times]] }, true);
      };
      await world.answer(finish('first', 1, 0));
      await world.advance(1_000);
      world.comeBackEmpty();
      await world.advance(200);
      await world.answer(finish('second', 2, 0));
      await world.advance(2_000);
      expect(log.of('finished').map(({ outcome }) => outcome)).toEqual(['counted', 'superseded']);
      expect(monitor.endedAgain).toBe(1);
    });

    it('knows that a task failed for good whose last agent died', async () => {
      const world = new World({ rules: { maxAttempts: 1 } });
      const audit = new LedgerAudit();
      const { queue: monitor } = await world.start('monitor', [audit]);
      sweeping(world, monitor);
      const { queue: generator } = await world.start('generator');
      const worker = await world.start('worker');
      agentOf(worker.queue, 'a', 1, 1);
      await submit(world, generator, 1);
      await world.advance(100);
      worker.process.kill();
      await world.advance(6_000);
      expect(await world.answer(monitor.counts())).toMatchObject({ failed: 1 });
      world.comeBackEmpty();
      const other = agentOf((await world.start('other')).queue, 'b', 1, 4);
      await world.advance(10_000);
      expect(other.seen).toEqual([]);
      expect(await world.answer(generator.stateOf(0))).toBe('failed');
      expect(audit.judge(await world.answer(monitor.counts()))).toMatchObject({ doubleCounted: 0 });
    });

    it('hears the results of a process all of whose agents have left', async () => {
      const world = new World();
      const { queue: generator } = await world.start('generator');
      const { queue } = await world.start('worker');
      const agent = agentOf(queue, 'a', 1, 1);
      await submit(world, generator, 1);
      await world.advance(100);
      expect(await world.answer(agent.session.finish(agent.held[0]!, SUCCESS))).toBe('counted');
      await world.answer(Promise.resolve(agent.session.close()));
      world.comeBackEmpty();
      const other = agentOf((await world.start('other')).queue, 'b', 1, 1);
      await world.advance(5_000);
      expect(other.seen).toEqual([]);
      expect(await world.answer(generator.stateOf(0))).toBe('completed');
    });

    it('gets its tasks back from a generator that has nothing to submit any more', async () => {
      const world = new World();
      const { queue: generator } = await world.start('generator');
      await submit(world, generator, 3);
      await world.advance(1_000);
      world.comeBackEmpty();
      await world.advance(2_000);
      const agent = agentOf((await world.start('worker')).queue, 'a', 1, 3);
      await world.advance(3_000);
      expect(agent.seen).toHaveLength(3);
    });

    it('goes on with its log also when the first to come knew nothing of what had been', async () => {
      const world = new World();
      const log = new QueueLog();
      const { queue: monitor, process } = await world.start('monitor', [log]);
      const { queue: generator } = await world.start('generator');
      await submit(world, generator, 2);
      await world.advance(100);
      expect(log.of('submitted')).toHaveLength(2);
      process.store.cutOff(0, 3_000);
      world.comeBackEmpty();
      await world.advance(200);
      const newcomer = await world.start('newcomer');
      await world.answer(newcomer.queue.submit({ ...world.nextTask(), index: 7 }));
      await world.advance(10_000);
      expect(log.of('submitted').map(({ index }) => index)).toEqual([0, 1, 7]);
      expect(await world.answer(monitor.counts())).toMatchObject({ submitted: 3 });
    });
  });

  describe('after a promotion', () => {
    it('waits no longer for agents than they need, idle ones included', async () => {
      const world = new World({ rules: { beatMs: 2_000, leaseMs: 16_000 } });
      const { queue: generator } = await world.start('generator');
      sweeping(world, generator);
      const agent = agentOf((await world.start('worker')).queue, 'a', 1, 2);
      await world.advance(5_000);
      world.redis.shardOf(0).killPrimary(20_000);
      await world.advance(3_500);
      const asked = world.clock.now();
      await submit(world, generator, 1);
      while (agent.seen.length === 0) await world.advance(50);
      // What a promotion waits at least; not what it waits at most, 5 s.
      expect(world.clock.now() - asked).toBeLessThan(2_600);
    });

    it('hands a task back again that the new owner still takes for leased', async () => {
      const world = new World();
      const { queue: generator } = await world.start('generator');
      sweeping(world, generator);
      const { queue } = await world.start('worker');
      const agent = agentOf(queue, 'a', 1, 1);
      await submit(world, generator, 1);
      await world.advance(1_000);
      const [lease] = agent.held;
      // What the primary does from now on its replica never hears, and after a while nobody waits for it.
      world.redis.shardOf(0).stallReplica(5_000);
      await world.advance(2_500);
      agent.drop(lease!);
      await world.answer(Promise.resolve(agent.session.release([lease!])));
      world.redis.shardOf(0).killPrimary(20_000);
      await world.advance(8_000);
      expect(await world.answer(generator.counts())).toMatchObject({ leased: 0, queued: 1 });
      agent.session.credit(1);
      await world.advance(2_000);
      expect(agent.held).toHaveLength(1);
    });

    it('does not let agents expire that it hears and cannot answer', async () => {
      const world = new World({ rules: { leaseMs: 2_000 } });
      const { queue: generator } = await world.start('generator');
      sweeping(world, generator);
      const { queue } = await world.start('worker');
      const agent = agentOf(queue, 'a', 1, 1);
      await submit(world, generator, 2);
      await world.advance(100);
      // Until the replica counts as failed no answer is certain: what is asked now is asked again all the while.
      world.redis.shardOf(0).stallReplica(60_000);
      const finished = world.answer(Promise.resolve(agent.session.finish(agent.held[0]!, SUCCESS)));
      agent.session.credit(1);
      expect(await finished).toBe('counted');
      await world.advance(1_000);
      expect(await world.answer(generator.counts())).toMatchObject({ expired: 0, leased: 1 });
    });

    it('has told observers nothing that it does not know any more', async () => {
      const world = new World();
      const log = new QueueLog();
      const { queue: monitor } = await world.start('monitor', [log]);
      sweeping(world, monitor);
      const { queue: generator } = await world.start('generator');
      const worker = await world.start('worker');
      const agent = agentOf(worker.queue, 'a', 1, 1);
      await submit(world, generator, 1);
      await world.advance(100);
      world.redis.shardOf(0).stallReplica(1_000);
      const outcome: unknown[] = [];
      Promise.resolve(agent.session.finish(agent.held[0]!, SUCCESS)).then(
        (told) => outcome.push(told),
        () => undefined,
      );
      await world.advance(200);
      worker.process.kill();
      world.redis.shardOf(0).killPrimary(20_000);
      const other = agentOf((await world.start('other')).queue, 'b', 1, 1);
      await world.advance(15_000);
      expect(outcome).toEqual([]);
      expect(await world.answer(Promise.resolve(other.session.finish(other.held[0]!, SUCCESS)))).toBe('counted');
      await world.advance(1_000);
      expect(log.of('finished').map(({ agent: by, outcome: told }) => `${by} ${told}`)).toEqual(['b counted']);
    });
  });

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
    const record = [task.priority, task.type, String(task.scheduledAt), ''];
    const leases = [['a', task.index, attemptId, attempt, 1, record]];
    await world.answer(
      world.redis.store().publish('ae:r:driver:worker', JSON.stringify({ say: 'leases', partition: 0, leases })),
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
