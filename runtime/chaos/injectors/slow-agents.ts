import { SECOND } from '../../kernel/units.js';
import type { FaultInjector, PreparedFault } from '../fault.js';
import { drawReadyAgents, idsOf } from './subjects.js';

/** Makes a share of the ready agents slower, as a noisy neighbour does. */
export const slowAgents: FaultInjector = {
  async prepare(surface, { injection }, random) {
    const agents = drawReadyAgents(await surface.agents(), injection.share, random);
    if (agents.length === 0) return null;
    return {
      subjects: agents.map((agent) => agent.id),
      agents,
      hitsAll: false,
      baseline: 1,
      strength: injection.factor,
      detail: `${agents.length} agents ${injection.factor} times slower for ${injection.durationMs / SECOND} s`,
    };
  },
  async inject(surface, fault, lease) {
    await surface.apply({ kind: 'slow', agentIds: idsOf(fault), factor: fault.strength }, lease);
  },
  async undo(surface, fault) {
    await surface.lift(fault.id);
  },
  async probeEffect(surface, fault) {
    const { slowdown } = await surface.measure(idsOf(fault));
    return slowdown !== null && slowdown >= halfWay(fault);
  },
  async probeEnd(surface, fault) {
    const { slowdown } = await surface.measure(idsOf(fault));
    return slowdown !== null && slowdown < halfWay(fault);
  },
};

/** Service times scatter: slow or not is told apart at the middle. */
function halfWay(fault: PreparedFault): number {
  return (1 + fault.strength) / 2;
}
