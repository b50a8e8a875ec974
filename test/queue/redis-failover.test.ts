import { LedgerAudit } from '../../runtime/observe/audit.js';
import { agentOf, submit, sweeping } from './simulated-roles.js';
import { World } from './simulated-world.js';
import { FAILED, QueueLog, SUCCESS } from './stage.js';

describe('the redis queue', () => {
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

    it('gives nothing out before agents could tell where they stand, also when nobody reached it for a while', async () => {
      const world = new World();
      const [generator, worker, idle] = [
        await world.start('generator'),
        await world.start('worker'),
        await world.start('idle'),
      ];
      sweeping(world, generator.queue);
      const first = agentOf(worker.queue, 'a', 1, 1);
      await submit(world, generator.queue, 1);
      const second = agentOf(idle.queue, 'b', 1, 1);
      await world.advance(1_000);
      // One process reaches it when it has come back, and then nobody for longer than it would wait; the agent last.
      for (const { process } of [generator, idle]) process.store.cutOff(0, 6_000);
      worker.process.store.cutOff(0, 6_700);
      world.comeBackEmpty();
      await world.advance(120);
      const { store } = (await world.start('other')).process;
      const head = { driver: 'x', seq: 1, nonce: 'x', epoch: 1, known: 'server-0-1' };
      await world.answer(store.exchange(0, head, true));
      world.redis.shardOf(0).cutOff(5_500);
      await world.advance(12_000);
      expect(first.seen).toHaveLength(1);
      expect(second.seen).toHaveLength(0);
      expect(await world.answer(generator.queue.counts())).toMatchObject({ leased: 1, queued: 0 });
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
});
