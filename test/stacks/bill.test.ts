import { readFileSync } from 'node:fs';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { billOf } from '../../stacks/bill.js';
import { remembered } from '../../stacks/first-deployed.js';

const experiment = loadExperiment(readFileSync('Pulumi.phase3.yaml', 'utf8'), 'Pulumi.phase3.yaml');

describe('the bill among the outputs', () => {
  it('is the sum of its parts, and an idle hour costs less than an hour of the run', () => {
    const bill = billOf(experiment, compileDeployment({ project: 'test-project' }, experiment));
    const sum = Object.values(bill.parts).reduce((total, usd) => total + usd, 0);
    expect(Math.abs(sum - bill.runUsd)).toBeLessThan(0.1);
    expect(bill.worstCaseUsd).toBeGreaterThan(bill.runUsd);
    expect(bill.idleHourUsd).toBeGreaterThan(0);
    expect(bill.idleHourUsd).toBeLessThan(bill.perHourUsd);
    expect(bill.notPriced).toEqual([]);
  });

  it('says what it leaves out on an existing cluster', () => {
    const image = { reference: `registry.example/a@sha256:${'1'.repeat(64)}` };
    const bill = billOf(experiment, compileDeployment({ platform: 'existing', image }, experiment));
    expect(bill.notPriced.join()).toMatch(/existing cluster/);
  });
});

describe('the first deployment', () => {
  it('is what the stack remembers, where it remembers a time', () => {
    expect(remembered('2026-11-02T00:00:00.000Z')).toEqual(new Date('2026-11-02T00:00:00Z'));
    expect(remembered(undefined)).toBeNull();
    expect(remembered('soon')).toBeNull();
  });
});
