import type { Experiment } from '../spec/experiment.js';

/** From `atMs` (ms from the start of the run) on there are so many agents, until the next step. */
export interface AgentCurveStep {
  readonly atMs: number;
  readonly agents: number;
}

/** Agents over the run: steps in order of time, the first at 0. */
export type AgentCurve = readonly AgentCurveStep[];

/** The same number of agents for the whole run. */
export function constantCurve(agents: number): AgentCurve {
  return [{ atMs: 0, agents }];
}

/** The most agents the experiment can ever have, for the whole run: what a budget must stand. */
export function worstCaseCurve({ fleet, scaling }: Experiment): AgentCurve {
  const most = Math.max(
    fleet.agents + fleet.reserve,
    fleet.max,
    scaling.mode === 'off' ? 0 : scaling.up.max,
    ...fleet.stages.map((stage) => stage.agents),
  );
  return constantCurve(most);
}

/** The floor (or the stages) and the reserve: what is paid for if nothing is ever scaled up. */
export function floorCurve({ fleet }: Experiment): AgentCurve {
  if (fleet.stages.length === 0) return constantCurve(fleet.agents + fleet.reserve);
  return fleet.stages.map(({ startMs, agents }) => ({ atMs: startMs, agents: agents + fleet.reserve }));
}

/** The curve cut into pieces of constant agents from 0 to `durationMs`; throws RangeError for a malformed curve. */
export function* piecesOf(curve: AgentCurve, durationMs: number): Generator<{ agents: number; spanMs: number }> {
  if (curve[0]?.atMs !== 0) throw new RangeError('an agent curve must start at 0 ms');
  for (const [index, { atMs, agents }] of curve.entries()) {
    const nextMs = curve[index + 1]?.atMs ?? Math.max(durationMs, atMs);
    if (nextMs < atMs) throw new RangeError(`an agent curve must be in order of time, got ${nextMs} after ${atMs} ms`);
    if (!(agents >= 0)) throw new RangeError(`an agent curve cannot have ${agents} agents`);
    const spanMs = Math.min(nextMs, durationMs) - Math.min(atMs, durationMs);
    if (spanMs > 0) yield { agents, spanMs };
  }
}
