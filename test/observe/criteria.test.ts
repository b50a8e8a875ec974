import {
  CRITERIA,
  invalidReasons,
  judgeCriteria,
  overallVerdict,
  type CriterionResult,
  type Measures,
  type MeasurementHealth,
} from '../../runtime/observe/criteria.js';
import type { CriterionResult as ReportedCriterion } from '../../runtime/report/model.js';
import type { CriterionName, Targets } from '../../runtime/spec/experiment.js';

const HOURS_72 = 259_200_000;

const targets: Targets = {
  throughputPerMin: 500,
  tolerance: 0.005,
  p99LatencyMs: 5_000,
  availability: 0.999,
  errorRate: 0.001,
  recoveryMs: 30_000,
  linearity: 0.95,
  cpu: 0.8,
  stretch: 3,
  mandatory: ['stable', 'throughput', 'p99_latency', 'error_rate', 'availability', 'recovery'],
  judged: CRITERIA,
};

const good: Measures = {
  stable: { plannedMs: HOURS_72, actualMs: HOURS_72, floor: 200, longestBelowFloorMs: 0, minActive: 180 },
  throughputPerMin: 501.2,
  steadyWindowMs: HOURS_72 - 1_200_000,
  firstAttempts: 2_320_123,
  p99LatencyMs: 1_234,
  censored: 12,
  availability: { canaries: 259_200, within: 259_100 },
  errorRate: 0.0001,
  finished: 2_320_111,
  recovery: { planned: true, faults: 288, unrecovered: 0, worstMs: 6_100, worstFaultId: 'f12' },
  linearity: 0.98,
  cpu: 0.5,
  stretchP99: 2.1,
  ledger: { lost: 0, doubleCounted: 0 },
};

type Change = Partial<Measures>;
const judge = (
  name: CriterionName | 'ledger',
  change: Change,
  changedTargets: Partial<Targets> = {},
): CriterionResult => {
  const found = judgeCriteria({ ...targets, ...changedTargets }, { ...good, ...change }).find(
    (one) => one.name === name,
  );
  if (found === undefined) throw new Error(`no criterion ${name}`);
  return found;
};
const stable = (change: Partial<Measures['stable']>): Change => ({ stable: { ...good.stable, ...change } });
const recovery = (change: Partial<Measures['recovery']>): Change => ({ recovery: { ...good.recovery, ...change } });

describe('criteria', () => {
  it('come as the nine of the spec and the ledger, in the shape of report.json', () => {
    const results: ReportedCriterion[] = judgeCriteria(targets, good);
    expect(results.map(({ name }) => name)).toEqual([...CRITERIA, 'ledger']);
    expect(new Set(CRITERIA).size).toBe(9);
    expect(results.every(({ verdict }) => verdict === 'PASS')).toBe(true);
  });

  test.each<[CriterionName | 'ledger', Change, 'PASS' | 'FAIL', string]>([
    ['stable', {}, 'PASS', '72 h'],
    ['stable', stable({ actualMs: HOURS_72 - 1_000 }), 'PASS', '72 h'],
    ['stable', stable({ actualMs: HOURS_72 - 1_001 }), 'FAIL', '71 h 59 min 59 s'],
    ['stable', stable({ actualMs: HOURS_72 + 60_000 }), 'PASS', '72 h'],
    ['stable', stable({ longestBelowFloorMs: 45_000 }), 'FAIL', '72 h, below 200 for 45 s'],
    ['stable', stable({ longestBelowFloorMs: 1 }), 'FAIL', '72 h, below 200 for 1 ms'],
    ['stable', stable({ minActive: NaN }), 'FAIL', 'no data'],
    ['stable', stable({ actualMs: NaN }), 'FAIL', 'no data'],
    ['throughput', { throughputPerMin: 497.5 }, 'PASS', '497.5/min'],
    ['throughput', { throughputPerMin: 497.49 }, 'FAIL', '497.49/min'],
    ['throughput', { throughputPerMin: NaN }, 'FAIL', 'no data'],
    ['throughput', { throughputPerMin: Infinity }, 'FAIL', 'no data'],
    ['p99_latency', { p99LatencyMs: 5_000 }, 'PASS', '5 s'],
    ['p99_latency', { p99LatencyMs: 5_000.4 }, 'FAIL', '5.0004 s'],
    ['p99_latency', { p99LatencyMs: 0 }, 'PASS', '0 s'],
    ['p99_latency', { p99LatencyMs: NaN }, 'FAIL', 'no data'],
    ['p99_latency', { p99LatencyMs: 0, firstAttempts: 0 }, 'FAIL', 'no data'],
    ['availability', { availability: { canaries: 1_000, within: 999 } }, 'PASS', '99.9 %'],
    ['availability', { availability: { canaries: 100_000, within: 99_899 } }, 'FAIL', '99.899 %'],
    ['availability', { availability: { canaries: 0, within: 0 } }, 'FAIL', 'no data'],
    ['error_rate', { errorRate: 0.001 }, 'PASS', '0.1 %'],
    ['error_rate', { errorRate: 0.0010001 }, 'FAIL', '0.10001 %'],
    ['error_rate', { errorRate: NaN }, 'FAIL', 'no data'],
    ['error_rate', { errorRate: 0, finished: 0 }, 'FAIL', 'no data'],
    ['recovery', recovery({ worstMs: 30_000 }), 'PASS', '30 s'],
    ['recovery', recovery({ worstMs: 30_001 }), 'FAIL', '30.001 s'],
    ['recovery', recovery({ worstMs: 0 }), 'PASS', '0 s'],
    ['recovery', recovery({ unrecovered: 2 }), 'FAIL', '2 of 288 never recovered'],
    ['recovery', recovery({ faults: 0, worstMs: null, worstFaultId: null }), 'FAIL', 'no data'],
    ['recovery', recovery({ worstMs: null }), 'FAIL', 'no data'],
    ['linearity', { linearity: 0.95 }, 'PASS', '0.95'],
    ['linearity', { linearity: 0.9499 }, 'FAIL', '0.9499'],
    ['linearity', { linearity: null }, 'FAIL', 'no data'],
    ['cpu', { cpu: 0.8 }, 'PASS', '80 %'],
    ['cpu', { cpu: 0.801 }, 'FAIL', '80.1 %'],
    ['cpu', { cpu: NaN }, 'FAIL', 'no data'],
    ['stretch', { stretchP99: 3 }, 'PASS', '3'],
    ['stretch', { stretchP99: 3.001 }, 'FAIL', '3.001'],
    ['stretch', { stretchP99: NaN }, 'FAIL', 'no data'],
    ['ledger', { ledger: { lost: 0, doubleCounted: 0 } }, 'PASS', '0 lost, 0 counted twice'],
    ['ledger', { ledger: { lost: 1, doubleCounted: 0 } }, 'FAIL', '1 lost, 0 counted twice'],
    ['ledger', { ledger: { lost: 0, doubleCounted: 1 } }, 'FAIL', '0 lost, 1 counted twice'],
    ['ledger', { ledger: { lost: NaN, doubleCounted: 0 } }, 'FAIL', 'no data'],
  ])('%s with %j: %s, shown as «%s»', (name, change, verdict, actual) => {
    const found = judge(name, change);
    expect(found.verdict).toBe(verdict);
    expect(found.actual).toBe(actual);
    if (actual === 'no data') expect(found.actualValue).toBeNull();
  });

  it('are written the way people write them', () => {
    const shown = judgeCriteria(targets, good).map(({ name, target, targetValue }) => [name, target, targetValue]);
    expect(shown).toEqual([
      ['stable', '≥ 200 agents for 72 h', HOURS_72],
      ['throughput', '≥ 500/min', 500],
      ['p99_latency', '≤ 5 s', 5_000],
      ['availability', '≥ 99.9 %', 0.999],
      ['error_rate', '≤ 0.1 %', 0.001],
      ['recovery', '≤ 30 s', 30_000],
      ['linearity', '≥ 0.95', 0.95],
      ['cpu', '≤ 80 %', 0.8],
      ['stretch', '≤ 3', 3],
      ['ledger', '0 lost, 0 counted twice', 0],
    ]);
  });

  it('say what they were counted on', () => {
    expect(judge('p99_latency', {}).basis).toBe('P99 of 2,320,123 first attempts, 12 censored');
    expect(judge('availability', {}).basis).toBe('259,100 of 259,200 canaries answered in time');
    expect(judge('recovery', {}).basis).toBe('service recovery of 288 faults, 0 unrecovered; worst f12');
    expect(judge('throughput', {}).basis).toContain('tolerance 0.5 %');
  });

  it('count a share on its limit as met although binary fractions are not exact', () => {
    expect(
      judge('availability', { availability: { canaries: 1_000, within: 999 } }, { availability: 99.9 / 100 + 1e-16 })
        .verdict,
    ).toBe('PASS');
    expect(judge('throughput', { throughputPerMin: 99.5 }, { throughputPerMin: 100 }).verdict).toBe('PASS');
  });

  it('do not apply when the run is not judged by them, and show what was measured all the same', () => {
    const judged = CRITERIA.filter((name) => name !== 'linearity' && name !== 'stretch');
    const linearity = judge('linearity', { linearity: null }, { judged });
    expect(linearity).toMatchObject({ verdict: 'NOT_APPLICABLE', actual: '–', actualValue: null });
    expect(judge('stretch', { stretchP99: 9 }, { judged })).toMatchObject({ verdict: 'NOT_APPLICABLE', actual: '9' });
  });

  it('ask for no recovery where no fault was planned and none happened', () => {
    const none = recovery({ planned: false, faults: 0, worstMs: null, worstFaultId: null });
    expect(judge('recovery', none)).toMatchObject({ verdict: 'NOT_APPLICABLE', actual: '–' });
  });

  it('judge faults nobody planned', () => {
    expect(judge('recovery', recovery({ planned: false, faults: 1, worstMs: 31_000 })).verdict).toBe('FAIL');
  });

  it('carry the mandatory flags of the targets, and the ledger always binds', () => {
    const results = judgeCriteria({ ...targets, mandatory: ['throughput'] }, good);
    expect(results.filter(({ mandatory }) => mandatory).map(({ name }) => name)).toEqual(['throughput', 'ledger']);
  });
});

describe('the overall verdict', () => {
  const verdict = (change: Change, invalid: string[] = []): string =>
    overallVerdict(judgeCriteria(targets, { ...good, ...change }), invalid);

  it('passes when every mandatory criterion is met', () => {
    expect(verdict({})).toBe('PASS');
  });

  it('passes when only a criterion that is not mandatory is missed', () => {
    expect(verdict({ cpu: 0.95, linearity: 0.5, stretchP99: 10 })).toBe('PASS');
  });

  it('fails when one mandatory criterion is missed or has no data', () => {
    expect(verdict({ p99LatencyMs: 6_000 })).toBe('FAIL');
    expect(verdict({ p99LatencyMs: NaN })).toBe('FAIL');
  });

  it('fails on a single lost task', () => {
    expect(verdict({ ledger: { lost: 1, doubleCounted: 0 } })).toBe('FAIL');
  });

  it('does not fail for a mandatory criterion that does not apply', () => {
    expect(verdict(recovery({ planned: false, faults: 0, worstMs: null, worstFaultId: null }))).toBe('PASS');
  });

  it('is INVALID when the measurement was at fault, whatever the criteria say', () => {
    expect(verdict({}, ['dropped'])).toBe('INVALID');
    expect(verdict({ p99LatencyMs: 6_000 }, ['dropped'])).toBe('INVALID');
  });
});

describe('reasons for an invalid measurement', () => {
  const healthy: MeasurementHealth = { droppedArrivals: 0, dispatchLagP999Ms: 2, ledgerBalanced: true, aborted: false };

  it('are none for a healthy measurement', () => {
    expect(invalidReasons(healthy)).toEqual([]);
  });

  test.each<[Partial<MeasurementHealth>, string | null]>([
    [{ droppedArrivals: 2 }, 'arrivals dropped by the load generator: 2 (limit 0)'],
    [{ droppedArrivals: NaN }, 'arrivals dropped by the load generator: unknown (limit 0)'],
    [{ dispatchLagP999Ms: 50 }, null],
    [{ dispatchLagP999Ms: 50.01 }, 'the load generator fell behind: dispatch lag P99.9 50.01 ms (limit 50 ms)'],
    [{ dispatchLagP999Ms: NaN }, 'the dispatch lag was not measured: no arrival was sent'],
    [{ clockSkewMs: 50 }, null],
    [{ clockSkewMs: -51 }, "the machines' clocks may differ by 51 ms (limit 50 ms)"],
    [{ clockSkewMs: NaN }, "the machines' clocks may differ by an unknown time (limit 50 ms)"],
    [{ ledgerBalanced: false }, 'the ledger does not balance: submitted ≠ completed + failed + shed + queued + leased'],
    [{ aborted: true }, 'the run was aborted'],
  ])('%j gives %p', (change, reason) => {
    expect(invalidReasons({ ...healthy, ...change })).toEqual(reason === null ? [] : [reason]);
  });

  it('are listed all at once', () => {
    expect(
      invalidReasons({ droppedArrivals: 3, dispatchLagP999Ms: 80, ledgerBalanced: false, aborted: true }),
    ).toHaveLength(4);
  });
});
