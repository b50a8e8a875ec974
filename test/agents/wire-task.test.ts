import { TaskWriter } from '../../runtime/agents/wire-task.js';
import { MINUTE } from '../../runtime/kernel/units.js';
import { experiment } from '../support/experiment.js';
import { agentRules, leaseOf } from './real-agents.js';

const spec = experiment({ tasks: { timeoutMs: 2 * MINUTE } });

describe('task on the wire', () => {
  it('has the fields agents know, and a payload filled in from its template', () => {
    const rules = agentRules({
      payloads: { light: { issue: '{issue}', title: 'task {index} of {task_type}', tags: ['{priority}', 7, null] } },
      values: { issue: [11, 22, 33] },
    });
    const { wire } = new TaskWriter(spec, rules).write(leaseOf(4, 2));
    expect(wire).toEqual({
      task_id: expect.stringMatching(/^1-[0-9a-z]+-4$/),
      agent_type: 'codegen',
      priority: 'P2',
      payload: { issue: 22, title: 'task 4 of light', tags: ['P2', 7, null] },
      metadata: {
        created_at: '2026-01-05T00:00:00.000Z',
        scheduled_at: '2026-01-05T00:00:00.000Z',
        timeout_seconds: 120,
        task_type: 'light',
        index: 4,
        attempt: 2,
        attempt_id: 'x4.2',
      },
    });
  });

  it('keeps its id and its turn in the lists over all attempts, and has another id in another run', () => {
    const write = (attempt: number, startAtMs = spec.startAtMs) =>
      new TaskWriter({ ...spec, startAtMs }, agentRules({ values: { issue: [1, 2] } })).write(leaseOf(3, attempt));
    expect(write(2).wire.task_id).toBe(write(1).wire.task_id);
    expect(write(1).fill('--issue={issue}')).toBe('--issue=2');
    expect(write(1, spec.startAtMs + 1).wire.task_id).not.toBe(write(1).wire.task_id);
  });

  it('leaves braces alone that stand for nothing, and cannot be talked over by a list', () => {
    const written = new TaskWriter(spec, agentRules({ values: { index: ['forged'] } })).write(leaseOf(9));
    expect(written.fill('{"a": {unknown}} {index}')).toBe('{"a": {unknown}} 9');
  });
});
