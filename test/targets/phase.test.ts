import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { Lease } from '../../runtime/queue/port.js';
import { observer, phase, quantile, rehearse } from './rehearse.js';

describe('a phase as its stack file declares it', () => {
  it('passes an hour of phase 3, with bursts and every tenth agent killed', async () => {
    const { report, end } = await rehearse(phase(3, { duration: HOUR }));
    expect(end).toMatchObject({ state: 'stopped', complete: true });
    expect(report.criteria.filter(({ verdict }) => verdict === 'FAIL')).toEqual([]);
    expect(report.verdict).toBe('PASS');
    expect(report.faults.filter(({ type }) => type === 'agent_kill')).toHaveLength(3);
    expect(report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true, queued: 0, leased: 0 });
    expect(report.performance.littlesLaw.error).toBeLessThan(1e-6);
  });

  it('runs the tasks of killed agents again elsewhere within 5 s (P99), and recovers within 30 s', async () => {
    const plain = phase(3, { duration: 40 * MINUTE });
    const [kill] = plain.chaos.injections;
    const experiment = { ...plain, chaos: { ...plain.chaos, injections: [{ ...kill!, everyMs: MINUTE }] } };
    const killedAt = new Map<number, number>();
    const runsAgainAfter: number[] = [];
    const { report } = await rehearse(experiment, {
      observers: [
        observer({
          started: ({ task }: Lease, _agent, at) => {
            const since = killedAt.get(task.index);
            if (since === undefined) return;
            runsAgainAfter.push(at - since);
            killedAt.delete(task.index);
          },
          finished: ({ task }) => {
            killedAt.delete(task.index);
          },
        }),
      ],
      during: (run) => {
        const { surface } = run['parts'];
        const kill = surface.kill.bind(surface);
        surface.kill = (ids) => {
          for (const index of surface.heldBy(ids)) killedAt.set(index, run['options'].clock.now());
          kill(ids);
        };
      },
    });
    expect(runsAgainAfter.length).toBeGreaterThan(500);
    expect(quantile(runsAgainAfter, 0.99)).toBeLessThanOrEqual(5 * SECOND);
    const recoveries = report.faults.filter(({ voluntary }) => voluntary).map((fault) => fault.serviceRecoveryMs);
    expect(recoveries.length).toBeGreaterThan(25);
    for (const ms of recoveries) expect(ms).toBeLessThanOrEqual(30 * SECOND);
  });

  it('replaces a killed leading coordinator within 3 s, and dispatch does not notice', async () => {
    const plain = phase(3, { duration: 30 * MINUTE });
    const failover = { ...plain.chaos.injections[0]!, type: 'coordinator_failover' as const, everyMs: MINUTE };
    const experiment = { ...plain, chaos: { ...plain.chaos, injections: [failover] } };
    const started: Array<{ at: number; waited: number }> = [];
    const { report, events } = await rehearse(experiment, {
      observers: [observer({ started: ({ task }, _agent, at) => started.push({ at, waited: at - task.scheduledAt }) })],
    });
    const kills = report.faults.filter(({ type }) => type === 'coordinator_failover');
    expect(kills.length).toBeGreaterThan(20);
    for (const { injectedAt, subjects } of kills) {
      const next = events.find(({ type, at }) => type === 'leader' && at >= injectedAt);
      expect(next).toMatchObject({ previous: subjects[0] });
      expect(next!.at - injectedAt).toBeLessThanOrEqual(3 * SECOND);
      const leaderless = started.filter(({ at }) => at >= injectedAt && at <= next!.at);
      expect(leaderless.length).toBeGreaterThan(5);
      expect(Math.max(...leaderless.map(({ waited }) => waited))).toBeLessThan(1);
    }
    expect(report.verdict).toBe('PASS');
  });
});
