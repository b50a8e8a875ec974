import type { FaultInjector } from '../fault.js';

/** Kills the leading coordinator; another replica takes over and the platform starts the killed one again. */
export const coordinatorFailover: FaultInjector = {
  async prepare(surface) {
    const leader = await surface.leader();
    if (leader === null) return null;
    return {
      subjects: [leader],
      agents: [],
      hitsAll: false,
      baseline: 0,
      strength: 0,
      detail: `leading coordinator ${leader} killed`,
    };
  },
  async inject(surface) {
    const killed = await surface.killLeader();
    if (killed === null) throw new Error('there was no leading coordinator to kill');
  },
  async undo() {
    // The platform restarts what was killed.
  },
  async probeEffect(surface, fault) {
    return (await surface.leader()) !== fault.subjects[0];
  },
  async probeEnd(surface) {
    return (await surface.leader()) !== null;
  },
};
