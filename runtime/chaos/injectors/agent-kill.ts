import type { FaultInjector } from '../fault.js';
import { allWentDown, drawReadyAgents, idsOf, noneIsDown } from './subjects.js';

/** Kills a share of the ready agents without a word; the platform starts them again, so there is nothing to undo. */
export const agentKill: FaultInjector = {
  async prepare(surface, planned, random) {
    const fleet = await surface.agents();
    const agents = drawReadyAgents(fleet, planned.injection.share, random);
    if (agents.length === 0) return null;
    const ready = fleet.filter((agent) => agent.ready).length;
    return {
      subjects: agents.map((agent) => agent.id),
      agents,
      hitsAll: false,
      baseline: 0,
      strength: planned.injection.share,
      detail: `${agents.length} of ${ready} ready agents killed`,
    };
  },
  async inject(surface, fault) {
    await surface.kill(idsOf(fault));
  },
  async undo() {
    // The platform restarts what was killed.
  },
  probeEffect: allWentDown,
  probeEnd: noneIsDown,
};
