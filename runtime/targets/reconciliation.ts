import type { Clock } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import type { EventSink } from '../observe/events.js';
import type { SubmitOutcome, TaskQueue } from '../queue/port.js';
import type { Task } from '../queue/task.js';
import type { OpenTasks } from './open-tasks.js';
import type { QueueView } from './run-queue.js';

/** How long answers that are still out are waited for. */
const ANSWERS_MS = 10 * SECOND;
/** Between two looks at what was submitted again. */
const LOOK_MS = SECOND / 2;

export interface ReconciliationOptions {
  readonly clock: Clock;
  readonly queue: TaskQueue;
  readonly view: QueueView;
  readonly open: OpenTasks;
  readonly task: (index: number, scheduledAt: number) => Task;
  /** Offers without an answer. */
  readonly unanswered: () => number;
  readonly events: EventSink;
}

/**
 * Before the ledger is judged (design.md §5): tasks that were accepted, are not finished, and that the queue does not
 * hold are submitted again – it answers a task it knows as the first time – and given `runMs` to run.
 */
export async function reconcile(options: ReconciliationOptions, runMs: number): Promise<void> {
  const { clock, view, open, unanswered } = options;
  await waitUntil(clock, ANSWERS_MS, () => unanswered() === 0);
  await view.refresh();
  const missing = open.missing(holding(view));
  if (missing.length === 0) return;
  const again = await submitAgain(options, missing);
  const end = clock.now() + runMs;
  while (again.some((index) => open.has(index)) && clock.now() < end) {
    await clock.sleep(LOOK_MS);
    await view.refresh();
  }
}

async function submitAgain(
  { clock, queue, open, task, events }: ReconciliationOptions,
  missing: ReadonlyArray<readonly [number, number]>,
): Promise<number[]> {
  const from = clock.now();
  const answers = await Promise.race([
    Promise.all(
      missing.map(async ([index, scheduledAt]): Promise<readonly [number, SubmitOutcome]> => {
        return [index, await queue.submit(task(index, scheduledAt))];
      }),
    ),
    clock.sleep(ANSWERS_MS).then(() => []),
  ]);
  for (const [index, outcome] of answers) open.answered(index, outcome);
  const incident = {
    timestamp: from,
    type: 'tasks_submitted_again',
    severity: 'warning' as const,
    description: `${missing.length} accepted tasks were neither finished nor held by the queue any more`,
    resolution: `submitted again; ${answers.length} were answered for`,
    duration: clock.now() - from,
  };
  events({ type: 'incident', at: clock.now(), incident });
  return answers.map(([index]) => index);
}

function holding(view: QueueView): (index: number) => boolean {
  const held = new Set(view.unfinished().map(({ task }) => task.index));
  return (index) => held.has(index);
}

async function waitUntil(clock: Clock, limitMs: number, done: () => boolean): Promise<void> {
  const end = clock.now() + limitMs;
  while (!done() && clock.now() < end) await clock.sleep(LOOK_MS / 5);
}
