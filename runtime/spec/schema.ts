import { z } from 'zod';
import { alertActions, alertCondition } from './alert-condition.js';
import { executorSection } from './executor.js';
import { MACHINE_TYPE_NAMES } from './machines.js';
import { count, cpu, duration, instant, LIMITS, money, rate, share, size } from './quantities.js';
import { chaosSection } from './schema-chaos.js';
import { admission, bursts, expectation, SCALING_MODES, SCENARIO_NAMES, scenariosSection } from './schema-scenarios.js';

/*
 * What people write under `agent-experiment:experiment`. Keys are the document's, in camelCase; names of things
 * (scenarios, faults, metrics, criteria, task types) are the document's, unchanged. Everything is optional: what is
 * not written comes from the phase (phases.ts) and from defaults.ts.
 */

const ratio = (description: string, min: number, max: number): z.ZodType<number> =>
  z.number().min(min).max(max).describe(description);

const load = z.strictObject({
  process: z.enum(['uniform', 'poisson']).optional().describe('uniform: evenly spaced arrivals. poisson: random ones.'),
  rate: rate('The steady rate of arrivals.').optional(),
  bursts: bursts.nullable().optional().describe('Bursts on top of it; null = none.'),
});

const taskType = z.strictObject({
  share: share('Share of all tasks.'),
  mean: duration('Mean service time.', { min: 1, max: 86_400_000 }).optional(),
  tokens: z
    .strictObject({
      input: count('Tokens sent to the model.', 0, 10_000_000).optional(),
      output: count('Tokens got from the model.', 0, 10_000_000).optional(),
    })
    .optional()
    .describe('Tokens a task of this type costs. The document names none: the defaults are assumed.'),
});

const tasks = z.strictObject({
  types: z
    .record(z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be lower case letters, digits and _'), taskType)
    .optional()
    .describe('The task mix; it replaces the default mix as a whole. Shares must sum to 100%.'),
  priorities: z
    .strictObject({
      P0: share('Most important.'),
      P1: share('Important.'),
      P2: share('Normal.'),
      P3: share('Least important, refused first.'),
    })
    .optional()
    .describe('Shares of the priorities; they must sum to 100%.'),
  serviceTime: z
    .strictObject({
      distribution: z
        .enum(['fixed', 'exponential', 'lognormal'])
        .optional()
        .describe('Of the service times around their mean.'),
      cv: ratio('Coefficient of variation of the lognormal (standard deviation ÷ mean).', 0.01, 10).optional(),
    })
    .optional()
    .describe('How service times scatter.'),
  timeout: duration('An attempt still running after this has failed.', { min: 1_000 }).optional(),
});

const queue = z.strictObject({
  bound: count('Most tasks ready to be claimed; further ones are shed.', 1, 10_000_000).optional(),
  attempts: count('Attempts a task gets before it has failed for good.', 1, 100).optional(),
  backoff: z
    .strictObject({
      first: duration('Wait before the second attempt.').optional(),
      factor: ratio('Each further wait is this much longer.', 1, 10).optional(),
      max: duration('Longest wait.').optional(),
    })
    .optional()
    .describe('Waits between attempts.'),
  beat: duration('How often an agent says that it is alive.', { min: 10, max: 600_000 }).optional(),
  lease: duration('Silence after which an agent’s tasks are given to others; more than two beats.', {
    min: 20,
    max: 3_600_000,
  }).optional(),
  massExpiryShare: share(
    'Share of the agents that may fall silent at once before it is taken for a fault of the control plane.',
    {
      min: 0.01,
    },
  ).optional(),
  admission: admission.nullable().optional().describe('Admission by expected wait; null = only the bound holds.'),
});

const fleet = z.strictObject({
  slots: count('Tasks an agent runs at a time.', 1, 1_000).optional(),
  zones: z.array(z.string().min(1)).min(1).optional().describe('Zone labels; agents are dealt to them in turn.'),
  machineType: z.enum(MACHINE_TYPE_NAMES).optional().describe('Machine type of the agents’ nodes.'),
  requests: z
    .strictObject({
      cpu: cpu('CPU an agent asks for.').optional(),
      memory: size('Memory an agent asks for.', { min: 2 ** 20 }).optional(),
    })
    .optional()
    .describe('What an agent’s pod asks for.'),
  agentsPerNode: count('Agents on one node; null = as many as their requests leave room for.', 1, 1_000)
    .nullable()
    .optional(),
  reserve: count('Extra agents that stand in for pre-empted nodes; null = one node’s agents.', 0, LIMITS.agents)
    .nullable()
    .optional(),
  startup: duration('From scale-up to ready on a node that has room.').optional(),
  nodeStartup: duration('From scale-up to ready where a node must come first.').optional(),
  restart: duration('From a kill to ready again.').optional(),
  recycle: z
    .strictObject({
      maxTasks: count('Restart after so many tasks.', 1, 1_000_000_000).optional(),
      maxAge: duration('Restart at this age.', { min: 1_000 }).optional(),
      maxMemory: size('Restart above this much memory.', { min: 1 }).optional(),
    })
    .optional()
    .describe('Regular restarts: the document’s answer to leaks.'),
  drainTimeout: duration('Longest time a draining agent is given to finish its tasks.').optional(),
  spot: z
    .strictObject({
      enabled: z.boolean().optional().describe('Agents run on Spot nodes.'),
      preemptedPerDay: share('Share of the nodes taken away a day.').optional(),
    })
    .optional()
    .describe('Cheap nodes that may be taken away.'),
  coordinators: count('Coordinator replicas; one of them leads.', 1, 15).optional(),
});

/** A scaling metric; `value` is the codec of its unit. */
const trigger = (value: (description: string) => z.ZodType<number>): z.ZodOptional<z.ZodType<TriggerOptions>> =>
  z
    .strictObject({
      scaleUp: value('Scale up above this; the metric counts 1 in the score here.').optional(),
      scaleDown: value('Scale down below this; the metric counts 0 in the score here.').optional(),
      weight: ratio('Weight in the score; the weights sum to 1.', 0, 1).optional(),
      trigger: z.boolean().optional().describe('False: part of the score, but no trigger of its own.'),
    })
    .optional();

interface TriggerOptions {
  scaleUp?: number | undefined;
  scaleDown?: number | undefined;
  weight?: number | undefined;
  trigger?: boolean | undefined;
}

const horizontalScaling = z.strictObject({
  mode: z
    .enum(SCALING_MODES)
    .nullable()
    .optional()
    .describe(
      'predictive adds the forecast to the reactive decision, feed_forward the run’s own schedule; null = predictive where predictiveScaling is enabled, else reactive.',
    ),
  evaluateEvery: duration('How often it decides.', { min: 1_000 }).optional(),
  window: duration('Metrics are means over this.', { min: 1_000 }).optional(),
  headroom: share('Share of its slots an agent is planned with.', { min: 0.1 }).optional(),
  triggerMetrics: z
    .strictObject({
      queue_depth: trigger((text) => ratio(text, 0, 1e9)).describe('Tasks waiting.'),
      avg_wait_time: trigger((text) => duration(text)).describe('Mean wait.'),
      cpu_utilization: trigger((text) => share(text)).describe('Process CPU.'),
      error_rate: trigger((text) => share(text)).describe('Tasks failed for good ÷ tasks finished.'),
    })
    .optional()
    .describe('What it goes by.'),
  actions: z
    .strictObject({
      scaleUp: z
        .strictObject({
          increment: count('Agents added at least.', 1, LIMITS.agents).optional(),
          cooldown: duration('Rest after scaling up.').optional(),
          max: count('Most agents; null = 250, or the agents of the run where those are more.', 1, LIMITS.agents)
            .nullable()
            .optional(),
        })
        .optional()
        .describe('Scaling up.'),
      scaleDown: z
        .strictObject({
          decrement: count('Agents taken away.', 1, LIMITS.agents).optional(),
          cooldown: duration('Rest after scaling down.').optional(),
          min: count('Fewest agents; null = 50, or the agents of the run where those are fewer.', 1, LIMITS.agents)
            .nullable()
            .optional(),
        })
        .optional()
        .describe('Scaling down.'),
    })
    .optional()
    .describe('What it does.'),
});

const predictiveScaling = z.strictObject({
  enabled: z.boolean().optional().describe('Whether the forecast takes part in the decision.'),
  patterns: z
    .strictObject({
      daily: z
        .strictObject({
          peakHours: z
            .array(count('Hour of the day.', 0, 23))
            .optional()
            .describe('Hours of high load.'),
          scaleFactor: ratio('Forecast arrivals are multiplied by this in them.', 0.1, 10).optional(),
        })
        .optional()
        .describe('The day.'),
      weekly: z
        .strictObject({
          highDays: z
            .array(count('Day of the week, 1 = Monday.', 1, 7))
            .optional()
            .describe('Days of high load.'),
          scaleFactor: ratio('Forecast arrivals are multiplied by this on them.', 0.1, 10).optional(),
        })
        .optional()
        .describe('The week.'),
      timeZone: z.string().optional().describe('IANA time zone the calendar is read in, such as Asia/Tokyo.'),
    })
    .optional()
    .describe('The calendar.'),
  mlModel: z
    .strictObject({
      type: z
        .literal('time_series_forecast')
        .optional()
        .describe('The kind of forecast; the model itself is chosen by backtest.'),
      lookback: duration('How far back it looks.', { min: 3_600_000 }).optional(),
      forecast: duration('How far ahead it looks.', { min: 60_000 }).optional(),
      confidence: share('Interval whose upper bound is planned for.', { min: 0.5, max: 0.999 }).optional(),
    })
    .optional()
    .describe('The forecast.'),
});

const alert = z.strictObject({
  name: z.string().min(1).describe('Name of the alert.'),
  condition: alertCondition,
  action: alertActions,
});

const alerts = z.strictObject({
  critical: z.array(alert).optional().describe('Alerts that act on the experiment.'),
  warning: z.array(alert).optional().describe('Alerts that tell somebody.'),
});

const storage = z.strictObject({
  timeSeries: z
    .strictObject({
      backend: z.string().min(1).optional().describe('Where metrics go.'),
      retention: duration('How long they are kept.').optional(),
      resolution: duration('One record per this.', { min: 1_000, max: 3_600_000 }).optional(),
    })
    .optional()
    .describe('Metrics.'),
  events: z
    .strictObject({
      backend: z.string().min(1).optional().describe('Where events go.'),
      retention: duration('How long they are kept.').optional(),
    })
    .optional()
    .describe('Events.'),
  rawLogs: z
    .strictObject({
      backend: z.string().min(1).optional().describe('Where raw logs go.'),
      retention: duration('How long they are kept.').optional(),
      compression: z.enum(['gzip', 'none']).optional().describe('How they are packed.'),
    })
    .optional()
    .describe('Raw logs.'),
});

const mandatory = z.boolean().optional().describe('Without it a run does not pass.');

const successCriteria = z.strictObject({
  stable: z
    .strictObject({ mandatory })
    .optional()
    .describe('Full duration with all agents ready, up to 30 s after a fault excepted.'),
  throughput: z
    .strictObject({
      target: rate('Tasks completed per minute in the steady window; null = what the run itself offers.')
        .nullable()
        .optional(),
      tolerance: share('Met from target × (1 − tolerance).', { max: 0.5 }).optional(),
      mandatory,
    })
    .optional()
    .describe('Throughput.'),
  p99_latency: z
    .strictObject({ target: duration('P99 of the response latency at most.', { min: 1 }).optional(), mandatory })
    .optional()
    .describe('Response latency: from schedule to the start of the first attempt.'),
  error_rate: z
    .strictObject({ target: share('Tasks failed for good ÷ tasks finished at most.').optional(), mandatory })
    .optional()
    .describe('Error rate.'),
  availability: z
    .strictObject({ target: share('Share of the canaries answered within 5 s at least.').optional(), mandatory })
    .optional()
    .describe('Availability.'),
  recovery: z
    .strictObject({
      target: duration('Service recovery of the worst fault at most.', { min: 1 }).optional(),
      mandatory,
    })
    .optional()
    .describe('Recovery from faults.'),
  linearity: z
    .strictObject({
      target: ratio('Throughput per agent, most ÷ fewest agents, at least.', 0.01, 2).optional(),
      mandatory,
    })
    .optional()
    .describe('Linear scaling (scale_out).'),
  cpu: z
    .strictObject({ target: share('Mean process CPU in the steady window at most.').optional(), mandatory })
    .optional()
    .describe('Resource efficiency.'),
  stretch: z
    .strictObject({
      target: ratio('P99 of completion latency ÷ service time at most.', 1, 1_000).optional(),
      mandatory,
    })
    .optional()
    .describe('What kills and retries cost.'),
});

const simulation = z.strictObject({
  failureRate: share('Chance that an attempt fails.').optional(),
  rateLimitRate: share('Chance that an attempt is answered with 429.').optional(),
  cpu: z
    .strictObject({
      idle: share('Of an agent’s share, with nothing to do.').optional(),
      perBusySlot: share('Added per busy slot.').optional(),
    })
    .optional()
    .describe('CPU model.'),
  memory: z
    .strictObject({
      base: size('Of an agent with nothing to do.').optional(),
      perBusySlot: size('Added per busy slot.').optional(),
      leakPerTask: size('Never given back after each task.').optional(),
    })
    .optional()
    .describe('Memory model.'),
  networkPerTask: size('Moved over the network by each task.').optional(),
});

/** The options stage: as written, units parsed (ms, tasks/min, shares, bytes, US dollars), nothing filled in. */
export const experimentOptions = z.strictObject({
  phase: count('1, 2 or 3.', 1, 3).optional(),
  scenario: z.enum(SCENARIO_NAMES).nullable().optional().describe('A scenario to run instead of the phase’s own load.'),
  seed: count(
    'Start of every stream of chance: the same seed gives the same run.',
    0,
    Number.MAX_SAFE_INTEGER,
  ).optional(),
  startAt: instant('Start of a rehearsed run.').optional(),
  agents: count('Agents of the phase: the floor of the autoscaler.', 1, LIMITS.agents).optional(),
  duration: duration('How long the run lasts.', { min: LIMITS.shortestRunMs, max: LIMITS.runMs }).optional(),
  region: z.string().min(1).optional().describe('Region of the cloud, for prices and zones.'),
  load: load.optional().describe('Arrivals.'),
  tasks: tasks.optional().describe('What arrives.'),
  queue: queue.optional().describe('Where tasks wait.'),
  fleet: fleet.optional().describe('The agents.'),
  executor: executorSection.optional().describe('Who carries tasks out. A rehearsal simulates its agents in any case.'),
  horizontalScaling: horizontalScaling.optional().describe('Reactive scaling (document 5.1).'),
  predictiveScaling: predictiveScaling.optional().describe('Predictive scaling (document 5.3).'),
  chaos: chaosSection.optional().describe('Faults injected on purpose.'),
  alerts: alerts.optional().describe('Alerts with their actions (document 6.2).'),
  successCriteria: successCriteria
    .optional()
    .describe('Targets, and which of them a run must meet to pass (document 8).'),
  storage: storage.optional().describe('Where records go (document 7.2).'),
  budget: z
    .strictObject({
      max: money('Most the run may cost: a plan above it is refused, a run above it paused, then stopped.').optional(),
      maxPerHour: money('Most an hour of it may cost; null = only the whole counts.').nullable().optional(),
      models: z
        .strictObject({
          input: money('A million tokens sent.').optional(),
          output: money('A million tokens got.').optional(),
        })
        .optional()
        .describe('What the agents’ models cost; the simulated executor calls none.'),
    })
    .optional()
    .describe('Money.'),
  expect: expectation.nullable().optional(),
  scenarios: scenariosSection.optional().describe('Changes to the scenarios; what is not written stays.'),
  simulation: simulation.optional().describe('How simulated agents behave (rehearsal and local runs).'),
});

export type ExperimentOptions = z.output<typeof experimentOptions>;
