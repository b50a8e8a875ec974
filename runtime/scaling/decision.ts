import type { FleetRules, ScalingMetric, ScalingRules } from '../spec/experiment.js';
import type { ScalingDecisionRecord } from '../observe/events.js';
import type { ScalingInputs, ScalingPlan } from './port.js';
import { agentBounds, agentsNeeded } from './need.js';
import { metricValue, scoreOf } from './score.js';
import { formatAgents, formatMetric, rounded } from './wording.js';

/** What a decision has to remember for the next one; plain JSON. Times are epoch ms, null = never. */
export interface ScalingState {
  /** Last time the metrics (or an emergency) scaled up. */
  readonly upAt: number | null;
  /** Last time the forecast scaled up. */
  readonly forecastUpAt: number | null;
  /** Last time agents were added for whatever reason, or the run was started or resumed. */
  readonly raisedAt: number | null;
  readonly downAt: number | null;
  /** What the offered or expected load needed lately: the maxima still inside the down-cooldown, falling with time. */
  readonly needs: readonly NeedSample[];
}

export interface NeedSample {
  readonly at: number;
  readonly agents: number;
}

/** The outcome of one evaluation. */
export interface ScalingDecision {
  /** Agents wanted from now on. */
  readonly to: number;
  /** More was wanted than the bounds allow. */
  readonly limited: boolean;
  readonly record: ScalingDecisionRecord;
}

export const INITIAL_STATE: ScalingState = { upAt: null, forecastUpAt: null, raisedAt: null, downAt: null, needs: [] };

/**
 * Decides how many agents are wanted: max(reactive, planned, floor) inside the bounds. Pure: the caller acts, and
 * hands the state back at the next evaluation.
 *
 * Cooldowns. Each cause of a scale-up has a clock of its own: the metrics wait 5 min after the metrics' last
 * scale-up (the metrics still show the time before it), and a forecast likewise after a forecast's, but neither waits
 * for the other, or a forecast could keep the metrics from adding. The floor and the run's own schedule are exact
 * numbers that cannot wind up, so they wait for nothing. A scale-up never waits for a scale-down. A scale-down
 * waits 10 min after the last scale-down and after the last scale-up of any cause, and takes nothing that the
 * offered or the expected load needed within these 10 min (what Kubernetes' HorizontalPodAutoscaler calls the
 * stabilisation window for scaling down); without that guard a fleet whose CPU stays low would shrink until it is overloaded, grow, and
 * shrink again.
 */
export function decide(
  rules: ScalingRules,
  fleet: FleetRules,
  inputs: ScalingInputs,
  plan: ScalingPlan,
  state: ScalingState,
  now: number,
): { readonly decision: ScalingDecision; readonly state: ScalingState } {
  const from = inputs.agents;
  const bounds = agentBounds(rules, fleet);
  const within = (agents: number): number => Math.min(bounds.max, Math.max(bounds.min, agents));
  const needed = agentsNeeded(inputs.offeredPerMin, inputs.meanServiceMs, fleet.slots, rules.headroom);
  const expected = Math.max(needed, plan.planned?.agents ?? 0);
  const needs = rememberNeed(state.needs, { at: now, agents: expected }, rules.down.cooldownMs);
  const score = scoreOf(rules.metrics, inputs, rules.windowMs);

  // A forecast adds in whole increments; taking back less than one would only make it add again.
  const slack = plan.planned?.source === 'forecast' ? rules.up.increment : 0;
  const reactive = react(rules, inputs, { ...state, needs }, { score, needed, slack, now });
  const planned = plannedTarget(rules, plan, state, from, now);
  const wanted = Math.max(reactive.agents, planned, plan.floor);
  const to = within(wanted);

  const decision: ScalingDecision = {
    to,
    limited: wanted > bounds.max,
    record: {
      from,
      to,
      reason: reasonOf({ to, wanted, reactive, planned, plan, max: bounds.max }),
      mode: rules.mode,
      score: rounded(score),
      reactive: reactive.agents,
      predictive: plan.planned?.agents ?? null,
      floor: plan.floor,
      inputs: recordedInputs(inputs, needed),
    },
  };
  const raised = to > from;
  return {
    decision,
    state: {
      upAt: raised && reactive.agents > from ? now : state.upAt,
      forecastUpAt: raised && planned > from && plan.planned?.source === 'forecast' ? now : state.forecastUpAt,
      raisedAt: raised ? now : state.raisedAt,
      downAt: to < from ? now : state.downAt,
      needs,
    },
  };
}

/** Inputs as a decision record holds them, units in the names. */
export function recordedInputs(inputs: ScalingInputs, needed: number): Readonly<Record<string, number>> {
  return {
    queueDepth: rounded(inputs.queueDepth),
    avgWaitMs: rounded(inputs.avgWaitMs),
    cpu: rounded(inputs.cpu),
    errorRate: rounded(inputs.errorRate),
    offeredPerMin: rounded(inputs.offeredPerMin),
    refusedPerMin: rounded(inputs.refusedPerMin),
    readyAgents: inputs.readyAgents,
    meanServiceMs: rounded(inputs.meanServiceMs),
    neededAgents: needed,
  };
}

interface Reaction {
  readonly agents: number;
  readonly reason: string;
}

function react(
  rules: ScalingRules,
  inputs: ScalingInputs,
  state: ScalingState,
  {
    score,
    needed,
    slack,
    now,
  }: { readonly score: number; readonly needed: number; readonly slack: number; readonly now: number },
): Reaction {
  const from = inputs.agents;
  const cause = causeToScaleUp(rules, inputs, score);
  if (cause !== null) {
    if (cooling(state.upAt, rules.up.cooldownMs, now))
      return { agents: from, reason: `${cause}, but the last scale-up is too recent` };
    const increment = Math.max(rules.up.increment, needed - from);
    const share =
      needed - from >= increment ? `, and ${rounded(inputs.offeredPerMin)}/min needs ${formatAgents(needed)}` : '';
    return { agents: from + increment, reason: `${cause}${share}: ${increment} more` };
  }
  if (!mayScaleDown(rules, inputs)) return { agents: from, reason: 'within the thresholds' };
  const lastChange = Math.max(state.downAt ?? -Infinity, state.raisedAt ?? -Infinity);
  if (cooling(lastChange, rules.down.cooldownMs, now))
    return { agents: from, reason: 'below the thresholds, but the last change is too recent' };
  const need = state.needs[0]?.agents ?? 0;
  const kept = Math.max(from - rules.down.decrement, need);
  if (kept >= from || from - need < slack)
    return { agents: from, reason: 'below the thresholds, but the load needs these agents' };
  return { agents: kept, reason: `every metric is below its threshold: ${from - kept} fewer` };
}

function causeToScaleUp(rules: ScalingRules, inputs: ScalingInputs, score: number): string | null {
  const above = rules.metrics.find(
    (metric) => metric.trigger && metricValue(metric.name, inputs, rules.windowMs) > metric.scaleUp,
  );
  if (above !== undefined) return thresholdPassed(above, inputs, rules.windowMs);
  return score >= 1 ? `the score of ${rounded(score)} has reached 1` : null;
}

function thresholdPassed(metric: ScalingMetric, inputs: ScalingInputs, windowMs: number): string {
  const value = formatMetric(metric.name, metricValue(metric.name, inputs, windowMs));
  return `${metric.name} ${value} is above ${formatMetric(metric.name, metric.scaleUp)}`;
}

/** Never while work is refused: the metrics then look at what was let in only. */
function mayScaleDown(rules: ScalingRules, inputs: ScalingInputs): boolean {
  if (inputs.refusedPerMin > 0) return false;
  const triggers = rules.metrics.filter((metric) => metric.trigger);
  return (
    triggers.length > 0 &&
    triggers.every((metric) => metricValue(metric.name, inputs, rules.windowMs) < metric.scaleDown)
  );
}

/**
 * Agents the plan asks for now; 0 when there is no plan. A forecast moves a little with every bucket, so it adds at
 * least one increment at a time, and in its cooldown it only keeps what is there.
 */
function plannedTarget(rules: ScalingRules, plan: ScalingPlan, state: ScalingState, from: number, now: number): number {
  if (plan.planned === null) return 0;
  const { agents, source } = plan.planned;
  if (source === 'feed_forward' || agents <= from) return agents;
  return cooling(state.forecastUpAt, rules.up.cooldownMs, now) ? from : Math.max(agents, from + rules.up.increment);
}

function cooling(since: number | null, cooldownMs: number, now: number): boolean {
  return since !== null && now - since < cooldownMs;
}

/** Keeps the maxima of a sliding window: later samples push out earlier ones that are not larger. */
function rememberNeed(needs: readonly NeedSample[], latest: NeedSample, windowMs: number): readonly NeedSample[] {
  return [...needs.filter((need) => need.agents > latest.agents && latest.at - need.at < windowMs), latest];
}

interface Outcome {
  readonly to: number;
  readonly wanted: number;
  readonly reactive: Reaction;
  readonly planned: number;
  readonly plan: ScalingPlan;
  readonly max: number;
}

function reasonOf(outcome: Outcome): string {
  const { to, wanted, max } = outcome;
  if (to > wanted) return `${to} is the fewest allowed`;
  return to < wanted ? `${leadingReason(outcome)}; ${max} is the most allowed` : leadingReason(outcome);
}

/** The reason of whichever part wanted most; the metrics speak first. */
function leadingReason({ wanted, reactive, planned, plan }: Outcome): string {
  if (wanted === reactive.agents) return reactive.reason;
  if (wanted === planned && plan.planned !== null) return plan.planned.detail;
  return `the floor is ${formatAgents(plan.floor)}`;
}
