import type { StackValidationPolicy } from '@pulumi/policy';
import { worstCaseCurve } from '../runtime/cost/agent-curve.js';
import { allocatable, machineType, PER_NODE_PODS, type Resources } from '../runtime/spec/machines.js';
import { formatCpu, formatSize } from '../runtime/spec/units.js';
import { reportedSpec, type ExperimentSpec } from './experiment-spec.js';
import { at, textAt, UNKNOWN } from './known.js';
import { nodePools, type NodePool, type PoolRole } from './node-pools.js';
import { containersOf, podTemplates, postgresPods } from './pods.js';
import { cpuMilli, memoryBytes } from './quantities.js';
import type { Described } from './resources.js';

/** The Deployment whose pods the autoscaler counts. */
const AGENTS = 'miyabi-agent';

interface Demand extends Resources {
  readonly title: string;
  readonly role: PoolRole;
  readonly pods: number;
}

/** All pods, with the most agents there can be, find room on the pools at their largest. */
export const fleetFitsNodes: StackValidationPolicy = {
  name: 'fleet-fits-nodes',
  description: 'The requests of all pods fit what the declared node pools have to give.',
  validateStack: ({ resources }, report) => {
    const spec = reportedSpec(resources, report);
    if (spec?.deployment === undefined) return;
    const demands = demandsOf(resources, spec);
    for (const pool of nodePools(resources, spec.deployment)) {
      const refusal = refusalOf(
        pool,
        demands.filter(({ role }) => role === pool.role),
      );
      if (refusal !== undefined) report(refusal, spec.urn);
    }
  },
};

function refusalOf(pool: NodePool, demands: readonly Demand[]): string | undefined {
  const machine = machineType(pool.machineType);
  // A type that is in no table is refused by the rules for machine types and for cost.
  if (machine === undefined || demands.length === 0) return undefined;
  const whole = allocatable(machine);
  const room = {
    cpuMilli: whole.cpuMilli - PER_NODE_PODS.cpuMilli,
    memoryBytes: whole.memoryBytes - PER_NODE_PODS.memoryBytes,
  };
  const left = placed(demands, room, pool.max);
  if (left.length === 0) return undefined;
  const needed = nodesNeeded(demands, room);
  const without = left.map(({ title, pods, ...asks }) => `${pods} of ${title} (${shown(asks)} each)`).join(', ');
  const advice =
    needed === undefined
      ? `no ${pool.machineType} holds one of them: lower their requests or choose a larger machine type`
      : `${needed - pool.max} more ${needed - pool.max === 1 ? 'node' : 'nodes'} would do: raise ${sizeKey(pool)} to ` +
        `${needed}, choose a larger machine type, or lower the requests`;
  return (
    `${pool.name} has at most ${pool.max} ${pool.machineType} nodes with ${shown(room)} each to give, ` +
    `and there is no room for ${without}; ${advice}.`
  );
}

function sizeKey({ role }: NodePool): string {
  return role === 'agent' ? 'deployment.pools.agent.max' : `deployment.pools.${role}.nodes`;
}

function shown({ cpuMilli: cpu, memoryBytes: memory }: Resources): string {
  return `${formatCpu(Math.round(cpu))} CPU and ${formatSize(memory)}`;
}

/** What finds no room on so many nodes, largest pods first, each where there is room first. */
function placed(demands: readonly Demand[], room: Resources, nodes: number): Demand[] {
  const free = Array.from({ length: nodes }, () => ({ ...room }));
  const sized = demands.toSorted((a, b) => sizeIn(room, b) - sizeIn(room, a));
  return sized.flatMap((demand) => {
    let rest = demand.pods;
    for (const node of free) {
      while (rest > 0 && node.cpuMilli >= demand.cpuMilli && node.memoryBytes >= demand.memoryBytes) {
        node.cpuMilli -= demand.cpuMilli;
        node.memoryBytes -= demand.memoryBytes;
        rest -= 1;
      }
    }
    return rest === 0 ? [] : [{ ...demand, pods: rest }];
  });
}

function nodesNeeded(demands: readonly Demand[], room: Resources): number | undefined {
  if (demands.some((demand) => sizeIn(room, demand) > 1)) return undefined;
  const pods = demands.reduce((sum, demand) => sum + demand.pods, 0);
  let [fails, fits] = [0, pods];
  while (fits - fails > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (placed(demands, room, middle).length === 0) fits = middle;
    else fails = middle;
  }
  return fits;
}

/** The larger of a pod's shares of a node. */
function sizeIn(room: Resources, pod: Resources): number {
  return Math.max(pod.cpuMilli / room.cpuMilli, pod.memoryBytes / room.memoryBytes);
}

/** What the known pods ask for. Pods of every node are in the reserve of {@link PER_NODE_PODS}. */
function demandsOf(resources: readonly Described[], { experiment }: ExperimentSpec): Demand[] {
  const mostAgents = worstCaseCurve(experiment)[0]?.agents ?? 0;
  const templates = podTemplates(resources)
    .filter(({ kind }) => kind !== 'DaemonSet')
    .flatMap((template): Demand[] => {
      const role = roleOf(at(template.spec, 'nodeSelector'));
      const asks = requestsOf(containersOf(template));
      const isAgents = textAt(template.owner.props, 'metadata', 'name') === AGENTS && template.kind === 'Deployment';
      const pods = isAgents ? Math.max(mostAgents, template.replicas ?? 0) : template.replicas;
      return role === undefined || asks === undefined || pods === undefined
        ? []
        : [{ title: template.title, role, pods, ...asks }];
    });
  const postgres = resources.flatMap((resource): Demand[] => {
    const found = postgresPods(resource);
    if (found?.instances === undefined) return [];
    const role = roleOf(found.nodeSelector);
    const asks = requestsIn(found.resources);
    return role === undefined || asks === undefined
      ? []
      : [{ title: found.title, role, pods: found.instances, ...asks }];
  });
  return [...templates, ...postgres];
}

/** The pool pods are bound to; those bound to none run on the monitoring pool, the only one without a taint. */
function roleOf(nodeSelector: unknown): PoolRole | undefined {
  const role = at(nodeSelector, 'role');
  if (role === UNKNOWN) return undefined;
  return role === 'coordinator' || role === 'agent' ? role : 'monitoring';
}

/** What a pod asks for: its containers together, or its greediest init container; undefined when not all is known. */
function requestsOf(containers: readonly { readonly props: unknown; readonly init: boolean }[]): Resources | undefined {
  const total = { cpuMilli: 0, memoryBytes: 0 };
  const most = { cpuMilli: 0, memoryBytes: 0 };
  for (const { props, init } of containers) {
    const asks = requestsIn(at(props, 'resources'));
    if (asks === undefined) return undefined;
    if (init) {
      most.cpuMilli = Math.max(most.cpuMilli, asks.cpuMilli);
      most.memoryBytes = Math.max(most.memoryBytes, asks.memoryBytes);
    } else {
      total.cpuMilli += asks.cpuMilli;
      total.memoryBytes += asks.memoryBytes;
    }
  }
  return {
    cpuMilli: Math.max(total.cpuMilli, most.cpuMilli),
    memoryBytes: Math.max(total.memoryBytes, most.memoryBytes),
  };
}

/** Requests, or limits where there are none, as Kubernetes takes them; 0 for what is not asked for. */
function requestsIn(resources: unknown): Resources | undefined {
  const [cpu, memory] = (['cpu', 'memory'] as const).map(
    (kind) => at(resources, 'requests', kind) ?? at(resources, 'limits', kind),
  );
  if (cpu === UNKNOWN || memory === UNKNOWN) return undefined;
  return { cpuMilli: cpuMilli(cpu) ?? 0, memoryBytes: memoryBytes(memory) ?? 0 };
}
