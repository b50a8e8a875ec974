import { FaultBook, newFaultRecord } from '../../runtime/chaos/fault-book.js';
import type { ExperimentEvent, FaultRecord } from '../../runtime/observe/events.js';
import { FaultWatch } from '../../runtime/roles/fault-watch.js';
import { HeldTasks } from '../../runtime/roles/held-tasks.js';

type FaultEvent = Extract<ExperimentEvent, { type: 'fault' }>;

const lease = (index: number) => ({
  ...{ attemptId: `a${index}`, attempt: 1 },
  task: { index, type: 0, priority: 2 as const, scheduledAt: 0 },
});
const agent = (id: string) => ({ id, incarnation: 0, zone: '' });
const event = (stage: FaultEvent['stage'], fault: FaultRecord): FaultEvent => ({ type: 'fault', at: 0, stage, fault });
const killed = (changes: Partial<FaultRecord> = {}): FaultRecord =>
  newFaultRecord({
    ...{ id: 'f1', type: 'agent_kill', voluntary: true, injectedAt: 100, detail: '' },
    ...{ subjects: ['agent-1'], tasksHeld: 2, endedAt: 100, ...changes },
  });

function stage() {
  const held = new HeldTasks();
  const told: unknown[] = [];
  const book = new FaultBook(() => undefined);
  const watch = new FaultWatch({
    ...{ book, held },
    fleet: () => ({
      sample: {} as never,
      agents: [{ id: 'agent-2', zone: 'B', node: 'B-1', ready: true, incarnation: 1, held: [], pid: null }],
    }),
    onInjected: (fault, tasks) => told.push([fault.id, tasks]),
    onEnded: (id, at) => told.push([id, at]),
  });
  return { held, told, book, watch };
}

describe('FaultWatch', () => {
  test('tells once what a fault has cut off, as the log knows it, and when it ended', () => {
    const { held, told, watch } = stage();
    for (const [index, id, at] of [
      [1, 'agent-1', 50],
      [2, 'agent-1', 60],
      [3, 'agent-1', 150],
      [4, 'agent-3', 50],
    ] as const) {
      held.started(lease(index), agent(id), at);
    }
    held.finished(lease(2), agent('agent-1'));
    watch.complete(event('planned', killed()));
    watch.complete(event('injected', killed()));
    watch.complete(event('probed', killed()));
    expect(told).toEqual([
      ['f1', [1]],
      ['f1', 100],
    ]);
  });

  test('of a zone it is what its agents held; a fault that cuts nothing off has no tasks, and ends when it is told', () => {
    const { held, told, watch } = stage();
    held.started(lease(5), agent('agent-2'), 50);
    watch.complete(event('injected', killed({ subjects: ['B'], endedAt: null })));
    watch.complete(event('injected', killed({ id: 'f2', type: 'slow_agents', subjects: ['agent-2'], endedAt: null })));
    watch.complete(event('undone', killed({ endedAt: 900 })));
    expect(told).toEqual([
      ['f1', [5]],
      ['f2', []],
      ['f1', 900],
    ]);
  });

  test('what the injector tells after the recovery does not take the recovery back', () => {
    const { book, watch } = stage();
    watch.complete(event('injected', killed()));
    book.recovered('f1', 4_000, 3_000, 3_500);
    expect(watch.complete(event('undone', killed({ endSeen: true }))).fault).toMatchObject({
      ...{ serviceRecoveryMs: 3_000, capacityRecoveryMs: 3_500, endSeen: true },
    });
  });
});
