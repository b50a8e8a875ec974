import { MINUTE } from '../kernel/units.js';
import type { LoadSegment, TaskMix } from './experiment.js';

/** A stretch of the run, ms from its start. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** The part of a run that throughput and CPU are judged on: all but its first and last min(10 min, 5 %). */
export function steadyWindow(durationMs: number): Window {
  const edgeMs = Math.min(10 * MINUTE, durationMs * 0.05);
  return { startMs: edgeMs, endMs: durationMs - edgeMs };
}

/** Mean of the offered rates over the window, weighted by time, tasks/min. 0 for an empty window. */
export function meanOfferedPerMin(segments: readonly LoadSegment[], window: Window): number {
  const lengthMs = window.endMs - window.startMs;
  if (lengthMs <= 0) return 0;
  let weighted = 0;
  for (const { startMs, endMs, ratePerMin } of segments) {
    const overlapMs = Math.min(endMs, window.endMs) - Math.max(startMs, window.startMs);
    if (overlapMs > 0) weighted += ratePerMin * overlapMs;
  }
  return weighted / lengthMs;
}

/** Number of tasks the segments offer in all. */
export function expectedTasks(segments: readonly LoadSegment[]): number {
  return segments.reduce((sum, { startMs, endMs, ratePerMin }) => sum + (ratePerMin * (endMs - startMs)) / MINUTE, 0);
}

/** Mean service time of the mix, ms: 38 s for the document's. */
export function meanServiceMs(tasks: {
  readonly types: readonly Pick<TaskMix['types'][number], 'share' | 'meanMs'>[];
}): number {
  return tasks.types.reduce((sum, { share, meanMs }) => sum + share * meanMs, 0);
}

/** What `slots` busy all the time can finish, tasks/min: slots ÷ mean service time. */
export function capacityPerMin(slots: number, serviceMs: number): number {
  return (slots * MINUTE) / serviceMs;
}
