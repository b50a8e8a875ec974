import { floorCurve } from '../cost/agent-curve.js';
import type { CostEstimate } from '../cost/cost-model.js';
import { estimateCost, type CostQuestion } from '../cost/estimate.js';
import type { Sizing } from '../cost/sizing.js';
import type { Experiment } from '../spec/experiment.js';
import { machineType, MACHINE_TYPE_NAMES, podsPerNode, type Resources } from '../spec/machines.js';
import { judgeSegments } from '../spec/segment-verdict.js';

/** A fleet that might do, with the experiment it makes. */
export interface Candidate {
  readonly experiment: Experiment;
  readonly sizing: Sizing;
  /** Without ever scaling up. */
  readonly floorUsd: number;
}

/** Slots that are tried. */
const SLOTS = [2, 3, 4, 5, 6, 7, 8];
/** Slots whose requests are known: those of the default fleet. More are assumed to need more in proportion. */
const SLOTS_OF_REQUESTS = 4;
/** Fleets are tried up to this many times the fewest agents the load fits on: kills and lost nodes want room. */
const MARGINS = [1, 1.05, 1.12, 1.2, 1.3, 1.5];

/**
 * Every fleet worth a rehearsal, cheapest first: agents × slots × machine type × Spot, as far as the load fits it.
 * Nodes that are paid for anyway are filled with agents. The requests of an agent are taken to grow in proportion to
 * its slots above four; with fewer it asks for as much as with four. Stepped fleets keep their agents and slots.
 */
export function candidatesOf(experiment: Experiment, sizing: Sizing): readonly Candidate[] {
  const { fleet } = experiment;
  const staged = fleet.stages.length > 0;
  const found = new Map<string, Candidate>();
  for (const slots of staged ? [fleet.slots] : SLOTS) {
    const fewest = staged ? fleet.agents : fewestAgents(experiment, slots);
    if (fewest === null) continue;
    // The phase's own number of agents as well: some want to show that so many are stable.
    const own = slots === fleet.slots && fleet.agents >= fewest ? [fleet.agents] : [];
    const counts = staged ? own : [...MARGINS.map((margin) => Math.ceil(fewest * margin)), ...own];
    for (const machine of MACHINE_TYPE_NAMES) {
      for (const spot of [true, false]) {
        for (const agents of counts) {
          const fitted = withFleet(experiment, { agents, slots, machine, spot });
          if (fitted !== null) found.set(keyOf(fitted), candidate(fitted, sizing));
        }
      }
    }
  }
  return [...found.values()].sort((a, b) => a.floorUsd - b.floorUsd);
}

/** The bill of a candidate on a curve of agents. */
export function billOf(
  { experiment, sizing }: Omit<Candidate, 'floorUsd'>,
  { agentCurve, elapsedMs = experiment.durationMs }: Pick<CostQuestion, 'agentCurve' | 'elapsedMs'>,
): CostEstimate {
  return estimateCost({ experiment, agentCurve, elapsedMs, sizing });
}

/** What an agent of so many slots asks for, by the assumption of {@link candidatesOf}. */
function requestsFor({ requests, slots: known }: Experiment['fleet'], slots: number): Resources {
  const factor = Math.max(SLOTS_OF_REQUESTS, slots) / Math.max(SLOTS_OF_REQUESTS, known);
  return {
    cpuMilli: Math.ceil(requests.cpuMilli * factor),
    memoryBytes: Math.ceil(requests.memoryBytes * factor),
  };
}

interface FleetChoice {
  readonly agents: number;
  readonly slots: number;
  readonly machine: string;
  readonly spot: boolean;
}

/** The experiment with another fleet; null where an agent does not fit on the machine. */
function withFleet(experiment: Experiment, { agents, slots, machine, spot }: FleetChoice): Experiment | null {
  const { fleet, scaling } = experiment;
  const type = machineType(machine);
  const requests = requestsFor(fleet, slots);
  const agentsPerNode = type === undefined ? 0 : podsPerNode(type, requests);
  if (agentsPerNode === 0) return null;
  const staged = fleet.stages.length > 0;
  const reserve = spot && !staged ? agentsPerNode : 0;
  const filled = staged ? agents : Math.ceil((agents + reserve) / agentsPerNode) * agentsPerNode - reserve;
  // As much work at once as before, at most and at least.
  const inSlots = (count: number): number => Math.ceil((count * fleet.slots) / slots);
  const max = Math.max(inSlots(fleet.max), filled + reserve);
  const min = Math.min(inSlots(fleet.min), filled);
  return {
    ...experiment,
    fleet: {
      ...fleet,
      agents: filled,
      reserve,
      min,
      max,
      slots,
      machineType: machine,
      requests,
      agentsPerNode,
      spot: { enabled: spot, preemptedPerDay: spot ? preemptedPerDay(fleet) : 0 },
    },
    scaling: {
      ...scaling,
      up: { ...scaling.up, max: Math.max(inSlots(scaling.up.max), filled + reserve) },
      down: { ...scaling.down, min },
    },
  };
}

/** Assumed for a fleet that was not on Spot so far; the default of the spec (5 % a day). */
const PREEMPTED_PER_DAY = 0.05;

function preemptedPerDay({ spot }: Experiment['fleet']): number {
  return spot.enabled ? spot.preemptedPerDay : PREEMPTED_PER_DAY;
}

function candidate(experiment: Experiment, sizing: Sizing): Candidate {
  const { fleet } = experiment;
  const nodes = (agents: number): number => Math.ceil(agents / fleet.agentsPerNode);
  const own: Sizing = {
    ...sizing,
    agentMachine: fleet.machineType,
    minAgentNodes: nodes(fleet.min),
    maxAgentNodes: nodes(Math.max(fleet.max, fleet.agents + fleet.reserve)) + 1,
  };
  const bill = billOf({ experiment, sizing: own }, { agentCurve: floorCurve(experiment) });
  return { experiment, sizing: own, floorUsd: bill.totalUsd };
}

/** The fewest agents of so many slots the load fits on; null when the most allowed do not do. */
function fewestAgents(experiment: Experiment, slots: number): number | null {
  const { fleet, expect } = experiment;
  // An overload that is declared fits no fleet: the slots there are now are what it was declared for.
  if (expect !== null) return Math.ceil((fleet.agents * fleet.slots) / slots);
  const fits = (agents: number): boolean => {
    const changed = { ...experiment, fleet: { ...fleet, agents, slots } };
    return judgeSegments(changed).every(({ verdict }) => verdict === 'fits');
  };
  let high = Math.ceil((Math.max(fleet.max, fleet.agents) * fleet.slots) / slots);
  if (!fits(high)) return null;
  let low = 0;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function keyOf({ fleet }: Experiment): string {
  return [fleet.machineType, fleet.spot.enabled, fleet.slots, fleet.agents].join(' ');
}
