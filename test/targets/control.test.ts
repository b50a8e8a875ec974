import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { experiment, type ExperimentParts } from '../support/experiment.js';
import { observer, rehearse, runUntil } from './rehearse.js';

/** 300 tasks a minute of 1 s on 10 agents with 4 slots: a tenth of the fleet is busy. */
const SMALL: ExperimentParts = { durationMs: 10 * MINUTE, ratePerMin: 300, simulation: { failureRate: 0.05 } };

describe('an operator at a run', () => {
  it('stops everything at once with an emergency stop', async () => {
    const ends: number[] = [];
    const stopAt = 4 * MINUTE;
    const { report, end } = await rehearse(experiment(SMALL), {
      observers: [observer({ finished: (_lease, _agent, _result, _outcome, at) => ends.push(at) })],
      during: (run, clock) => {
        clock.after(stopAt, () => {
          run.emergencyStop('test');
        });
      },
    });
    expect(end).toMatchObject({ state: 'aborted', complete: false, timeToHaltMs: 0 });
    expect(report.verdict).toBe('INVALID');
    expect(Math.max(...ends)).toBeLessThanOrEqual(experiment().startAtMs + stopAt);
    expect(report.ledger).toMatchObject({ leased: 0, lost: 0, doubleCounted: 0, balanced: true });
    expect(report.ledger.queued).toBeGreaterThan(0);
    expect(report.load.scheduled).toBe(1_200);
  });

  it('stops a run whose pause nobody answers for 30 min', async () => {
    const { report, end } = await rehearse(experiment(SMALL), {
      during: (run, clock) => {
        clock.after(4 * MINUTE, () => {
          run.pause('test');
        });
      },
    });
    expect(end).toMatchObject({ state: 'stopped', complete: false, reason: 'pause unanswered for 30 min' });
    expect(end.elapsedMs).toBeCloseTo(4 * MINUTE, 0);
    expect(report.states.map(({ to }) => to)).toEqual(['running', 'paused', 'draining', 'stopped']);
    expect(end.at - report.metadata.startTime).toBeGreaterThanOrEqual(34 * MINUTE);
    expect(report.ledger).toMatchObject({ submitted: 1_200, queued: 0, leased: 0, lost: 0 });
  });

  it('shifts the schedule by a pause and then carries out all of it', async () => {
    const { report, end } = await rehearse(experiment(SMALL), {
      during: (run, clock) => {
        clock.after(4 * MINUTE, () => {
          run.pause('test');
        });
        clock.after(9 * MINUTE, () => {
          run.resume('test');
        });
      },
    });
    expect(end.complete).toBe(true);
    expect(report.load.scheduled).toBe(3_000);
    expect(report.performance.dispatchLag.max).toBeLessThan(1);
    expect(end.at - report.metadata.startTime).toBeGreaterThanOrEqual(15 * MINUTE);
    expect(report.criteria.find(({ name }) => name === 'throughput')?.actualValue).toBeCloseTo(300, 0);
  });

  it('pauses at the cost cap, and stops when nobody answers', async () => {
    const parts = { ...SMALL, durationMs: 120 * MINUTE };
    const { report: free } = await rehearse(experiment(parts));
    const maxUsd = free.cost.totalUsd / 2;
    const { report, end } = await rehearse(
      experiment({
        ...parts,
        rest: {
          budget: {
            maxUsd,
            maxPerHourUsd: null,
            modelUsdPerMillionTokens: { input: 0, output: 0 },
            region: 'us-central1',
          },
        },
      }),
    );
    expect(report.states.find(({ to }) => to === 'paused')?.reason).toMatch(/cost cap/);
    expect(end).toMatchObject({ state: 'stopped', complete: false, reason: 'pause unanswered for 30 min' });
    expect(end.elapsedMs).toBeLessThan(70 * MINUTE);
  });

  it('refuses what the state does not allow, and records nothing of it', async () => {
    const { events } = await rehearse(experiment(SMALL), {
      during: (run, clock) => {
        clock.after(MINUTE, () => {
          expect(() => {
            run.resume('test');
          }).toThrow('cannot resume: the run is running');
        });
      },
    });
    expect(events.filter(({ type }) => type === 'control')).toEqual([]);
  });
});

describe('a snapshot', () => {
  const spec = experiment(SMALL);

  it('of a drained run is taken up without losing a task, a second or a figure', async () => {
    const whole = await rehearse(spec);
    const snapshot = await runUntil(spec, (run, clock, left) => {
      clock.after(4 * MINUTE, () => {
        run.drain('test', MINUTE, false);
      });
      const looking = clock.every(SECOND, () => {
        if (!run.status().drained) return;
        looking.cancel();
        left(run.snapshot('test'));
      });
    });
    expect(snapshot.unfinished).toEqual([]);
    const { report, end } = await rehearse(spec, { resume: snapshot });

    expect(end.complete).toBe(true);
    expect(report.ledger).toEqual(whole.report.ledger);
    expect(report.load).toEqual(whole.report.load);
    expect(report.summary).toEqual(whole.report.summary);
    expect(report.verdict).toBe(whole.report.verdict);
    expect(report.criteria.map(({ name, verdict }) => [name, verdict])).toEqual(
      whole.report.criteria.map(({ name, verdict }) => [name, verdict]),
    );
    expect(report.performance.throughput.avg).toBeCloseTo(whole.report.performance.throughput.avg, 0);
    expect(report.cost.totalUsd).toBeGreaterThanOrEqual(whole.report.cost.totalUsd);
  });

  it('of a run at work, cut off there, runs again what was under way and counts it once', async () => {
    const whole = await rehearse(spec);
    const snapshot = await runUntil(spec, (run, clock, left) => {
      clock.after(4 * MINUTE, () => {
        left(run.snapshot('test'));
      });
    });
    expect(snapshot.unfinished.length).toBeGreaterThan(0);
    const attempts = new Set<string>();
    const { report } = await rehearse(spec, {
      resume: snapshot,
      observers: [observer({ started: ({ attemptId }) => attempts.add(attemptId) })],
    });
    expect(report.ledger).toEqual(whole.report.ledger);
    expect(report.summary.completedTasks).toBe(whole.report.summary.completedTasks);
    // Agents of the new process do not repeat the names of the old one's attempts.
    for (let slot = 1; slot <= 10; slot += 1) expect(attempts.has(`agent-001.1.${slot}`)).toBe(false);
  });

  it('carries faults, alerts and cost over', async () => {
    const broken = experiment({
      ...SMALL,
      rest: {
        chaos: {
          enabled: true,
          injections: [
            {
              ...{ type: 'agent_kill' as const, everyMs: null, atMs: [MINUTE, 7 * MINUTE], share: 0.2, durationMs: 0 },
              ...{ latencyMs: 0, factor: 1, zone: null },
            },
          ],
          stop: { errorRate: 1, offlineShare: 1 },
        },
      },
    });
    const snapshot = await runUntil(broken, (run, clock, left) => {
      clock.after(4 * MINUTE, () => {
        left(run.snapshot('test'));
      });
    });
    const { report } = await rehearse(broken, { resume: snapshot });
    expect(report.faults.map(({ id, type }) => [id, type])).toEqual([
      ['f1', 'agent_kill'],
      ['f2', 'agent_kill'],
    ]);
    expect(report.faults.every(({ serviceRecoveryMs }) => serviceRecoveryMs !== null)).toBe(true);
    expect(report.agents.restarts).toBe(4);
    const { report: whole } = await rehearse(broken);
    expect(report.cost.totalUsd).toBeCloseTo(whole.cost.totalUsd, 2);
  });
});
