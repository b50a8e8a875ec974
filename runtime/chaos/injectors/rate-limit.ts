import { SECOND } from '../../kernel/units.js';
import type { FaultInjector, PreparedFault } from '../fault.js';

/** Answers a share of the attempts with 429, as a model's API does at its limit. */
export const rateLimit: FaultInjector = {
  async prepare(surface, { injection }) {
    const { rateLimitedShare } = await surface.measure([]);
    return {
      subjects: ['all attempts'],
      agents: [],
      hitsAll: true,
      baseline: rateLimitedShare ?? 0,
      strength: injection.share,
      detail: `${Math.round(injection.share * 100)} % of the attempts answered with 429 for ${injection.durationMs / SECOND} s`,
    };
  },
  async inject(surface, fault, lease) {
    await surface.apply({ kind: 'rate_limit', share: fault.strength }, lease);
  },
  async undo(surface, fault) {
    await surface.lift(fault.id);
  },
  async probeEffect(surface, fault) {
    const { rateLimitedShare } = await surface.measure([]);
    return rateLimitedShare !== null && rateLimitedShare >= halfWay(fault);
  },
  async probeEnd(surface, fault) {
    const { rateLimitedShare } = await surface.measure([]);
    return rateLimitedShare !== null && rateLimitedShare < halfWay(fault);
  },
};

/** The share of a few seconds scatters: limited or not is told apart at the middle. */
function halfWay(fault: PreparedFault): number {
  return (fault.baseline + Math.max(fault.baseline, fault.strength)) / 2;
}
