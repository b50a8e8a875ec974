import { SECOND } from '../../kernel/units.js';
import { ALL_ZONES } from '../../spec/experiment.js';
import type { FaultInjector } from '../fault.js';
import { idsOf, inOrder } from './subjects.js';

/**
 * Cuts the agents of a zone (or of all) off from the queue. They work on and their results arrive late; the queue misses
 * their beats, so that their tasks run elsewhere once their leases have run out.
 */
export const networkPartition: FaultInjector = {
  async prepare(surface, { injection }, random) {
    const ready = inOrder((await surface.agents()).filter((agent) => agent.ready));
    const zones = [...new Set(ready.map((agent) => agent.zone))].sort();
    const drawn = injection.zone ?? zones[random.below(zones.length)];
    const cut = drawn === ALL_ZONES ? zones : zones.filter((zone) => zone === drawn);
    const agents = ready.filter((agent) => cut.includes(agent.zone));
    if (agents.length === 0) return null;
    const who = `${agents.length} agents of ${cut.length === 1 ? 'zone' : 'zones'} ${cut.join(', ')}`;
    return {
      subjects: cut,
      agents,
      hitsAll: false,
      baseline: 0,
      strength: 1,
      detail: `${who} cut off from the queue for ${injection.durationMs / SECOND} s`,
    };
  },
  async inject(surface, fault, lease) {
    await surface.apply({ kind: 'partition', zones: fault.subjects }, lease);
  },
  async undo(surface, fault) {
    await surface.lift(fault.id);
  },
  async probeEffect(surface, fault) {
    const { cutOffShare } = await surface.measure(idsOf(fault));
    return cutOffShare === 1;
  },
  async probeEnd(surface, fault) {
    const { cutOffShare } = await surface.measure(idsOf(fault));
    return cutOffShare === 0;
  },
};
