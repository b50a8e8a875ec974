import { z } from 'zod';

/**
 * `report.json` as a zod schema, for reports read from files. Loose: unknown keys of newer versions pass through. A
 * number may be `null` where nothing was measured (JSON has no NaN); it is read as NaN.
 */
const figure = z.union([z.number(), z.null().transform(() => NaN)]);
const maybe = z.number().nullable();
const column = z.array(figure);
const gappyColumn = z.array(maybe);

const latency = z.looseObject({ avg: figure, p50: figure, p90: figure, p99: figure, max: figure });
const byPriority = z.tuple([figure, figure, figure, figure]);
const verdict = z.enum(['PASS', 'FAIL', 'INVALID']);

const metadata = z.looseObject({
  experimentId: z.string(),
  phase: z.number(),
  startTime: z.number(),
  endTime: z.number(),
  duration: z.number(),
  title: z.string(),
  scenario: z.string().nullable(),
  target: z.enum(['rehearsal', 'local', 'cluster']),
  plannedDuration: z.number(),
  agents: z.number(),
  queueBound: z.number().optional(),
  cutShort: z.boolean(),
  cutShortReason: z.string().nullable(),
});

const summary = z.looseObject({
  totalTasks: figure,
  completedTasks: figure,
  failedTasks: figure,
  successRate: figure,
  shedTasks: figure,
  shedByPriority: byPriority,
  submittedByPriority: byPriority,
  retriedAttempts: figure,
  expiredAttempts: figure,
  supersededResults: figure,
  unstartedTasks: figure,
  byType: z.record(z.string(), z.looseObject({ completed: figure, failed: figure, meanServiceTime: figure })),
});

const performance = z.looseObject({
  throughput: z.looseObject({ avg: figure, min: figure, max: figure, p50: figure, p99: figure }),
  latency,
  completion: latency,
  service: latency,
  dispatchLag: latency.extend({ p999: figure }),
  machineLag: z.looseObject({ p50: figure, p99: figure, p999: figure, max: figure }).optional(),
  stretch: z.looseObject({ p50: figure, p99: figure }),
  byPriority: z.array(z.looseObject({ priority: z.string(), latency })),
  littlesLaw: z.looseObject({ L: figure, lambdaPerMs: figure, W: figure, error: figure }),
});

const agents = z.looseObject({
  deployed: figure,
  maxActive: figure,
  minActive: figure,
  avgUtilization: figure,
  restarts: figure,
  avgCpu: figure,
  agentSeconds: figure,
  recycled: figure,
});

const incident = z.looseObject({
  timestamp: z.number(),
  type: z.string(),
  severity: z.enum(['critical', 'warning', 'info']),
  description: z.string(),
  resolution: z.string(),
  duration: figure,
});

const criterion = z.looseObject({
  name: z.string(),
  target: z.string(),
  actual: z.string(),
  targetValue: maybe,
  actualValue: maybe,
  verdict: z.enum(['PASS', 'FAIL', 'NOT_APPLICABLE']),
  mandatory: z.boolean(),
  basis: z.string(),
});

const ledger = z.looseObject({
  submitted: figure,
  completed: figure,
  failed: figure,
  shed: figure,
  queued: figure,
  leased: figure,
  balanced: z.boolean(),
  lost: figure,
  doubleCounted: figure,
  examples: z.looseObject({ lost: z.array(z.number()), doubleCounted: z.array(z.number()) }),
});

const fault = z.looseObject({
  id: z.string(),
  type: z.string(),
  voluntary: z.boolean(),
  injectedAt: z.number(),
  endedAt: maybe,
  subjects: z.array(z.string()),
  tasksHeld: figure,
  serviceRecoveryMs: maybe,
  capacityRecoveryMs: maybe,
  effectSeen: z.boolean().nullable(),
  endSeen: z.boolean().nullable(),
  detail: z.string(),
});

const scaling = z.looseObject({
  at: z.number(),
  decision: z.looseObject({
    from: figure,
    to: figure,
    reason: z.string(),
    mode: z.string(),
    score: figure,
    reactive: figure,
    predictive: maybe,
    floor: figure,
    inputs: z.record(z.string(), figure),
  }),
});

const alert = z.looseObject({
  name: z.string(),
  severity: z.string(),
  firedAt: z.number(),
  resolvedAt: maybe,
  peak: figure,
  actions: z.array(z.string()),
});

const forecast = z.looseObject({
  chosen: z.string(),
  candidates: z.array(z.looseObject({ model: z.string(), error: figure })),
  coverage: maybe,
  feedForwardError: maybe,
});

const linearity = z.looseObject({
  ratio: figure,
  points: z.array(z.looseObject({ agents: figure, throughput: figure, perAgent: figure })),
  usl: z.looseObject({ lambda: figure, sigma: figure, kappa: figure }).nullable(),
});

const cost = z.looseObject({
  totalUsd: figure,
  perHourUsd: figure,
  budgetUsd: figure,
  perThousandTasksUsd: figure,
  parts: z.array(z.looseObject({ part: z.string(), usd: figure, basis: z.string() })),
  assumed: z.boolean(),
  stale: z.boolean(),
  agentTime: z.array(z.looseObject({ agents: figure, ms: figure })).optional(),
  remarks: z.array(z.string()).optional(),
});

const series = z.looseObject({
  bucketMs: z.number().positive(),
  start: z.number(),
  offered: column,
  completed: column,
  failed: column,
  shed: column,
  retried: column,
  p50: gappyColumn,
  p90: gappyColumn,
  p99: gappyColumn,
  completionP99: gappyColumn,
  queueDepth: column,
  agentsTarget: column,
  agentsActive: column,
  agentsByZone: z.record(z.string(), column),
  utilization: column,
  cpu: column,
  memory: column,
  cost: column,
  availability: gappyColumn,
  dispatchLag: column,
});

const provenance = z.looseObject({
  version: z.string(),
  commit: z.string(),
  imageDigest: z.string().nullable(),
  schemaVersion: z.number(),
  specHash: z.string(),
  seed: z.number(),
  queue: z
    .looseObject({
      kind: z.enum(['memory', 'redis']),
      partitions: z.number().optional(),
      redisVersion: z.string().optional(),
      degradedSeconds: z.number().optional(),
      processes: z.boolean().optional(),
      clockBoundMs: z.number().optional(),
    })
    .optional(),
  sinks: z.array(z.looseObject({ name: z.string(), records: figure, complete: z.boolean(), note: z.string() })),
});

export const reportSchema = z.looseObject({
  metadata,
  summary,
  performance,
  agents,
  incidents: z.array(incident),
  recommendations: z.array(z.string()),
  schemaVersion: z.literal(1),
  verdict,
  invalid: z.array(z.string()),
  criteria: z.array(criterion),
  availability: z.looseObject({ canaries: figure, answered: figure, withinTarget: figure, share: figure }),
  ledger,
  load: z.looseObject({ scheduled: figure, sent: figure, late: figure, dropped: figure }),
  steadyWindow: z.looseObject({ start: figure, end: figure }),
  faults: z.array(fault),
  scalings: z.array(scaling),
  alerts: z.array(alert),
  states: z.array(z.looseObject({ at: z.number(), from: z.string(), to: z.string(), reason: z.string() })),
  segments: z.array(z.looseObject({ start: figure, end: figure, label: z.string(), ratePerMin: figure })),
  monitors: z.array(
    z.looseObject({ monitor: z.string(), finding: z.string(), value: figure, unit: z.string(), ok: z.boolean() }),
  ),
  forecast: forecast.nullable(),
  linearity: linearity.nullable(),
  cost,
  usage: z.looseObject({ attempts: figure, inputTokens: figure, outputTokens: figure, usd: figure }).optional(),
  findings: z.looseObject({
    wentWell: z.array(z.string()),
    wentWrong: z.array(z.string()),
    change: z.array(z.string()),
  }),
  series,
  latencyHistogram: z.array(z.looseObject({ upToMs: figure, count: figure })),
  provenance,
});
