import type { AgentCurve, AgentCurveStep } from './agent-curve.js';

/** For how long there were so many agents. */
export interface AgentTime {
  readonly agents: number;
  readonly ms: number;
}

/** A run priced by the agents it had: what `estimateCost` asks for. */
export interface TimedCurve {
  readonly agentCurve: AgentCurve;
  readonly elapsedMs: number;
}

/**
 * Counts for how long there were how many agents. A bill depends on nothing else of the agents, in whatever order
 * they came and went: this prices a run on any deployment exactly, and stays small however often a fleet is scaled.
 */
export class AgentTimeCount {
  private readonly msByAgents = new Map<number, number>();

  constructor(earlier: readonly AgentTime[] = []) {
    for (const { agents, ms } of earlier) this.add(agents, ms);
  }

  add(agents: number, ms: number): void {
    if (ms > 0) this.msByAgents.set(agents, (this.msByAgents.get(agents) ?? 0) + ms);
  }

  /** Fewest agents first. */
  get times(): AgentTime[] {
    return [...this.msByAgents].map(([agents, ms]) => ({ agents, ms })).sort((a, b) => a.agents - b.agents);
  }
}

/** The same agents for the same times as a curve, from the fewest to the most: it has the same bill. */
export function timedCurve(times: readonly AgentTime[]): TimedCurve {
  const agentCurve: AgentCurveStep[] = [];
  let elapsedMs = 0;
  for (const { agents, ms } of times) {
    agentCurve.push({ atMs: elapsedMs, agents });
    elapsedMs += ms;
  }
  return { agentCurve, elapsedMs };
}
