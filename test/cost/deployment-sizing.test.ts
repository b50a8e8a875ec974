import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { floorCurve, worstCaseCurve, constantCurve } from '../../runtime/cost/agent-curve.js';
import type { CostEstimate } from '../../runtime/cost/cost-model.js';
import { asInDocument, defaultSizing, documentSizing, sizingOf } from '../../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import { PRICED_REGIONS } from '../../runtime/cost/price-table.js';
import { HOUR } from '../../runtime/kernel/units.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { sampleExperiment } from '../spec/sample-experiment.js';

const FILE = 'Pulumi.phase3.yaml';
const phase3 = loadExperiment(readFileSync(join(__dirname, '../..', FILE), 'utf8'), FILE);
const usd = (bill: CostEstimate, part: string): number | undefined => bill.parts.find((one) => one.part === part)?.usd;
const inRegion = (experiment: Experiment, region: string): Experiment => ({
  ...experiment,
  budget: { ...experiment.budget, region },
});

/** Nodes for a day with nothing but time: n2-standard-8, n2-standard-4 on demand and Spot, pd-ssd, pd-balanced. */
const LISTS = {
  'us-central1': { large: 0.388472, medium: 0.194236, spot: 0.111472, ssd: 0.17, balanced: 0.1 },
  'asia-northeast1': { large: 0.498352, medium: 0.249176, spot: 0.068664, ssd: 0.221, balanced: 0.13 },
  'europe-west4': { large: 0.427664, medium: 0.213832, spot: 0.066664, ssd: 0.187, balanced: 0.11 },
  'us-east1': { large: 0.388472, medium: 0.194236, spot: 0.111472, ssd: 0.17, balanced: 0.1 },
} as const;

describe('The bill of a deployment', () => {
  it.each(PRICED_REGIONS)('is what a hand reckons from the price list of %s', (region) => {
    const { large, medium, spot, ssd, balanced } = LISTS[region];
    // No load: nothing grows with tasks. 90 agents, 9 on a node: 10 nodes for a day.
    const idle = sampleExperiment({
      segments: [{ startMs: 0, endMs: 24 * HOUR, ratePerMin: 0, label: 'idle' }],
      fleet: { agents: 81, reserve: 9, agentsPerNode: 9 },
      budget: { region },
    });
    const bill = estimateCost({ experiment: idle, agentCurve: constantCurve(90) });
    const days = 24 / 730;
    expect(usd(bill, 'agent-pool nodes')).toBeCloseTo(10 * 24 * spot, 9);
    expect(usd(bill, 'coordinator-pool nodes')).toBeCloseTo(3 * 24 * large, 9);
    expect(usd(bill, 'monitoring-pool nodes')).toBeCloseTo(3 * 24 * medium, 9);
    expect(usd(bill, 'GKE management fee')).toBeCloseTo(2.4, 9);
    expect(usd(bill, 'boot disks')).toBeCloseTo(16 * 50 * balanced * days, 9);
    expect(usd(bill, 'Redis disks')).toBeCloseTo(6 * 20 * ssd * days, 9);
    expect(usd(bill, 'Postgres disks')).toBeCloseTo(3 * 500 * ssd * days, 9);
    expect(usd(bill, 'InfluxDB disks')).toBeCloseTo(200 * ssd * days, 9);
    expect(usd(bill, 'Elasticsearch disks')).toBeCloseTo(3 * 100 * balanced * days, 9);
    expect(usd(bill, 'NAT gateway')).toBeCloseTo(24 * 0.0448, 9);
    expect(usd(bill, 'NAT addresses')).toBeCloseTo(24 * 0.005, 9);
    expect(usd(bill, 'image storage')).toBeCloseTo(2 * 0.1 * days, 9);
    // 90 agents, a beat of 1 KiB a second.
    expect(usd(bill, 'inter-zone egress')).toBeCloseTo(((90 * 86_400 * 1_024) / 2 ** 30) * 0.01, 9);
  });

  it.each(PRICED_REGIONS)('has a price for every part in %s, and marks those that are assumed', (region) => {
    const bill = estimateCost({ experiment: inRegion(phase3, region), agentCurve: floorCurve(phase3) });
    for (const { part, price, basis, usd: amount } of bill.parts) {
      expect([part, price.usd > 0, amount > 0]).toEqual([part, true, true]);
      expect(basis.includes('assumed')).toBe(price.assumed);
    }
    for (const part of ['inter-zone egress', 'image storage']) {
      expect(bill.parts.find((one) => one.part === part)?.basis).toContain('[assumed: no source found');
    }
  });

  it('of phase 3 in us-central1 is at most half of the document’s sizing at on-demand prices', () => {
    const sizing = defaultSizing(phase3);
    const asWritten = asInDocument(phase3);
    const ours = estimateCost({ experiment: phase3, agentCurve: worstCaseCurve(phase3), sizing });
    const document = estimateCost({
      experiment: asWritten,
      agentCurve: floorCurve(asWritten),
      sizing: documentSizing(sizing),
    });
    expect(phase3.budget.region).toBe('us-central1');
    expect(usd(document, 'agent-pool nodes')).toBeCloseTo(50 * 72 * 0.194236, 6);
    expect(usd(document, 'Postgres disks')).toBe(usd(ours, 'Postgres disks'));
    // Even with the most agents for the whole run; at the floor it is less.
    expect(ours.totalUsd / document.totalUsd).toBeLessThanOrEqual(0.5);
  });

  it('follows what the deployment says', () => {
    const deployment = compileDeployment(
      {
        project: 'some-project',
        pools: { agent: { min: 3, max: 7 }, coordinator: { nodes: 1 }, bootDisk: { size: '20Gi' } },
        stores: { postgres: { instances: 1, storage: '10Gi' } },
        image: { reference: `registry.example/x@sha256:${'0'.repeat(64)}` },
        archive: null,
      },
      phase3,
    );
    const sizing = sizingOf(deployment);
    expect(sizing).toMatchObject({ minAgentNodes: 3, maxAgentNodes: 7, imageGib: 0, archive: null });
    const worst = estimateCost({ experiment: phase3, agentCurve: worstCaseCurve(phase3), sizing });
    // 250 agents want 28 nodes; the pool ends at 7.
    expect(usd(worst, 'agent-pool nodes')).toBeCloseTo(7 * 72 * 0.111472, 6);
    expect(usd(worst, 'coordinator-pool nodes')).toBeCloseTo(72 * 0.388472, 6);
    expect(usd(worst, 'Postgres disks')).toBeCloseTo((10 * 0.17 * 72) / 730, 9);
    expect(usd(worst, 'S3 storage')).toBeUndefined();
  });

  it('prices nothing of an existing cluster, and says what is missing', () => {
    const written = {
      platform: 'existing',
      image: { repository: 'registry.example/x' },
      archive: { provider: 's3-compatible', endpoint: 'https://s3.example' },
    };
    const sizing = sizingOf(compileDeployment(written, phase3));
    const models = { modelUsdPerMillionTokens: { input: 1, output: 0 } };
    const experiment = { ...phase3, budget: { ...phase3.budget, ...models } };
    const bill = estimateCost({ experiment, agentCurve: floorCurve(phase3), sizing });
    expect(bill.parts.map(({ part }) => part)).toEqual(['model input']);
    expect(bill.remarks).toEqual([
      'Not in the bill: nodes, disks and network of the existing cluster; the archive, on an S3-compatible server.',
    ]);
  });

  it('refuses a machine without a price by its name', () => {
    const sizing = { ...defaultSizing(phase3), agentMachine: 'z9-standard-4' };
    expect(() => estimateCost({ experiment: phase3, agentCurve: floorCurve(phase3), sizing })).toThrow(
      'has no price for z9-standard-4 (spot) per hour in us-central1',
    );
  });
});

describe('Model calls', () => {
  const types = [
    { name: 'a', share: 0.75, meanMs: 1_000, tokens: { input: 1_000, output: 100 } },
    { name: 'b', share: 0.25, meanMs: 1_000, tokens: { input: 5_000, output: 0 } },
  ];

  it('cost tokens of each type times their price, for every attempt', () => {
    // 30,000 tasks in an hour; half of the attempts fail, two each: 45,000 attempts of 2,000 and 75 tokens.
    const experiment = sampleExperiment({
      tasks: { types },
      queue: { maxAttempts: 2 },
      simulation: { failureRate: 0.5 },
      budget: { modelUsdPerMillionTokens: { input: 3, output: 15 } },
    });
    const bill = estimateCost({ experiment, agentCurve: constantCurve(10) });
    expect(usd(bill, 'model input')).toBeCloseTo(90 * 3, 9);
    expect(usd(bill, 'model output')).toBeCloseTo(3.375 * 15, 9);
    expect(bill.remarks).toEqual([]);
  });

  it('that cost nothing have no line, but a remark', () => {
    const bill = estimateCost({ experiment: sampleExperiment({ tasks: { types } }), agentCurve: constantCurve(10) });
    expect(usd(bill, 'model input')).toBeUndefined();
    expect(bill.remarks).toEqual([
      'Model calls cost nothing here: the simulated executor makes none, and budget.models is 0.',
    ]);
  });
});
