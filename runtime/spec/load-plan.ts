import { Random } from '../kernel/random.js';
import { SECOND } from '../kernel/units.js';
import { activity, type WallClock } from './calendar.js';
import type { FleetStage, LoadSegment } from './experiment.js';
import type { BurstOptions } from './schema-scenarios.js';
import type { Window } from './window.js';

/**
 * Load plans: piecewise constant rates, gapless from 0 to the run's duration. Neighbours with the same rate and
 * label are one segment, so that every boundary is a change.
 */

/** A constant rate with bursts on top. */
export function burstyLoad(
  durationMs: number,
  ratePerMin: number,
  bursts: BurstOptions | null,
  seed: number,
  label = 'steady',
): LoadSegment[] {
  const plan = new LoadPlan();
  for (const { startMs, endMs } of bursts === null ? [] : planBursts(durationMs, bursts, seed)) {
    plan.until(startMs, ratePerMin, label);
    plan.until(endMs, (bursts as BurstOptions).rate, 'burst');
  }
  plan.until(durationMs, ratePerMin, label);
  return plan.segments;
}

/** Steps one after the other, from the start again when they are through, cut at the end of the run. */
export function patternLoad(
  durationMs: number,
  steps: readonly { readonly ratePerMin: number; readonly durationMs: number }[],
): LoadSegment[] {
  const steadyPerMin = Math.min(...steps.map(({ ratePerMin }) => ratePerMin));
  const plan = new LoadPlan();
  for (let index = 0; plan.endMs < durationMs; index += 1) {
    const step = steps[index % steps.length] as (typeof steps)[number];
    const endMs = Math.min(plan.endMs + step.durationMs, durationMs);
    plan.until(endMs, step.ratePerMin, step.ratePerMin > steadyPerMin ? 'burst' : 'steady');
  }
  return plan.segments;
}

/** A rate for every stage of the fleet; the first part of each, while agents start, is labelled `ramp`. */
export function stagedLoad(
  stages: readonly FleetStage[],
  rampMs: number,
  ratePerMin: (agents: number) => number,
): LoadSegment[] {
  const plan = new LoadPlan();
  for (const { startMs, endMs, agents } of stages) {
    plan.until(Math.min(startMs + rampMs, endMs), ratePerMin(agents), 'ramp');
    plan.until(endMs, ratePerMin(agents), `${agents} agents`);
  }
  return plan.segments;
}

/** What a day-night curve is drawn from. */
interface Curve {
  readonly peakPerMin: number;
  /** Load far from every peak hour, as a share of the peak. */
  readonly low: number;
  readonly stepMs: number;
  readonly peakHours: readonly number[];
}

/** Load by the hour of the day; each step has the rate of its middle. */
export function curveLoad(durationMs: number, startAtMs: number, curve: Curve, clock: WallClock): LoadSegment[] {
  const plan = new LoadPlan();
  while (plan.endMs < durationMs) {
    const startMs = plan.endMs;
    const endMs = Math.min(startMs + curve.stepMs, durationMs);
    const busy = activity(clock(startAtMs + (startMs + endMs) / 2), curve.peakHours);
    const ratePerMin = curve.peakPerMin * (curve.low + (1 - curve.low) * busy);
    plan.until(endMs, Math.round(ratePerMin * 100) / 100, busy >= 0.5 ? 'day' : 'night');
  }
  return plan.segments;
}

/** `first`, then one more rate until `durationMs`. */
export function followedBy(
  first: readonly LoadSegment[],
  durationMs: number,
  ratePerMin: number,
  label: string,
): LoadSegment[] {
  const plan = new LoadPlan();
  for (const segment of first) plan.until(segment.endMs, segment.ratePerMin, segment.label);
  plan.until(durationMs, ratePerMin, label);
  return plan.segments;
}

/**
 * When the bursts of a run are: whole ones only, none over the end of the run. Random ones leave exponential gaps
 * between them, so that their starts are `every` apart on average; a shorter run has the first bursts of a longer one.
 */
function planBursts(durationMs: number, { every, duration, timing }: BurstOptions, seed: number): Window[] {
  const random = new Random(seed, 'load.bursts');
  const windows: Window[] = [];
  let startMs = timing === 'fixed' ? every : gap(random, every - duration);
  while (startMs + duration <= durationMs) {
    windows.push({ startMs, endMs: startMs + duration });
    startMs += timing === 'fixed' ? every : duration + gap(random, every - duration);
  }
  return windows;
}

/** In whole seconds, which read better and cost nothing. */
function gap(random: Random, meanMs: number): number {
  return Math.round(random.exponential(meanMs) / SECOND) * SECOND;
}

class LoadPlan {
  readonly segments: LoadSegment[] = [];
  endMs = 0;

  /** Goes on with this rate until `endMs`; nothing when that has passed. */
  until(endMs: number, ratePerMin: number, label: string): void {
    if (endMs <= this.endMs) return;
    const last = this.segments.at(-1);
    if (last?.ratePerMin === ratePerMin && last.label === label) {
      this.segments[this.segments.length - 1] = { ...last, endMs };
    } else {
      this.segments.push({ startMs: this.endMs, endMs, ratePerMin, label });
    }
    this.endMs = endMs;
  }
}
