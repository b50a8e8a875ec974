import fc from 'fast-check';
import { EXIT } from '../../runtime/kernel/errors.js';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { assessFeasibility, infeasibleError } from '../../runtime/spec/feasibility.js';
import { forecastLoad } from '../../runtime/spec/load-forecast.js';
import { sampleExperiment, segmentsOf, type SampleChanges } from './sample-experiment.js';

const assess = (changes: SampleChanges): ReturnType<typeof assessFeasibility> =>
  assessFeasibility(sampleExperiment(changes));
const BURST = segmentsOf([10, 500], [2, 1500, 'burst'], [8, 500]);
const kill = {
  type: 'agent_kill',
  everyMs: 15 * MINUTE,
  atMs: [],
  share: 0.1,
  durationMs: 0,
  latencyMs: 0,
  factor: 1,
  zone: null,
} as const;

describe('The feasibility of the document’s loads', () => {
  it.each([
    ['phase 1', 50, segmentsOf([24 * 60, 100]), 0.3167],
    ['phase 2', 100, segmentsOf([4, 200], [1, 500, 'burst'], [4, 200], [1, 500, 'burst']), 0.7917],
    ['phase 3', 200, segmentsOf([28, 500], [2, 1000, 'burst'], [30, 500]), 0.7917],
  ])('%s fits %i agents of 4 slots', (_, agents, segments, highest) => {
    const found = assess({ segments, fleet: { agents } });
    expect(found.verdict).toBe('feasible');
    expect(Math.max(...found.segments.map((one) => one.utilisation))).toBeCloseTo(highest, 3);
    expect(found.remedy).toBeNull();
    expect(found.segments.every((one) => one.p99WaitMs === 0 && one.refused === 0)).toBe(true);
  });

  it('500/min do not fit 200 agents that do one task at a time, and 4 slots are more than enough', () => {
    const found = assess({ fleet: { slots: 1 } });
    expect(found.verdict).toBe('infeasible');
    expect(found.segments[0]).toMatchObject({ slots: 200, verdict: 'overload' });
    expect(found.segments[0]?.busySlots).toBeCloseTo(316.7, 1);
    expect(found.remedy?.agents).toBeGreaterThan(316);
    expect(found.remedy?.agents).toBeLessThan(340);
    expect(found.remedy?.slots).toBe(2);
    // 200 slots end 315.8 tasks/min.
    expect(found.remedy?.maxRatePerMin).toBeLessThanOrEqual(316);
    expect(found.remedy?.maxRatePerMin).toBeGreaterThan(290);
  });

  it('a burst of 1,500/min on 200 agents is refused unless declared, and fits with feed-forward to 250', () => {
    expect(assess({ segments: BURST }).verdict).toBe('infeasible');
    expect(assess({ segments: BURST }).remedy?.feedForward).toBe(true);
    expect(assess({ segments: BURST, expect: 'backlog' }).verdict).toBe('declared_overload');
    const forward = assess({ segments: BURST, expect: 'backlog', scaling: { mode: 'feed_forward' } });
    expect(forward.verdict).toBe('feasible');
    expect(forward.segments[1]).toMatchObject({ agents: 250, slots: 1000, p99WaitMs: 0 });
  });

  it('the stress test is overload, declared: what 800 slots cannot do is refused, what is admitted waits 4 s at most', () => {
    const found = assess({
      segments: segmentsOf([120, 2000, 'stress'], [5, 500, 'recovery']),
      expect: 'graceful_degradation',
      queue: { admission: { maxWaitMs: 4_000 } },
    });
    expect(found.verdict).toBe('declared_overload');
    const [stress, recovery] = found.segments;
    expect(stress?.breaks).toEqual(['admission']);
    expect(stress?.p99WaitMs).toBeLessThanOrEqual(4_000);
    // 2000 − 800/38 s = 736.8 a minute, less what fills the empty fleet.
    expect(stress?.refused).toBeGreaterThan(736.8 * 120 - 1_000);
    expect(stress?.refused).toBeLessThanOrEqual(736.8 * 120);
    expect(recovery?.verdict).toBe('fits');
  });

  it('a day-night curve that scaling can follow fits a floor below its peak', () => {
    const curve = segmentsOf(
      ...Array.from({ length: 72 }, (_, i) => [5, 300 - 200 * Math.cos((i / 72) * 2 * Math.PI)] as const),
    );
    expect(assess({ segments: curve, fleet: { agents: 50 }, scaling: { mode: 'predictive' } }).verdict).toBe(
      'feasible',
    );
    expect(assess({ segments: curve, fleet: { agents: 50 }, scaling: { mode: 'off' } }).verdict).toBe('infeasible');
  });
});

describe('Feasibility', () => {
  it('judges long segments by M/M/c and short or overloaded ones by the transient calculation', () => {
    const methods = assess({ segments: segmentsOf([10, 500], [2, 1000], [10, 400], [10, 1300]) }).segments.map(
      (one) => one.method,
    );
    expect(methods).toEqual(['M/M/c', 'transient', 'M/M/c', 'transient']);
  });

  it('does not care how a constant load is cut into segments', () => {
    const whole = assess({ segments: segmentsOf([60, 1200]) }).segments[0];
    const pieces = assess({ segments: segmentsOf(...Array.from({ length: 30 }, () => [2, 1200] as const)) }).segments;
    expect(pieces.every((one) => one.method === 'M/M/c')).toBe(true);
    expect(pieces[29]?.p99WaitMs).toBeCloseTo(whole?.p99WaitMs ?? NaN, 0);
  });

  it('counts failed attempts as load: (1 − p³)/(1 − p) attempts per task', () => {
    const found = assess({ simulation: { failureRate: 0.2 } });
    expect(found.attemptsPerTask).toBeCloseTo(1 + 0.2 + 0.04, 12);
    expect(found.segments[0]?.busySlots).toBeCloseTo((500 / 60) * 38 * 1.24, 6);
  });

  it('finds the fewest agents: with them the load fits, with one less it does not', () => {
    const agents = assess({ segments: BURST }).remedy?.agents ?? 0;
    expect(assess({ segments: BURST, fleet: { agents } }).verdict).toBe('feasible');
    expect(assess({ segments: BURST, fleet: { agents: agents - 1 } }).verdict).toBe('infeasible');
  });

  it('finds a rate that fits', () => {
    const rate = assess({ segments: BURST }).remedy?.maxRatePerMin ?? 0;
    expect(rate).toBeGreaterThan(1_200);
    const lowered = BURST.map((segment) => ({ ...segment, ratePerMin: (segment.ratePerMin * rate) / 1_500 }));
    expect(assess({ segments: lowered }).verdict).toBe('feasible');
  });

  it('notes what kills cost, without counting it', () => {
    const found = assess({ chaos: { enabled: true, injections: [kill] } });
    expect(found.notes.join(' ')).toContain('Every kill takes 20 agents for 5 s (720 slots left, 317 busy)');
    expect(assess({ chaos: { enabled: false, injections: [kill] } }).notes.join(' ')).not.toContain('kill');
  });

  it('never gets worse with more agents', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 260 }), fc.integer({ min: 200, max: 1600 }), (agents, rate) => {
        const experiment = sampleExperiment({ segments: segmentsOf([12, 400], [3, rate, 'burst'], [10, 400]) });
        const fewer = forecastLoad(experiment, { agents });
        const more = forecastLoad(experiment, { agents: agents + 20 });
        fewer.forEach((one, index) => {
          expect(more[index]?.refused).toBeLessThanOrEqual(one.refused + 1e-6);
          expect(more[index]?.backlogAtEnd).toBeLessThanOrEqual(one.backlogAtEnd + 1);
        });
      }),
      { numRuns: 15 },
    );
  });

  it('judges phase 3, 72 h with 144 bursts, in far less than the run takes', () => {
    const parts = Array.from(
      { length: 144 },
      () =>
        [
          [28, 500],
          [2, 1000, 'burst'],
        ] as const,
    ).flat();
    const startedMs = performance.now();
    expect(assess({ segments: segmentsOf(...parts) }).verdict).toBe('feasible');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('judges 80,000 slots as easily as 800', () => {
    const found = assess({ durationMs: HOUR, ratePerMin: 50_000, fleet: { agents: 20_000, max: 20_000 } });
    expect(found.verdict).toBe('feasible');
    expect(found.segments[0]?.utilisation).toBeCloseTo(0.396, 3);
  });
});

describe('The refusal of an infeasible load', () => {
  it('names every kind of segment with the numbers, and says once what would do', () => {
    const error = infeasibleError(assess({ segments: BURST }));
    expect(error.code).toBe('LOAD_INFEASIBLE');
    expect(error.exitCode).toBe(EXIT.badInput);
    expect(error.problems).toHaveLength(1);
    expect(error.problems[0]).toMatchObject({ path: 'load (burst)', value: '1,500/min' });
    expect(error.message).toContain('keeps 950 slots busy, there are 800 (200 agents × 4), 119 % busy');
    expect(error.message).toMatch(/the P99 wait is about \d+\.\d s, allowed are 5\.0 s/);
    expect(error.message).toMatch(/It would fit with \d+ agents, 5 slots per agent, .*expect: backlog/);
  });
});
