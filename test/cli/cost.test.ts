import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { CostEstimate } from '../../runtime/cost/cost-model.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import { timedCurve } from '../../runtime/cost/agent-time.js';
import { sizingOf } from '../../runtime/cost/deployment-sizing.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { billOf } from '../../stacks/bill.js';
import { Stage } from './stage.js';

const EXPERIMENT = `
phase: 1
agents: 20
duration: 30min
load: { rate: 300/min, bursts: { rate: 1200/min, duration: 4min, every: 8min, timing: fixed } }
tasks: { types: { quick: { share: 100%, mean: 2s } } }
fleet: { slots: 2, agentsPerNode: 3 }
chaos: { enabled: false }
budget: { max: $50 }
`;
/** Bursts that the fleet is too small for and scaled up at: its agents change over the run. */
const BURSTY = EXPERIMENT.replace('slots: 2', 'slots: 1');
const SMALL = 'stores: { postgres: { instances: 1, storage: 10Gi }, elasticsearch: { nodes: 1 } }';
const EXISTING = '{ platform: existing, image: { repository: registry.example/x } }';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => {
  stage.remove();
});

/** Writes a stack file, and answers what names it. */
function stackFile(deployment: string | null, experiment = EXPERIMENT): string[] {
  const key = deployment === null ? '' : `  agent-experiment:deployment:\n    ${deployment}\n`;
  const text = `config:\n  agent-experiment:experiment:\n    ${experiment.trim().replaceAll('\n', '\n    ')}\n${key}`;
  stage.write('own.yaml', text);
  return ['--config', 'own.yaml'];
}

async function planned(config: string[]): Promise<{ rehearsed: CostEstimate; floor: CostEstimate }> {
  const { stdout } = await stage.run('plan', ...config, '--json');
  return (JSON.parse(stdout) as { cost: { rehearsed: CostEstimate; floor: CostEstimate } }).cost;
}

async function rehearsed(config: string[]): Promise<ExperimentReport> {
  await stage.run('start', ...config, '--target', 'rehearsal', '--report=false', '--force');
  return JSON.parse(readFileSync(stage.path('results', stage.onlyRun(), 'report.json'), 'utf8')) as ExperimentReport;
}

describe('the cost of one deployment', () => {
  test.each([
    ['as it is by default', null],
    ['as it is written beside the experiment', SMALL],
    ['on an existing cluster', EXISTING],
  ])('is the same in the report and in plan, to the cent: %s', async (_what, deployment) => {
    const config = stackFile(deployment, BURSTY);
    const { cost } = await rehearsed(config);
    expect(cost.agentTime?.length).toBeGreaterThan(1);
    const plan = await planned(config);
    expect(plan.rehearsed.totalUsd).toBeCloseTo(cost.totalUsd, 5);
    expect(plan.rehearsed.perHourUsd).toBeCloseTo(cost.perHourUsd, 5);
    const parts = plan.rehearsed.parts.map(({ part, usd }) => ({ part, usd: Number(usd.toFixed(5)) }));
    expect(cost.parts.map(({ part, usd }) => ({ part, usd: Number(usd.toFixed(5)) }))).toEqual(parts);
  });

  test('is the estimate on the rehearsed agents with the sizing of that deployment', async () => {
    const { cost } = await rehearsed(stackFile(SMALL, BURSTY));
    const experiment = loadExperiment(BURSTY, 'own.yaml');
    const deployment = compileDeployment({ project: 'any-project', ...parse(SMALL) }, experiment);
    const curve = timedCurve(cost.agentTime ?? []);
    expect(cost.totalUsd).toBeCloseTo(estimateCost({ experiment, sizing: sizingOf(deployment), ...curve }).totalUsd, 5);
    expect(cost.totalUsd).toBeLessThan(estimateCost({ experiment, ...curve }).totalUsd - 0.01);
  });

  test('at the floor is the same in plan, in check and among the outputs of the stack', async () => {
    const config = stackFile(SMALL);
    const { floor } = await planned(config);
    const experiment = loadExperiment(EXPERIMENT, 'own.yaml');
    const { runUsd } = billOf(
      experiment,
      compileDeployment({ project: 'any-project', ...parse(SMALL) }, experiment),
      null,
    );
    expect(runUsd).toBe(Math.round(floor.totalUsd * 100) / 100);
    const { stdout } = await stage.run('check', ...config);
    expect(stdout).toContain(`cost at the floor $${runUsd.toFixed(2)} of $50\n`);
  });

  test('decides whether a start is refused for its budget', async () => {
    const { floor: small } = await planned(stackFile(SMALL));
    const { floor: full } = await planned(stackFile(null));
    const between = EXPERIMENT.replace('$50', `$${((small.totalUsd + full.totalUsd) / 2).toFixed(2)}`);
    const refused = await stage.run('start', ...stackFile(null, between), '--target', 'rehearsal');
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('The run would cost more than its budget.');
    expect((await stage.run('check', '--config', 'own.yaml')).exitCode).toBe(2);
    const begun = await stage.run('start', ...stackFile(SMALL, between), '--target', 'rehearsal', '--report=false');
    expect(begun.stderr).not.toContain('budget');
    expect((await stage.run('check', '--config', 'own.yaml')).exitCode).toBe(0);
  });

  test('on an existing cluster is said to lack what is not known, before and after', async () => {
    const config = stackFile(EXISTING);
    const missing = 'Not in the bill: nodes, disks and network of the existing cluster.';
    expect((await stage.run('check', ...config)).stdout).toContain(missing);
    const { stderr } = await stage.run('start', ...config, '--target', 'rehearsal');
    expect(stderr).toContain(missing);
    for (const file of ['report.md', 'report.html'])
      expect(readFileSync(stage.path('results', stage.onlyRun(), file), 'utf8')).toContain(missing);
  });

  test('cannot be told of a faulty deployment: start and check refuse it as plan does', async () => {
    const config = stackFile('stores: { redis: { nodes: 7 } }');
    for (const argv of [['start', '--target', 'rehearsal'], ['plan']]) {
      const { exitCode, stderr } = await stage.run(...argv, ...config);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('stores.redis.nodes');
    }
    const { exitCode, stdout } = await stage.run('check', ...config);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('stores.redis.nodes');
  });
});
