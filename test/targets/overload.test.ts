import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { phase, observer, rehearse } from './rehearse.js';

describe('more load than the fleet can carry', () => {
  it('keeps admitted tasks inside 5 s, refuses the least important first, loses nothing, and is soon normal again', async () => {
    const experiment = phase(3, { scenario: 'stress', duration: 20 * MINUTE });
    const [overload] = experiment.load.segments;
    const overEndsAt = experiment.startAtMs + overload!.endMs;
    const refused: number[][] = [[], [], [], []];
    const admitted: number[][] = [[], [], [], []];
    const waits: Array<{ at: number; waited: number }> = [];
    const { report, samples } = await rehearse(experiment, {
      observers: [
        observer({
          submitted: ({ priority }, { accepted }, at) => (accepted ? admitted : refused)[priority]!.push(at),
          started: ({ task }, _agent, at, first) => {
            if (first) waits.push({ at, waited: at - task.scheduledAt });
          },
        }),
      ],
    });
    expect(overload!.ratePerMin).toBe(2_000);
    expect(report.verdict).toBe('PASS');
    expect(report.performance.latency.p99).toBeLessThanOrEqual(5 * SECOND);
    expect(report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, queued: 0, leased: 0 });

    // Even 250 agents carry four fifths of it. What is refused is P3 first, then P2, and never P0.
    expect(report.summary.shedTasks).toBeGreaterThan(0.15 * report.summary.totalTasks);
    expect(refused[0]).toEqual([]);
    const shares = refused.map((at, priority) => at.length / (at.length + admitted[priority]!.length));
    expect(shares[3]).toBeGreaterThan(0.7);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));

    const normalFrom = overEndsAt + 30 * SECOND;
    expect(refused.flat().filter((at) => at > normalFrom)).toEqual([]);
    const after = samples.filter(({ timestamp }) => timestamp > normalFrom);
    expect(after.length).toBeGreaterThan(100);
    // Retries on their way are all that is queued, and nobody waits.
    for (const { performance } of after) expect(performance.queueDepth).toBeLessThan(20);
    const late = waits.filter(({ at }) => at > normalFrom).map(({ waited }) => waited);
    expect(late.length).toBeGreaterThan(1_000);
    expect(Math.max(...late)).toBeLessThan(10);
  });

  it('refuses P0 at no time at which it admits P3, even where P0 alone is too much', async () => {
    const plain = phase(3, { scenario: 'stress', duration: 10 * MINUTE });
    const experiment = {
      ...plain,
      tasks: { ...plain.tasks, priorityShares: [0.8, 0, 0.1, 0.1] as [number, number, number, number] },
    };
    const outcomes: Array<{ at: number; priority: number; accepted: boolean }> = [];
    const { report } = await rehearse(experiment, {
      observers: [
        observer({ submitted: ({ priority }, { accepted }, at) => outcomes.push({ at, priority, accepted }) }),
      ],
    });
    const refusedP0 = outcomes.filter(({ priority, accepted }) => priority === 0 && !accepted);
    expect(refusedP0.length).toBeGreaterThan(100);
    // Between one P0 that was refused and the next, no P3 was admitted unless a P0 was as well.
    let refusing = false;
    const wrong = outcomes.filter(({ priority, accepted }) => {
      if (priority === 0) refusing = !accepted;
      return priority === 3 && accepted && refusing;
    });
    expect(wrong).toEqual([]);
    expect(report.ledger.lost).toBe(0);
  });

  it('carries the bursts with feed-forward scaling, which reactive scaling alone does not', async () => {
    const fed = await rehearse(phase(3, { scenario: 'burst' }));
    expect(fed.report.performance.latency.p99).toBeLessThanOrEqual(5 * SECOND);
    expect(fed.report.verdict).toBe('PASS');

    const reactive = await rehearse(phase(3, { scenario: 'burst', scaling: 'reactive' }));
    expect(reactive.report.performance.latency.p99).toBeGreaterThan(5 * SECOND);
    expect(reactive.report.ledger.lost).toBe(0);
  });
});
