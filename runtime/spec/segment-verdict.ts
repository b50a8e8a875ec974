import type { Experiment } from './experiment.js';
import type { Break, SegmentAssessment } from './feasibility-model.js';
import { forecastLoad, type WhatIf } from './load-forecast.js';

/** Less than half a task, or than this share of the segment's tasks, refused is rounding. */
const REFUSED_FROM = 0.5;
const REFUSED_SHARE = 0.0005;

/** Forecasts and judges every load segment: it fits when the P99 wait is inside its target and nothing is refused. */
export function judgeSegments(experiment: Experiment, whatIf: WhatIf = {}): readonly SegmentAssessment[] {
  return forecastLoad(experiment, whatIf).map((forecast) => {
    const breaks: Break[] = [];
    if (forecast.p99WaitMs > experiment.targets.p99LatencyMs) breaks.push('p99_wait');
    const { segment, refused } = forecast;
    const tasks = (segment.ratePerMin * (segment.endMs - segment.startMs)) / 60_000;
    if (refused >= Math.max(REFUSED_FROM, tasks * REFUSED_SHARE))
      breaks.push(experiment.queue.admission === null ? 'queue_bound' : 'admission');
    return { ...forecast, breaks, verdict: breaks.length === 0 ? 'fits' : 'overload' };
  });
}
