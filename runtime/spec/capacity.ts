import type { Experiment } from './experiment.js';

/** Agents there are from `startMs` to `endMs` (ms from the start of the run). */
export interface AgentStep {
  readonly startMs: number;
  readonly endMs: number;
  readonly agents: number;
}

/** A rise above the floor: at least so many agents in that time. */
type Raise = AgentStep;

/**
 * The agents a run can count on over its time, gapless from 0 to its duration: the floor (or the stage's agents),
 * and what the autoscaler surely adds.
 *
 * - `feed_forward` knows the schedule: every load segment has the agents it needs (with the planned headroom, up to
 *   the limits) from its first moment, where there was time to start nodes before it.
 * - `predictive` is counted as following the load: a segment's agents are there one window, one evaluation and one
 *   node start after it began. A forecast that does better is a gain that nobody may plan with.
 * - `reactive` and `off` add nothing: a reactive trigger needs the queue that is to be avoided.
 *
 * Agents stay for the scale-down cooldown. `meanBusySlots` gives the busy slots of a rate; `floor` replaces the
 * fleet's floor where the question is how many agents would do.
 */
export function agentSteps(
  experiment: Experiment,
  meanBusySlots: (ratePerMin: number) => number,
  floor: number = experiment.fleet.agents,
): readonly AgentStep[] {
  const { fleet, durationMs } = experiment;
  const raises: Raise[] = fleet.stages.map((stage) => ({ ...stage, agents: Math.max(stage.agents, floorOf(stage)) }));
  if (fleet.stages.length === 0) raises.push({ startMs: 0, endMs: durationMs, agents: floor });
  raises.push(...scaledRaises(experiment, meanBusySlots, floor));
  return highest(raises, durationMs);

  /** A stage keeps its own count unless a larger floor is being tried. */
  function floorOf(stage: AgentStep): number {
    return floor > fleet.agents ? floor : stage.agents;
  }
}

function scaledRaises(
  experiment: Experiment,
  meanBusySlots: (ratePerMin: number) => number,
  floor: number,
): readonly Raise[] {
  const { scaling, fleet, load } = experiment;
  if (scaling.mode !== 'feed_forward' && scaling.mode !== 'predictive') return [];
  const most = Math.max(Math.min(fleet.max, scaling.up.max), floor);
  const lagMs = scaling.evaluateMs + fleet.nodeStartupMs;
  return load.segments.map(({ startMs, endMs, ratePerMin }) => {
    const wanted = Math.ceil(meanBusySlots(ratePerMin) / (fleet.slots * scaling.headroom) - 1e-9);
    const readyMs = scaling.mode === 'feed_forward' ? Math.max(startMs, lagMs) : startMs + lagMs + scaling.windowMs;
    return { startMs: readyMs, endMs: endMs + scaling.down.cooldownMs, agents: Math.min(most, wanted) };
  });
}

/** The highest raise at every time, as steps from 0 to `durationMs`; 0 agents where there is none. */
function highest(raises: readonly Raise[], durationMs: number): readonly AgentStep[] {
  const lowest = Math.min(...raises.filter((raise) => raise.startMs === 0).map((raise) => raise.agents));
  const relevant = raises.filter((raise) => raise.agents > lowest || raise.startMs === 0);
  const times = [0, durationMs, ...relevant.flatMap((raise) => [raise.startMs, raise.endMs])]
    .filter((time) => time >= 0 && time <= durationMs)
    .sort((a, b) => a - b);
  const steps: AgentStep[] = [];
  for (let i = 0; i + 1 < times.length; i += 1) {
    const startMs = times[i] as number;
    const endMs = times[i + 1] as number;
    if (endMs <= startMs) continue;
    const agents = relevant.reduce(
      (most, raise) => (raise.startMs <= startMs && raise.endMs > startMs ? Math.max(most, raise.agents) : most),
      0,
    );
    const last = steps.at(-1);
    if (last?.agents === agents) steps[steps.length - 1] = { ...last, endMs };
    else steps.push({ startMs, endMs, agents });
  }
  return steps;
}
