import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { parseExperiment } from '../../runtime/spec/parse.js';

const SOURCE = { file: 'Pulumi.phase3.yaml', pathPrefix: 'config.agent-experiment:experiment' };

describe('parseExperiment', () => {
  test('converts units once and fills nothing in', () => {
    expect(
      parseExperiment({ phase: 2, duration: '48h', load: { rate: '200/min' }, budget: { max: '$350' } }, SOURCE),
    ).toEqual({
      phase: 2,
      duration: 172_800_000,
      load: { rate: 200 },
      budget: { max: 350 },
    });
  });

  test('an experiment may be empty: it is phase 1', () => {
    expect(parseExperiment({}, SOURCE)).toEqual({});
  });

  test.each([null, undefined, 5, 'phase3', []])('refuses %p, which is no block of keys', (value) => {
    expect(() => parseExperiment(value, SOURCE)).toThrow('must be a block of keys');
  });

  test('tells everything that is wrong in one error, with file, number and place', () => {
    const error = refused({ agents: 0, duration: '72', fleet: { slotz: 4 }, queue: { lease: '1s', beat: '1s' } });
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.exitCode).toBe(2);
    expect(error.headline).toBe(
      'Pulumi.phase3.yaml: 4 problems in the experiment under config.agent-experiment:experiment',
    );
    expect(error.problems.map(({ path }) => path).sort()).toEqual(['agents', 'duration', 'fleet.slotz', 'queue.lease']);
  });

  test('shows the value as it was written', () => {
    expect(problem({ load: { rate: 500 } })).toEqual({
      path: 'load.rate',
      value: '500',
      message: 'must be a rate such as 500/min, 2000 tasks/min or 8/s',
      hint: 'say per what: 500/min or 500/s',
    });
  });

  test.each<[string, unknown, string, string]>([
    ['a misspelt key', { chaso: {} }, 'chaso', 'did you mean "chaos"?'],
    [
      'the document’s own spelling of a key',
      { horizontal_scaling: {} },
      'horizontal_scaling',
      'did you mean "horizontalScaling"?',
    ],
    ['a misspelt key further in', { queue: { backof: {} } }, 'queue.backof', 'did you mean "backoff"?'],
    [
      'a misspelt key in a list',
      { alerts: { critical: [{ name: 'a', condition: 'offline_agents > 1', acton: 'notify' }] } },
      'alerts.critical[0].acton',
      'did you mean "action"?',
    ],
    [
      'a misspelt key of a fault',
      { chaos: { injections: [{ type: 'agent_kill', percent: '1%', intervall: '5min' }] } },
      'chaos.injections[0].intervall',
      'did you mean "interval"?',
    ],
    ['a misspelt name', { scenario: 'steadystate' }, 'scenario', 'did you mean steady_state?'],
    [
      'a misspelt fault',
      { chaos: { injections: [{ type: 'agent_kil', percent: '1%', interval: '5min' }] } },
      'chaos.injections[0].type',
      'did you mean agent_kill?',
    ],
    ['a misspelt scenario', { scenarios: { sock: {} } }, 'scenarios.sock', 'did you mean "soak"?'],
    ['a number in quotes', { agents: '200' }, 'agents', 'write 200'],
    ['an empty value', { agents: null }, 'agents', 'write a value, or remove the key'],
    [
      'a percentage without its sign',
      { simulation: { failureRate: 0.005 } },
      'simulation.failureRate',
      'write 0.5% or 0.005%, whichever is meant',
    ],
    ['a wrong unit', { duration: '72hrs' }, 'duration', '"hrs" is no unit of time; use ms, s, min, h, d, w or y'],
    [
      'a start without its offset',
      { startAt: '2026-01-05T00:00:00' },
      'startAt',
      'add the offset: Z, or +09:00 for Japan',
    ],
  ])('says what was meant by %s', (_, value, path, hint) => {
    expect(refused(value).problems).toContainEqual(expect.objectContaining({ path, hint }));
  });

  test('names the keys that are allowed where an unknown one stands', () => {
    expect(problem({ budget: { cap: '$5' } }).message).toBe('unknown key; allowed here: max, maxPerHour, models');
  });

  test.each<[string, unknown]>([
    ['agents', { agents: -5 }],
    ['agents', { agents: 2.5 }],
    ['agents', { agents: 100_001 }],
    ['duration', { duration: '-5min' }],
    ['duration', { duration: '31d' }],
    ['load.rate', { load: { rate: '20000000/min' } }],
    ['load.rate', { load: { rate: 0 } }],
    ['seed', { seed: -1 }],
    ['phase', { phase: 4 }],
    ['fleet.zones', { fleet: { zones: [] } }],
    [
      'predictiveScaling.patterns.daily.peakHours[0]',
      { predictiveScaling: { patterns: { daily: { peakHours: [24] } } } },
    ],
    [
      'alerts.warning[0].condition',
      { alerts: { warning: [{ name: 'a', condition: 'error_rate is high', action: 'notify' }] } },
    ],
    [
      'alerts.warning[0].condition',
      { alerts: { warning: [{ name: 'a', condition: 'error_rate > 5', action: 'notify' }] } },
    ],
    [
      'alerts.warning[0].action',
      { alerts: { warning: [{ name: 'a', condition: 'agent_count > 5', action: 'notify + panic' }] } },
    ],
    ['tasks.types.Foo', { tasks: { types: { Foo: { share: '100%', mean: '1s' } } } }],
    ['chaos.injections[0].time', { chaos: { injections: [{ type: 'coordinator_failover', time: 'noon' }] } }],
  ])('refuses what is absurd: %s in %j', (path, value) => {
    expect(refused(value).problems.map((one) => one.path)).toContain(path);
  });

  test('accepts the document’s own way to write percent and actions', () => {
    const options = parseExperiment(
      {
        chaos: { injections: [{ type: 'agent_kill', percent: 10, interval: '15min' }] },
        alerts: { warning: [{ name: 'a', condition: 'p99_latency > 8s for 10min', action: 'notify + investigate' }] },
      },
      SOURCE,
    );
    expect(options.chaos?.injections?.[0]).toMatchObject({ percent: 0.1, interval: 900_000 });
    expect(options.alerts?.warning?.[0]).toEqual({
      name: 'a',
      condition: { metric: 'p99_latency', comparison: '>', threshold: 8_000, forMs: 600_000 },
      action: ['notify', 'investigate'],
    });
  });

  test.each<[string, string, unknown]>([
    [
      'weights do not sum to 1',
      'horizontalScaling.triggerMetrics',
      { horizontalScaling: { triggerMetrics: { queue_depth: { weight: 0.5 } } } },
    ],
    ['task shares do not sum to 100%', 'tasks.types', { tasks: { types: { code_review: { share: '90%' } } } }],
    [
      'priorities do not sum to 100%',
      'tasks.priorities',
      { tasks: { priorities: { P0: '10%', P1: '20%', P2: '50%', P3: '10%' } } },
    ],
    [
      'a task type of one’s own has no mean',
      'tasks.types.mine.mean',
      { tasks: { types: { mine: { share: '100%' } } } },
    ],
    ['the timeout is shorter than a task', 'tasks.timeout', { tasks: { timeout: '30s' } }],
    [
      'min is above max',
      'horizontalScaling.actions.scaleDown.min',
      { horizontalScaling: { actions: { scaleUp: { max: 60 }, scaleDown: { min: 70 } } } },
    ],
    [
      'max is below the agents',
      'horizontalScaling.actions.scaleUp.max',
      { agents: 300, horizontalScaling: { actions: { scaleUp: { max: 250 } } } },
    ],
    [
      'min is above the agents',
      'horizontalScaling.actions.scaleDown.min',
      { agents: 20, horizontalScaling: { actions: { scaleDown: { min: 50 } } } },
    ],
    [
      'scaleDown is above scaleUp',
      'horizontalScaling.triggerMetrics.queue_depth.scaleDown',
      { horizontalScaling: { triggerMetrics: { queue_depth: { scaleUp: 10 } } } },
    ],
    [
      'predictive mode without prediction',
      'horizontalScaling.mode',
      { horizontalScaling: { mode: 'predictive' }, predictiveScaling: { enabled: false } },
    ],
    [
      'an unknown time zone',
      'predictiveScaling.patterns.timeZone',
      { predictiveScaling: { patterns: { timeZone: 'Asia/Tokio' } } },
    ],
    ['a zone named twice', 'fleet.zones', { fleet: { zones: ['A', 'B', 'A'] } }],
    ['a lease of two beats', 'queue.lease', { queue: { lease: '1s' } }],
    ['the longest backoff below the first', 'queue.backoff.max', { queue: { backoff: { first: '1min' } } }],
    [
      'bursts longer than their interval',
      'load.bursts.duration',
      { load: { bursts: { rate: '200/min', duration: '5min', every: '5min' } } },
    ],
    [
      'bursts below the steady rate',
      'load.bursts.rate',
      { load: { rate: '500/min', bursts: { rate: '200/min', duration: '1min', every: '5min' } } },
    ],
    [
      'bursts that never come',
      'load.bursts.every',
      { duration: '4min', load: { bursts: { rate: '200/min', duration: '1min', every: '5min' } } },
    ],
    [
      'a chaos plan longer than the run',
      'chaos.injections[0].interval',
      { duration: '10min', chaos: { enabled: true } },
    ],
    [
      'a fault after the run',
      'chaos.injections[0].time',
      { chaos: { enabled: true, injections: [{ type: 'coordinator_failover', time: '25h' }] } },
    ],
    [
      'a fault that lasts beyond the run',
      'chaos.injections[0].time',
      { duration: '1h', chaos: { enabled: true, injections: [{ type: 'zone_outage', time: '59min' }] } },
    ],
    [
      'a fault longer than its interval',
      'chaos.injections[0].duration',
      { chaos: { injections: [{ type: 'rate_limit', interval: '1min' }] } },
    ],
    ['a fault with no time', 'chaos.injections[0]', { chaos: { injections: [{ type: 'coordinator_failover' }] } }],
    [
      'a fault in an unknown zone',
      'chaos.injections[0].zone',
      { chaos: { injections: [{ type: 'zone_outage', zone: 'E', time: '1h' }] } },
    ],
    [
      'an outage of all zones',
      'chaos.injections[0].zone',
      { chaos: { injections: [{ type: 'zone_outage', zone: '*', time: '1h' }] } },
    ],
    [
      'a partition of an unknown zone',
      'chaos.injections[0].zone',
      { chaos: { injections: [{ type: 'network_partition', zone: 'E', time: '1h' }] } },
    ],
    [
      'a scenario with a fault after its end',
      'scenarios.chaos.injections[0].time',
      { scenarios: { chaos: { injections: [{ type: 'coordinator_failover', time: '5h' }] } } },
    ],
    [
      'a scenario with two shapes of load',
      'scenarios.burst',
      { scenarios: { burst: { curve: { low: '20%', step: '5min' } } } },
    ],
    [
      'a scenario as long as its pattern is not',
      'scenarios.burst.duration',
      { scenarios: { burst: { duration: '2h' } } },
    ],
    [
      'two alerts of one name',
      'alerts.warning[0].name',
      { alerts: { warning: [{ name: 'experiment_failure', condition: 'agent_count > 1', action: 'notify' }] } },
    ],
    [
      'a target above what is offered',
      'successCriteria.throughput.target',
      { successCriteria: { throughput: { target: '500/min' } } },
    ],
  ])('finds the contradiction: %s', (_, path, value) => {
    expect(refused(value).problems.map((one) => one.path)).toEqual([path]);
  });

  test('a value that is wrong by itself causes no contradictions', () => {
    expect(
      refused({ agents: 'many', horizontalScaling: { actions: { scaleUp: { max: 40 } } } }).problems.map(
        ({ path }) => path,
      ),
    ).toEqual(['agents']);
  });

  test('the document’s burst scenario may be written with its hour', () => {
    expect(() => parseExperiment({ scenarios: { burst: { duration: '1h', repeat: 3 } } }, SOURCE)).not.toThrow();
  });
});

function refused(value: unknown): ExperimentError {
  try {
    parseExperiment(value, SOURCE);
  } catch (error) {
    if (error instanceof ExperimentError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function problem(value: unknown): Problem {
  const [first, ...others] = refused(value).problems;
  if (first === undefined || others.length > 0) throw new Error('not exactly one problem');
  return first;
}
