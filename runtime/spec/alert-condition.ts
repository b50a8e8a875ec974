import { z } from 'zod';
import type { AlertAction, AlertMetric, AlertRule } from './experiment.js';
import { parseDuration, parsePercent, QuantityError } from './units.js';

export const ALERT_ACTIONS: readonly AlertAction[] = [
  'pause_experiment',
  'emergency_scale',
  'notify',
  'investigate',
  'review_capacity',
];

/** The compiled half of an alert that its condition holds. */
type AlertCondition = Pick<AlertRule, 'metric' | 'comparison' | 'threshold' | 'forMs'>;

/** Reads a condition as the document writes it: `error_rate > 5% for 5min`, `offline_agents > 40`. */
function parseAlertCondition(value: unknown): AlertCondition {
  const match =
    typeof value === 'string' ? /^\s*(\w+)\s*(>=|<=|>|<|≥|≤)\s*(\S+)(?:\s+for\s+(.+?))?\s*$/.exec(value) : null;
  if (match === null) throw new QuantityError('must be a condition such as "error_rate > 5% for 5min"');
  const [, metric, comparison, threshold, lasting] = match;
  const kind = METRICS.find(({ name }) => name === metric);
  if (kind === undefined) {
    throw new QuantityError(`knows no metric "${metric}"; use ${METRICS.map(({ name }) => name).join(', ')}`);
  }
  return {
    metric: kind.name,
    comparison: COMPARISONS[comparison as keyof typeof COMPARISONS],
    threshold: kind.parse(String(threshold)),
    forMs: lasting === undefined ? 0 : parseDuration(lasting),
  };
}

/** Reads the actions of an alert: one, several joined by `+` as in the document, or a list. */
function parseAlertActions(value: unknown): AlertAction[] {
  const written = typeof value === 'string' ? value.split('+') : value;
  if (!Array.isArray(written) || written.length === 0)
    throw new QuantityError(`must be one or more of ${ALERT_ACTIONS.join(', ')}, joined by +`);
  return written.map((entry) => {
    const action = ALERT_ACTIONS.find((known) => known === String(entry).trim());
    if (action === undefined)
      throw new QuantityError(`knows no action "${String(entry).trim()}"; use ${ALERT_ACTIONS.join(', ')}`);
    return action;
  });
}

/** A condition in the config. */
export const alertCondition = z
  .unknown()
  .transform((value, context) => orIssue(context, () => parseAlertCondition(value)))
  .meta({
    type: 'string',
    description: 'When it fires: metric, comparison, threshold and, with `for`, how long it must hold.',
    examples: ['error_rate > 5% for 5min'],
  });

/** The actions in the config. */
export const alertActions = z
  .unknown()
  .transform((value, context) => orIssue(context, () => parseAlertActions(value)))
  .meta({
    type: ['string', 'array'],
    items: { type: 'string', enum: [...ALERT_ACTIONS] },
    description: `What is done: ${ALERT_ACTIONS.join(', ')}; several joined by +, or as a list.`,
    examples: ['notify + investigate'],
  });

const COMPARISONS = { '>': '>', '>=': '>=', '<': '<', '<=': '<=', '≥': '>=', '≤': '<=' } as const;

const METRICS: readonly Metric[] = [
  { name: 'error_rate', parse: parsePercent },
  { name: 'offline_agents', parse: parseAgents },
  { name: 'p99_latency', parse: parseDuration },
  { name: 'agent_count', parse: parseAgents },
];

interface Metric {
  readonly name: AlertMetric;
  readonly parse: (text: string) => number;
}

function parseAgents(text: string): number {
  if (!/^\d+$/.test(text))
    throw new QuantityError('must compare agents with a whole number, such as offline_agents > 40');
  return Number(text);
}

function orIssue<T>(context: z.RefinementCtx, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
    return z.NEVER;
  }
}
