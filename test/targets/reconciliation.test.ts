import { Random } from '../../runtime/kernel/random.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { LedgerAudit } from '../../runtime/observe/audit.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import type { SubmitOutcome, TaskQueue } from '../../runtime/queue/port.js';
import type { Task } from '../../runtime/queue/task.js';
import { OpenTasks } from '../../runtime/targets/open-tasks.js';
import { reconcile } from '../../runtime/targets/reconciliation.js';

const AGENT = { id: 'a', incarnation: 1, zone: 'A' };
const DONE = { status: 'success', error: null, retryAfterMs: 0 } as const;

/** A queue that has accepted tasks 0 to 4, finished 0, holds 1, refused 2, and knows nothing of 3 and 4. */
function forgetful() {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const audit = new LedgerAudit();
  const open = new OpenTasks(audit);
  const again: Task[] = [];
  const events: ExperimentEvent[] = [];
  const held = new Set([1]);
  const task = (index: number, scheduledAt: number): Task => ({ index, type: 0, priority: 2, scheduledAt });
  const finish = (index: number): void => {
    const lease = { attemptId: `x${index}`, attempt: 1, task: task(index, 0) };
    for (const observer of [audit, open]) observer.finished(lease, AGENT, DONE, 'counted');
    audit.result(index, lease.attemptId, 'success');
    held.delete(index);
  };
  for (let index = 0; index < 5; index += 1) {
    open.sent(index, 100 * index);
    const refused: SubmitOutcome = { accepted: false, reason: 'queue_full' };
    open.answered(index, index === 2 ? refused : { accepted: true, enqueuedAt: 100 * index });
  }
  finish(0);
  const submit = async (submitted: Task): Promise<SubmitOutcome> => {
    again.push(submitted);
    held.add(submitted.index);
    clock.after(3 * SECOND, () => finish(submitted.index));
    await clock.sleep(1);
    return { accepted: true, enqueuedAt: clock.now() };
  };
  const unfinished = () => [...held].map((index) => ({ task: task(index, 0), attempts: 0, started: false }));
  const counts = { submitted: 5, completed: 1, failed: 0, shed: 1, queued: 1, leased: 0 };
  const view = {
    counts: () => ({ ...counts, superseded: 0, retried: 0, expired: 0 }),
    unfinished,
    refresh: () => clock.sleep(1),
  };
  const run = async (runMs: number): Promise<number> => {
    const queue = { submit } as unknown as TaskQueue;
    const all = { clock, queue, view, open, task, unanswered: () => 0, events: (e: ExperimentEvent) => events.push(e) };
    let endedAt = NaN;
    const reconciled = reconcile(all, runMs).then(() => {
      endedAt = clock.now();
    });
    await clock.run();
    await reconciled;
    return endedAt;
  };
  const lost = (): number => audit.judge(view.counts(), (index) => held.has(index)).lost;
  return { run, again, events, lost };
}

describe('reconciliation at the end of a run', () => {
  it('submits again what was accepted and is neither finished nor held, and waits until it has run', async () => {
    const { run, again, events, lost } = forgetful();
    expect(lost()).toBe(2);
    expect(await run(60 * SECOND)).toBeLessThan(5 * SECOND);
    expect(again.map(({ index, scheduledAt }) => [index, scheduledAt])).toEqual([
      [3, 300],
      [4, 400],
    ]);
    expect(lost()).toBe(0);
    expect(events).toMatchObject([{ type: 'incident', incident: { type: 'tasks_submitted_again' } }]);
  });

  it('of a run that was aborted does not wait: what is submitted again is held', async () => {
    const { run, lost } = forgetful();
    expect(await run(0)).toBeLessThan(SECOND);
    expect(lost()).toBe(0);
  });
});
