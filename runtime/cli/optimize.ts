import { sizingOf } from '../cost/deployment-sizing.js';
import type { CostEstimate } from '../cost/cost-model.js';
import { ExperimentError } from '../kernel/errors.js';
import { PRICED_REGIONS } from '../cost/price-table.js';
import type { Deployment } from '../spec/deployment/deployment.js';
import type { Experiment, FleetRules } from '../spec/experiment.js';
import { formatMoney } from '../spec/units.js';
import { billOf, candidatesOf, type Candidate } from './optimize-candidate.js';
import { firstHours, SCREENING_MS, tryOut, type Trial } from './optimize-rehearsal.js';

/** A fleet that was rehearsed over the whole run. */
export interface Rehearsed {
  readonly fleet: FleetRules;
  /** On the agents it had in the rehearsal. */
  readonly bill: CostEstimate;
  readonly trial: Trial;
}

/** What a search has found. */
export interface Optimum {
  readonly present: Rehearsed;
  /** Fleets that meet every mandatory criterion inside the budget, cheapest first; one a machine type and purchase. */
  readonly best: readonly Rehearsed[];
  /** The cheapest with no fewer agents than now, of as many slots; null when the present one is that. */
  readonly kept: Rehearsed | null;
  /** Fleets the load fits on by calculation, and how many rehearsals were made of them. */
  readonly candidates: number;
  readonly rehearsals: number;
}

/** What is to be searched. */
export interface Search {
  readonly experiment: Experiment;
  readonly deployment: Deployment;
  /** Told what is being tried, line by line. */
  readonly onProgress: (text: string) => void;
}

/** Winners after which the search ends. */
const ENOUGH = 6;
/** Rehearsals after which it ends anyway. */
const MOST_REHEARSALS = 40;

/**
 * Searches agents × slots × machine type × Spot for the cheapest fleets that meet every mandatory criterion: priced
 * and checked by calculation first, then rehearsed, cheapest first – long runs for six hours, and over their whole
 * length when that went well. A fleet is taken to do worse than a larger one of the same slots and purchase, so that
 * one failure settles all smaller ones.
 *
 * @throws ExperimentError USAGE where nothing is known of the nodes (an existing cluster).
 */
export async function optimize({ experiment, deployment, onProgress }: Search): Promise<Optimum> {
  const sizing = sizingOf(deployment);
  if (sizing.agentMachine === null) throw noMachines();
  const trials = new Trials(onProgress);
  onProgress('Rehearsing the fleet as it is …');
  const own = { experiment, sizing };
  const present = rehearsed(own, await trials.whole(experiment));
  const candidates = candidatesOf(experiment, sizing).filter(({ floorUsd }) => floorUsd < present.bill.totalUsd);
  const passing = async (candidate: Candidate): Promise<Rehearsed | null> => {
    if (trials.made >= MOST_REHEARSALS || trials.settled(candidate.experiment.fleet)) return null;
    const trial = await trials.of(candidate);
    if (trial?.verdict !== 'PASS') return null;
    const found = rehearsed(candidate, trial);
    return found.bill.totalUsd <= Math.min(experiment.budget.maxUsd, present.bill.totalUsd) ? found : null;
  };
  const best = new Map<string, Rehearsed>();
  let kept: Rehearsed | null = null;
  for (const candidate of candidates) {
    const { fleet } = candidate.experiment;
    const machine = `${fleet.machineType} ${fleet.spot.enabled}`;
    const keeps = fleet.slots === experiment.fleet.slots && fleet.agents >= experiment.fleet.agents;
    if ((best.size >= ENOUGH || best.has(machine)) && (kept !== null || !keeps)) continue;
    const found = await passing(candidate);
    if (found === null) continue;
    if (keeps) kept ??= found;
    if (best.size < ENOUGH && !best.has(machine)) best.set(machine, found);
  }
  return {
    present,
    kept,
    best: [...best.values()].sort((a, b) => a.bill.totalUsd - b.bill.totalUsd),
    candidates: candidates.length,
    rehearsals: trials.made,
  };
}

function rehearsed(candidate: Omit<Candidate, 'floorUsd'>, trial: Trial): Rehearsed {
  return { fleet: candidate.experiment.fleet, bill: billOf(candidate, trial.curve), trial };
}

/** Rehearses fleets, each that behaves alike only once: machines of the same size differ in their price alone. */
class Trials {
  made = 0;
  private readonly known = new Map<string, Trial | null>();
  private readonly failures: FleetRules[] = [];

  constructor(private readonly onProgress: (text: string) => void) {}

  /** Whether a fleet at least as large, of the same slots and purchase, has failed. */
  settled({ slots, agents, spot }: FleetRules): boolean {
    return this.failures.some(
      (failed) => failed.slots === slots && failed.spot.enabled === spot.enabled && failed.agents >= agents,
    );
  }

  /** The whole run; null when its first hours have failed already. */
  async of({ experiment, floorUsd }: Candidate): Promise<Trial | null> {
    const { fleet, durationMs } = experiment;
    const key = [fleet.slots, fleet.agents, fleet.reserve, fleet.agentsPerNode, fleet.spot.enabled].join(' ');
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const name = `${fleet.agents} agents × ${fleet.slots} slots, ${fleet.machineType}${fleet.spot.enabled ? ' Spot' : ''}`;
    this.onProgress(`Rehearsing ${name}, from ${formatMoney(floorUsd)} …`);
    const screened = durationMs > 2 * SCREENING_MS ? await this.whole(firstHours(experiment)) : null;
    const trial = screened === null || screened.verdict === 'PASS' ? await this.whole(experiment) : null;
    const last = trial ?? screened;
    if (last?.verdict !== 'PASS') {
      this.failures.push(fleet);
      this.onProgress(`  not met: ${last?.failed.join(', ') ?? ''}`);
    }
    this.known.set(key, trial);
    return trial;
  }

  async whole(experiment: Experiment): Promise<Trial> {
    this.made += 1;
    return tryOut(experiment);
  }
}

function noMachines(): ExperimentError {
  return new ExperimentError('USAGE', 'There is nothing to search.', [
    {
      path: '--optimize',
      message: 'the nodes of an existing cluster have no price here',
      hint: `take platform: gke and one of the regions ${PRICED_REGIONS.join(', ')}`,
    },
  ]);
}
