import type { Experiment } from './experiment.js';

/** Agents a run begins with: the first stage's, or the phase's with its reserve. */
export function deployedAtStart({ fleet }: Pick<Experiment, 'fleet'>): number {
  return fleet.stages[0]?.agents ?? fleet.agents + fleet.reserve;
}
