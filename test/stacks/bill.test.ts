import { readFileSync } from 'node:fs';
import { floorCurve, worstCaseCurve } from '../../runtime/cost/agent-curve.js';
import { sizingOf } from '../../runtime/cost/deployment-sizing.js';
import { estimateCost } from '../../runtime/cost/estimate.js';
import type { Deployment } from '../../runtime/spec/deployment/deployment.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { billOf } from '../../stacks/bill.js';
import { remembered } from '../../stacks/first-deployed.js';

const experiment = loadExperiment(readFileSync('Pulumi.phase3.yaml', 'utf8'), 'Pulumi.phase3.yaml');
const deployed = (written: Record<string, unknown> = {}): Deployment =>
  compileDeployment({ project: 'test-project', ...written }, experiment);

describe('the bill among the outputs', () => {
  it('is the sum of its parts, and an idle hour costs less than an hour of the run', () => {
    const bill = billOf(experiment, deployed(), null);
    const sum = Object.values(bill.parts).reduce((total, usd) => total + usd, 0);
    expect(Math.abs(sum - bill.runUsd)).toBeLessThan(0.1);
    expect(bill.worstCaseUsd).toBeGreaterThan(bill.runUsd);
    expect(bill.idleHourUsd).toBeGreaterThan(0);
    expect(bill.idleHourUsd).toBeLessThan(bill.perHourUsd);
    expect(bill.notPriced).toEqual([]);
  });

  it('has the estimator’s figures on the floor and the worst-case curve, those of phase 3 by default', () => {
    const written = { stores: { postgres: { instances: 1 } }, pools: { agent: { max: 25 } } };
    for (const deployment of [deployed(), deployed(written)]) {
      const sizing = sizingOf(deployment);
      const bill = billOf(experiment, deployment, null);
      const floor = estimateCost({ experiment, agentCurve: floorCurve(experiment), sizing });
      const worst = estimateCost({ experiment, agentCurve: worstCaseCurve(experiment), sizing });
      expect(bill.runUsd).toBeCloseTo(floor.totalUsd, 2);
      expect(bill.perHourUsd).toBeCloseTo(floor.perHourUsd, 2);
      expect(bill.worstCaseUsd).toBeCloseTo(worst.totalUsd, 2);
      expect(bill.worstCasePerHourUsd).toBeCloseTo(worst.perHourUsd, 2);
    }
    expect(billOf(experiment, deployed(), null)).toMatchObject({
      runUsd: 404.95,
      perHourUsd: 5.62,
      worstCaseUsd: 439.12,
      worstCasePerHourUsd: 6.1,
    });
  });

  it('is of the agents a rehearsal had, where there is one, and says so; the worst case stays what it is', () => {
    const rehearsed = { run: 'r1', verdict: 'PASS', agentCurve: [{ atMs: 0, agents: 230 }], elapsedMs: 72 * 3_600_000 };
    const bill = billOf(experiment, deployed(), rehearsed);
    const floor = billOf(experiment, deployed(), null);
    expect(bill.curve).toBe('rehearsal r1 (PASS)');
    expect(floor.curve).toBe('the floor');
    const { agentCurve, elapsedMs } = rehearsed;
    const { totalUsd } = estimateCost({ experiment, agentCurve, elapsedMs, sizing: sizingOf(deployed()) });
    expect(bill.runUsd).toBeCloseTo(totalUsd, 2);
    expect(bill.runUsd).toBeGreaterThan(floor.runUsd);
    expect(bill.worstCaseUsd).toBe(floor.worstCaseUsd);
  });

  it('says what it leaves out on an existing cluster', () => {
    const image = { reference: `registry.example/a@sha256:${'1'.repeat(64)}` };
    const bill = billOf(experiment, compileDeployment({ platform: 'existing', image }, experiment), null);
    expect(bill.notPriced.join()).toMatch(/existing cluster/);
    expect(bill.afterDestroy).toEqual({ archiveGb: 0, perMonthUsd: 0, basis: 'nothing is left' });
  });

  it('has nothing of the tasks in the idle hour', () => {
    const { budget, load, durationMs } = experiment;
    const segments = [{ startMs: 0, endMs: durationMs, ratePerMin: 100_000, label: 'much' }];
    const models = { ...budget, modelUsdPerMillionTokens: { input: 1_000, output: 1_000 } };
    const dear = { ...experiment, load: { ...load, segments }, budget: models };
    const { idleHourUsd, perHourUsd } = billOf(dear, deployed(), null);
    expect(perHourUsd).toBeGreaterThan(billOf(experiment, deployed(), null).perHourUsd);
    expect(idleHourUsd).toBe(billOf(experiment, deployed(), null).idleHourUsd);
  });
});

describe('what is left after destroy', () => {
  it('is a retained archive, at the price of its bytes by the month', () => {
    // 2,305,920 offered tasks, half a percent more attempts, 2 KiB each; 259,200 samples of 512 B: 4.9 GB.
    const { afterDestroy, parts } = billOf(experiment, deployed(), null);
    expect(afterDestroy.archiveGb).toBeCloseTo(4.87, 1);
    expect(afterDestroy.perMonthUsd).toBeCloseTo((afterDestroy.archiveGb ?? 0) * 0.023, 4);
    expect(afterDestroy.basis).toMatch(/^4\.\d+ GB × \$0\.023 a month \(us-east-1, \d{4}-\d\d-\d\d, infracost/);
    // The run's bill holds a year of it.
    expect(parts['S3 storage']).toBeCloseTo((afterDestroy.perMonthUsd ?? 0) * 12, 1);
  });

  it.each([
    ['a bucket that goes with the stack', { retain: false }],
    ['no archive', null],
  ])('is nothing with %s', (_what, archive) => {
    expect(billOf(experiment, deployed({ archive }), null).afterDestroy).toMatchObject({
      archiveGb: 0,
      perMonthUsd: 0,
    });
  });

  it('is not priced on an S3-compatible server, where it stays in any case', () => {
    const archive = { provider: 's3-compatible', endpoint: 'https://s3.example', retain: false };
    const { afterDestroy } = billOf(experiment, deployed({ archive }), null);
    expect(afterDestroy).toMatchObject({ archiveGb: null, perMonthUsd: null });
    expect(afterDestroy.basis).toContain('not priced');
  });
});

describe('the first deployment', () => {
  it('is what the stack remembers, where it remembers a time', () => {
    expect(remembered('2026-11-02T00:00:00.000Z')).toEqual(new Date('2026-11-02T00:00:00Z'));
    expect(remembered(undefined)).toBeNull();
    expect(remembered('soon')).toBeNull();
  });
});
