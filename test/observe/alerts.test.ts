import { AlertEngine, type AlertActions, type FiringAlert } from '../../runtime/observe/alerts.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import type { AlertRule } from '../../runtime/spec/experiment.js';
import { sampleData, type SampleChange } from './sample-data.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = 1_767_538_800_000;

const experimentFailure: AlertRule = {
  name: 'experiment_failure',
  severity: 'critical',
  metric: 'error_rate',
  comparison: '>',
  threshold: 0.05,
  forMs: 5 * MINUTE,
  actions: ['pause_experiment'],
};
const cascadeFailure: AlertRule = {
  name: 'cascade_failure',
  severity: 'critical',
  metric: 'offline_agents',
  comparison: '>',
  threshold: 40,
  forMs: 0,
  actions: ['emergency_scale'],
};
const degradation: AlertRule = {
  name: 'performance_degradation',
  severity: 'warning',
  metric: 'p99_latency',
  comparison: '>',
  threshold: 8_000,
  forMs: 10 * MINUTE,
  actions: ['notify', 'investigate'],
};
const scalingLimit: AlertRule = {
  name: 'scaling_limit',
  severity: 'warning',
  metric: 'agent_count',
  comparison: '>=',
  threshold: 240,
  forMs: 0,
  actions: ['notify', 'review_capacity'],
};

/** An engine with its actions written down, fed one sample a second. */
class Bench {
  readonly events: ExperimentEvent[] = [];
  readonly calls: string[] = [];
  readonly notified: FiringAlert[] = [];
  readonly engine: AlertEngine;
  now = START;

  constructor(...rules: AlertRule[]) {
    const actions: AlertActions = {
      pauseExperiment: (reason) => {
        this.calls.push(`pause ${reason}`);
      },
      emergencyScale: (reason) => {
        this.calls.push(`scale ${reason}`);
      },
      notify: (alert) => {
        this.calls.push(`notify ${alert.name}`);
        this.notified.push(alert);
      },
      fleetSample: () => ({ inError: ['agent-7'] }),
    };
    const emit = (event: ExperimentEvent): void => {
      this.events.push(event);
      this.engine.note(event);
    };
    this.engine = new AlertEngine(rules, actions, emit, { maxAgents: 250, slotsPerAgent: 4, headroom: 0.8 });
  }

  /** So many seconds of the same sample. */
  feed(seconds: number, change: SampleChange = {}): this {
    for (let i = 0; i < seconds; i += 1) {
      this.now += SECOND;
      this.engine.observe(sampleData(this.now, change));
    }
    return this;
  }

  states(): string[] {
    return this.events.flatMap((event) => (event.type === 'alert' ? [`${event.name} ${event.state}`] : []));
  }

  incidents(): Array<Extract<ExperimentEvent, { type: 'incident' }>['incident']> {
    return this.events.flatMap((event) => (event.type === 'incident' ? [event.incident] : []));
  }
}

describe('an alert', () => {
  it('fires when its condition has held for its whole duration, and not a second earlier', () => {
    const bench = new Bench(experimentFailure).feed(10).feed(300, { errorRate: 0.06 });
    expect(bench.states()).toEqual([]);
    bench.feed(1, { errorRate: 0.06 });
    expect(bench.states()).toEqual(['experiment_failure firing']);
    expect(bench.calls).toEqual(['pause experiment_failure: error_rate 6 % > 5 % for 5 min']);
  });

  it('does not fire when the condition was broken for one second', () => {
    const bench = new Bench(experimentFailure).feed(299, { errorRate: 0.06 }).feed(1).feed(299, { errorRate: 0.06 });
    expect(bench.states()).toEqual([]);
  });

  it('does not fire on the threshold itself unless the rule says so', () => {
    expect(new Bench(cascadeFailure).feed(5, { error: 40 }).states()).toEqual([]);
    expect(new Bench(scalingLimit).feed(5, { total: 239 }).states()).toEqual([]);
    expect(new Bench(scalingLimit).feed(5, { total: 240 }).states()).toEqual(['scaling_limit firing']);
  });

  it('without a duration fires on the first sample', () => {
    const bench = new Bench(cascadeFailure).feed(1, { error: 47 });
    expect(bench.calls).toEqual(['scale cascade_failure: offline_agents 47 > 40']);
  });

  it('carries out its actions once per firing, however long it lasts', () => {
    const bench = new Bench(cascadeFailure).feed(600, { error: 47 });
    expect(bench.calls).toHaveLength(1);
    bench.feed(60).feed(5, { error: 50 });
    expect(bench.calls).toHaveLength(2);
    expect(bench.engine.firings).toBe(2);
  });

  it('resolves when its condition has been false for 30 s', () => {
    const bench = new Bench(cascadeFailure).feed(10, { error: 47 }).feed(30);
    expect(bench.states()).toEqual(['cascade_failure firing']);
    bench.feed(1);
    expect(bench.states()).toEqual(['cascade_failure firing', 'cascade_failure resolved']);
    expect(bench.engine.firing()).toEqual([]);
  });

  it('with a long duration takes a fifth of it to resolve', () => {
    const bench = new Bench(degradation).feed(601, { p99: 9_000 }).feed(120);
    expect(bench.states()).toEqual(['performance_degradation firing']);
    expect(bench.feed(1).states()).toContain('performance_degradation resolved');
  });

  it('is one alert while its value swings around the threshold', () => {
    const bench = new Bench(cascadeFailure);
    for (let swing = 0; swing < 50; swing += 1) bench.feed(5, { error: 41 + swing }).feed(25);
    expect(bench.states()).toEqual(['cascade_failure firing']);
    expect(bench.calls).toHaveLength(1);
    expect(bench.engine.records()).toMatchObject([{ name: 'cascade_failure', resolvedAt: null, peak: 90 }]);
  });

  it('leaves an incident when it resolves, from the firing to the resolution', () => {
    const bench = new Bench(cascadeFailure).feed(10, { error: 47 }).feed(5, { error: 52 }).feed(31);
    expect(bench.incidents()).toEqual([
      {
        timestamp: START + 1 * SECOND,
        type: 'cascade_failure',
        severity: 'critical',
        description: 'offline_agents 47 > 40 (peak 52)',
        resolution: 'condition false for 30 s; actions: emergency_scale',
        duration: 45 * SECOND,
      },
    ]);
    expect(bench.engine.records()).toEqual([
      {
        name: 'cascade_failure',
        severity: 'critical',
        firedAt: START + SECOND,
        resolvedAt: START + 46 * SECOND,
        peak: 52,
        actions: ['emergency_scale'],
      },
    ]);
  });

  it('that still fires at the end of the run leaves an unresolved incident, once', () => {
    const bench = new Bench(cascadeFailure).feed(10, { error: 47 });
    bench.engine.end(bench.now);
    bench.engine.end(bench.now);
    expect(bench.incidents()).toMatchObject([
      { resolution: 'still firing when the run ended; actions: emergency_scale', duration: 9_000 },
    ]);
    expect(bench.engine.records()[0]?.resolvedAt).toBeNull();
  });

  it('does not count time over a hole in the data', () => {
    const bench = new Bench(experimentFailure).feed(200, { errorRate: 0.06 });
    bench.now += 20 * MINUTE;
    bench.feed(300, { errorRate: 0.06 });
    expect(bench.states()).toEqual([]);
    expect(bench.feed(1, { errorRate: 0.06 }).states()).toEqual(['experiment_failure firing']);
  });

  it('knows the lower side of a threshold too, and keeps the lowest value as its peak', () => {
    const few: AlertRule = { ...scalingLimit, name: 'few_agents', comparison: '<', threshold: 50, actions: [] };
    const bench = new Bench(few)
      .feed(1, { total: 50 })
      .feed(2, { total: 49 })
      .feed(1, { total: 30 })
      .feed(1, { total: 40 });
    expect(bench.engine.records()).toMatchObject([{ name: 'few_agents', peak: 30 }]);
  });

  it('is independent of the others', () => {
    const bench = new Bench(experimentFailure, cascadeFailure, degradation, scalingLimit);
    bench.feed(1, { error: 60, total: 245 });
    expect(bench.engine.firing().map(({ name }) => name)).toEqual(['cascade_failure', 'scaling_limit']);
  });
});

describe('a missing metric', () => {
  it('is an alert of its own after a minute under load', () => {
    const bench = new Bench(degradation).feed(60, { p99: NaN });
    expect(bench.states()).toEqual([]);
    bench.feed(1, { p99: NaN });
    expect(bench.states()).toEqual(['metric_missing:p99_latency firing']);
    expect(bench.notified[0]).toMatchObject({ name: 'metric_missing:p99_latency', value: null });
    bench.feed(31);
    expect(bench.states()).toContain('metric_missing:p99_latency resolved');
    expect(bench.incidents()[0]?.description).toBe('p99_latency has had no value for 1 min while load was offered');
  });

  it('is no wonder while no load is offered', () => {
    expect(new Bench(degradation).feed(600, { p99: NaN, offered: 0 }).states()).toEqual([]);
  });

  it('stops a pending alert and keeps a firing one', () => {
    const pending = new Bench(experimentFailure).feed(299, { errorRate: 0.06 }).feed(1, { errorRate: NaN });
    expect(pending.feed(299, { errorRate: 0.06 }).states()).toEqual([]);

    const firing = new Bench(cascadeFailure).feed(1, { error: 47 }).feed(20).feed(20, { error: NaN }).feed(30);
    expect(firing.states()).toEqual(['cascade_failure firing']);
    expect(firing.feed(1).states()).toContain('cascade_failure resolved');
  });

  it('lets an alert resolve once the load is gone', () => {
    const bench = new Bench(experimentFailure).feed(301, { errorRate: 0.06 }).feed(61, { errorRate: NaN, offered: 0 });
    expect(bench.states()).toEqual(['experiment_failure firing', 'experiment_failure resolved']);
  });

  it('never puts NaN into an event', () => {
    const bench = new Bench(degradation).feed(100, { p99: NaN });
    expect(JSON.parse(JSON.stringify(bench.events))).toEqual(bench.events);
  });
});

describe('the diagnostics of an alert', () => {
  const bundleOf = (bench: Bench, alert: string): Readonly<Record<string, unknown>> => {
    const event = bench.events.find((one) => one.type === 'diagnostics' && one.alert === alert);
    if (event?.type !== 'diagnostics') throw new Error('no diagnostics');
    return event.bundle;
  };

  it('hold the last five minutes of metrics, the last events and a sample of the fleet', () => {
    const bench = new Bench(degradation);
    bench.engine.note({ type: 'segment', at: START, label: 'burst', ratePerMin: 1_000 });
    bench.feed(400).feed(601, { p99: 9_000 });
    const bundle = bundleOf(bench, 'performance_degradation');
    const window = bundle['window'] as Array<{ at: number; p99: number }>;
    expect(window.length).toBeGreaterThanOrEqual(60);
    expect(window.length).toBeLessThanOrEqual(61);
    expect(window.every(({ at, p99 }) => at >= bench.now - 5 * MINUTE && p99 === 9_000)).toBe(true);
    expect(bundle['events']).toMatchObject([
      { type: 'segment', label: 'burst' },
      { type: 'alert', state: 'firing' },
    ]);
    expect(bundle).toMatchObject({
      kind: 'investigation',
      fleet: { inError: ['agent-7'] },
      condition: 'p99_latency 9 s > 8 s for 10 min',
    });
    expect(bench.calls).toEqual(['notify performance_degradation']);
  });

  it('of a capacity review hold what is used and what is left', () => {
    const bench = new Bench(scalingLimit).feed(1, { total: 242, busySlots: 900, slots: 968 });
    expect(bundleOf(bench, 'scaling_limit')).toMatchObject({
      kind: 'capacity_review',
      agents: 242,
      maxAgents: 250,
      agentsLeft: 8,
      agentsForBusySlots: 282,
    });
  });

  it('stay small however many events there were, and never hold another bundle', () => {
    const bench = new Bench({ ...degradation, forMs: 0 });
    for (let i = 0; i < 1_000; i += 1)
      bench.engine.note({ type: 'segment', at: START + i, label: 'steady', ratePerMin: 500 });
    for (let i = 0; i < 5; i += 1) bench.feed(5, { p99: 9_000 }).feed(40);
    const bundles = bench.events.filter((event) => event.type === 'diagnostics');
    expect(bundles).toHaveLength(5);
    for (const { bundle } of bundles) {
      const events = bundle['events'] as ExperimentEvent[];
      expect(events.length).toBeLessThanOrEqual(30);
      expect(events.some(({ type }) => type === 'diagnostics')).toBe(false);
    }
  });
});
