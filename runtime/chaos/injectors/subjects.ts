import type { Random } from '../../kernel/random.js';
import type { PreparedFault } from '../fault.js';
import type { FaultableAgent, FaultSurface } from '../port.js';

/**
 * A share of the ready agents, drawn by chance: rounded, at least one, none when no agent is ready. The draw depends
 * on the agents' ids only, not on the order in which the surface lists them.
 */
export function drawReadyAgents(agents: readonly FaultableAgent[], share: number, random: Random): FaultableAgent[] {
  const ready = inOrder(agents.filter((agent) => agent.ready));
  return random.sample(ready, Math.max(1, Math.round(ready.length * share)));
}

/** The agents by id. Plain comparison: the order must not hang on a locale. */
export function inOrder(agents: readonly FaultableAgent[]): FaultableAgent[] {
  return [...agents].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** Ids of the agents hit. */
export function idsOf(fault: PreparedFault): string[] {
  return fault.agents.map((agent) => agent.id);
}

/** Has every agent hit gone down: unready, gone, or already started anew? */
export async function allWentDown(surface: FaultSurface, fault: PreparedFault): Promise<boolean> {
  const now = await byId(surface);
  return fault.agents.every((before) => {
    const agent = now.get(before.id);
    return agent === undefined || !agent.ready || agent.incarnation !== before.incarnation;
  });
}

/** Is every agent hit ready again? One that left the fleet meanwhile (scaled down, recycled) is not waited for. */
export async function noneIsDown(surface: FaultSurface, fault: PreparedFault): Promise<boolean> {
  const now = await byId(surface);
  return fault.agents.every((before) => now.get(before.id)?.ready ?? true);
}

async function byId(surface: FaultSurface): Promise<Map<string, FaultableAgent>> {
  const agents = await surface.agents();
  return new Map(agents.map((agent) => [agent.id, agent]));
}
