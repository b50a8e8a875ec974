import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { agentSteps } from '../../runtime/spec/capacity.js';
import { sampleExperiment, segmentsOf, type SampleChanges } from './sample-experiment.js';

/** 38 s a task. */
const busyAt = (ratePerMin: number): number => (ratePerMin / 60) * 38;
const steps = (changes: SampleChanges, floor?: number): ReturnType<typeof agentSteps> =>
  agentSteps(sampleExperiment(changes), busyAt, floor);
const BURST = segmentsOf([10, 500], [2, 1500, 'burst'], [18, 500]);

describe('The agents a run can count on', () => {
  it('are the floor when scaling is off or only reactive', () => {
    for (const mode of ['off', 'reactive'] as const) {
      expect(steps({ segments: BURST, scaling: { mode } })).toEqual([{ startMs: 0, endMs: 30 * MINUTE, agents: 200 }]);
    }
  });

  it('are up to the limit from the first moment of a burst with feed-forward, and for the cooldown after it', () => {
    expect(steps({ segments: BURST, scaling: { mode: 'feed_forward' } })).toEqual([
      { startMs: 0, endMs: 10 * MINUTE, agents: 200 },
      { startMs: 10 * MINUTE, endMs: 22 * MINUTE, agents: 250 },
      { startMs: 22 * MINUTE, endMs: 30 * MINUTE, agents: 200 },
    ]);
  });

  it('are only what is needed with the planned headroom', () => {
    const [, burst] = steps({
      segments: segmentsOf([10, 500], [5, 1100], [5, 500]),
      scaling: { mode: 'feed_forward' },
    });
    // 1100/min × 38 s = 696.7 slots; ÷ (4 × 0.8) = 217.7 agents.
    expect(burst?.agents).toBe(218);
  });

  it('come only after a node start when the load begins high', () => {
    const [first, second] = steps({ segments: segmentsOf([30, 1100]), scaling: { mode: 'feed_forward' } });
    expect(first).toEqual({ startMs: 0, endMs: 135 * SECOND, agents: 200 });
    expect(second?.agents).toBe(218);
  });

  it('follow the load with a delay when scaling is predictive', () => {
    const segments = segmentsOf([30, 200], [30, 400]);
    const found = steps({ segments, fleet: { agents: 50 }, scaling: { mode: 'predictive' } });
    // 400/min need 80 agents: one window, one evaluation and one node start after the rise.
    expect(found.at(-1)).toEqual({ startMs: 30 * MINUTE + 195 * SECOND, endMs: 60 * MINUTE, agents: 80 });
    expect(found[0]?.agents).toBe(50);
  });

  it('are the stage’s where the scenario steps the fleet', () => {
    const stages = [
      { startMs: 0, endMs: 10 * MINUTE, agents: 50 },
      { startMs: 10 * MINUTE, endMs: 20 * MINUTE, agents: 100 },
    ];
    expect(steps({ durationMs: 20 * MINUTE, fleet: { stages }, scaling: { mode: 'off' } })).toEqual(stages);
  });

  it('can be tried with another floor', () => {
    expect(steps({ segments: BURST }, 300)).toEqual([{ startMs: 0, endMs: 30 * MINUTE, agents: 300 }]);
    expect(steps({ segments: BURST, scaling: { mode: 'feed_forward' } }, 300)[0]?.agents).toBe(300);
  });
});
