import { SECOND } from '../../kernel/units.js';
import type { FaultInjector } from '../fault.js';
import { allWentDown, inOrder, noneIsDown } from './subjects.js';

/** Takes a whole zone away: its agents die at once and none starts there until the zone is back. */
export const zoneOutage: FaultInjector = {
  async prepare(surface, { injection }, random) {
    const ready = inOrder((await surface.agents()).filter((agent) => agent.ready));
    const zones = [...new Set(ready.map((agent) => agent.zone))].sort();
    const zone = injection.zone ?? zones[random.below(zones.length)];
    const agents = ready.filter((agent) => agent.zone === zone);
    if (zone === undefined || agents.length === 0) return null;
    return {
      subjects: [zone],
      agents,
      hitsAll: false,
      baseline: 0,
      strength: 0,
      detail: `zone ${zone} out with ${agents.length} agents for ${injection.durationMs / SECOND} s`,
    };
  },
  async inject(surface, fault, lease) {
    const [zone] = fault.subjects;
    if (zone === undefined) throw new Error('a zone outage needs a zone');
    await surface.apply({ kind: 'zone_down', zone }, lease);
  },
  async undo(surface, fault) {
    await surface.lift(fault.id);
  },
  probeEffect: allWentDown,
  probeEnd: noneIsDown,
};
