import type { AdmissionLimits, Canary } from '../../runtime/queue/port.js';
import type { QueueRules } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { describeRandomOperations } from './random-operations.js';
import { FAILED, Stage, SUCCESS, type OpenQueue } from './stage.js';

const RULES = experiment().queue;

export interface SuiteOptions {
  /**
   * The queue is divided: among tasks of the same priority the oldest first, the bound and the expected wait hold for
   * each part only, and the tests of them, which look at the whole queue, are left out. Everything else holds as ever.
   */
  readonly divided?: boolean;
}

/**
 * What every TaskQueue must do (design.md §5), whatever it is made of. It uses nothing but the port: time passes
 * through the harness, answers are awaited, and the coordinator's sweeps are the suite's.
 */
export function describeTaskQueue(name: string, open: OpenQueue, randomRuns = 60, options: SuiteOptions = {}): void {
  /** Runs a test on a fresh queue, and checks the ledger once more at its end. */
  const on =
    (rules: Partial<QueueRules>, test: (stage: Stage) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const stage = await Stage.open(open, { ...RULES, ...rules });
      try {
        await test(stage);
        await stage.settle();
      } finally {
        await stage.harness.close();
      }
    };

  const itUndivided = (title: string, test: () => Promise<void>): void => {
    if (options.divided !== true) it(title, test);
  };

  describe(`task queue: ${name}`, () => {
    describe('submitting', () => {
      itUndivided(
        'answers a task that is offered again as the first time, whatever has become of it',
        on({ bound: 1 }, async (stage) => {
          const accepted = stage.nextTask();
          const refused = stage.nextTask();
          expect(await stage.answer(stage.queue.submit(accepted))).toMatchObject({ accepted: true });
          expect(await stage.answer(stage.queue.submit(refused))).toEqual({ accepted: false, reason: 'queue_full' });
          const again = async (): Promise<void> => {
            expect(await stage.answer(stage.queue.submit(accepted))).toMatchObject({ accepted: true });
            expect(await stage.answer(stage.queue.submit(refused))).toEqual({ accepted: false, reason: 'queue_full' });
          };
          await again();
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.until(() => agent.held.length === 1, 1_000);
          await again();
          await stage.finish(agent, agent.held[0]!);
          await again();
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ submitted: 2, completed: 1, shed: 1 });
          expect(stage.log.of('submitted')).toHaveLength(2);
          expect(agent.seen).toHaveLength(1);
        }),
      );

      it(
        'says when it took the task, and where it stands',
        on({}, async (stage) => {
          const before = stage.harness.now();
          const outcome = await stage.submit();
          expect(outcome).toMatchObject({ accepted: true });
          if (outcome.accepted) {
            expect(outcome.enqueuedAt).toBeGreaterThanOrEqual(before);
            expect(outcome.enqueuedAt).toBeLessThanOrEqual(stage.harness.now());
          }
          const phase = async () => stage.answer(stage.queue.stateOf(0));
          expect(await phase()).toBe('queued');
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.until(() => agent.held.length === 1, 1_000);
          expect(await phase()).toBe('leased');
          await stage.finish(agent, agent.held[0]!, FAILED);
          expect(await phase()).toBe('delayed');
          expect(await stage.answer(stage.queue.stateOf(99))).toBeNull();
        }),
      );

      itUndivided(
        'refuses what goes beyond the bound, but nothing an agent could take at once',
        on({ bound: 3 }, async (stage) => {
          await stage.submitMany(3, 3);
          expect(await stage.submit(0)).toEqual({ accepted: false, reason: 'queue_full' });
          const agent = stage.attach('a');
          agent.session.credit(10);
          await stage.until(() => agent.held.length === 3, 1_000);
          await stage.submitMany(7, 3);
          await stage.settle();
          expect(agent.held).toHaveLength(10);
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ submitted: 11, shed: 1, leased: 10 });
          expect(await stage.answer(stage.queue.stateOf(3))).toBe('shed');
        }),
      );

      itUndivided(
        'refuses by expected wait where limits are set, the least important first, until they are lifted',
        on({}, async (stage) => {
          const limits: AdmissionLimits = {
            drainPerMs: 0.001,
            arrivalsPerMs: [0, 0, 0, 0],
            maxWaitMs: [4_000, 3_000, 2_000, 1_000],
          };
          await stage.answer(stage.queue.setAdmission(limits));
          const taken: string[] = [];
          for (const priority of [3, 3, 2, 2, 1, 1, 0, 0] as const) {
            const outcome = await stage.submit(priority);
            taken.push(`P${priority} ${outcome.accepted ? 'taken' : outcome.reason}`);
          }
          // Each waits one second for every task before it, itself included.
          expect(taken).toEqual([
            ...['P3 taken', 'P3 expected_wait', 'P2 taken', 'P2 taken'],
            ...['P1 taken', 'P1 taken', 'P0 taken', 'P0 taken'],
          ]);
          expect(await stage.submit(2)).toEqual({ accepted: false, reason: 'expected_wait' });
          await stage.answer(stage.queue.setAdmission(null));
          expect(await stage.submit(3)).toMatchObject({ accepted: true });
        }),
      );
    });

    describe('leasing', () => {
      itUndivided(
        'gives the most important task first, and among equals the oldest',
        on({}, async (stage) => {
          const priorities = [3, 2, 1, 2, 0, 3, 1, 0, 2] as const;
          for (const priority of priorities) await stage.submit(priority);
          const agent = stage.attach('a');
          for (let i = 0; i < priorities.length; i += 1) {
            agent.session.credit(1);
            await stage.until(() => agent.held.length === 1, 1_000);
            await stage.finish(agent, agent.held[0]!);
          }
          expect(agent.seen.map((lease) => lease.task.index)).toEqual([4, 7, 2, 6, 1, 3, 8, 0, 5]);
        }),
      );

      it(
        'gives an agent as many tasks as it gave credit for, and no more',
        on({}, async (stage) => {
          await stage.submitMany(10);
          const agent = stage.attach('a');
          await stage.settle();
          expect(agent.held).toHaveLength(0);
          agent.session.credit(2);
          await stage.settle();
          expect(agent.held).toHaveLength(2);
          await stage.finish(agent, agent.held[0]!);
          await stage.settle();
          expect(agent.held).toHaveLength(1);
          agent.session.credit(3);
          await stage.settle();
          expect(agent.held).toHaveLength(4);
        }),
      );

      it(
        'shares tasks among the agents, each to one of them, with attempt ids that never come again',
        on({}, async (stage) => {
          const agents = ['a', 'b', 'c', 'd'].map((id) => stage.attach(id));
          for (const agent of agents) agent.session.credit(3);
          await stage.settle();
          await stage.submitMany(12);
          await stage.settle();
          for (const agent of agents) expect(agent.held).toHaveLength(3);
          const leases = agents.flatMap((agent) => agent.seen);
          expect(leases.map((lease) => lease.task.index).sort((x, y) => x - y)).toEqual([...Array(12).keys()]);
          expect(new Set(leases.map((lease) => lease.attemptId)).size).toBe(12);
          expect(leases.every((lease) => lease.attempt === 1)).toBe(true);
          expect(stage.log.of('started').every((line) => line.first)).toBe(true);
        }),
      );

      it(
        'takes back unused credit from an agent that drains, also credit still on its way',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.submit();
          await stage.until(() => agent.held.length === 1, 1_000);
          agent.session.credit(5);
          agent.session.revokeCredit();
          await stage.submitMany(3);
          await stage.settle();
          expect(agent.seen).toHaveLength(1);
          expect(await stage.finish(agent, agent.held[0]!)).toBe('counted');
          expect(agent.seen).toHaveLength(1);
          agent.session.credit(1);
          await stage.settle();
          expect(agent.seen).toHaveLength(2);
        }),
      );
    });

    describe('finishing', () => {
      it(
        'counts a success once, with the times of the attempt',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.submit();
          await stage.until(() => agent.held.length === 1, 1_000);
          const began = stage.harness.now();
          await stage.advance(1_000);
          const lease = agent.held[0]!;
          expect(await stage.finish(agent, lease)).toBe('counted');
          expect(await stage.finish(agent, lease)).toBe('superseded');
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ completed: 1, leased: 0, superseded: 1 });
          await stage.settle();
          const [started] = stage.log.of('started');
          const [finished] = stage.log.of('finished');
          expect(finished).toMatchObject({ outcome: 'counted', agent: 'a', startedAt: started!.at });
          expect(finished!.at).toBeGreaterThanOrEqual(began + 1_000);
          expect([null, 'completed']).toContain(await stage.answer(stage.queue.stateOf(0)));
        }),
      );

      it(
        'tries a failed task again after its backoff, which grows, and gives it up after its last attempt',
        on({ maxAttempts: 3, backoff: { firstMs: 1_000, factor: 3, maxMs: 60_000 } }, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.submit();
          for (const [attempt, outcome, backoffMs] of [
            [1, 'retried', 1_000],
            [2, 'retried', 3_000],
            [3, 'dead', 0],
          ] as const) {
            await stage.until(() => agent.held.length === 1, 1_000);
            expect(agent.held[0]!.attempt).toBe(attempt);
            const endedAt = stage.harness.now();
            expect(await stage.finish(agent, agent.held[0]!, FAILED)).toBe(outcome);
            agent.session.credit(1);
            if (outcome === 'dead') continue;
            await stage.advance(endedAt + backoffMs - stage.harness.now() - 50);
            expect(agent.held).toHaveLength(0);
          }
          await stage.advance(5_000);
          expect(agent.seen).toHaveLength(3);
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ failed: 1, completed: 0, retried: 2 });
          expect(stage.log.of('started').map((line) => line.first)).toEqual([true, false, false]);
        }),
      );

      it(
        'waits as long as a rate limit asks for',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(2);
          await stage.submit();
          await stage.until(() => agent.held.length === 1, 1_000);
          const endedAt = stage.harness.now();
          await stage.finish(agent, agent.held[0]!, { status: 'failed', error: 'rate_limited', retryAfterMs: 7_000 });
          await stage.advance(endedAt + 6_950 - stage.harness.now());
          expect(agent.seen).toHaveLength(1);
          await stage.until(() => agent.seen.length === 2, 1_000);
        }),
      );

      itUndivided(
        'takes a task that is handed back without counting the attempt, and gives it out before younger ones',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.submitMany(3);
          await stage.until(() => agent.held.length === 1, 1_000);
          const [lease] = agent.held;
          agent.drop(lease!);
          await stage.answer(agent.session.release([lease!]));
          await stage.settle();
          expect(await stage.answer(stage.queue.counts())).toMatchObject({
            queued: 3,
            leased: 0,
            expired: 0,
            retried: 0,
          });
          expect(stage.log.of('requeued')).toMatchObject([{ index: 0, reason: 'released', dead: false }]);
          agent.session.credit(1);
          await stage.until(() => agent.held.length === 1, 1_000);
          expect(agent.held[0]).toMatchObject({ attempt: 1, task: { index: 0 } });
          expect(agent.held[0]!.attemptId).not.toBe(lease!.attemptId);
          await stage.settle();
          expect(stage.log.of('started').map((line) => line.first)).toEqual([true, false]);
        }),
      );

      it(
        'gets everything back from an agent that leaves in order',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(3);
          await stage.submitMany(3);
          await stage.until(() => agent.held.length === 3, 1_000);
          await stage.answer(agent.session.close());
          await stage.settle();
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ queued: 3, leased: 0, expired: 0 });
          const other = stage.attach('b');
          other.session.credit(3);
          await stage.until(() => other.held.length === 3, 1_000);
          expect(other.held.map((lease) => lease.attempt)).toEqual([1, 1, 1]);
          expect(await stage.finish(agent, agent.held[0]!)).toBe('superseded');
        }),
      );

      it(
        'counts a result that was sent before its agent left, and does not run the task again',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          const other = stage.attach('b');
          agent.session.credit(2);
          await stage.submitMany(2);
          await stage.until(() => agent.held.length === 2, 1_000);
          other.session.credit(2);
          const outcome = agent.session.finish(agent.held[0]!, SUCCESS);
          const left = agent.session.close();
          expect(await stage.answer(outcome)).toBe('counted');
          await stage.answer(left);
          await stage.until(() => other.held.length === 1, 1_000);
          await stage.settle();
          expect(other.seen.map((lease) => lease.task.index)).toEqual([agent.seen[1]!.task.index]);
        }),
      );
    });

    describe('silent agents', () => {
      it(
        'lose their tasks a lease after they died, not earlier, and these run again elsewhere within 5 s',
        on({}, async (stage) => {
          const [victim, ...others] = ['a', 'b', 'c'].map((id) => stage.attach(id));
          victim!.session.credit(2);
          await stage.submitMany(2);
          await stage.until(() => victim!.held.length === 2, 1_000);
          for (const other of others) other.session.credit(2);
          await stage.settle();
          const diedAt = stage.harness.now();
          victim!.session.crash();
          await stage.advance(RULES.leaseMs - RULES.beatMs - SLACK_MS);
          expect(others.flatMap((other) => other.held)).toHaveLength(0);
          await stage.until(() => others.flatMap((other) => other.held).length === 2, 5_000);
          expect(stage.harness.now() - diedAt).toBeLessThanOrEqual(5_000 + stage.harness.settleMs);
          const again = others.flatMap((other) => other.held);
          expect(again.map((lease) => lease.attempt)).toEqual([2, 2]);
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ expired: 2, leased: 2 });
          await stage.settle();
          expect(stage.log.of('requeued')).toMatchObject([{ reason: 'expired' }, { reason: 'expired' }]);
          expect(stage.sweeps.flatMap((sweep) => sweep.expiredAgents)).toEqual(['a']);
          expect(stage.sweeps.reduce((sum, sweep) => sum + sweep.expiredTasks, 0)).toBe(2);
        }),
      );

      it(
        'cannot drag a task round for ever: the last attempt that expires fails it',
        on({ maxAttempts: 2 }, async (stage) => {
          await stage.submit();
          for (const id of ['a', 'b']) {
            const agent = stage.attach(id);
            agent.session.credit(1);
            await stage.until(() => agent.held.length === 1, 6_000);
            agent.session.crash();
          }
          await stage.advance(RULES.leaseMs + 1_000);
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ failed: 1, queued: 0, expired: 2 });
          expect(stage.log.of('requeued').map((line) => line.dead)).toEqual([false, true]);
        }),
      );

      it(
        'keep their tasks through a freeze shorter than a lease, and are given nothing meanwhile',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(2);
          await stage.submit();
          await stage.until(() => agent.held.length === 1, 1_000);
          agent.session.freeze();
          await stage.submit();
          await stage.advance(RULES.leaseMs - RULES.beatMs - SLACK_MS);
          expect(agent.seen).toHaveLength(1);
          agent.session.thaw();
          await stage.until(() => agent.held.length === 2, 1_000);
          expect(await stage.finish(agent, agent.held[0]!)).toBe('counted');
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ expired: 0, completed: 1 });
        }),
      );

      it(
        'hear after a longer freeze that their leases are gone; their late results are recorded, not counted',
        on({}, async (stage) => {
          const frozen = stage.attach('a');
          frozen.session.credit(1);
          await stage.submit();
          await stage.until(() => frozen.held.length === 1, 1_000);
          const lease = frozen.held[0]!;
          const other = stage.attach('b');
          other.session.credit(1);
          frozen.session.freeze();
          await stage.until(() => other.held.length === 1, RULES.leaseMs + 1_000);
          expect(frozen.revoked).toHaveLength(0);
          frozen.session.thaw();
          await stage.settle();
          expect(frozen.revoked).toEqual([lease]);
          expect(await stage.finish(frozen, lease)).toBe('superseded');
          expect(await stage.finish(other, other.held[0]!)).toBe('counted');
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ completed: 1, superseded: 1 });
          await stage.settle();
          expect(stage.log.of('finished').map((line) => `${line.agent} ${line.outcome}`)).toEqual([
            'a superseded',
            'b counted',
          ]);
          // It is an agent like any other again.
          await stage.submit();
          await stage.until(() => frozen.held.length === 1, 1_000);
          expect(await stage.finish(frozen, frozen.held[0]!)).toBe('counted');
        }),
      );

      it(
        'get all their slots back after a freeze, also those whose task never arrived',
        on({}, async (stage) => {
          const frozen = stage.attach('a');
          frozen.session.credit(2);
          await stage.settle();
          await stage.submitMany(2);
          frozen.session.freeze();
          const other = stage.attach('b');
          other.session.credit(2);
          await stage.until(() => other.held.length === 2, RULES.leaseMs + 1_000);
          frozen.session.thaw();
          await stage.settle();
          await stage.submitMany(2);
          await stage.until(() => frozen.held.length === 2, 1_000);
        }),
      );

      it(
        'that are started again lose the old leases at once',
        on({}, async (stage) => {
          const old = stage.attach('a');
          old.session.credit(1);
          await stage.submit();
          await stage.until(() => old.held.length === 1, 1_000);
          const restarted = stage.attach('a');
          restarted.session.credit(1);
          await stage.until(() => restarted.held.length === 1, 1_000);
          expect(restarted.held[0]).toMatchObject({ attempt: 2, task: { index: 0 } });
          expect(await stage.finish(old, old.held[0]!)).toBe('superseded');
          expect(await stage.finish(restarted, restarted.held[0]!)).toBe('counted');
        }),
      );

      it(
        'that were replaced while they were frozen are given nothing any more',
        on({}, async (stage) => {
          const old = stage.attach('a');
          old.session.credit(3);
          await stage.submit();
          await stage.until(() => old.held.length === 1, 1_000);
          old.session.freeze();
          await stage.advance(RULES.leaseMs + 1_000);
          const restarted = stage.attach('a');
          restarted.session.credit(1);
          await stage.until(() => restarted.held.length === 1, 1_000);
          old.session.thaw();
          await stage.settle();
          await stage.submitMany(3);
          await stage.settle();
          expect(old.seen).toHaveLength(1);
          expect(stage.sweeps.flatMap((sweep) => sweep.expiredAgents)).toEqual(['a']);
        }),
      );

      it(
        'are reported as expired once, also when they die after that',
        on({}, async (stage) => {
          const agent = stage.attach('a');
          stage.attach('b');
          agent.session.freeze();
          await stage.advance(RULES.leaseMs + 1_000);
          agent.session.crash();
          await stage.advance(RULES.leaseMs + 1_000);
          expect(stage.sweeps.flatMap((sweep) => sweep.expiredAgents)).toEqual(['a']);
        }),
      );

      it(
        'are too many to be believed above a fifth of all: held for one more lease, then let go if others still beat',
        on({}, async (stage) => {
          const agents = [...Array(10).keys()].map((i) => stage.attach(`a${i}`));
          for (const agent of agents) agent.session.credit(1);
          await stage.submitMany(10);
          await stage.until(() => agents.every((agent) => agent.held.length === 1), 1_000);
          const survivor = stage.attach('s');
          survivor.session.credit(10);
          await stage.settle();
          for (const agent of agents.slice(0, 5)) agent.session.crash();
          await stage.advance(RULES.leaseMs + 500);
          expect(stage.sweeps.at(-1)).toMatchObject({ expiredAgents: [], held: { silent: 5, attached: 11 } });
          await stage.advance(RULES.leaseMs - 1_000);
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ expired: 0, leased: 10 });
          await stage.until(() => survivor.held.length === 5, 1_500);
          await stage.advance(500);
          expect(stage.sweeps.at(-1)!.held).toBeNull();
          expect(stage.sweeps.flatMap((sweep) => sweep.expiredAgents).sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
        }),
      );

      it(
        'are never given up while nobody beats: then it is the queue that was cut off',
        on({}, async (stage) => {
          const agents = [...Array(10).keys()].map((i) => stage.attach(`a${i}`));
          for (const agent of agents) agent.session.credit(1);
          await stage.submitMany(10);
          await stage.until(() => agents.every((agent) => agent.held.length === 1), 1_000);
          for (const agent of agents) agent.session.freeze();
          await stage.advance(4 * RULES.leaseMs);
          expect(stage.sweeps.at(-1)!.held).toEqual({ silent: 10, attached: 10 });
          for (const agent of agents) agent.session.thaw();
          for (const agent of agents) expect(await stage.finish(agent, agent.held[0]!)).toBe('counted');
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ completed: 10, expired: 0, superseded: 0 });
        }),
      );
    });

    describe('canaries', () => {
      /** Sends one and remembers its answers. */
      const probe = async (stage: Stage, index: number, answers: number[]): Promise<void> => {
        const canary: Canary = { index, sentAt: stage.harness.now(), answered: () => answers.push(index) };
        await stage.answer(stage.queue.probe(canary));
      };

      it(
        'are answered once by an agent, busy or not, and count as no task',
        on({ bound: 1 }, async (stage) => {
          const agent = stage.attach('a');
          agent.session.credit(1);
          await stage.settle();
          await stage.submitMany(3);
          await stage.settle();
          const answers: number[] = [];
          for (let i = 0; i < 5; i += 1) await probe(stage, i, answers);
          await stage.until(() => answers.length === 5, 1_000);
          await stage.advance(1_000);
          expect(answers.sort()).toEqual([0, 1, 2, 3, 4]);
          const shed = options.divided === true ? {} : { shed: 1 };
          expect(await stage.answer(stage.queue.counts())).toMatchObject({ submitted: 3, leased: 1, ...shed });
        }),
      );

      it(
        'wait for an agent when there is none',
        on({}, async (stage) => {
          const answers: number[] = [];
          await probe(stage, 0, answers);
          await stage.advance(3_000);
          expect(answers).toEqual([]);
          stage.attach('a');
          await stage.until(() => answers.length === 1, 1_000);
        }),
      );

      it(
        'are not lost on a fleet that stands still',
        on({}, async (stage) => {
          const agents = ['a', 'b'].map((id) => stage.attach(id));
          await stage.settle();
          const answers: number[] = [];
          await probe(stage, 0, answers);
          for (const agent of agents) agent.session.freeze();
          await probe(stage, 1, answers);
          await stage.advance(RULES.leaseMs + 1_000);
          expect(answers).not.toContain(1);
          for (const agent of agents) agent.session.thaw();
          await stage.until(() => answers.length === 2, 1_000);
        }),
      );

      it(
        'go past agents that are silent',
        on({}, async (stage) => {
          const [dead, frozen] = ['a', 'b', 'c'].map((id) => stage.attach(id));
          await stage.settle();
          dead!.session.crash();
          frozen!.session.freeze();
          const answers: number[] = [];
          for (let i = 0; i < 6; i += 1) await probe(stage, i, answers);
          await stage.until(() => answers.length === 6, 1_000);
        }),
      );
    });

    it(
      'names everything that is not finished, with the attempts that count',
      on({}, async (stage) => {
        const agent = stage.attach('a');
        agent.session.credit(3);
        await stage.submitMany(5);
        await stage.until(() => agent.held.length === 3, 1_000);
        // What was leased at the same time may arrive in any order.
        const [first, second] = [...agent.held].sort((a, b) => a.task.index - b.task.index);
        await stage.finish(agent, first!);
        await stage.finish(agent, second!, FAILED);
        const unfinished = await stage.answer(stage.queue.unfinished());
        const told = [...unfinished].sort((a, b) => a.task.index - b.task.index);
        expect(told.map(({ task, attempts, started }) => [task.index, attempts, started])).toEqual([
          [1, 1, true],
          [2, 0, true],
          [3, 0, false],
          [4, 0, false],
        ]);
      }),
    );

    describeRandomOperations(open, randomRuns);
  });
}

/** How much earlier than exactly a test looks where time is real. */
const SLACK_MS = 100;
