import type { FleetRules, ScalingRules, TaskMix } from '../spec/experiment.js';
import { MINUTE } from '../kernel/units.js';

/** Slots kept busy by `ratePerMin` tasks of `meanServiceMs` each (Little's law). */
export function slotsNeeded(ratePerMin: number, meanServiceMs: number): number {
  return (ratePerMin * meanServiceMs) / MINUTE;
}

/** Agents that carry `ratePerMin` with `headroom` (0–1, the share of its slots an agent is planned with). */
export function agentsNeeded(
  ratePerMin: number,
  meanServiceMs: number,
  slotsPerAgent: number,
  headroom: number,
): number {
  const agents = slotsNeeded(ratePerMin, meanServiceMs) / (slotsPerAgent * headroom);
  // 80 agents that come out as 80.00000000000001 are 80 agents.
  return Math.max(0, Math.ceil(agents - 1e-9));
}

/** Mean service time of the task mix, ms. */
export function mixMeanMs(mix: TaskMix): number {
  return mix.types.reduce((sum, type) => sum + type.share * type.meanMs, 0);
}

/** Fewest and most agents the autoscaler may ask for: the fleet's and the scaling rules' bounds together. */
export function agentBounds(rules: ScalingRules, fleet: FleetRules): { readonly min: number; readonly max: number } {
  const max = Math.min(fleet.max, rules.up.max);
  return { min: Math.min(Math.max(fleet.min, rules.down.min), max), max };
}
