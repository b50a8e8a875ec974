import { Histogram } from '../../runtime/kernel/histogram.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { core } from '../support/core.js';
import { experiment } from '../support/experiment.js';

const RATE_PER_MIN = 1_200;
const FROZEN_FROM = 30 * SECOND;
const FROZEN_FOR = 3 * SECOND;

/** A minute of load on a fleet with room to spare, frozen as a whole for so long in the middle. */
async function frozenFor(ms: number, process: 'uniform' | 'poisson') {
  const spec = experiment({ durationMs: MINUTE, ratePerMin: RATE_PER_MIN, process, fleet: { agents: 40 } });
  const waits = new Histogram();
  let tasks = 0;
  const { clock, fleet, queue, generator } = core(spec, [
    {
      submitted: () => {
        tasks += 1;
      },
      started: (lease, _agent, at) => {
        waits.record(at - lease.task.scheduledAt);
      },
      finished: () => undefined,
      requeued: () => {
        throw new Error('no lease may expire in a freeze shorter than one');
      },
    },
  ]);
  fleet.deploy(40);
  generator.start();
  const sweeping = clock.every(250, () => {
    queue.sweep();
  });
  const ids = fleet.agents().map(({ id }) => id);
  if (ms > 0) {
    clock.after(FROZEN_FROM, () => {
      fleet.freeze(ids, true);
    });
    clock.after(FROZEN_FROM + ms, () => {
      fleet.freeze(ids, false);
    });
  }
  clock.after(5 * MINUTE, () => {
    sweeping.cancel();
  });
  await clock.run();
  expect(queue.counts()).toMatchObject({ submitted: tasks, completed: tasks, expired: 0, superseded: 0 });
  return { waits, tasks };
}

describe('a fleet frozen for 3 s, shorter than a lease', () => {
  it('shows in the percentiles what theory says: a twentieth of the tasks waits for up to 3 s, evenly spread', async () => {
    const { waits, tasks } = await frozenFor(FROZEN_FOR, 'uniform');
    expect(tasks).toBe(1_200);
    // Scheduled u into the freeze, a task waits 3 s − u; those scheduled outside do not wait at all.
    const share = FROZEN_FOR / MINUTE;
    const gap = MINUTE / RATE_PER_MIN;
    for (const q of [0.96, 0.97, 0.98, 0.99, 0.999]) {
      const expected = (FROZEN_FOR * (q - (1 - share))) / share;
      expect(Math.abs(waits.quantile(q) - expected)).toBeLessThanOrEqual(1.5 * gap);
    }
    expect(waits.quantile(0.949)).toBe(0);
    expect(waits.max).toBeCloseTo(FROZEN_FOR - gap / 2, 0);
    expect(waits.sum / tasks).toBeCloseTo((share * FROZEN_FOR) / 2, 0);
  });

  it('does so for Poisson arrivals too, within what chance allows', async () => {
    const { waits, tasks } = await frozenFor(FROZEN_FOR, 'poisson');
    const frozen = waits.count - waits.countUpTo(0.5);
    const expected = (RATE_PER_MIN * FROZEN_FOR) / MINUTE;
    expect(Math.abs(frozen - expected)).toBeLessThan(4 * Math.sqrt(expected));
    expect(Math.abs(waits.sum / frozen - FROZEN_FOR / 2)).toBeLessThan((4 * FROZEN_FOR) / Math.sqrt(12 * frozen));
    expect(waits.quantile(1 - frozen / tasks / 2) / (FROZEN_FOR / 2)).toBeCloseTo(1, 0);
  });

  it('shows nothing where nothing was frozen', async () => {
    const { waits } = await frozenFor(0, 'uniform');
    expect(waits.max).toBe(0);
  });
});
