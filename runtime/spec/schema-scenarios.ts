import { z } from 'zod';
import type { CriterionName, Expectation, MonitorName, ScalingMode, ScenarioName } from './experiment.js';
import { count, duration, LIMITS, rate, share, size } from './quantities.js';
import { injection } from './schema-chaos.js';

export const SCENARIO_NAMES = [
  'steady_state',
  'burst',
  'stress',
  'soak',
  'chaos',
  'scale_out',
  'diurnal',
] as const satisfies readonly ScenarioName[];
export const CRITERION_NAMES = [
  'stable',
  'throughput',
  'p99_latency',
  'error_rate',
  'availability',
  'recovery',
  'linearity',
  'cpu',
  'stretch',
] as const satisfies readonly CriterionName[];
export const SCALING_MODES = [
  'off',
  'reactive',
  'predictive',
  'feed_forward',
] as const satisfies readonly ScalingMode[];
const EXPECTATIONS = ['graceful_degradation', 'backlog'] as const satisfies readonly Expectation[];
const MONITORS = ['memory_leak', 'connection_pool'] as const satisfies readonly MonitorName[];

/** Bursts on top of the steady rate. */
export const bursts = z
  .strictObject({
    rate: rate('Offered during a burst.'),
    duration: duration('How long a burst lasts.', { min: 1_000 }),
    every: duration('From the start of one burst to the start of the next; the mean of it when the timing is random.', {
      min: 1_000,
    }),
    timing: z
      .enum(['fixed', 'random'])
      .prefault('fixed')
      .describe('fixed: at every multiple of `every`. random: drawn from the seed, never overlapping.'),
  })
  .meta({ id: 'Bursts' });

export type BurstOptions = z.output<typeof bursts>;

/** Admission by expected wait. */
export const admission = z.strictObject({
  maxWait: duration('A task is admitted only while its expected wait is at most this.', { min: 100 }),
});

export const expectation = z
  .enum(EXPECTATIONS)
  .describe(
    'Declares overload, which is refused otherwise: graceful_degradation (more than the fleet can do, all along) or backlog (for a while).',
  );

/**
 * A scenario of the document (4.1) or of ours. Its load has one of four shapes: `rate` (with or without `bursts`),
 * `pattern` × `repeat`, `stages`, or `curve`.
 */
const scenario = z
  .strictObject({
    name: z.string().min(1).optional().describe('What people call it.'),
    agents: count('Agents: the floor of the autoscaler.', 1, LIMITS.agents).optional(),
    duration: duration('How long it runs; null = as long as its pattern or its stages.', {
      min: LIMITS.shortestRunMs,
      max: LIMITS.runMs,
    })
      .nullable()
      .optional(),
    rate: rate('Offered all along; the peak of a curve.').nullable().optional(),
    bursts: bursts.nullable().optional().describe('Bursts on top of the rate.'),
    pattern: z
      .array(
        z.strictObject({
          rate: rate('Offered during this step.'),
          duration: duration('How long the step lasts.', { min: 1_000 }),
        }),
      )
      .min(1)
      .nullable()
      .optional()
      .describe('Steps of the load, one after the other.'),
    repeat: count('How often the pattern is run through.', 1, 10_000).optional(),
    recovery: z
      .strictObject({
        rate: rate('Offered after the load.'),
        duration: duration('How long.', { min: 1_000 }),
      })
      .nullable()
      .optional()
      .describe('Normal load added after `duration`, to see the fleet come back.'),
    stages: z
      .strictObject({
        agents: z
          .array(count('Agents of a stage.', 1, LIMITS.agents))
          .min(2)
          .describe('Agents, stage by stage.'),
        each: duration('How long a stage lasts.', { min: 10_000 }),
        ramp: duration('First part of a stage, in which agents start; not judged.', { min: 0 }),
        load: z
          .number()
          .gt(1)
          .max(10)
          .describe('Offered load as a multiple of what the agents of the stage can carry: 1.3 = saturated.'),
      })
      .nullable()
      .optional()
      .describe('Steps of the fleet under saturating load.'),
    curve: z
      .strictObject({
        low: share('Load at night as a share of `rate`.', { min: 0.01 }),
        step: duration('The curve is cut into pieces this long.', { min: 10_000 }),
      })
      .nullable()
      .optional()
      .describe('A day-night curve that reaches `rate` in the peak hours of predictiveScaling.patterns.daily.'),
    expect: expectation.nullable().optional(),
    admission: admission
      .nullable()
      .optional()
      .describe('Admission by expected wait in this scenario; null = as in `queue`.'),
    scaling: z
      .enum(SCALING_MODES)
      .nullable()
      .optional()
      .describe('Scaling mode of this scenario; null = as in `horizontalScaling`.'),
    injections: z.array(injection).optional().describe('Faults of this scenario.'),
    monitor: z.array(z.enum(MONITORS)).optional().describe('What is watched beyond the alerts.'),
    leakPerTask: size(
      'Memory an agent never gives back after each task: what the memory_leak monitor is to find (simulated).',
    )
      .nullable()
      .optional(),
    judged: z
      .array(z.enum(CRITERION_NAMES))
      .min(1)
      .optional()
      .describe('Criteria it is judged by; the others are reported as not applicable.'),
  })
  .meta({ id: 'Scenario' });

export const scenariosSection = z.strictObject({
  steady_state: scenario.optional().describe('Constant load for a day (document 4.1).'),
  burst: scenario.optional().describe('Bursts to three times the load (document 4.1).'),
  stress: scenario.optional().describe('More than the fleet can do (document 4.1).'),
  soak: scenario.optional().describe('Three days, watching for leaks (document 4.1).'),
  chaos: scenario.optional().describe('Kills, delays and a failover (document 4.1).'),
  scale_out: scenario
    .optional()
    .describe('Saturating load on 50, 100, 150 and 200 agents: does twice the fleet do twice the work?'),
  diurnal: scenario.optional().describe('A day-night curve with a small floor: what predictive scaling is worth.'),
});
