import fc from 'fast-check';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { compileExperiment } from '../../runtime/spec/compile.js';
import { parseCompiledExperiment } from '../../runtime/spec/compiled-schema.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import type { ExperimentOverrides } from '../../runtime/spec/overrides.js';
import { parseExperiment } from '../../runtime/spec/parse.js';
import { SCENARIO_NAMES } from '../../runtime/spec/schema-scenarios.js';
import { specHash } from '../../runtime/spec/spec-hash.js';
import { expectedTasks, meanOfferedPerMin, meanServiceMs, steadyWindow } from '../../runtime/spec/window.js';

function experimentOf(value: unknown, overrides: ExperimentOverrides = {}): Experiment {
  return compileExperiment(parseExperiment(value, { file: 'test.yaml', pathPrefix: '' }), overrides);
}

const phase = (number: number, overrides: ExperimentOverrides = {}): Experiment =>
  experimentOf({ phase: number }, overrides);

describe('the phases', () => {
  test('are the document’s', () => {
    expect(
      [1, 2, 3]
        .map((number) => phase(number))
        .map(({ fleet, durationMs, load, chaos }) => [
          fleet.agents,
          durationMs / HOUR,
          load.steadyRatePerMin,
          chaos.enabled,
        ]),
    ).toEqual([
      [50, 24, 100, false],
      [100, 48, 200, false],
      [200, 72, 500, true],
    ]);
  });

  test('phase 3 offers about 2.3 million tasks and kills 10 % every 15 min', () => {
    const { load, chaos } = phase(3);
    expect(expectedTasks(load.segments) / 1e6).toBeCloseTo(2.3, 1);
    expect(chaos.injections).toEqual([
      {
        type: 'agent_kill',
        everyMs: 15 * MINUTE,
        atMs: [],
        share: 0.1,
        durationMs: 0,
        latencyMs: 0,
        factor: 1,
        zone: null,
      },
    ]);
  });

  test('the mix takes 38 s on average', () => {
    expect(meanServiceMs(phase(1).tasks)).toBeCloseTo(38_000, 6);
  });

  test('each is judged on what it offers itself, bursts included, without linearity', () => {
    const { targets, load, durationMs } = phase(2);
    // 48 h less 10 min at both ends: 572 bursts of 575 lie inside.
    expect(targets.throughputPerMin).toBeCloseTo((200 * 2_860 + 300 * 572) / 2_860, 0);
    expect(targets.throughputPerMin).toBe(meanOfferedPerMin(load.segments, steadyWindow(durationMs)));
    expect(targets.judged).not.toContain('linearity');
    expect(targets.mandatory).toEqual([
      'stable',
      'throughput',
      'p99_latency',
      'error_rate',
      'availability',
      'recovery',
    ]);
  });

  test('a target that is written counts, until a flag changes the load', () => {
    const value = { successCriteria: { throughput: { target: '90/min' } } };
    expect(experimentOf(value).targets.throughputPerMin).toBe(90);
    expect(experimentOf(value, { rate: 60 }).targets.throughputPerMin).toBeCloseTo(60, 9);
  });

  test('start on Monday 00:00 in Japan', () => {
    expect(new Date(phase(1).startAtMs).toISOString()).toBe('2026-01-04T15:00:00.000Z');
  });
});

describe('the scenarios', () => {
  const scenario = (name: Experiment['scenario'], overrides: ExperimentOverrides = {}): Experiment =>
    phase(3, { scenario: name ?? 'burst', ...overrides });

  test('run on 200 agents, diurnal on 50', () => {
    expect(SCENARIO_NAMES.map((name) => scenario(name).fleet.agents)).toEqual([200, 200, 200, 200, 200, 200, 50]);
  });

  test('burst is three times 10, 2 and 8 minutes, scaled by feed-forward', () => {
    const { durationMs, load, scaling, expect: expected } = scenario('burst');
    expect([durationMs / MINUTE, scaling.mode, expected]).toEqual([60, 'feed_forward', 'backlog']);
    expect(
      load.segments.filter(({ ratePerMin }) => ratePerMin === 1500).map(({ startMs }) => startMs / MINUTE),
    ).toEqual([10, 30, 50]);
  });

  test('burst can be run on reactive scaling alone', () => {
    expect(scenario('burst', { scaling: 'reactive' }).scaling.mode).toBe('reactive');
    expect(
      experimentOf({ phase: 3, scenario: 'burst', scenarios: { burst: { scaling: 'reactive' } } }).scaling.mode,
    ).toBe('reactive');
  });

  test('stress admits by expected wait, is held to the capacity, and returns to normal load', () => {
    const { load, queue, targets, durationMs } = scenario('stress');
    expect(queue.admission).toEqual({ maxWaitMs: 4_000 });
    expect(targets.throughputPerMin).toBeCloseTo((800 / 38) * 60, 9);
    expect(load.segments.map(({ label, ratePerMin, endMs }) => [label, ratePerMin, endMs / MINUTE])).toEqual([
      ['overload', 2000, 120],
      ['recovery', 500, 125],
    ]);
    // The judged window ends before the load does.
    expect(steadyWindow(durationMs).endMs).toBeLessThan(120 * MINUTE);
  });

  test('only stress admits by expected wait', () => {
    expect(SCENARIO_NAMES.filter((name) => scenario(name).queue.admission !== null)).toEqual(['stress']);
  });

  test('a shortened stress test keeps some recovery', () => {
    expect(
      scenario('stress', { duration: 10 * MINUTE }).load.segments.map(({ label, endMs }) => [label, endMs / MINUTE]),
    ).toEqual([
      ['overload', 8],
      ['recovery', 10],
    ]);
  });

  test('chaos has the document’s three faults, and the delay lasts a minute', () => {
    expect(scenario('chaos').chaos.injections).toEqual([
      expect.objectContaining({ type: 'agent_kill', everyMs: 15 * MINUTE, share: 0.1 }),
      expect.objectContaining({ type: 'network_delay', everyMs: 30 * MINUTE, latencyMs: 500, durationMs: MINUTE }),
      expect.objectContaining({ type: 'coordinator_failover', everyMs: null, atMs: [2 * HOUR] }),
    ]);
  });

  test('soak has a leak to find', () => {
    const { simulation, monitors } = scenario('soak');
    expect([simulation.memory.leakPerTaskBytes, monitors]).toEqual([65_536, ['memory_leak', 'connection_pool']]);
    expect(phase(3).simulation.memory.leakPerTaskBytes).toBe(0);
  });

  test('scale_out saturates every stage, without reserve and without scaling', () => {
    const { fleet, load, scaling, targets } = scenario('scale_out');
    expect(fleet.stages.map(({ agents, endMs }) => [agents, endMs / MINUTE])).toEqual([
      [50, 15],
      [100, 30],
      [150, 45],
      [200, 60],
    ]);
    for (const stage of fleet.stages) {
      const inside = load.segments.filter(({ startMs, endMs }) => startMs >= stage.startMs && endMs <= stage.endMs);
      expect(inside.map(({ label }) => label)).toEqual(['ramp', `${stage.agents} agents`]);
      for (const { ratePerMin } of inside) expect(ratePerMin / ((stage.agents * 4 * 60) / 38)).toBeCloseTo(1.3, 4);
    }
    expect([fleet.reserve, scaling.mode]).toEqual([0, 'off']);
    expect(targets.judged).toEqual(['linearity', 'error_rate']);
  });

  test('scale_out on a laptop has smaller and shorter stages, not fewer', () => {
    const { fleet } = scenario('scale_out', { agents: 8, duration: 4 * MINUTE });
    expect(fleet.stages.map(({ agents, endMs }) => [agents, endMs / MINUTE])).toEqual([
      [2, 1],
      [4, 2],
      [6, 3],
      [8, 4],
    ]);
    expect(fleet.min).toBeLessThanOrEqual(2);
  });

  test('diurnal peaks in Japan’s peak hours, whatever the start', () => {
    const peakAt = (startAtMs: number): number => {
      const { segments } = scenario('diurnal', { startAtMs }).load;
      return (segments.find(({ ratePerMin }) => ratePerMin === 500)?.startMs ?? NaN) / HOUR;
    };
    expect(peakAt(Date.parse('2026-01-05T00:00:00+09:00'))).toBe(9);
    expect(peakAt(Date.parse('2026-01-05T03:00:00+09:00'))).toBe(6);
  });

  test('a scenario takes nothing but load, length, agents and chaos from itself', () => {
    const value = { phase: 1, fleet: { slots: 2 }, successCriteria: { p99_latency: { target: '3s' } } };
    const { fleet, targets, phase: number } = experimentOf(value, { scenario: 'steady_state' });
    expect([fleet.slots, targets.p99LatencyMs, number]).toEqual([2, 3_000, 1]);
  });

  test('a scenario without faults is run with the stack’s on request', () => {
    expect(scenario('steady_state').chaos.enabled).toBe(false);
    expect(scenario('steady_state', { chaos: true }).chaos.injections).toHaveLength(1);
    expect(scenario('chaos', { chaos: false }).chaos).toMatchObject({ enabled: false, injections: [] });
  });
});

describe('flags', () => {
  test('--rate replaces the steady rate; bursts stay while they are above it', () => {
    const bursts = (rate: number): number =>
      phase(2, { rate }).load.segments.filter(({ label }) => label === 'burst').length;
    expect([bursts(400), bursts(600)]).toEqual([575, 0]);
    expect(phase(3, { scenario: 'burst', rate: 700 }).load.segments.map(({ ratePerMin }) => ratePerMin)).toEqual([
      700, 1500, 700, 1500, 700, 1500, 700,
    ]);
  });

  test('--duration drops the faults that no longer fit, without a word', () => {
    expect(phase(3, { duration: 2 * MINUTE }).chaos.injections).toEqual([]);
    expect(phase(3, { scenario: 'chaos', duration: HOUR }).chaos.injections.map(({ type }) => type)).toEqual([
      'agent_kill',
      'network_delay',
    ]);
  });

  test('--agents moves the bounds nobody wrote, but not a written maximum', () => {
    expect(phase(1, { agents: 20_000 }).fleet).toMatchObject({ min: 50, max: 20_000 });
    expect(phase(1, { agents: 10 }).fleet).toMatchObject({ min: 10, max: 250 });
    const capped = { phase: 1, horizontalScaling: { actions: { scaleUp: { max: 60 } } } };
    expect(() => experimentOf(capped, { agents: 61 })).toThrow(
      '--agents: the run has 61 agents, the most allowed are 60',
    );
  });

  test('--phase must be the phase of the file', () => {
    expect(experimentOf({}, { phase: 3 }).fleet.agents).toBe(200);
    expect(() => phase(3, { phase: 1 })).toThrow('--phase: the file is for phase 3 (got 1)');
  });

  test('absurd flags are refused together', () => {
    expect(() => phase(1, { agents: 0, rate: -1, duration: 1, seed: 1.5 })).toThrow(
      /--agents[^]*--rate[^]*--duration[^]*--seed/,
    );
  });
});

describe('options', () => {
  test('a task mix replaces the default one; the document’s types know their means', () => {
    const { types } = experimentOf({
      tasks: { types: { code_review: { share: '60%' }, mine: { share: '40%', mean: '10s' } } },
    }).tasks;
    expect(types.map(({ name, share, meanMs }) => [name, share, meanMs])).toEqual([
      ['code_review', 0.6, 30_000],
      ['mine', 0.4, 10_000],
    ]);
  });

  test('interval with count becomes so many single times', () => {
    const injections = [{ type: 'coordinator_failover', interval: '1h', count: 3 }];
    expect(experimentOf({ chaos: { enabled: true, injections } }).chaos.injections[0]).toMatchObject({
      everyMs: null,
      atMs: [HOUR, 2 * HOUR, 3 * HOUR],
    });
  });

  test('without prediction, scaling is reactive', () => {
    expect(phase(1).scaling.mode).toBe('predictive');
    expect(experimentOf({ predictiveScaling: { enabled: false } }).scaling.mode).toBe('reactive');
  });

  test('without Spot nodes there is no reserve', () => {
    expect(phase(1).fleet.reserve).toBe(9);
    expect(experimentOf({ fleet: { spot: { enabled: false } } }).fleet.reserve).toBe(0);
  });
});

const overrides = fc.record(
  {
    phase: fc.constantFrom(1, 2, 3),
    scenario: fc.constantFrom(...SCENARIO_NAMES),
    agents: fc.integer({ min: 1, max: 1_000 }),
    rate: fc.integer({ min: 1, max: 5_000 }),
    duration: fc.integer({ min: 1_000, max: 100 * HOUR }),
    chaos: fc.boolean(),
    seed: fc.nat(),
  },
  { requiredKeys: [] },
);

describe('whatever the flags', () => {
  test('the load is gapless from the start to the end of the run, and changes at every boundary', () => {
    fc.assert(
      fc.property(overrides, (flags) => {
        const { load, durationMs } = experimentOf({}, flags);
        let endMs = 0;
        for (const [index, segment] of load.segments.entries()) {
          expect(segment.startMs).toBe(endMs);
          expect(segment.endMs).toBeGreaterThan(segment.startMs);
          expect(segment.ratePerMin).toBeGreaterThan(0);
          const before = load.segments[index - 1];
          expect(before?.label === segment.label && before.ratePerMin === segment.ratePerMin).toBe(false);
          endMs = segment.endMs;
        }
        expect(endMs).toBe(durationMs);
      }),
      { numRuns: 60 },
    );
  });

  test('min ≤ agents ≤ max, and every fault lies inside the run', () => {
    fc.assert(
      fc.property(overrides, (flags) => {
        const { fleet, chaos, durationMs } = experimentOf({}, flags);
        expect(fleet.min).toBeLessThanOrEqual(fleet.agents);
        expect(fleet.agents).toBeLessThanOrEqual(fleet.max);
        for (const { everyMs, atMs, durationMs: lasting } of chaos.injections) {
          expect(Math.max(everyMs ?? 0, ...atMs) + lasting).toBeLessThanOrEqual(durationMs);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('spec.json read again is the same experiment, with the same hash', () => {
    fc.assert(
      fc.property(overrides, (flags) => {
        const compiled = experimentOf({}, flags);
        const json: unknown = JSON.parse(JSON.stringify(compiled));
        expect(json).toEqual(compiled);
        expect(parseCompiledExperiment(json)).toEqual(compiled);
        expect(specHash(parseCompiledExperiment(json))).toBe(specHash(compiled));
      }),
      { numRuns: 30 },
    );
  });
});

describe('spec hash', () => {
  test('does not hang on the order of keys, and changes with any value', () => {
    const compiled = phase(1);
    const reversed = Object.fromEntries(Object.entries(compiled).reverse()) as unknown as Experiment;
    expect(specHash(reversed)).toBe(specHash(compiled));
    expect(specHash(compiled)).toMatch(/^[0-9a-f]{64}$/);
    expect(specHash(phase(1, { seed: 2 }))).not.toBe(specHash(compiled));
  });
});

describe('a damaged spec.json', () => {
  test('is reported with the place of the damage', () => {
    const json = JSON.parse(JSON.stringify(phase(1))) as { fleet: { slots?: number }; load: { segments: unknown } };
    delete json.fleet.slots;
    json.load.segments = 'cut';
    expect(() => parseCompiledExperiment(json, 'results/x/spec.json')).toThrow(
      expect.objectContaining({
        code: 'RECORD_UNREADABLE',
        problems: [
          expect.objectContaining({ path: 'load.segments' }),
          expect.objectContaining({ path: 'fleet.slots' }),
        ],
      }),
    );
    expect(() => parseCompiledExperiment(null)).toThrow('spec.json is damaged');
  });
});
