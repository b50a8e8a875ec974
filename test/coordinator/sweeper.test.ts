import { sweeping } from '../../runtime/coordinator/sweeper.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import type { SweepReport, TaskQueue } from '../../runtime/queue/port.js';

const NOTHING: SweepReport = { expiredAgents: [], expiredTasks: 0, releasedRetries: 0, held: null };
const HELD: SweepReport = { ...NOTHING, held: { silent: 50, attached: 200 } };

/** Sweeps once a report, at the sweeper's own interval, and answers the events. */
async function sweep(reports: ReadonlyArray<SweepReport | ((clock: VirtualClock) => Promise<SweepReport>)>) {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const events: ExperimentEvent[] = [];
  const errors: unknown[] = [];
  let asked = 0;
  const queue = {
    sweep: () => {
      asked += 1;
      const report = reports[asked - 1] ?? NOTHING;
      return typeof report === 'function' ? report(clock) : report;
    },
  } as unknown as TaskQueue;
  const duty = sweeping(
    queue,
    clock,
    (event) => events.push(event),
    (error) => errors.push(error),
  );
  clock.every(duty.everyMs, () => {
    duty.run();
  });
  clock.at((reports.length + 0.5) * duty.everyMs, () => {
    clock.stop();
  });
  await clock.run();
  return { events, errors, asked, everyMs: duty.everyMs };
}

describe('sweeper', () => {
  it('says nothing while nothing happens', async () => {
    const { events, asked } = await sweep([NOTHING, { ...NOTHING, releasedRetries: 3 }]);
    expect(events).toEqual([]);
    expect(asked).toBe(2);
  });

  it('tells whose leases expired, and how many tasks run again', async () => {
    const { events, everyMs } = await sweep([NOTHING, { ...NOTHING, expiredAgents: ['a', 'b'], expiredTasks: 7 }]);
    expect(events).toEqual([
      {
        type: 'agents',
        at: 2 * everyMs,
        change: 'expired',
        agents: ['a', 'b'],
        reason: expect.stringContaining('7 tasks'),
      },
    ]);
  });

  it('makes one incident of a mass expiry that was held, told when it is over', async () => {
    const { events, everyMs } = await sweep([NOTHING, HELD, HELD, HELD, NOTHING, NOTHING]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      type: 'incident',
      at: 5 * everyMs,
      incident: { timestamp: 2 * everyMs, type: 'mass_expiry_held', severity: 'warning', duration: 3 * everyMs },
    });
  });

  it('is fine enough that a killed agent is noticed within its lease and a second', async () => {
    expect((await sweep([])).everyMs).toBeLessThanOrEqual(500);
  });

  it('does not ask a queue again that has not answered, and goes on after a failure', async () => {
    const never = () => new Promise<SweepReport>(() => undefined);
    expect((await sweep([never, NOTHING, NOTHING])).asked).toBe(1);
    const failed = (clock: VirtualClock) => clock.hold(Promise.reject<SweepReport>(new Error('connection lost')));
    const { asked, errors } = await sweep([failed, NOTHING, NOTHING, NOTHING]);
    expect(errors).toEqual([new Error('connection lost')]);
    expect(asked).toBe(4);
  });
});
