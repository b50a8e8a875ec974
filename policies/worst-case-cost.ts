import { constantCurve, worstCaseCurve } from '../runtime/cost/agent-curve.js';
import type { CostEstimate } from '../runtime/cost/cost-model.js';
import { defaultSizing, sizingOf } from '../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../runtime/cost/estimate.js';
import { nodesFor, type Sizing } from '../runtime/cost/sizing.js';
import type { Experiment } from '../runtime/spec/experiment.js';
import type { ExperimentSpec } from './experiment-spec.js';
import { nodePools, type NodePool } from './node-pools.js';
import type { Described } from './resources.js';

/** The most a run can cost: most agents for the whole run, on what the stack really declares. */
export interface WorstCase {
  readonly estimate: CostEstimate;
  readonly agents: number;
  readonly nodes: number;
  /** The same with another number of agents at most. */
  withAgents(agents: number): CostEstimate;
}

/** Throws PRICE_UNKNOWN for a machine type, a disk or anything else without a price. */
export function worstCase(resources: readonly Described[], spec: ExperimentSpec): WorstCase {
  const pools = spec.deployment === undefined ? [] : nodePools(resources, spec.deployment);
  const agentPool = pools.find(({ role }) => role === 'agent');
  const sizing = declaredSizing(spec, pools);
  const experiment = onDeclaredNodes(spec.experiment, agentPool);
  const { agentsPerNode } = experiment.fleet;
  const agents = worstCaseCurve(experiment)[0]?.agents ?? 0;
  const withAgents = (count: number): CostEstimate =>
    estimateCost({ experiment, agentCurve: constantCurve(count), sizing });
  return { estimate: withAgents(agents), agents, nodes: nodesFor(agents, agentsPerNode, sizing), withAgents };
}

function onDeclaredNodes(experiment: Experiment, pool: NodePool | undefined): Experiment {
  if (pool === undefined) return experiment;
  const { fleet } = experiment;
  return { ...experiment, fleet: { ...fleet, spot: { ...fleet.spot, enabled: pool.spot } } };
}

function declaredSizing({ experiment, deployment }: ExperimentSpec, pools: readonly NodePool[]): Sizing {
  const base = deployment === undefined ? defaultSizing(experiment) : sizingOf(deployment);
  const agentPool = pools.find(({ role }) => role === 'agent');
  if (agentPool === undefined) return base;
  return {
    ...base,
    agentMachine: agentPool.machineType,
    minAgentNodes: agentPool.min,
    // Agents that no node is allowed for are never paid for.
    maxAgentNodes: agentPool.max,
    pools: pools
      .filter(({ role }) => role !== 'agent')
      .map(({ name, machineType, max }) => ({ name, machine: machineType, nodes: max })),
  };
}
