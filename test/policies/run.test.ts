import type { PolicyResource } from '@pulumi/policy';
import { deadlinePresent } from '../../policies/deadline-present.js';
import { fleetFitsNodes } from '../../policies/fleet-fits-nodes.js';
import { hourlyCost } from '../../policies/hourly-cost.js';
import { loadFeasible } from '../../policies/load-feasible.js';
import { noMaintenanceInRun } from '../../policies/no-maintenance-in-run.js';
import { runCost } from '../../policies/run-cost.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { deploymentOf, phase, resource, specMap, UNKNOWN_LIST, UNKNOWN_TEXT, violations, workload } from './stage.js';

const PHASE3 = phase(3);
const withBudget = (changes: Partial<Experiment['budget']>): Experiment => ({
  ...PHASE3,
  budget: { ...PHASE3.budget, ...changes },
});
const unknownSpec = resource('kubernetes:core/v1:ConfigMap', {
  metadata: { name: 'experiment-spec' },
  data: { 'spec.json': UNKNOWN_TEXT },
});
const agentPool = (props: object): PolicyResource =>
  resource('gcp:container/nodePool:NodePool', { name: 'agent-pool', ...props }, { name: 'agent-pool' });

describe('The rule on the cost of the run', () => {
  it('lets phase 3 through with a budget above its worst case', async () => {
    expect(await violations(runCost, [specMap(withBudget({ maxUsd: 5_000 }))])).toEqual([]);
  });

  it('refuses half of what it costs, with the cost, the excess and what to change', async () => {
    const [message, ...more] = await violations(runCost, [specMap(withBudget({ maxUsd: 100 }))]);
    expect(more).toEqual([]);
    expect(message).toMatch(
      /^The run would cost \$[\d,.]+ at worst, \$[\d,.]+ above budget\.max of \$100 \(250 agents/,
    );
    const [cost, excess] = [...(message ?? '').matchAll(/\$([\d,.]*\d)/g)].map(([, usd]) =>
      Number(usd?.replaceAll(',', '')),
    );
    expect(excess).toBeCloseTo((cost ?? 0) - 100, 2);
    expect(message).toContain('raise budget.max');
    expect(message).toContain('horizontalScaling.actions.scaleUp.max');
  });

  it('names the number of agents that the budget stands, and it does', async () => {
    const [refusal] = await violations(runCost, [specMap(withBudget({ maxUsd: 1 }))]);
    const worst = Number(/cost \$([\d,.]+) at/.exec(refusal ?? '')?.[1]?.replaceAll(',', ''));
    const maxUsd = worst - 5;
    const [message] = await violations(runCost, [specMap(withBudget({ maxUsd }))]);
    const agents = Number(/scaleUp\.max from 250 to (\d+)/.exec(message ?? '')?.[1]);
    expect(agents).toBeGreaterThan(200);
    const lower = withBudget({ maxUsd });
    const fleet = { ...lower.fleet, max: agents };
    const scaling = { ...lower.scaling, up: { ...lower.scaling.up, max: agents } };
    const deployment = deploymentOf(PHASE3);
    expect(await violations(runCost, [specMap({ ...lower, fleet, scaling }, deployment)])).toEqual([]);
  });

  it('goes by the machines, Spot and most nodes that are really declared', async () => {
    const spec = specMap(withBudget({ maxUsd: 1 }));
    const costWith = async (props: object): Promise<number> => {
      const [message] = await violations(runCost, [spec, agentPool(props)]);
      return Number(/cost \$([\d,.]+) at/.exec(message ?? '')?.[1]?.replaceAll(',', ''));
    };
    const node = { labels: { role: 'agent' }, machineType: 'n2-standard-4', spot: true };
    const autoscaling = { totalMinNodeCount: 10, totalMaxNodeCount: 30 };
    const declared = await costWith({ nodeConfig: node, autoscaling });
    expect(await costWith({ nodeConfig: { ...node, spot: false }, autoscaling })).toBeGreaterThan(declared);
    expect(await costWith({ nodeConfig: node, autoscaling: { ...autoscaling, totalMaxNodeCount: 20 } })).toBeLessThan(
      declared,
    );
    expect(await costWith({ nodeConfig: { ...node, machineType: UNKNOWN_TEXT }, autoscaling })).toBe(declared);
    const [unpriced] = await violations(runCost, [
      spec,
      agentPool({ nodeConfig: { ...node, machineType: 'x9-huge' } }),
    ]);
    expect(unpriced).toContain('has no price for x9-huge');
  });

  it('takes a limit of its own from its configuration', async () => {
    const [message] = await violations(runCost, [specMap(withBudget({ maxUsd: 5_000 }))], { maxUsd: 50 });
    expect(message).toContain('above the maxUsd of policy run-cost of $50');
  });

  it('passes over a spec that is not known yet, and refuses one that is missing or broken', async () => {
    expect(await violations(runCost, [unknownSpec, workload('miyabi-agent')])).toEqual([]);
    expect(await violations(runCost, [])).toEqual([]);
    expect((await violations(runCost, [workload('miyabi-agent')]))[0]).toContain('no ConfigMap experiment-spec');
    const broken = resource('kubernetes:core/v1:ConfigMap', {
      metadata: { name: 'experiment-spec' },
      data: { 'spec.json': '{}' },
    });
    expect((await violations(runCost, [broken]))[0]).toContain('cannot be judged');
  });
});

describe('The rule on the cost of an hour', () => {
  it('holds only where there is a limit', async () => {
    expect(await violations(hourlyCost, [specMap(withBudget({ maxPerHourUsd: null }))])).toEqual([]);
    expect(await violations(hourlyCost, [specMap(withBudget({ maxPerHourUsd: 100 }))])).toEqual([]);
    expect(await violations(hourlyCost, [unknownSpec])).toEqual([]);
  });

  it('refuses an hour above it with the numbers', async () => {
    const [message] = await violations(hourlyCost, [specMap(withBudget({ maxPerHourUsd: 2 }))]);
    expect(message).toMatch(
      /^An hour of the run would cost \$[\d.]+ at worst, \$[\d.]+ above budget\.maxPerHour of \$2 /,
    );
    expect((await violations(hourlyCost, [specMap(PHASE3)], { maxUsdPerHour: 1 }))[0]).toContain('of $1');
  });
});

describe('The rule on the load', () => {
  it('lets each phase through as it is', async () => {
    for (const number of [1, 2, 3] as const)
      expect(await violations(loadFeasible, [specMap(phase(number))])).toEqual([]);
    expect(await violations(loadFeasible, [unknownSpec])).toEqual([]);
  });

  it('refuses phase 3 on 100 agents with one slot, with slots needed and slots there', async () => {
    const small = phase(3, { agents: 100 });
    const fleet = { ...small.fleet, slots: 1 };
    const [message] = await violations(loadFeasible, [specMap({ ...small, fleet })]);
    expect(message).toMatch(/keeps 3\d\d slots busy, there are \d+ \(\d+ agents × 1\), 1\d\d % busy/);
    expect(message).toContain('It would fit with');
  });

  it('lets an overload through that is declared', async () => {
    expect(await violations(loadFeasible, [specMap(phase(3, { scenario: 'stress' }))])).toEqual([]);
  });
});

describe('The rule on room for the fleet', () => {
  const agents = (cpu: string, replicas: number | string = 204): PolicyResource =>
    workload('miyabi-agent', {
      replicas,
      pod: {
        nodeSelector: { role: 'agent' },
        containers: [{ name: 'agent', resources: { requests: { cpu, memory: '1Gi' } } }],
      },
    });

  it('finds room for the most agents on the pool at its largest', async () => {
    expect(await violations(fleetFitsNodes, [specMap(PHASE3), agents('400m')])).toEqual([]);
  });

  it('refuses agents that find none, with the number of nodes that would do', async () => {
    const pool = agentPool({
      nodeConfig: { labels: { role: 'agent' }, machineType: 'n2-standard-4' },
      autoscaling: { totalMaxNodeCount: 20 },
    });
    const [message] = await violations(fleetFitsNodes, [specMap(PHASE3), agents('400m'), pool]);
    expect(message).toMatch(/^agent-pool has at most 20 n2-standard-4 nodes with 3\d+m CPU and [\d.]+Gi each to give/);
    // 9 agents of 400m on the 3620m of a node: 28 nodes for 250.
    expect(message).toContain('no room for 70 of Deployment miyabi-agent (400m CPU and 1Gi each)');
    expect(message).toContain('8 more nodes would do: raise deployment.pools.agent.max to 28');
  });

  it('says so when no node can hold a pod', async () => {
    expect((await violations(fleetFitsNodes, [specMap(PHASE3), agents('9')]))[0]).toContain(
      'no n2-standard-4 holds one',
    );
  });

  it('counts the instances of Postgres, and passes over what is not known', async () => {
    const postgres = (instances: unknown): PolicyResource =>
      resource('kubernetes:postgresql.cnpg.io/v1:Cluster', {
        metadata: { name: 'pg' },
        spec: {
          instances,
          resources: { requests: { cpu: '7', memory: '1Gi' } },
          affinity: { nodeSelector: { role: 'coordinator' } },
        },
      });
    expect((await violations(fleetFitsNodes, [specMap(PHASE3), postgres(5)]))[0]).toContain('2 of Cluster pg');
    expect(await violations(fleetFitsNodes, [specMap(PHASE3), postgres(3)])).toEqual([]);
    expect(
      await violations(fleetFitsNodes, [specMap(PHASE3), postgres(UNKNOWN_TEXT), agents(UNKNOWN_TEXT), unknownSpec]),
    ).toEqual([]);
    const existing = deploymentOf(PHASE3, {
      platform: 'existing',
      project: undefined,
      image: { repository: 'r.example/a' },
    });
    expect(await violations(fleetFitsNodes, [specMap(PHASE3, existing), agents('9')])).toEqual([]);
  });
});

describe('The rule on the deadline', () => {
  const cron = (name: string, spec: object = {}): PolicyResource =>
    resource('kubernetes:batch/v1:CronJob', { metadata: { name }, spec }, { name: 'c' });

  it('wants a cron job that is not suspended', async () => {
    expect(await violations(deadlinePresent, [specMap(PHASE3), cron('experiment-deadline')])).toEqual([]);
    expect((await violations(deadlinePresent, [specMap(PHASE3)]))[0]).toContain('has no deadline');
    const [message] = await violations(deadlinePresent, [
      specMap(PHASE3),
      cron('experiment-deadline', { suspend: true }),
    ]);
    expect(message).toContain('CronJob experiment-deadline is suspended');
  });

  it('refuses one that comes too late, by how much', async () => {
    const late = deploymentOf(PHASE3, { deadlineGrace: '30h' });
    const [message] = await violations(deadlinePresent, [specMap(PHASE3, late), cron('experiment-deadline')]);
    expect(message).toBe(
      'The deadline comes 30h after the planned end, 6h later than the 24h allowed: lower deployment.deadlineGrace.',
    );
  });

  it('passes over what is not known', async () => {
    expect(await violations(deadlinePresent, [specMap(PHASE3), cron(UNKNOWN_TEXT)])).toEqual([]);
    expect(await violations(deadlinePresent, [unknownSpec])).toEqual([]);
  });
});

describe('The rule on maintenance', () => {
  const cluster = (maintenancePolicy?: unknown): PolicyResource =>
    resource('gcp:container/cluster:Cluster', {
      name: 'c',
      ...(maintenancePolicy === undefined ? {} : { maintenancePolicy }),
    });
  const check = (policy?: unknown): Promise<string[]> =>
    violations(noMaintenanceInRun, [specMap(PHASE3), cluster(policy)]);
  const window = {
    startTime: '2026-01-02T00:00:00Z',
    endTime: '2026-01-03T00:00:00Z',
    recurrence: 'FREQ=WEEKLY;BYDAY=FR,SA',
  };

  it('lets windows outside the run through, and exclusions that cover it', async () => {
    expect(await check({ recurringWindow: window })).toEqual([]);
    const exclusion = { startTime: '2026-01-04T15:00:00Z', endTime: '2026-01-07T15:00:00Z' };
    const daily = { dailyMaintenanceWindow: { startTime: '03:00' } };
    expect(await check({ ...daily, maintenanceExclusions: [exclusion] })).toEqual([]);
    const minor = { ...exclusion, exclusionOptions: { scope: 'NO_MINOR_UPGRADES' } };
    expect(await check({ ...daily, maintenanceExclusions: [minor] })).toHaveLength(1);
  });

  it('refuses windows inside it, with how much of the run they take', async () => {
    expect((await check({ dailyMaintenanceWindow: { startTime: '03:00' } }))[0]).toContain(
      'may be maintained for 12h of the run of 72h, first at 2026-01-05T03:00:00Z',
    );
    expect((await check({ recurringWindow: { ...window, recurrence: 'FREQ=WEEKLY;BYDAY=MO' } }))[0]).toContain('24h');
    expect((await check())[0]).toContain('at any time');
  });

  it('passes over what is not known', async () => {
    for (const policy of [
      UNKNOWN_TEXT,
      { maintenanceExclusions: UNKNOWN_LIST },
      { maintenanceExclusions: [{ startTime: UNKNOWN_TEXT, endTime: UNKNOWN_TEXT }] },
    ])
      expect(await check(policy)).toEqual([]);
  });
});
