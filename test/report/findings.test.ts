import { deriveFindings } from '../../runtime/report/findings.js';
import { nextPhaseOf, plannedCapacityPerMin } from '../../runtime/report/findings-numbers.js';
import { en } from '../../runtime/report/findings-phrases.en.js';
import { ja } from '../../runtime/report/findings-phrases.ja.js';
import type { CriterionResult, ExperimentReport } from '../../runtime/report/model.js';
import { makePhase, makeReport, START } from './fixture.js';

const base = makeReport();
const HOUR = 3_600_000;

function missing(report: ExperimentReport, name: string, change: Partial<CriterionResult>): ExperimentReport {
  const criteria = report.criteria.map((one) =>
    one.name === name ? { ...one, verdict: 'FAIL' as const, ...change } : one,
  );
  return { ...report, verdict: 'FAIL', criteria };
}

const withSummary = (change: Partial<ExperimentReport['summary']>): ExperimentReport => ({
  ...base,
  summary: { ...base.summary, ...change },
});
const withSeries = (change: Partial<ExperimentReport['series']>): ExperimentReport => ({
  ...base,
  series: { ...base.series, ...change },
});
const say = (report: ExperimentReport): { well: string; wrong: string; change: string; next: string } => {
  const { findings, recommendations } = deriveFindings(report, 'en');
  return {
    well: findings.wentWell.join('\n'),
    wrong: findings.wentWrong.join('\n'),
    change: findings.change.join('\n'),
    next: recommendations.join('\n'),
  };
};

describe('what went well', () => {
  it('is every target met, with how much room was left', () => {
    const { well } = say(base);
    expect(well).toContain('Throughput met its target: 533.4/min, target ≥ 500/min (6.7 % above it).');
    expect(well).toContain('P99 latency met its target: 1.24 s, target ≤ 5 s (24.8 % of the limit used).');
    expect(well).toContain('Availability met its target: 99.993 %, target ≥ 99.9 % (7.0 % of the error budget used).');
    expect(well).toContain('Stable operation met its target: 72 h, fewest 178, target ≥ 200 agents for 72 h.');
  });

  it('names the worst of the faults that were recovered', () => {
    const worst = base.faults.reduce((a, b) => ((b.serviceRecoveryMs ?? 0) > (a.serviceRecoveryMs ?? 0) ? b : a));
    expect(say(base).well).toMatch(
      new RegExp(
        `Service recovered from all 291 faults; the worst \\(${worst.id}, Agent kill\\) took 1\\d\\.\\d s of the 30 s allowed`,
      ),
    );
  });

  it('is a whole ledger, a generator on time, a bill inside the budget and silence of the alerts', () => {
    const { well, wrong } = say({ ...base, alerts: [] });
    expect(well).toContain('All 2,304,120 tasks are accounted for: 0 lost, 0 counted twice.');
    expect(well).toContain('2,304,120 arrivals sent, 0 dropped, dispatch lag P99.9 1.2 ms (limit 50 ms)');
    expect(well).toContain('The run cost $412.66, 82.5 % of its budget of $500.00; 1,000 tasks cost $0.18.');
    expect(well).toContain('No alert fired in 72 h.');
    expect(wrong).toBe('');
  });

  it('does not praise a monitor that was too short to tell', () => {
    const monitors = [{ monitor: 'memory_leak', finding: 'too short to tell: …', value: 0, unit: '', ok: true }];
    expect(say({ ...base, monitors }).well).not.toContain('Memory leak');
  });
});

describe('what went wrong', () => {
  it('is every target missed, with both numbers, and whether it is mandatory', () => {
    expect(say(missing(base, 'p99_latency', { actual: '6.2 s', actualValue: 6_200 })).wrong).toContain(
      'P99 latency missed its target: 6.2 s, target ≤ 5 s.',
    );
    expect(say(missing(base, 'cpu', { actual: '85 %', actualValue: 0.85 })).wrong).toContain(
      'CPU missed its target, which is not mandatory: 85 %',
    );
  });

  it('tells missing data from bad data', () => {
    expect(say(missing(base, 'availability', { actual: 'no data', actualValue: null })).wrong).toContain(
      'Availability could not be judged: no data, target ≥ 99.9 %.',
    );
  });

  it('counts the faults that never recovered and names some', () => {
    const faults = base.faults.map((fault, i) => (i < 7 ? { ...fault, serviceRecoveryMs: null } : fault));
    const report = missing({ ...base, faults }, 'recovery', { actual: '7 of 291 never recovered', actualValue: null });
    expect(say(report).wrong).toContain('7 of 291 faults never recovered: f1, f2, f3, f4, f5, ….');
    expect(say(report).change).toContain('start with f1');
  });

  it('says when a fault proves nothing, or may still act', () => {
    const faults = base.faults.map((fault, i) =>
      i === 3 ? { ...fault, effectSeen: false } : i === 4 ? { ...fault, endSeen: false } : fault,
    );
    const { wrong } = say({ ...base, faults });
    expect(wrong).toContain('The probe saw no effect of 1 faults (f4)');
    expect(wrong).toContain('The end of 1 faults was not confirmed (f5)');
  });

  it('lists refused load by priority, and says whether the bottom went first', () => {
    const fromBelow = withSummary({ shedTasks: 400_000, shedByPriority: [0, 0, 100_000, 300_000] });
    expect(say(fromBelow).wrong).toMatch(
      /^400,000 tasks \(17\.4 % of all\) were refused: P0 0 %, P1 0 %, P2 8\.7 %, P3 65\.1 %\.$/m,
    );
    expect(say(fromBelow).well).toContain('refused from the bottom');
    expect(say(withSummary({ shedTasks: 10, shedByPriority: [10, 0, 0, 0] })).well).not.toContain(
      'refused from the bottom',
    );
  });

  it('sums the firings of an alert up in one line', () => {
    const alerts = [0, 1].map((i) => ({
      name: 'cascade_failure',
      severity: 'critical',
      firedAt: START + i * HOUR,
      resolvedAt: i === 0 ? START + 60_000 : null,
      peak: 50,
      actions: ['emergency_scale'],
    }));
    expect(say({ ...base, alerts }).wrong).toContain(
      'Alert cascade_failure fired 2 times, for at most 71 h; actions: emergency_scale.',
    );
  });

  it('finds the bad minutes that the P99 of the whole run hides', () => {
    const p99 = base.series.p99.map((value, i) => (i === 100 ? 7_250 : i === 200 ? 5_500 : value));
    expect(say(withSeries({ p99 })).wrong).toMatch(
      /P99 response was above 5 s in 2 of 2,\d+ intervals, worst 7\.25 s at \+03:20:00\./,
    );
  });

  it('shows a broken ledger with examples', () => {
    const ledger = { ...base.ledger, lost: 2, doubleCounted: 1, examples: { lost: [17, 99], doubleCounted: [5] } };
    expect(say(missing({ ...base, ledger }, 'ledger', { actualValue: 3 })).wrong).toContain(
      '2 tasks lost, 1 counted twice (task indices 17, 99, 5)',
    );
  });

  it('mentions repeated attempts only where they are many', () => {
    expect(say(base).wrong).not.toContain('repeated');
    expect(say(withSummary({ retriedAttempts: 120_000 })).wrong).toContain(
      '5.3 % of all attempts had to be repeated: 120,000 failed and were retried, 9,120',
    );
  });

  it('covers a run cut short, over budget, badly counted and badly recorded', () => {
    const { wrong } = say({
      ...base,
      metadata: { ...base.metadata, cutShort: true, cutShortReason: 'killed', duration: 10 * HOUR },
      summary: { ...base.summary, unstartedTasks: 42 },
      cost: { ...base.cost, totalUsd: 600 },
      performance: { ...base.performance, littlesLaw: { ...base.performance.littlesLaw, error: 0.05 } },
      provenance: { ...base.provenance, sinks: [{ name: 'influxdb', records: 1, complete: false, note: '' }] },
    });
    expect(wrong).toContain('The run ended after 10 h of 72 h: killed.');
    expect(wrong).toContain('42 tasks had not started');
    expect(wrong).toContain('The run cost $600.00, above its budget of $500.00.');
    expect(wrong).toContain('Little’s law holds only within 5.0 %');
    expect(wrong).toContain('Not everything was recorded: influxdb.');
  });
});

describe('what to change', () => {
  const rows = base.series.utilization.length;

  it('names the slots as the limit where they were saturated, and how many agents it takes', () => {
    const utilization = base.series.utilization.map((share, i) => (i < 12 ? 1 : share));
    const agentsActive = new Array<number>(rows).fill(200);
    expect(say(withSeries({ utilization, agentsActive })).change).toContain(
      `The slots were the limit: 95 % or more of them busy in 12 of ${rows.toLocaleString('en-US')} intervals. Deploy at least 250 agents instead of 200`,
    );
  });

  it('names CPU, or the way to the agents, where these were the limit', () => {
    expect(say(withSeries({ cpu: base.series.cpu.map(() => 0.9) })).change).toContain(
      'CPU was the limit: 90.0 % in its worst interval (target 80.0 %)',
    );
    expect(say(missing(base, 'p99_latency', { actual: '9 s', actualValue: 9_000 })).change).toContain(
      'Tasks waited although at most 76.6 % of the slots were busy',
    );
  });

  it('says so where nothing was', () => {
    expect(say(base).change).toContain(
      'Nothing was saturated: in the busiest interval 76.6 % of the slots were busy and CPU was at 32.6 %.',
    );
  });

  it('proposes a smaller fleet only where the busiest interval leaves room and the run passed', () => {
    expect(say(base).change).not.toContain('instead of');
    const calm = withSeries({
      utilization: new Array<number>(rows).fill(0.32),
      agentsActive: new Array<number>(rows).fill(200),
    });
    expect(say(calm).change).toContain(
      '80 agents instead of 200 would carry the same load with 80 % of the slots busy at its peak (now 32.0 %)',
    );
    expect(say({ ...calm, verdict: 'FAIL' }).change).not.toContain('80 agents instead');
  });

  it('notes an autoscaler that never acted, and one that could not decide', () => {
    expect(say({ ...base, scalings: [] }).change).toContain(
      'The autoscaler never acted: the floor of 200 agents carried everything (42.2 % of the slots busy on average)',
    );
    const first = base.scalings[0] as ExperimentReport['scalings'][number];
    const scalings = Array.from({ length: 60 }, (_, i) => ({
      ...first,
      decision: { ...first.decision, from: i % 2 === 0 ? 200 : 210, to: i % 2 === 0 ? 210 : 200 },
    }));
    expect(say({ ...base, scalings }).change).toContain('changed direction 59 times in 60 decisions');
    expect(say(base).change).not.toContain('changed direction');
  });

  it('points at the task type that fails most', () => {
    const byType = { ...base.summary.byType, test_execution: { completed: 900, failed: 100, meanServiceTime: 60_000 } };
    const report = missing(withSummary({ byType }), 'error_rate', { actual: '0.5 %', actualValue: 0.005 });
    expect(say(report).change).toContain('start with Test execution, of which 100 failed for good (10.0 %)');
  });

  it('asks for the leak to be found', () => {
    const monitors = [{ monitor: 'memory_leak', finding: 'leak', value: 7.5, unit: 'MiB/h per agent', ok: false }];
    expect(say({ ...base, monitors }).wrong).toContain('Memory leak: the monitor found one (7.5 MiB/h per agent).');
    expect(say({ ...base, monitors }).change).toContain('Find what keeps 7.5 MiB/h per agent');
  });

  it('says where scaling out stops paying', () => {
    const linearity = { ratio: 0.8, points: [], usl: { lambda: 6, sigma: 0.01, kappa: 0.00001 } };
    expect(say(missing({ ...base, linearity }, 'linearity', { actual: '0.8', actualValue: 0.8 })).change).toContain(
      'falls to 0.8, and beyond about 315 agents the fit foretells less throughput',
    );
  });

  it('warns of prices that are not this region’s or not this year’s', () => {
    const { change } = say({ ...base, cost: { ...base.cost, assumed: true, stale: true } });
    expect(change).toContain('taken over from another region');
    expect(change).toContain('more than a year older');
  });
});

describe('recommendations', () => {
  const agentHours = (agents: number): ExperimentReport['agents'] => ({
    ...base.agents,
    agentSeconds: agents * 72 * 3_600,
  });
  const phase = (number: number, agents: number, throughput: number, utilization: number): ExperimentReport =>
    makePhase(number, agents, throughput, utilization, {
      agents: { ...agentHours(agents), avgUtilization: utilization },
    });

  it('foretell the slots the next phase keeps busy: 100/min on 50 agents at 31.7 % are 200/min on 100 at 31.7 %', () => {
    const next = nextPhaseOf(phase(1, 50, 100, 0.3167));
    expect(next).toMatchObject({ phase: 2, agents: 100, ratePerMin: 200, burstPerMin: 500, agentsForPeak: 99 });
    expect(next?.utilization).toBeCloseTo(0.3167, 9);
    expect(next?.burstUtilization).toBeCloseTo(0.3167 * 2.5, 9);
    expect(next?.usd).toBeCloseTo(base.cost.perHourUsd * 2 * 48, 6);
    expect(say(phase(1, 50, 100, 0.3167)).next).toContain(
      'Go on to phase 2: 200 a minute should keep 31.7 % of the slots of its 100 agents busy, its bursts of 500 a minute 79.2 %.',
    );
  });

  it('ask for more agents where the next phase would not fit', () => {
    expect(say(phase(2, 100, 200, 0.5)).next).toMatch(
      /Give phase 3 at least 313 agents: at 1,000 a minute its 200 would have 125\.0 % of their slots busy\./,
    );
  });

  it('after the last phase give the load to plan with', () => {
    expect(plannedCapacityPerMin(base)).toBeCloseTo((533.4 * 0.8) / 0.4224, 9);
    expect(say(base).next).toContain('this fleet of 200 agents carries 1,010 tasks a minute at 80 %');
  });

  it('are to repeat a run that failed, and to conclude nothing from one that is not valid', () => {
    expect(say(missing(base, 'p99_latency', { actual: '9 s', actualValue: 9_000 })).next).toBe(
      'Repeat phase 3 before going on: P99 latency not met.',
    );
    const invalid: ExperimentReport = {
      ...base,
      verdict: 'INVALID',
      invalid: ['arrivals dropped: 3'],
      load: { ...base.load, dropped: 3 },
    };
    expect(say(invalid).next).toBe('Repeat this run before drawing conclusions: 3 arrivals were dropped.');
    expect(say(invalid).wrong).toContain('The measurement is not valid: 3 arrivals were dropped.');
  });

  it('of a scenario keep to the scenario', () => {
    const stress = withSummary({ shedTasks: 800_000, shedByPriority: [0, 0, 400_000, 400_000] });
    const { next } = say({ ...stress, metadata: { ...stress.metadata, scenario: 'stress' } });
    expect(next).toContain('The scenario stress test passes');
    expect(next).toContain('34.7 % of this load was refused; plan with at most 1,010 tasks a minute');
  });

  it('name what has not been tried', () => {
    expect(say(base).next).toContain('scale_out');
    expect(say({ ...base, faults: [] }).next).toContain('Run phase 3 once with --chaos');
  });
});

describe('findings in any language', () => {
  const awkward: ExperimentReport[] = [
    base,
    { ...base, verdict: 'FAIL', criteria: base.criteria.map((one) => ({ ...one, verdict: 'FAIL' })) },
    { ...base, verdict: 'INVALID', invalid: ['clocks differ'] },
    phaseWithNothing(),
  ];

  it('are as many in Japanese as in English, with the same numbers', () => {
    for (const report of awkward) {
      const english = deriveFindings(report, 'en');
      const japanese = deriveFindings(report, 'ja');
      const flat = ({ findings, recommendations }: typeof english): string[] => [
        ...findings.wentWell,
        ...findings.wentWrong,
        ...findings.change,
        ...recommendations,
      ];
      expect(flat(japanese)).toHaveLength(flat(english).length);
      for (const sentence of flat(japanese)) expect(sentence).toMatch(/。$/);
    }
    const japanese = deriveFindings(base, 'ja').findings.wentWell.join('\n');
    expect(japanese).toContain(
      'スループットは目標を達成しました: 実績 533.4/min、目標 ≥ 500/min（目標を6.7 %上回る）。',
    );
  });

  it('never say NaN, Infinity or undefined, even of a run in which nothing happened', () => {
    for (const report of awkward) {
      for (const language of ['en', 'ja'] as const)
        expect(JSON.stringify(deriveFindings(report, language))).not.toMatch(/NaN|Infinity|undefined|null/);
    }
  });

  it('are English where no language is given', () => {
    expect(deriveFindings(base)).toEqual(deriveFindings(base, 'en'));
  });

  it('have a sentence of their own for every finding', () => {
    expect(Object.keys(ja)).toEqual(Object.keys(en));
  });
});

/** A run that was stopped before anything happened. */
function phaseWithNothing(): ExperimentReport {
  const zero = { avg: 0, p50: 0, p90: 0, p99: 0, max: 0 };
  return {
    ...base,
    verdict: 'FAIL',
    metadata: { ...base.metadata, duration: 0, cutShort: true },
    summary: { ...base.summary, totalTasks: 0, completedTasks: 0, failedTasks: 0, retriedAttempts: 0, byType: {} },
    performance: { ...base.performance, throughput: { avg: 0, min: 0, max: 0, p50: 0, p99: 0 }, latency: zero },
    agents: { ...base.agents, avgUtilization: 0, agentSeconds: 0, minActive: 0 },
    criteria: base.criteria.map((one) => ({ ...one, verdict: 'FAIL', actual: 'no data', actualValue: null })),
    availability: { canaries: 0, answered: 0, withinTarget: 0, share: 0 },
    faults: [],
    alerts: [],
    scalings: [],
    load: { scheduled: 0, sent: 0, late: 0, dropped: 0 },
    cost: { ...base.cost, totalUsd: 0, perHourUsd: 0, perThousandTasksUsd: 0 },
    series: { ...base.series, utilization: [], cpu: [], p99: [], queueDepth: [], agentsActive: [] },
  };
}
