import { ExperimentError, type Problem } from '../kernel/errors.js';
import type { Experiment } from './experiment.js';
import type { Feasibility, SegmentAssessment, SegmentGroup } from './feasibility-model.js';
import { formatFeasibility, problemText, remedyText } from './feasibility-text.js';
import { attemptsPerTask, type SegmentForecast } from './load-forecast.js';
import { findRemedy } from './remedy.js';
import { judgeSegments } from './segment-verdict.js';
import { serviceDistribution } from './service-distribution.js';

/** Rows a table for people has at most; beyond them, segments of a label are shown as one. */
const MOST_GROUPS = 12;
/**
 * Judges every load segment: it fits when the expected P99 wait is inside `targets.p99LatencyMs` and nothing is
 * refused. A load that does not fit is infeasible unless the experiment declares its overload (`expect`).
 */
export function assessFeasibility(experiment: Experiment): Feasibility {
  const segments = judgeSegments(experiment);
  const fits = segments.every((segment) => segment.verdict === 'fits');
  const service = serviceDistribution(experiment.tasks);
  return {
    verdict: fits ? 'feasible' : experiment.expect === null ? 'infeasible' : 'declared_overload',
    expect: experiment.expect,
    targetP99Ms: experiment.targets.p99LatencyMs,
    queueBound: experiment.queue.bound,
    slotsPerAgent: experiment.fleet.slots,
    meanServiceMs: service.meanMs,
    serviceCv: Math.sqrt(service.scv),
    attemptsPerTask: attemptsPerTask(experiment),
    segments,
    groups: groupSegments(segments),
    remedy: fits ? null : findRemedy(experiment, segments),
    notes: [...faultNotes(experiment, segments), ...scalingNotes(experiment)],
  };
}

/** The refusal of an infeasible load: one problem per kind of segment, and what would make it fit. */
export function infeasibleError(feasibility: Feasibility): ExperimentError {
  const overloaded = feasibility.groups.filter((group) => group.verdict === 'overload');
  const problems: Problem[] = overloaded.map((group, index) => ({
    path: `load (${group.label})`,
    ...problemText(group, feasibility),
    ...(index === overloaded.length - 1 ? { hint: remedyText(feasibility) } : {}),
  }));
  return new ExperimentError('LOAD_INFEASIBLE', 'The load does not fit the fleet.', problems);
}

export { formatFeasibility };
export type { Feasibility } from './feasibility-model.js';

function groupSegments(segments: readonly SegmentAssessment[]): readonly SegmentGroup[] {
  const byRate = groupBy(segments, ({ segment, agents, verdict }) =>
    [segment.label, segment.ratePerMin, agents, verdict].join(' '),
  );
  if (byRate.length <= MOST_GROUPS) return byRate.map(toGroup);
  return groupBy(segments, ({ segment, verdict }) => `${segment.label} ${verdict}`).map(toGroup);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function toGroup(segments: readonly SegmentAssessment[]): SegmentGroup {
  const busiest = segments.reduce((worst, one) => (one.utilisation > worst.utilisation ? one : worst));
  const longestWait = segments.reduce((worst, one) => (one.p99WaitMs > worst.p99WaitMs ? one : worst), busiest);
  const rates = segments.map((one) => one.segment.ratePerMin);
  return {
    label: busiest.segment.label,
    count: segments.length,
    totalMs: segments.reduce((sum, { segment }) => sum + segment.endMs - segment.startMs, 0),
    ratePerMin: [Math.min(...rates), Math.max(...rates)],
    agents: busiest.agents,
    slots: busiest.slots,
    busySlots: busiest.busySlots,
    utilisation: busiest.utilisation,
    p99WaitMs: longestWait.p99WaitMs,
    method: longestWait.method,
    backlogAtEnd: Math.max(...segments.map((one) => one.backlogAtEnd)),
    backlogPeak: Math.max(...segments.map((one) => one.backlogPeak)),
    refused: segments.reduce((sum, one) => sum + one.refused, 0),
    verdict: busiest.verdict,
    breaks: [...new Set(segments.flatMap((one) => one.breaks))],
  };
}

/** What kills do: slots that are away for a moment, and work that is done twice. */
function faultNotes(experiment: Experiment, segments: readonly SegmentAssessment[]): readonly string[] {
  const { chaos, fleet } = experiment;
  const kills = chaos.enabled
    ? chaos.injections.filter((one) => one.type === 'agent_kill' && one.everyMs !== null)
    : [];
  const service = serviceDistribution(experiment.tasks);
  const steady = segments.reduce((longest, one) => (lengthOf(one) > lengthOf(longest) ? one : longest));
  return kills.map(({ share, everyMs }) => {
    const killed = Math.ceil(steady.agents * share);
    const lostTasks = Math.min(steady.busySlots, steady.slots) * share;
    // What a running task has behind it is, on average, the mean of the residual service time: E[S²]/(2E[S]).
    const lostSlots = (lostTasks * service.meanMs * (1 + service.scv)) / 2 / (everyMs ?? Infinity);
    return (
      `Every kill takes ${killed} agents for ${fleet.restartMs / 1_000} s (${steady.slots - killed * fleet.slots} slots left, ` +
      `${Math.round(steady.busySlots)} busy) and makes about ${Math.round(lostTasks)} tasks start again: ` +
      `${lostSlots.toFixed(1)} slots of extra load. Not in the table.`
    );
  });
}

function scalingNotes(experiment: Experiment): readonly string[] {
  switch (experiment.scaling.mode) {
    case 'feed_forward':
      return [`Feed-forward scaling is counted on, up to ${experiment.scaling.up.max} agents.`];
    case 'predictive':
      return ['Scaling is counted as following the load with its start-up delay; a good forecast does better.'];
    case 'reactive':
      return ['Reactive scaling is not counted on: it starts when there is a queue already.'];
    case 'off':
      return [];
  }
}

function lengthOf({ segment }: SegmentForecast): number {
  return segment.endMs - segment.startMs;
}
