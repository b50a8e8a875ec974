import type { FleetActuator } from '../agents/port.js';
import type { EventSink, ScalingDecisionRecord } from '../observe/events.js';
import type { FleetRules, Load, ScalingRules } from '../spec/experiment.js';
import { MINUTE } from '../kernel/units.js';
import type { ArrivalRecord } from './arrival-history.js';
import { decide, INITIAL_STATE, recordedInputs, type ScalingState } from './decision.js';
import { leadTimeMs, meanRatePerMin, peakSegment } from './feed-forward.js';
import { Forecaster, type ForecasterSnapshot } from './forecast.js';
import { agentBounds, agentsNeeded } from './need.js';
import type {
  ForecastModel,
  ForecastReport,
  PlannedAgents,
  ScalingContext,
  ScalingInputs,
  ScalingPlan,
} from './port.js';
import { scoreOf } from './score.js';
import { formatAgents, formatRate, rounded } from './wording.js';

/** Least time between two events that say the same: more is wanted than allowed. */
const REFUSAL_EVENT_MS = 10 * MINUTE;

export interface AutoScalerOptions {
  readonly rules: ScalingRules;
  readonly fleet: FleetRules;
  readonly load: Load;
  /** Start of the run, epoch ms. */
  readonly startAtMs: number;
  /** Mean service time of the task mix, ms: stands in until one has been measured. */
  readonly mixMeanMs: number;
  readonly actuator: FleetActuator;
  readonly emit: EventSink;
  /** Called once when somebody has set the wanted agents to 0: the caller writes the halt object. */
  readonly onHalt: (reason: string) => void;
  /** Forecast models that compete with the seasonal-naive baseline; without any the baseline is used. */
  readonly models?: readonly ForecastModel[];
  /** Arrivals of earlier runs (at most the lookback is kept), oldest first. */
  readonly history?: readonly ArrivalRecord[];
}

/** {@link AutoScaler} as plain JSON, for a snapshot of the run. */
export interface AutoScalerSnapshot {
  readonly state: ScalingState;
  readonly operatorFloor: number | null;
  readonly halted: boolean;
  readonly lastWritten: number | null;
  readonly evaluatedAt: number | null;
  readonly refusedAt: number | null;
  readonly schedule: { readonly absoluteError: number; readonly actual: number };
  readonly forecaster: ForecasterSnapshot | null;
}

/**
 * Keeps the fleet as large as its load needs. The caller evaluates it every `rules.evaluateMs` on the means of the
 * scaling window; it acts through the fleet's actuator, and every change it makes is an event with its inputs.
 */
export class AutoScaler {
  private state: ScalingState = INITIAL_STATE;
  private operatorFloor: number | null = null;
  private halted = false;
  private lastWritten: number | null = null;
  private running = false;
  private evaluatedAt: number | null = null;
  private refusedAt: number | null = null;
  private schedule = { absoluteError: 0, actual: 0 };
  private lastInputs: ScalingInputs | null = null;
  private lastContext: ScalingContext | null = null;
  private readonly forecaster: Forecaster | null;

  constructor(private readonly options: AutoScalerOptions) {
    const { rules, models, history } = options;
    const foresees = rules.mode === 'predictive' || rules.mode === 'feed_forward';
    // With feed-forward the forecast only runs along, so that the report can set one against the other.
    this.forecaster = foresees && rules.predictive.enabled ? new Forecaster(rules.predictive, models ?? []) : null;
    this.forecaster?.load(history ?? []);
  }

  /** Counts arrivals for the forecast, refused ones included. */
  recordArrivals(at: number, count: number): void {
    this.forecaster?.add(at, count);
  }

  /**
   * Sets the floor in place of the phase's (the operator's `scale N`), or gives it back to the phase with null. It
   * takes effect at the next evaluation.
   */
  setFloor(agents: number | null): void {
    this.operatorFloor = agents;
  }

  /** One evaluation. Answers with the decision when it changed the fleet, else with null. */
  evaluate(now: number, inputs: ScalingInputs, context: ScalingContext): ScalingDecisionRecord | null {
    this.observe(now, inputs, context);
    if (!this.mayAct(inputs, context)) return null;
    const { rules, fleet } = this.options;
    if (fleet.stages.length > 0) return this.followStages(now, inputs, context);
    if (rules.mode === 'off') return null;

    const plan: ScalingPlan = { floor: this.floor(), planned: this.plannedAgents(now, inputs, context) };
    const { decision, state } = decide(rules, fleet, this.completed(inputs), plan, this.state, now);
    this.state = state;
    if (decision.to !== inputs.agents) return this.act(now, decision.record);
    if (decision.limited) this.reportRefusal(now, decision.record);
    return null;
  }

  /**
   * Scales up at once, whatever the cooldowns say (the alert action `emergency_scale`): to what the offered load
   * needs and the agents that are missing, by one increment at least, to `toAgents` at least. Starts the cooldowns.
   * Answers with the decision, or null when the autoscaler may not act or the fleet is at its maximum. Without a
   * `context` the one of the last evaluation counts.
   */
  emergency(now: number, toAgents = 0, context = this.lastContext): ScalingDecisionRecord | null {
    const { lastInputs } = this;
    const { rules, fleet, actuator } = this.options;
    if (lastInputs === null || context === null || fleet.stages.length > 0) return null;
    const inputs = this.completed({ ...lastInputs, agents: actuator.sample().target });
    if (!this.mayAct(inputs, context)) return null;

    const from = inputs.agents;
    const { max } = agentBounds(rules, fleet);
    const needed = this.agentsFor(inputs.offeredPerMin, inputs);
    const missing = Math.max(0, from - inputs.readyAgents);
    const wanted = Math.max(from + rules.up.increment, needed + missing, toAgents, this.floor());
    const to = Math.max(from, Math.min(max, wanted));
    const record: ScalingDecisionRecord = {
      from,
      to,
      reason: `emergency: ${formatAgents(wanted)} wanted, ${missing} missing${wanted > max ? `; ${max} is the most allowed` : ''}`,
      mode: 'emergency',
      score: rounded(scoreOf(rules.metrics, inputs, rules.windowMs)),
      reactive: wanted,
      predictive: null,
      floor: this.floor(),
      inputs: recordedInputs(inputs, needed),
    };
    if (to === from) {
      this.reportRefusal(now, record);
      return null;
    }
    this.state = { ...this.state, upAt: now, raisedAt: now };
    return this.act(now, record);
  }

  /** True once a wanted count of 0 was met that the autoscaler did not write. */
  isHalted(): boolean {
    return this.halted;
  }

  /** The report's section on the forecast; null in modes that do not look ahead. */
  forecastReport(): ForecastReport | null {
    if (this.forecaster === null) return null;
    const { absoluteError, actual } = this.schedule;
    return { ...this.forecaster.report(), feedForwardError: actual > 0 ? absoluteError / actual : null };
  }

  snapshot(): AutoScalerSnapshot {
    const { state, operatorFloor, halted, lastWritten, evaluatedAt, refusedAt } = this;
    return {
      state,
      operatorFloor,
      halted,
      lastWritten,
      evaluatedAt,
      refusedAt,
      schedule: { ...this.schedule },
      forecaster: this.forecaster?.snapshot() ?? null,
    };
  }

  /** Takes up where a snapshot stood. The time between is a gap, as a pause is. */
  restore(snapshot: AutoScalerSnapshot): void {
    this.state = snapshot.state;
    this.operatorFloor = snapshot.operatorFloor;
    this.halted = snapshot.halted;
    this.lastWritten = snapshot.lastWritten;
    this.running = false;
    this.evaluatedAt = snapshot.evaluatedAt;
    this.refusedAt = snapshot.refusedAt;
    this.schedule = { ...snapshot.schedule };
    if (snapshot.forecaster !== null) this.forecaster?.restore(snapshot.forecaster);
  }

  /** Keeps the books that are kept whether it may act or not. */
  private observe(now: number, inputs: ScalingInputs, context: ScalingContext): void {
    const resumed = context.running && !this.running;
    // A window that reaches into a pause shows less load than there is, so nothing is taken away at first.
    if (resumed) this.state = { ...this.state, raisedAt: now };
    if (this.forecaster !== null) {
      const firstTime = this.evaluatedAt === null;
      if (context.running && (this.running || firstTime))
        this.forecaster.cover(this.evaluatedAt ?? this.options.startAtMs, now);
      for (const bucket of this.forecaster.advance(now))
        this.judgeSchedule(bucket, now - this.schedulePosition(now, context));
    }
    this.running = context.running;
    this.evaluatedAt = now;
    this.lastInputs = inputs;
    this.lastContext = context;
  }

  private judgeSchedule(
    bucket: { readonly startMs: number; readonly endMs: number; readonly ratePerMin: number },
    origin: number,
  ): void {
    const scheduled = meanRatePerMin(this.options.load.segments, bucket.startMs - origin, bucket.endMs - origin);
    this.schedule.absoluteError += Math.abs(scheduled - bucket.ratePerMin);
    this.schedule.actual += bucket.ratePerMin;
  }

  /** Looks for a halt, and says whether anything may be done. */
  private mayAct(inputs: ScalingInputs, context: ScalingContext): boolean {
    if (this.halted || context.halted || !context.running) return false;
    const wanted = Math.min(inputs.agents, this.options.actuator.sample().target);
    if (wanted === 0 && this.lastWritten !== 0) {
      this.halted = true;
      this.options.onHalt('the number of agents wanted was set to 0 from outside');
      return false;
    }
    return context.experimentMode;
  }

  private act(now: number, decision: ScalingDecisionRecord): ScalingDecisionRecord {
    this.options.actuator.scaleTo(decision.to);
    this.lastWritten = decision.to;
    this.refusedAt = null;
    this.options.emit({ type: 'scaling', at: now, decision });
    return decision;
  }

  private reportRefusal(now: number, decision: ScalingDecisionRecord): void {
    if (this.refusedAt !== null && now - this.refusedAt < REFUSAL_EVENT_MS) return;
    this.refusedAt = now;
    this.options.emit({ type: 'scaling', at: now, decision });
  }

  /** A scenario that steps its fleet (`scale_out`) gets exactly these steps and nothing else. */
  private followStages(now: number, inputs: ScalingInputs, context: ScalingContext): ScalingDecisionRecord | null {
    const position = this.schedulePosition(now, context);
    const stage = this.options.fleet.stages.find(({ startMs, endMs }) => startMs <= position && position < endMs);
    if (stage === undefined || stage.agents === inputs.agents) return null;
    const { rules } = this.options;
    return this.act(now, {
      from: inputs.agents,
      to: stage.agents,
      reason: `the scenario's stage of ${formatAgents(stage.agents)} begins`,
      mode: 'stages',
      score: rounded(scoreOf(rules.metrics, inputs, rules.windowMs)),
      reactive: inputs.agents,
      predictive: null,
      floor: stage.agents,
      inputs: recordedInputs(inputs, stage.agents),
    });
  }

  private plannedAgents(now: number, inputs: ScalingInputs, context: ScalingContext): PlannedAgents | null {
    const { rules, fleet, load } = this.options;
    if (rules.mode === 'feed_forward') {
      const position = this.schedulePosition(now, context);
      const peak = peakSegment(load.segments, position, position + leadTimeMs(rules, fleet));
      if (peak === null) return null;
      const agents = this.agentsFor(peak.ratePerMin, inputs);
      return {
        agents,
        source: 'feed_forward',
        detail: `the schedule's ${formatRate(peak.ratePerMin)} (${peak.label}) needs ${formatAgents(agents)}`,
      };
    }
    if (rules.mode !== 'predictive') return null;
    const peak = this.forecaster?.peakAhead(now) ?? null;
    if (peak === null) return null;
    const agents = this.agentsFor(peak.ratePerMin, inputs);
    const minutes = Math.max(0, Math.round((peak.at - now) / MINUTE));
    return {
      agents,
      source: 'forecast',
      detail: `up to ${formatRate(peak.ratePerMin)} expected in ${minutes} min (${peak.model}) needs ${formatAgents(agents)}`,
    };
  }

  private agentsFor(ratePerMin: number, inputs: ScalingInputs): number {
    const { rules, fleet } = this.options;
    return agentsNeeded(ratePerMin, this.completed(inputs).meanServiceMs, fleet.slots, rules.headroom);
  }

  private completed(inputs: ScalingInputs): ScalingInputs {
    return inputs.meanServiceMs > 0 ? inputs : { ...inputs, meanServiceMs: this.options.mixMeanMs };
  }

  private floor(): number {
    const { fleet } = this.options;
    return this.operatorFloor ?? fleet.agents + fleet.reserve;
  }

  private schedulePosition(now: number, context: ScalingContext): number {
    return context.scheduleMs ?? now - this.options.startAtMs;
  }
}
