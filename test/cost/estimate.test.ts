import fc from 'fast-check';
import { HOUR } from '../../runtime/kernel/units.js';
import { constantCurve } from '../../runtime/cost/agent-curve.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import { formatCost } from '../../runtime/cost/format.js';
import { CostMeter } from '../../runtime/cost/meter.js';
import { PRICED_REGIONS } from '../../runtime/cost/price-table.js';
import { defaultSizing } from '../../runtime/cost/deployment-sizing.js';
import type { CostSummary } from '../../runtime/report/model.js';
import { sampleExperiment, type SampleChanges } from '../spec/sample-experiment.js';

const estimate = (changes: SampleChanges, agents = 200): ReturnType<typeof estimateCost> =>
  estimateCost({ experiment: sampleExperiment(changes), agentCurve: constantCurve(agents) });
const usdOf = (found: ReturnType<typeof estimateCost>, part: string): number | undefined =>
  found.parts.find((one) => one.part === part)?.usd;

describe('The cost estimate', () => {
  it('pays 50 Spot nodes for 200 agents, and the fixed pools on demand', () => {
    const found = estimate({ durationMs: 72 * HOUR });
    expect(usdOf(found, 'agent-pool nodes')).toBeCloseTo(50 * 72 * 0.111472, 9);
    expect(usdOf(found, 'coordinator-pool nodes')).toBeCloseTo(3 * 72 * 0.388472, 9);
    expect(usdOf(found, 'monitoring-pool nodes')).toBeCloseTo(3 * 72 * 0.194236, 9);
    expect(usdOf(found, 'GKE management fee')).toBeCloseTo(7.2, 9);
    expect(usdOf(found, 'Postgres disks')).toBeCloseTo((1_500 * 0.17 * 72) / 730, 9);
    expect(usdOf(found, 'boot disks')).toBeCloseTo((56 * 50 * 0.1 * 72) / 730, 9);
  });

  it('pays the agents’ nodes on demand when Spot is off', () => {
    const found = estimate({ fleet: { spot: { enabled: false, preemptedPerDay: 0 } } });
    expect(usdOf(found, 'agent-pool nodes')).toBeCloseTo(50 * 0.194236, 9);
  });

  it('pays whole nodes, and no fewer than the pool keeps', () => {
    expect(usdOf(estimate({}, 201), 'agent-pool nodes')).toBeCloseTo(51 * 0.111472, 9);
    const found = estimateCost({
      experiment: sampleExperiment(),
      agentCurve: constantCurve(10),
      sizing: { ...defaultSizing(sampleExperiment()), minAgentNodes: 20 },
    });
    expect(usdOf(found, 'agent-pool nodes')).toBeCloseTo(20 * 0.111472, 9);
  });

  it('charges traffic for every attempt, and the archive for its whole retention', () => {
    // An hour of 500/min: 30,000 tasks of 200 kB, 2 KiB of log each, and 3,600 samples of 512 B.
    const archive = 30_000 * 2_048 + 3_600 * 512;
    const gib = (30_000 * 200_000 + archive) / 2 ** 30;
    const found = estimate({});
    expect(usdOf(found, 'internet egress')).toBeCloseTo(gib * 0.12, 9);
    expect(usdOf(found, 'NAT data')).toBeCloseTo(gib * 0.045, 9);
    expect(usdOf(found, 'S3 storage')).toBeCloseTo((archive / 1e9) * 12 * 0.023, 9);
    const retried = estimate({ simulation: { failureRate: 0.1 }, queue: { maxAttempts: 2 } });
    expect(usdOf(retried, 'internet egress')).toBeGreaterThan((usdOf(found, 'internet egress') ?? 0) * 1.09);
  });

  it('is the sum of its parts, by the hour, by a thousand tasks, and beside the budget', () => {
    const found = estimate({ durationMs: 10 * HOUR, budget: { maxUsd: 77 } });
    expect(found.totalUsd).toBeCloseTo(
      found.parts.reduce((sum, part) => sum + part.usd, 0),
      9,
    );
    expect(found.perHourUsd).toBeCloseTo(found.totalUsd / 10, 9);
    expect(found.perThousandTasksUsd).toBeCloseTo(found.totalUsd / 300, 9);
    expect(found.budgetUsd).toBe(77);
  });

  it.each(PRICED_REGIONS)('can be made for %s', (region) => {
    const found = estimate({ budget: { region } });
    expect(found.totalUsd).toBeGreaterThan(1);
    expect(found.assumed).toBe(true);
    expect(
      found.parts.every((part) => part.basis.includes(part.price.source) && part.basis.includes(part.price.asOf)),
    ).toBe(true);
  });

  it('marks what is assumed and what is stale, part by part', () => {
    const found = estimate({ budget: { region: 'asia-northeast1' } });
    const fee = found.parts.find((part) => part.part === 'GKE management fee');
    expect(fee?.basis).toContain('[assumed: price of us-central1; older than a year]');
    expect(found.stale).toBe(true);
    const early = estimateCost({
      experiment: sampleExperiment(),
      agentCurve: constantCurve(1),
      atMs: Date.UTC(2024, 5, 1),
    });
    expect(early.stale).toBe(false);
  });

  it('refuses a machine without any price', () => {
    expect(() =>
      estimateCost({
        experiment: sampleExperiment(),
        agentCurve: constantCurve(1),
        sizing: { ...defaultSizing(sampleExperiment()), agentMachine: 'x1-mega' },
      }),
    ).toThrow('has no price for x1-mega (spot) per hour in us-central1');
  });

  it('grows linearly with the duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 300 }), (hours, agents) => {
        const one = estimate({ durationMs: HOUR }, agents).totalUsd;
        expect(estimate({ durationMs: hours * HOUR }, agents).totalUsd / (one * hours)).toBeCloseTo(1, 9);
      }),
      { numRuns: 50 },
    );
  });

  it('never falls with more agents', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 50 }), (agents, more) => {
        expect(estimate({}, agents + more).totalUsd).toBeGreaterThanOrEqual(estimate({}, agents).totalUsd);
      }),
    );
  });

  it('has the shape of the report’s cost', () => {
    const summary: CostSummary = estimate({});
    expect(Object.keys(summary)).toEqual(
      expect.arrayContaining([
        'totalUsd',
        'perHourUsd',
        'budgetUsd',
        'perThousandTasksUsd',
        'parts',
        'assumed',
        'stale',
      ]),
    );
  });
});

describe('The cost meter', () => {
  const experiment = sampleExperiment({ durationMs: 72 * HOUR });

  it('ends a run of constant agents exactly at the estimate', () => {
    const startMs = 1_767_538_800_000;
    const meter = new CostMeter({ experiment, startMs, agents: 200 });
    for (let hour = 1; hour <= 72; hour += 1) meter.advance(startMs + hour * HOUR, 200);
    expect(meter.totalUsd).toBe(estimate({ durationMs: 72 * HOUR }).totalUsd);
    expect(meter.estimate()).toEqual(estimate({ durationMs: 72 * HOUR }));
  });

  it('ends a run whose agents change where the curve’s estimate is', () => {
    const agentCurve = [
      { atMs: 0, agents: 200 },
      { atMs: 10 * HOUR, agents: 250 },
      { atMs: 11 * HOUR, agents: 201 },
    ];
    const meter = new CostMeter({ experiment, startMs: 0, agents: 200 });
    for (const { atMs, agents } of agentCurve) meter.advance(atMs, agents);
    meter.advance(72 * HOUR, 0);
    expect(meter.totalUsd).toBeCloseTo(estimateCost({ experiment, agentCurve }).totalUsd, 9);
  });

  it('starts at nothing, never falls, and refuses to run backwards', () => {
    const meter = new CostMeter({ experiment, startMs: 500, agents: 4 });
    expect(meter.totalUsd).toBe(0);
    expect(meter.estimate().perHourUsd).toBe(0);
    meter.advance(500 + HOUR, 4);
    const after = meter.totalUsd;
    expect(after).toBeGreaterThan(0);
    meter.advance(500 + HOUR, 0);
    expect(meter.totalUsd).toBe(after);
    expect(() => meter.advance(0, 4)).toThrow(RangeError);
  });
});

describe('The cost table', () => {
  it('shows every part with its price, marks the assumed and the stale, and lists sources with their dates', () => {
    const text = formatCost(
      estimate({ durationMs: 72 * HOUR, budget: { region: 'asia-northeast1' } }),
      'Expected cost',
    );
    expect(text).toMatch(/^Expected cost in asia-northeast1: \d+\.\d\d USD/);
    expect(text).toMatch(/^agent-pool nodes +3,600 +hour +\$0\.068664 +247\.19 +\[1\]$/m);
    expect(text).toMatch(/^GKE management fee .* ~! +7\.20/m);
    expect(text).toMatch(/^\[1\] 2026-08-20 asia-northeast1 Cyclenerd\//m);
    expect(text).toContain('~ assumed');
    expect(text).toContain('! older than a year');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});
