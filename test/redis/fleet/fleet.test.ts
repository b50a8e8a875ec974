import { experiment } from '../../support/experiment.js';
import { Trial, type TrialFigures } from './trial.js';

/** So many tasks a minute on 30 agents with 4 slots; 50 of the 120 slots are busy. */
const spec = (ratePerMin: number, durationMs: number) =>
  experiment({
    ratePerMin,
    durationMs,
    fleet: { agents: 30 },
    tasks: { types: [{ name: 'task', share: 1, meanMs: (50 / ratePerMin) * 60_000, tokens: { input: 0, output: 0 } }] },
  });

describe('a fleet of processes on a Redis Cluster that breaks', () => {
  let figures: TrialFigures;

  beforeAll(async () => {
    const trial = await Trial.open({ experiment: spec(500, 130_000) });
    try {
      await trial.deploy();
      const kill = [5, 25, 45, 65, 85, 105].map((at) => [at, () => trial.killAgents(0.1)] as const);
      await trial.carryOut([
        ...kill,
        [12, () => trial.killLeader()],
        [18, () => trial.restartPrimary(0)],
        [34, () => trial.losePrimary(1)],
        [56, () => trial.stopPrimary(2, 6_000)],
        [78, () => trial.partition(5_000)],
        [96, () => trial.losePrimary(0)],
      ]);
      await trial.drain();
      figures = await trial.figures();
      console.log(JSON.stringify(figures));
    } finally {
      await trial.dispose();
    }
  });

  it('loses no task and counts none twice', () => {
    expect(figures).toMatchObject({ lost: 0, doubleCounted: 0, missedLogEntries: 0 });
    expect(figures.completed).toBe(figures.tasks);
    expect(figures.tasks).toBeGreaterThan(1_050);
  });

  it('runs no task again because of a failover alone', () => {
    expect(figures.rerunWithoutCause).toBe(0);
  });

  it("runs killed agents' tasks again within 5 s", () => {
    expect(figures.killedAgentsTasks).toBeGreaterThan(5);
    expect(figures.runningAgainP99Ms).toBeLessThanOrEqual(5_000);
  });

  it('serves again within 8 s of losing a Redis primary, and within 3 s of losing the leader', () => {
    expect(figures.primaryLossMs).toHaveLength(4);
    expect(Math.max(...figures.primaryLossMs)).toBeLessThanOrEqual(8_000);
    expect(figures.leaderLossMs).toHaveLength(1);
    expect(Math.max(...figures.leaderLossMs)).toBeLessThanOrEqual(3_000);
  });
});

describe('the same fleet without WAIT and reconciliation', () => {
  it('loses tasks when a primary is lost whose replica had fallen behind', async () => {
    const trial = await Trial.open({ experiment: spec(3_000, 25_000), durable: false });
    try {
      await trial.deploy();
      await trial.carryOut([[6, () => trial.losePrimary(0)]]);
      await trial.clock.sleep(12_000);
      const { lost } = await trial.figures();
      console.log(JSON.stringify({ lostWithoutWait: lost }));
      expect(lost).toBeGreaterThan(0);
    } finally {
      await trial.dispose();
    }
  });
});
