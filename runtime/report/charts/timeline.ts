import { HOUR, MINUTE, SECOND } from '../../kernel/units.js';
import { pausesOf } from '../facts.js';
import type { ExperimentReport } from '../model.js';

/** From–to in ms since the start of the run. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The axis all time charts of a report share, and what happened along it. */
export interface Timeline {
  readonly durationMs: number;
  /** What the axis counts in. */
  readonly unitMs: number;
  readonly unit: string;
  readonly faults: readonly Span[];
  readonly scalings: ReadonlyArray<{ readonly at: number; readonly up: boolean }>;
  readonly alerts: ReadonlyArray<Span & { readonly critical: boolean }>;
  readonly pauses: readonly Span[];
}

export function timelineOf(report: ExperimentReport): Timeline {
  const { startTime, endTime } = report.metadata;
  const durationMs = Math.max(endTime - startTime, report.series.bucketMs, 1);
  const since = (at: number): number => Math.min(Math.max(at - startTime, 0), durationMs);
  const span = (from: number, to: number | null): Span => ({ from: since(from), to: since(to ?? endTime) });
  const [unitMs, unit] = axisUnit(durationMs);
  return {
    durationMs,
    unitMs,
    unit,
    faults: report.faults.map((fault) => span(fault.injectedAt, fault.endedAt)),
    scalings: report.scalings.map(({ at, decision }) => ({ at: since(at), up: decision.to >= decision.from })),
    alerts: report.alerts.map((alert) => ({
      ...span(alert.firedAt, alert.resolvedAt),
      critical: alert.severity === 'critical',
    })),
    pauses: pausesOf(report).map((pause) => span(pause.from, pause.to)),
  };
}

function axisUnit(durationMs: number): [unitMs: number, unit: string] {
  if (durationMs >= 3 * HOUR) return [HOUR, 'h'];
  if (durationMs >= 3 * MINUTE) return [MINUTE, 'min'];
  return [SECOND, 's'];
}

const STEPS: Readonly<Record<string, readonly number[]>> = {
  h: [0.5, 1, 2, 3, 6, 12, 24, 48, 72, 168, 336],
  min: [0.5, 1, 2, 5, 10, 15, 20, 30, 60],
  s: [0.5, 1, 2, 5, 10, 15, 20, 30, 60],
};

/** Distance of axis labels, in the timeline's unit, so that there are at most `most` of them. */
export function labelStep(timeline: Timeline, most: number): number {
  const length = timeline.durationMs / timeline.unitMs;
  return STEPS[timeline.unit]?.find((step) => length / step <= most) ?? length / most;
}
