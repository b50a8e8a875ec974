import { MINUTE, SECOND } from '../kernel/units.js';
import type { AlertAction, AlertMetric, AlertRule } from '../spec/experiment.js';
import type { ExperimentData } from './data.js';
import { Diagnostics, type FleetCapacity } from './diagnostics.js';
import type { EventSink, ExperimentEvent } from './events.js';
import { duration, number, percent } from './wording.js';

/** What an alert can set in motion outside this module. Called once per firing; must return quickly. */
export interface AlertActions {
  /** Stops arrivals; the coordinator decides whether the run's state allows it. */
  pauseExperiment(reason: string): void;
  /** Scales to the most agents at once, cooldowns aside. */
  emergencyScale(reason: string): void;
  /** Tells people (log, live page, webhook). */
  notify(alert: FiringAlert): void;
  /** A look at the fleet for the diagnostics bundle: small plain JSON, e.g. the agents in error and their zones. */
  fleetSample(): Readonly<Record<string, unknown>>;
}

export interface FiringAlert {
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  readonly metric: AlertMetric;
  /** `error_rate 7.2 % > 5 % for 5 min`. */
  readonly condition: string;
  /** The metric when the alert fired, in the unit of its threshold; null = it is missing. */
  readonly value: number | null;
  readonly firedAt: number;
}

/** As in `report.json`'s `alerts`. `peak` is the value furthest beyond the threshold (0 for a missing metric). */
export interface AlertRecord {
  name: string;
  severity: string;
  firedAt: number;
  resolvedAt: number | null;
  peak: number;
  actions: string[];
}

/** A condition must have been false this long (or a fifth of its `for`, whichever is longer) to be resolved. */
const RESOLVE_AFTER_MS = 30 * SECOND;
/** A metric missing this long while load is offered is an alert of its own, `metric_missing:<metric>`. */
const MISSING_AFTER_MS = MINUTE;
/** A hole in the data longer than this proves nothing: what was pending starts anew. */
const GAP_MS = 10 * SECOND;
/** Firings kept for the report; beyond it they are still events and incidents. */
const MOST_RECORDS = 1_000;

/**
 * Evaluates the alert rules on every {@link ExperimentData} (once a second).
 *
 * - A rule fires when its condition held in every sample for `forMs` (0: at once), and carries out each of its
 *   actions once per firing.
 * - It resolves when the condition was false for max(30 s, `forMs` ÷ 5) without a break, so that a value swinging
 *   around its threshold is one alert, not hundreds (Prometheus knows this as `keep_firing_for`).
 * - A metric without a value is neither good nor bad: it stops a pending alert and keeps a firing one. While load is
 *   offered a metric missing for a minute fires `metric_missing:<metric>`; while none is offered there is nothing to
 *   measure, and the condition counts as false.
 * - Every firing becomes an incident when it resolves or the run ends.
 */
export class AlertEngine {
  private readonly watches: readonly Watch[];
  private readonly diagnostics: Diagnostics;
  private readonly kept: AlertRecord[] = [];
  private lastAt = -Infinity;
  private count = 0;

  constructor(
    rules: readonly AlertRule[],
    private readonly actions: AlertActions,
    private readonly emit: EventSink,
    capacity: FleetCapacity,
  ) {
    const metrics = [...new Set(rules.map(({ metric }) => metric))];
    this.watches = [...rules.map(ruleWatch), ...metrics.map(missingWatch)];
    this.diagnostics = new Diagnostics(capacity);
  }

  /** Firings so far, resolved ones included. */
  get firings(): number {
    return this.count;
  }

  /** To be called with every event of the run, so that a diagnostics bundle shows what came before. */
  note(event: ExperimentEvent): void {
    this.diagnostics.note(event);
  }

  observe(data: ExperimentData): void {
    const at = data.timestamp;
    this.diagnostics.observe(data);
    if (at - this.lastAt > GAP_MS) for (const watch of this.watches) watch.since = null;
    this.lastAt = at;
    for (const watch of this.watches) this.step(watch, data, at);
  }

  /** What fires now, oldest first. */
  firing(): FiringAlert[] {
    const alerts = this.watches.flatMap(({ firing }) => (firing === null ? [] : [firing.alert]));
    return alerts.sort((a, b) => a.firedAt - b.firedAt);
  }

  /** The firings in the order in which they began, at most the first thousand. */
  records(): AlertRecord[] {
    return this.kept.map((record) => ({ ...record, actions: [...record.actions] }));
  }

  /** The run is over: what still fires becomes an incident without a resolution. */
  end(at: number): void {
    for (const watch of this.watches) {
      if (watch.firing !== null) this.close(watch, watch.firing, at, 'still firing when the run ended');
    }
  }

  private step(watch: Watch, data: ExperimentData, at: number): void {
    const value = METRICS[watch.metric].read(data);
    const state = watch.judge(value, data);
    if (watch.firing === null) {
      if (state !== 'bad') watch.since = null;
      else if (at - (watch.since ??= at) >= watch.forMs) this.fire(watch, value, data, at);
      return;
    }
    if (watch.further(value, watch.firing.record.peak)) watch.firing.record.peak = value;
    if (state !== 'good') {
      watch.since = null;
      return;
    }
    if (at - (watch.since ??= at) < watch.resolveMs) return;
    const falseFor = duration(watch.resolveMs);
    this.emit({
      type: 'alert',
      at,
      name: watch.name,
      severity: watch.severity,
      state: 'resolved',
      value: finite(value),
      actions: [],
    });
    watch.firing.record.resolvedAt = at;
    this.close(watch, watch.firing, at, `condition false for ${falseFor}`);
  }

  private fire(watch: Watch, value: number, data: ExperimentData, at: number): void {
    const { name, severity, metric } = watch;
    const alert: FiringAlert = {
      name,
      severity,
      metric,
      condition: watch.describe(value),
      value: Number.isFinite(value) ? value : null,
      firedAt: at,
    };
    const record: AlertRecord = {
      name,
      severity,
      firedAt: at,
      resolvedAt: null,
      peak: finite(value),
      actions: [...watch.actions],
    };
    watch.firing = { alert, record };
    watch.since = null;
    this.count += 1;
    if (this.kept.length < MOST_RECORDS) this.kept.push(record);
    this.emit({ type: 'alert', at, name, severity, state: 'firing', value: finite(value), actions: watch.actions });
    for (const action of watch.actions) this.act(action, alert, data);
  }

  private act(action: AlertAction, alert: FiringAlert, data: ExperimentData): void {
    const reason = `${alert.name}: ${alert.condition}`;
    switch (action) {
      case 'pause_experiment':
        return this.actions.pauseExperiment(reason);
      case 'emergency_scale':
        return this.actions.emergencyScale(reason);
      case 'notify':
        return this.actions.notify(alert);
      case 'investigate':
        return this.diagnose(alert, this.diagnostics.investigation(this.actions.fleetSample()));
      case 'review_capacity':
        return this.diagnose(alert, this.diagnostics.capacityReview(data));
    }
  }

  private diagnose({ name, condition, firedAt }: FiringAlert, bundle: Readonly<Record<string, unknown>>): void {
    this.emit({ type: 'diagnostics', at: firedAt, alert: name, bundle: { condition, ...bundle } });
  }

  private close(watch: Watch, { alert, record }: Firing, at: number, how: string): void {
    const did = watch.actions.length === 0 ? 'none' : watch.actions.join(', ');
    const peak = watch.missing ? '' : ` (peak ${METRICS[watch.metric].render(record.peak)})`;
    watch.firing = null;
    watch.since = null;
    this.emit({
      type: 'incident',
      at,
      incident: {
        timestamp: alert.firedAt,
        type: watch.name,
        severity: watch.severity,
        description: `${alert.condition}${peak}`,
        resolution: `${how}; actions: ${did}`,
        duration: at - alert.firedAt,
      },
    });
  }
}

// ---- rules ----------------------------------------------------------------------------------------------------

interface Firing {
  readonly alert: FiringAlert;
  readonly record: AlertRecord;
}

/** One rule, or the watch over one metric's presence, and where it stands. */
interface Watch {
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  readonly metric: AlertMetric;
  readonly forMs: number;
  readonly resolveMs: number;
  readonly actions: readonly AlertAction[];
  /** True for `metric_missing`. */
  readonly missing: boolean;
  judge(value: number, data: ExperimentData): 'bad' | 'good' | 'unknown';
  describe(value: number): string;
  /** Is `value` further beyond the threshold than `peak`? */
  further(value: number, peak: number): boolean;
  /** Not firing: since when the condition has held. Firing: since when it has not. */
  since: number | null;
  firing: Firing | null;
}

function ruleWatch(rule: AlertRule): Watch {
  const { name, severity, metric, comparison, threshold, forMs, actions } = rule;
  const render = (value: number): string => METRICS[metric].render(value);
  const lasting = forMs > 0 ? ` for ${duration(forMs)}` : '';
  const upwards = comparison.startsWith('>');
  return {
    name,
    severity,
    metric,
    forMs,
    resolveMs: Math.max(RESOLVE_AFTER_MS, forMs / 5),
    actions,
    missing: false,
    judge: (value, data) => {
      if (Number.isFinite(value)) return COMPARISONS[comparison](value, threshold) ? 'bad' : 'good';
      return isIdle(data) ? 'good' : 'unknown';
    },
    describe: (value) => `${metric} ${render(value)} ${comparison} ${render(threshold)}${lasting}`,
    further: (value, peak) => (upwards ? value > peak : value < peak),
    since: null,
    firing: null,
  };
}

function missingWatch(metric: AlertMetric): Watch {
  return {
    name: `metric_missing:${metric}`,
    severity: 'warning',
    metric,
    forMs: MISSING_AFTER_MS,
    resolveMs: RESOLVE_AFTER_MS,
    actions: ['notify'],
    missing: true,
    judge: (value, data) => (Number.isFinite(value) || isIdle(data) ? 'good' : 'bad'),
    describe: () => `${metric} has had no value for ${duration(MISSING_AFTER_MS)} while load was offered`,
    further: () => false,
    since: null,
    firing: null,
  };
}

const METRICS: Readonly<Record<AlertMetric, { read(data: ExperimentData): number; render(value: number): string }>> = {
  error_rate: { read: (data) => data.errors.rate, render: (value) => percent(value, 2) },
  // Agents that are starting for the first time are not offline: `target − active` would alarm at every scale-up.
  offline_agents: { read: (data) => data.agents.error, render: (value) => number(value) },
  p99_latency: { read: (data) => data.performance.latency.p99, render: (value) => duration(value) },
  // What is deployed, not what is wanted: the limit is reached when the agents are there and cost money.
  agent_count: { read: (data) => data.agents.total, render: (value) => number(value) },
};

const COMPARISONS: Readonly<Record<AlertRule['comparison'], (value: number, threshold: number) => boolean>> = {
  '>': (value, threshold) => value > threshold,
  '>=': (value, threshold) => value >= threshold,
  '<': (value, threshold) => value < threshold,
  '<=': (value, threshold) => value <= threshold,
};

/** Nothing was offered in the last minute (paused, drained, between segments): a missing metric is no wonder. */
function isIdle(data: ExperimentData): boolean {
  return data.performance.offered === 0;
}

/** Events are JSON, which knows no NaN. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
