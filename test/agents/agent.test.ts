import { Agent, type AgentListener } from '../../runtime/agents/agent.js';
import type { Execution, Executor } from '../../runtime/agents/port.js';
import { Random } from '../../runtime/kernel/random.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { MemoryQueue } from '../../runtime/queue/adapters/memory.js';
import type { Lease } from '../../runtime/queue/port.js';
import type { AttemptResult } from '../../runtime/queue/task.js';
import { experiment } from '../support/experiment.js';

const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };

/** An attempt that the test ends by hand. */
class Manual implements Execution {
  aborted = false;
  frozen = false;

  constructor(
    readonly lease: Lease,
    readonly stretch: number | null,
    private readonly done: (execution: Execution, result: AttemptResult) => void,
  ) {}

  end(result: AttemptResult = SUCCESS): void {
    this.done(this, result);
  }

  abort(): void {
    this.aborted = true;
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
  }
}

function stage(slots = 2) {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const queue = new MemoryQueue({ clock, rules: experiment().queue, observers: [] });
  const executions: Manual[] = [];
  const executor: Executor = {
    start: (lease, agent, done) => {
      const execution = new Manual(lease, agent.slowdown, done);
      executions.push(execution);
      return execution;
    },
  };
  const told: string[] = [];
  const journal: string[] = [];
  const listener: AgentListener = {
    busyChanged: (agent, by) => told.push(`${agent.id} ${by > 0 ? 'busy' : 'free'} ${agent.busySlots}`),
    taskEnded: (agent) => told.push(`${agent.id} ended`),
    drained: (agent) => told.push(`${agent.id} drained`),
  };
  const start = (id = 'a', incarnation = 1): Agent => {
    const agent = new Agent({
      id,
      incarnation,
      zone: 'A',
      slots,
      clock,
      queue,
      executor,
      journal: {
        result: (index, attemptId, status) => {
          // Written down before the queue counts it.
          journal.push(`${index} ${attemptId} ${status}, ${queue.counts().completed} completed`);
        },
      },
      listener,
      onError: (error) => {
        throw error;
      },
    });
    agent.start();
    return agent;
  };
  let submitted = 0;
  const submit = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      queue.submit({ index: submitted, type: 0, priority: 2, scheduledAt: clock.now() });
      submitted += 1;
    }
  };
  return { clock, queue, executions, told, journal, start, submit };
}

describe('agent', () => {
  it('runs as many tasks as it has slots, and takes the next as soon as one ends', () => {
    const { queue, executions, told, journal, start, submit } = stage(2);
    const agent = start();
    submit(4);
    expect(agent.held()).toEqual([0, 1]);
    executions[0]!.end();
    expect(agent.held().sort()).toEqual([1, 2]);
    expect(queue.counts()).toMatchObject({ completed: 1, leased: 2, queued: 1 });
    expect(agent.tasksEnded).toBe(1);
    expect(journal).toEqual(['0 a.1.1 success, 0 completed']);
    expect(told).toEqual(['a busy 1', 'a busy 2', 'a free 1', 'a ended', 'a busy 2']);
  });

  it('hands failures on as they are', () => {
    const { queue, executions, journal, start, submit } = stage(1);
    start();
    submit(1);
    executions[0]!.end({ status: 'failed', error: 'executor_failed', retryAfterMs: 0 });
    expect(queue.counts()).toMatchObject({ retried: 1, queued: 1 });
    expect(journal).toEqual(['0 a.1.1 failed, 0 completed']);
  });

  it('finishes what it has when it drains, takes nothing new, and says when it is done', () => {
    const { queue, executions, told, start, submit } = stage(2);
    const agent = start();
    submit(2);
    agent.drain();
    submit(2);
    executions[0]!.end();
    expect(agent.held()).toEqual([1]);
    expect(told).not.toContain('a drained');
    executions[1]!.end();
    expect(told.filter((line) => line === 'a drained')).toHaveLength(1);
    expect(queue.counts()).toMatchObject({ completed: 2, queued: 2, leased: 0 });
  });

  it('is drained at once when it holds nothing', () => {
    const { told, start } = stage();
    start().drain();
    expect(told).toEqual(['a drained']);
  });

  it('hands back what it still runs when it is closed', () => {
    const { queue, executions, start, submit } = stage(2);
    const agent = start();
    submit(2);
    agent.drain();
    agent.close();
    expect(executions.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(agent.busySlots).toBe(0);
    expect(queue.counts()).toMatchObject({ queued: 2, leased: 0, expired: 0 });
    agent.close();
    agent.kill();
    expect(queue.counts()).toMatchObject({ queued: 2 });
  });

  it('drops everything without a word when it is killed; the queue finds out by itself', async () => {
    const { clock, queue, executions, told, start, submit } = stage(2);
    const agent = start();
    submit(2);
    agent.kill();
    expect(executions.every(({ aborted }) => aborted)).toBe(true);
    expect(agent.atWork).toBe(false);
    expect(queue.counts()).toMatchObject({ leased: 2 });
    clock.after(5 * SECOND, () => {
      expect(queue.sweep()).toMatchObject({ expiredAgents: ['a'], expiredTasks: 2 });
    });
    await clock.run();
    expect(told).not.toContain('a drained');
    expect(queue.counts()).toMatchObject({ queued: 2, leased: 0, expired: 2 });
  });

  it('stands still while frozen, and takes up where it stood', () => {
    const { queue, executions, start, submit } = stage(2);
    const agent = start();
    submit(1);
    agent.freeze();
    expect(agent.atWork).toBe(false);
    expect(executions[0]!.frozen).toBe(true);
    submit(1);
    expect(executions).toHaveLength(1);
    agent.thaw();
    expect(agent.atWork).toBe(true);
    expect(executions[0]!.frozen).toBe(false);
    expect(executions).toHaveLength(2);
    executions[0]!.end();
    expect(queue.counts()).toMatchObject({ completed: 1, leased: 1 });
  });

  it('aborts what was given to others while it was frozen, and offers the slots again', async () => {
    const { clock, queue, executions, start, submit } = stage(2);
    const agent = start();
    submit(2);
    agent.freeze();
    start('b');
    start('c');
    clock.after(5 * SECOND, () => {
      queue.sweep();
      agent.thaw();
      expect(executions.slice(0, 2).map(({ aborted }) => aborted)).toEqual([true, true]);
      expect(agent.busySlots).toBe(0);
      submit(4);
      expect(agent.busySlots).toBe(2);
    });
    await clock.run();
  });

  it('remembers the pace of what it started last, once it is not normal or was not', () => {
    const { executions, start, submit } = stage(2);
    const agent = start();
    submit(1);
    expect(agent.lastStretch).toBeNull();
    agent.slowdown = 3;
    submit(1);
    expect(agent.lastStretch).toEqual({ stretch: 3, at: 0 });
    agent.slowdown = 1;
    submit(1);
    executions[0]!.end();
    expect(agent.lastStretch).toEqual({ stretch: 1, at: 0 });
  });
});
