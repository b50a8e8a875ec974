import type { FleetRules, LoadSegment, ScalingRules } from '../spec/experiment.js';

/**
 * How long before an arrival its agent must be asked for, ms: the slowest start-up (a node must come first) and the
 * evaluation that may just have been missed.
 */
export function leadTimeMs(rules: ScalingRules, fleet: FleetRules): number {
  return Math.max(fleet.startupMs, fleet.nodeStartupMs) + rules.evaluateMs;
}

/** The segment with the highest rate of the schedule's stretch [fromMs, toMs] (from the start of the run), or null outside it. */
export function peakSegment(segments: readonly LoadSegment[], fromMs: number, toMs: number): LoadSegment | null {
  let peak: LoadSegment | null = null;
  for (let index = firstEndingAfter(segments, fromMs); index < segments.length; index += 1) {
    const segment = segments[index] as LoadSegment;
    if (segment.startMs > toMs) break;
    if (peak === null || segment.ratePerMin > peak.ratePerMin) peak = segment;
  }
  return peak;
}

/** Mean rate of the schedule's stretch [fromMs, toMs), tasks/min; nothing arrives outside the schedule. */
export function meanRatePerMin(segments: readonly LoadSegment[], fromMs: number, toMs: number): number {
  let sum = 0;
  for (let index = firstEndingAfter(segments, fromMs); index < segments.length; index += 1) {
    const segment = segments[index] as LoadSegment;
    if (segment.startMs >= toMs) break;
    sum += segment.ratePerMin * (Math.min(toMs, segment.endMs) - Math.max(fromMs, segment.startMs));
  }
  return sum / (toMs - fromMs);
}

function firstEndingAfter(segments: readonly LoadSegment[], time: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as LoadSegment).endMs > time) high = middle;
    else low = middle + 1;
  }
  return low;
}
