import type { BenchTask } from './under-test.js';

const TYPES = ['code-generation', 'review', 'test', 'issue-analysis', 'deployment'] as const;

/** Task number `index`; the same for every engine. */
export function benchTask(index: number): BenchTask {
  const type = index % TYPES.length;
  const scheduledAt = 1_750_000_000_000 + index;
  return {
    task: { index, type, priority: 2, scheduledAt },
    wire: {
      task_id: `task-${String(index).padStart(8, '0')}`,
      agent_type: TYPES[type] ?? '',
      priority: 'P2',
      payload: {
        issue: index,
        repository: 'example/agents',
        title: `Make part ${index} of the report shorter`,
        branch: `feature/part-${index}`,
      },
      metadata: {
        created_at: new Date(scheduledAt).toISOString(),
        scheduled_at: scheduledAt,
        timeout_seconds: 300,
        index,
      },
    },
  };
}
