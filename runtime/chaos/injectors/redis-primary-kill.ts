import type { FaultInjector } from '../fault.js';

/** Kills a primary of the store that keeps the tasks; a replica takes over, and its platform starts it again. */
export const redisPrimaryKill: FaultInjector = {
  nothing: 'there is no Redis here whose primaries could be killed',
  async prepare(surface, _planned, random) {
    const store = await surface.store();
    const primaries = [...(store?.primaries ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    const victim = primaries[random.below(primaries.length)];
    if (victim === undefined) return null;
    return {
      subjects: [victim.name],
      agents: [],
      hitsAll: false,
      baseline: victim.incarnation,
      strength: 0,
      detail: `Redis primary ${victim.name} killed, one of ${primaries.length}`,
    };
  },
  async inject(surface, fault) {
    const [name] = fault.subjects;
    if (name === undefined) throw new Error('the kill of a primary needs its name');
    await surface.killStore(name);
  },
  async undo() {
    // The platform restarts what was killed.
  },
  async probeEffect(surface, fault) {
    const [name] = fault.subjects;
    try {
      const store = await surface.store();
      return store?.primaries.every((one) => one.name !== name || one.incarnation !== fault.baseline) ?? false;
    } catch {
      // It does not answer, or there is not enough left of the store to tell.
      return true;
    }
  },
  async probeEnd(surface) {
    return (await surface.store())?.whole ?? false;
  },
};
