import { SECOND } from '../../runtime/kernel/units.js';
import { experiment } from '../support/experiment.js';
import { observer, quantile, rehearse } from './rehearse.js';

describe('all agents frozen for 3 s, shorter than a lease', () => {
  it('shows in the percentiles by the amount that theory gives', async () => {
    const freezeMs = 3 * SECOND;
    const runMs = 20 * SECOND;
    const spec = experiment({
      durationMs: runMs,
      ratePerMin: 60_000,
      fleet: { agents: 500, slots: 10 },
      queue: { bound: 10_000 },
    });
    const waits: number[] = [];
    const { report } = await rehearse(spec, {
      observers: [observer({ started: ({ task }, _agent, at) => waits.push(at - task.scheduledAt) })],
      during: (run, clock) => {
        const { surface } = run['parts'];
        clock.after(10 * SECOND, () => {
          const agentIds = surface.agents().map(({ id }) => id);
          const lease = { faultId: 'freeze', expiresAtMs: clock.now() + freezeMs };
          clock.spawn(() => surface.apply({ kind: 'freeze', agentIds }, lease), fail);
        });
      },
    });
    expect(waits).toHaveLength(20_000);
    // There are slots for all: a task scheduled u ms into the freeze waits for the rest of it, so with arrivals at a
    // constant rate P(wait > w) = (freeze − w) ÷ run, and the quantile q is freeze − (1 − q) × run.
    for (const q of [0.9, 0.95, 0.99, 0.999]) {
      expect(Math.abs(quantile(waits, q) - (freezeMs - (1 - q) * runMs))).toBeLessThan(5);
    }
    expect(quantile(waits, 0.84)).toBe(0);
    expect(report.performance.latency.p99).toBeGreaterThan(2_750);
    expect(report.summary.expiredAttempts).toBe(0);
    expect(report.ledger.lost).toBe(0);
  });
});

function fail(error: unknown): never {
  throw error;
}
