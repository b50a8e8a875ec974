import type { Problem } from '../kernel/errors.js';
import type { ScalingMode, ScenarioName } from './experiment.js';
import { LIMITS } from './quantities.js';
import { formatCount, formatDuration, formatRate } from './units.js';

/** What the flags of the command line change; numbers already parsed. A flag that was not given is left out. */
export interface ExperimentOverrides {
  /** Must be the phase of the file, where the file names one. */
  readonly phase?: number | undefined;
  readonly scenario?: ScenarioName | undefined;
  readonly agents?: number | undefined;
  /** Steady rate, tasks/min. Bursts stay, unless they would be below it. */
  readonly rate?: number | undefined;
  /** ms. Cuts the run, or goes on with it; random bursts and faults are planned anew. */
  readonly duration?: number | undefined;
  readonly chaos?: boolean | undefined;
  readonly seed?: number | undefined;
  /** Epoch ms. */
  readonly startAtMs?: number | undefined;
  readonly scaling?: ScalingMode | undefined;
}

/** Everything absurd about the flags themselves. */
export function checkOverrides(overrides: ExperimentOverrides): Problem[] {
  const { agents, rate, duration, seed, phase } = overrides;
  const problems: Problem[] = [];
  const refuse = (path: string, value: string, message: string): void => {
    problems.push({ path, value, message });
  };
  if (phase !== undefined && ![1, 2, 3].includes(phase)) refuse('--phase', String(phase), 'must be 1, 2 or 3');
  if (agents !== undefined && !(Number.isInteger(agents) && agents >= 1 && agents <= LIMITS.agents)) {
    refuse('--agents', String(agents), `must be a whole number from 1 to ${formatCount(LIMITS.agents)}`);
  }
  if (rate !== undefined && !(rate > 0 && rate <= LIMITS.ratePerMin)) {
    refuse('--rate', formatRate(rate), `must be above 0 and at most ${formatRate(LIMITS.ratePerMin)}`);
  }
  if (duration !== undefined && !(duration >= LIMITS.shortestRunMs && duration <= LIMITS.runMs)) {
    refuse(
      '--duration',
      formatDuration(duration),
      `must be from ${formatDuration(LIMITS.shortestRunMs)} to ${formatDuration(LIMITS.runMs)}`,
    );
  }
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
    refuse('--seed', String(seed), 'must be a whole number from 0');
  return problems;
}
