import { SECOND } from '../../kernel/units.js';
import type { FaultInjector } from '../fault.js';

/** Delays every message between agents and queue. */
export const networkDelay: FaultInjector = {
  async prepare(surface, { injection }) {
    const { linkRoundTripMs } = await surface.measure([]);
    return {
      subjects: ['all links'],
      agents: [],
      hitsAll: true,
      baseline: linkRoundTripMs ?? 0,
      strength: injection.latencyMs,
      detail: `${injection.latencyMs} ms on every message for ${injection.durationMs / SECOND} s`,
    };
  },
  async inject(surface, fault, lease) {
    await surface.apply({ kind: 'link_delay', latencyMs: fault.strength }, lease);
  },
  async undo(surface, fault) {
    await surface.lift(fault.id);
  },
  async probeEffect(surface, fault) {
    const { linkRoundTripMs } = await surface.measure([]);
    // A round trip is two messages; one delay's worth is seen even where only one direction can be measured.
    return linkRoundTripMs !== null && linkRoundTripMs >= fault.baseline + 0.9 * fault.strength;
  },
  async probeEnd(surface, fault) {
    const { linkRoundTripMs } = await surface.measure([]);
    return linkRoundTripMs !== null && linkRoundTripMs < fault.baseline + 0.5 * fault.strength;
  },
};
