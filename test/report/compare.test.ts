import { compareReports, type Advice } from '../../runtime/report/compare.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { renderComparison } from '../../runtime/report/render-comparison.js';
import { makePhase, makeReport } from './fixture.js';

const phase1 = makePhase(1, 50, 100, 0.3167);
const phase2 = makePhase(2, 100, 200, 0.3167);
const phase3 = makePhase(3, 200, 500, 0.3958);

const kinds = (next: readonly Advice[]): string[] => next.map(({ kind }) => kind);

test('runs are ordered by fleet, whatever order they are named in', () => {
  expect(compareReports([phase3, phase1, phase2]).runs.map(({ agents }) => agents)).toEqual([50, 100, 200]);
});

test('linearity is inferred from capacity, throughput ÷ share of slots busy, so that light load does not look like loss', () => {
  const { runs, linearity } = compareReports([phase1, phase2, phase3]);
  expect(runs.map((run) => run.capacityPerAgentPerMin)).toEqual([
    expect.closeTo(100 / 0.3167 / 50, 6),
    expect.closeTo(200 / 0.3167 / 100, 6),
    expect.closeTo(500 / 0.3958 / 200, 6),
  ]);
  expect(linearity).toMatchObject({
    from: 50,
    to: 200,
    target: 0.95,
    ratio: expect.closeTo(500 / 0.3958 / 200 / (100 / 0.3167 / 50), 6) as number,
  });
});

test('a fleet that loses capacity per agent is called not linear and sent to scale_out', () => {
  const comparison = compareReports([phase1, makePhase(3, 200, 500, 0.5)]);
  expect(comparison.linearity?.ratio).toBeCloseTo(500 / 0.5 / 200 / (100 / 0.3167 / 50), 6);
  expect(kinds(comparison.next)).toContain('linearity');
  expect(renderComparison(comparison, 'en')).toContain('not linear (below 0.95)');
});

test('an invalid run is repeated first and decides nothing about linearity', () => {
  const comparison = compareReports([phase1, { ...phase3, verdict: 'INVALID' }]);
  expect(comparison.linearity).toBeNull();
  expect(comparison.overhead).toBeNull();
  expect(comparison.next[0]).toEqual({ kind: 'invalid', run: 'phase3' });
  expect(kinds(comparison.next)).not.toContain('done');
});

test('a failed run is to be put right before growing, with the criteria it misses', () => {
  const criteria = phase2.criteria.map((criterion) =>
    criterion.name === 'recovery' ? { ...criterion, verdict: 'FAIL' as const } : criterion,
  );
  const { next } = compareReports([phase1, { ...phase2, verdict: 'FAIL', criteria }]);
  expect(next[0]).toEqual({ kind: 'failed', run: 'phase2', names: ['recovery'] });
  expect(kinds(next)).not.toContain('grow');
});

test('the same tasks taking longer is overhead, another mix of tasks is not', () => {
  const slower = withServiceTimes(phase3, 1.1);
  const heavier: ExperimentReport = {
    ...phase3,
    performance: { ...phase3.performance, service: { ...phase3.performance.service, avg: 50_000 } },
  };
  expect(compareReports([phase1, slower]).overhead).toMatchObject({
    signs: ['service'],
    serviceGrowth: expect.closeTo(0.1, 6) as number,
  });
  expect(compareReports([phase1, heavier]).overhead?.signs).toEqual([]);
});

test('a dispatch lag that doubled is a sign only when it can be felt', () => {
  const withLag = (p99: number): ExperimentReport => ({
    ...phase3,
    performance: { ...phase3.performance, dispatchLag: { ...phase3.performance.dispatchLag, p99 } },
  });
  expect(compareReports([phase1, withLag(1)]).overhead?.signs).toEqual([]);
  const felt = compareReports([phase1, withLag(12)]);
  expect(felt.overhead).toMatchObject({ signs: ['lag'], lagFactor: 30 });
  expect(kinds(felt.next)).toContain('overhead');
});

test('the bottleneck is the nearest limit that more load would run into, not the budget', () => {
  const [run] = compareReports([phase3]).runs;
  expect(run?.limits[0]?.resource).toBe('budget');
  expect(run?.bottleneck?.resource).toBe('slots');
});

test('phases that pass lead to the next phase, and the last one to the final report', () => {
  expect(kinds(compareReports([phase1, phase2]).next)).toContain('grow');
  expect(kinds(compareReports([phase1, phase2, phase3]).next)).toContain('done');
});

test('a run that measured linearity itself is quoted and not sent to measure it again', () => {
  const scaleOut = makePhase(3, 200, 500, 0.4, { linearity: { ratio: 0.97, points: [], usl: null } });
  const comparison = compareReports([phase1, scaleOut]);
  expect(comparison.measured).toEqual([{ run: 'phase3', ratio: 0.97 }]);
  expect(kinds(comparison.next)).not.toContain('measure');
});

test('one run alone is told apart from runs of one size, and none at all is refused', () => {
  expect(compareReports([makeReport()])).toMatchObject({ linearity: null, overhead: null });
  expect(() => compareReports([])).toThrow(/nothing to compare/);
});

test.each(['en', 'ja'] as const)('the comparison (%s) has a column for each run and lines that line up', (language) => {
  const text = renderComparison(compareReports([phase1, phase2, phase3]), language);
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  expect(rows.length).toBeGreaterThan(20);
  expect(new Set(rows.map((row) => row.split('|').length))).toEqual(new Set([6]));
  expect(text).not.toMatch(/NaN|undefined/);
  expect(text.match(/^## /gm)).toHaveLength(4);
});

function withServiceTimes(report: ExperimentReport, factor: number): ExperimentReport {
  const byType = Object.fromEntries(
    Object.entries(report.summary.byType).map(([name, type]) => [
      name,
      { ...type, meanServiceTime: type.meanServiceTime * factor },
    ]),
  );
  return { ...report, summary: { ...report.summary, byType } };
}
