import fc from 'fast-check';
import { LedgerAudit } from '../../runtime/observe/audit.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { FAILED, Stage, SUCCESS, type OpenQueue, type StageAgent } from './stage.js';

const AGENTS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
type AgentId = (typeof AGENTS)[number];

type Operation =
  | { readonly do: 'submit'; readonly priority: Priority; readonly count: number }
  | { readonly do: 'attach' | 'crash' | 'freeze' | 'thaw' | 'close' | 'release' | 'revoke'; readonly agent: AgentId }
  | { readonly do: 'credit'; readonly agent: AgentId; readonly slots: number }
  | { readonly do: 'finish'; readonly agent: AgentId; readonly success: boolean }
  | { readonly do: 'probe' }
  | { readonly do: 'advance'; readonly ms: number };

const agent = fc.constantFrom(...AGENTS);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      priority: fc.constantFrom(0, 1, 2, 3),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('attach' as const), agent }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('credit' as const), agent, slots: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('finish' as const), agent, success: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('crash', 'freeze', 'thaw', 'close', 'release', 'revoke'), agent }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('probe' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(20, 300, 1_500, 5_000) }),
  },
);

/** Agents that do anything at any time; the ledger adds up after every step, and at the end nothing is missing. */
export function describeRandomOperations(open: OpenQueue, runs: number): void {
  it('loses no task and counts none twice, whatever agents do in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 80 }), async (operations) => {
        const audit = new LedgerAudit();
        const rules = { ...experiment().queue, bound: 15, backoff: { firstMs: 200, factor: 2, maxMs: 1_000 } };
        const stage = await Stage.open(open, rules, [audit]);
        const play = new Play(stage, audit);
        for (const each of operations) {
          await play.perform(each);
          await stage.check();
        }
        await play.finishEverything();
        await stage.settle();
        const counts = await stage.answer(stage.queue.counts());
        expect(counts).toMatchObject({ queued: 0, leased: 0, submitted: play.submitted });
        expect(audit.judge(counts, () => false)).toMatchObject({
          lost: 0,
          doubleCounted: 0,
          unbacked: 0,
          unresolved: 0,
        });
        for (const answers of play.canaries) expect(answers).toBeLessThanOrEqual(1);
        await stage.harness.close();
      }),
      { numRuns: runs },
    );
  }, 60_000);
}

class Play {
  submitted = 0;
  /** Answers by canary. */
  readonly canaries: number[] = [];
  private readonly agents = new Map<AgentId, StageAgent>();

  constructor(
    private readonly stage: Stage,
    private readonly audit: LedgerAudit,
  ) {}

  async perform(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'submit':
        for (let i = 0; i < operation.count; i += 1) await this.submit(operation.priority);
        return;
      case 'advance':
        return this.stage.advance(operation.ms);
      case 'probe':
        return this.probe();
      case 'attach':
        this.agents.set(operation.agent, this.stage.attach(operation.agent));
        return;
      default:
        return this.act(operation);
    }
  }

  /** Everybody goes, and one agent that works does all the rest. */
  async finishEverything(): Promise<void> {
    for (const agent of this.agents.values()) {
      agent.session.thaw();
      agent.session.crash();
    }
    const worker = this.stage.attach('worker');
    worker.react = (lease) => {
      worker.drop(lease);
      this.audit.result(lease.task.index, lease.attemptId, 'success');
      Promise.resolve(worker.session.finish(lease, SUCCESS)).catch(rethrow);
      worker.session.credit(1);
    };
    worker.session.credit(10);
    for (let i = 0; i < 30; i += 1) {
      await this.stage.advance(2_000);
      const { queued, leased } = await this.stage.answer(this.stage.queue.counts());
      if (queued + leased === 0) return;
    }
    throw new Error('there is still something unfinished after a minute');
  }

  private async submit(priority: Priority): Promise<void> {
    const task = this.stage.nextTask(priority);
    this.submitted += 1;
    this.audit.sent(task.index);
    this.audit.answered(task.index, await this.stage.answer(this.stage.queue.submit(task)));
  }

  private async probe(): Promise<void> {
    const index = this.canaries.push(0) - 1;
    const answered = (): void => {
      this.canaries[index]! += 1;
    };
    await this.stage.answer(this.stage.queue.probe({ index, sentAt: this.stage.harness.now(), answered }));
  }

  private async act(operation: Extract<Operation, { readonly agent: AgentId }>): Promise<void> {
    const agent = this.agents.get(operation.agent);
    if (agent === undefined) return;
    const { session } = agent;
    const [lease] = agent.held;
    switch (operation.do) {
      case 'credit':
        session.credit(operation.slots);
        return;
      case 'revoke':
        session.revokeCredit();
        return;
      case 'finish':
        if (lease === undefined) return;
        agent.drop(lease);
        this.audit.result(lease.task.index, lease.attemptId, operation.success ? 'success' : 'failed');
        Promise.resolve(session.finish(lease, operation.success ? SUCCESS : FAILED)).catch(rethrow);
        return;
      case 'release':
        if (lease === undefined) return;
        agent.drop(lease);
        await this.stage.answer(session.release([lease]));
        return;
      case 'close':
        await this.stage.answer(session.close());
        return;
      case 'crash':
        session.crash();
        return;
      case 'freeze':
        session.freeze();
        return;
      case 'thaw':
        session.thaw();
        return;
      case 'attach':
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}
