import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { LedgerJudgement } from '../../runtime/observe/audit.js';
import type { ExperimentEvent, FaultRecord, RunState } from '../../runtime/observe/events.js';
import { Tally, type TallyJson } from '../../runtime/observe/tally.js';
import { buildReport, type ReportInput } from '../../runtime/report/build.js';
import { reportSchema } from '../../runtime/report/schema.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { fleetSample, ledgerCounts } from '../observe/samples.js';
import { experiment } from '../support/experiment.js';

const PLAN = experiment({ durationMs: 20 * MINUTE, ratePerMin: 300 });
const START = PLAN.startAtMs;
const END = START + 20 * MINUTE + 5 * SECOND;
const SOUND: LedgerJudgement = {
  lost: 0,
  doubleCounted: 0,
  unbacked: 0,
  unresolved: 0,
  examples: { lost: [], doubleCounted: [], unbacked: [] },
};

/** A run without a flaw: 300/min, each task starts after 50 ms and takes 2 s. */
function goodTally(of: Experiment = PLAN, waitMs = 50): Tally {
  const tally = new Tally(of);
  for (let second = 0; second < 1_200; second += 1) {
    for (let i = 0; i < 5; i += 1) {
      const at = START + second * SECOND + i * 200;
      const task = { index: second * 5 + i, type: 0, priority: 2 as const, scheduledAt: at };
      tally.submitted(task, true, at);
      tally.started(task, at + waitMs);
      tally.completed(task, at + waitMs + 2_000, at + waitMs);
    }
    tally.canarySent(second, START + second * SECOND);
    tally.canaryAnswered(second, START + second * SECOND, START + second * SECOND + 4);
    tally.sample(START + (second + 1) * SECOND, fleetSample(), ledgerCounts({ queued: second % 7 }), second / 100);
  }
  tally.stopAt(START + 20 * MINUTE);
  return tally;
}

function state(at: number, from: RunState, to: RunState): ExperimentEvent {
  return { type: 'run_state', at, from, to, reason: 'test' };
}

const STATES = [
  state(START, 'created', 'running'),
  state(START + 20 * MINUTE, 'running', 'draining'),
  state(END, 'draining', 'stopped'),
];

function fault(change: Partial<FaultRecord> = {}): FaultRecord {
  return {
    id: 'f1',
    type: 'agent_kill',
    voluntary: true,
    injectedAt: START + 5 * MINUTE,
    endedAt: START + 5 * MINUTE,
    subjects: ['a1'],
    tasksHeld: 4,
    serviceRecoveryMs: 4_200,
    capacityRecoveryMs: 5_000,
    effectSeen: true,
    endSeen: true,
    detail: '',
    ...change,
  };
}

function input(change: Partial<ReportInput> = {}): ReportInput {
  return {
    experiment: PLAN,
    experimentId: 'run-1',
    target: 'rehearsal',
    tally: goodTally(change.experiment ?? PLAN),
    events: STATES,
    ledger: { counts: ledgerCounts({ submitted: 6_000, completed: 6_000 }), judgement: SOUND },
    load: { scheduled: 6_000, sent: 6_000, late: 0, dropped: 0 },
    cost: {
      totalUsd: 1,
      perHourUsd: 3,
      budgetUsd: 10,
      perThousandTasksUsd: 0.17,
      parts: [],
      assumed: false,
      stale: false,
    },
    provenance: {
      version: '0.1.0',
      commit: 'abc',
      imageDigest: null,
      schemaVersion: 1,
      specHash: 'def',
      seed: 1,
      sinks: [],
    },
    endedAt: END,
    cutShort: null,
    forecast: null,
    monitors: [],
    ...change,
  };
}

const criterion = (name: string, of: ReportInput) => buildReport(of).criteria.find((each) => each.name === name);

describe('report', () => {
  it('of a good run passes, with the document’s figures', () => {
    const report = buildReport(input());
    expect(report.invalid).toEqual([]);
    expect(report.criteria.filter(({ verdict }) => verdict === 'FAIL')).toEqual([]);
    expect(report.verdict).toBe('PASS');
    expect(report.metadata).toMatchObject({
      experimentId: 'run-1',
      phase: 1,
      startTime: START,
      endTime: END,
      duration: PLAN.durationMs,
      plannedDuration: 20 * MINUTE,
      agents: 10,
      cutShort: false,
    });
    expect(report.summary).toMatchObject({ totalTasks: 6_000, completedTasks: 6_000, failedTasks: 0, successRate: 1 });
    expect(report.summary.byType).toEqual({ light: { completed: 6_000, failed: 0, meanServiceTime: 2_000 } });
    expect(report.performance.throughput).toEqual({ avg: 300, min: 300, max: 300, p50: 300, p99: 300 });
    expect(report.performance.latency).toMatchObject({ avg: 50, max: 50 });
    expect(report.performance.byPriority.map(({ priority }) => priority)).toEqual(['P0', 'P1', 'P2', 'P3']);
    expect(report.performance.byPriority[0]?.latency.p99).toBeNaN();
    expect(report.performance.dispatchLag).toMatchObject({ max: 0, p999: 0 });
    expect(report.agents).toMatchObject({ deployed: 10, maxActive: 10, minActive: 10, avgUtilization: 0.25 });
    expect(report.availability).toEqual({ canaries: 1_200, answered: 1_200, withinTarget: 1_200, share: 1 });
    expect(report.ledger).toMatchObject({ submitted: 6_000, balanced: true, lost: 0, doubleCounted: 0 });
    expect(report.steadyWindow).toEqual({ start: START + MINUTE, end: START + 19 * MINUTE });
  });

  it('is the same, byte for byte, made twice, and made from a tally that was written down', () => {
    const live = input();
    const copy = Tally.fromJSON(PLAN, JSON.parse(JSON.stringify(live.tally)) as TallyJson);
    const bytes = JSON.stringify(buildReport(live));
    expect(JSON.stringify(buildReport(live))).toBe(bytes);
    expect(JSON.stringify(buildReport({ ...live, tally: copy }))).toBe(bytes);
  });

  it('is what a reader of report.json expects, even of a run in which nothing was measured', () => {
    for (const tally of [goodTally(), new Tally(PLAN)]) {
      const written = JSON.parse(JSON.stringify(buildReport(input({ tally })))) as unknown;
      expect(reportSchema.safeParse(written).error?.issues ?? []).toEqual([]);
    }
  });

  it('has series whose columns are of equal length and add up to the totals', () => {
    const { series } = buildReport(input());
    const { bucketMs, start, agentsByZone, ...columns } = series;
    const lengths = [...Object.values(columns), ...Object.values(agentsByZone)].map((column) => column.length);
    expect(new Set(lengths).size).toBe(1);
    expect(start).toBe(START);
    const completed = series.completed.reduce((sum, perMin, row) => sum + perMin * minutesOf(row, bucketMs), 0);
    expect(completed).toBeCloseTo(6_000, 0);
    expect(series.utilization[3]).toBe(0.25);
    expect(Math.max(...series.queueDepth)).toBe(6);
    expect(series.cost.at(-1)).toBe(11.99);
    expect(series.availability[3]).toBe(1);
  });

  it('has latency bars that grow, hold every value, and end at the largest', () => {
    const { latencyHistogram } = buildReport(input());
    expect(latencyHistogram.reduce((sum, { count }) => sum + count, 0)).toBe(6_000);
    expect(latencyHistogram.at(-1)).toEqual({ upToMs: 50.1, count: 6_000 });
    expect(latencyHistogram[0]).toEqual({ upToMs: 1, count: 0 });
    const edges = latencyHistogram.map(({ upToMs }) => upToMs);
    expect(edges).toEqual([...edges].sort((a, b) => a - b));
    const empty = buildReport(input({ tally: new Tally(PLAN) }));
    expect(empty.latencyHistogram).toEqual([]);
  });

  it('fails a criterion that was missed, and says by how much', () => {
    const slow = input({ tally: goodTally(PLAN, 6_000) });
    expect(criterion('p99_latency', slow)).toMatchObject({ verdict: 'FAIL', mandatory: true });
    expect(criterion('p99_latency', slow)?.actualValue).toBeCloseTo(6_000, -1);
    expect(buildReport(slow).verdict).toBe('FAIL');
  });

  it('fails, and is not INVALID, when books that balance prove a task lost or counted twice', () => {
    const losing = { counts: ledgerCounts({ submitted: 6_000, completed: 6_000 }), judgement: { ...SOUND, lost: 1 } };
    const report = buildReport(input({ ledger: losing }));
    expect(report.verdict).toBe('FAIL');
    expect(report.criteria.find(({ name }) => name === 'ledger')).toMatchObject({ verdict: 'FAIL', mandatory: true });
  });

  it.each<[string, Partial<ReportInput>]>([
    [
      'the ledger does not balance',
      { ledger: { counts: ledgerCounts({ submitted: 6_001, completed: 6_000 }), judgement: SOUND } },
    ],
    [
      'an agent never did what was counted',
      { ledger: { counts: ledgerCounts(), judgement: { ...SOUND, unbacked: 1 } } },
    ],
    ['an offer was never answered', { ledger: { counts: ledgerCounts(), judgement: { ...SOUND, unresolved: 1 } } }],
    ['an arrival was dropped', { load: { scheduled: 6_000, sent: 5_999, late: 0, dropped: 1 } }],
    ['the clocks may differ', { provenance: { ...input().provenance, queue: { kind: 'redis', clockBoundMs: 900 } } }],
    [
      'the run was aborted',
      { events: [...STATES.slice(0, 1), state(END, 'running', 'aborted')], cutShort: 'emergency stop' },
    ],
    ['the process was killed', { events: STATES.slice(0, 1), cutShort: 'the process ended without a word' }],
  ])('is INVALID when %s', (_reason, change) => {
    const report = buildReport(input(change));
    expect(report.verdict).toBe('INVALID');
    expect(report.invalid).toHaveLength(1);
  });

  it('of a run stopped by its operator is not INVALID: it only did not last', () => {
    const tally = goodTally();
    const events = [
      ...STATES.slice(0, 1),
      state(START + 10 * MINUTE, 'running', 'draining'),
      state(START + 11 * MINUTE, 'draining', 'stopped'),
    ];
    tally.stopAt(START + 10 * MINUTE);
    const report = buildReport(
      input({ tally, events, endedAt: START + 11 * MINUTE, cutShort: 'stopped by the operator' }),
    );
    expect(report.invalid).toEqual([]);
    expect(report.metadata).toMatchObject({ cutShort: true, cutShortReason: 'stopped by the operator' });
    expect(report.criteria.find(({ name }) => name === 'stable')?.verdict).toBe('FAIL');
  });

  it('takes every fault as it was last told, and judges the worst recovery', () => {
    const tell = (stage: 'planned' | 'injected' | 'recovered' | 'skipped', record: FaultRecord): ExperimentEvent => ({
      type: 'fault',
      at: record.injectedAt,
      stage,
      fault: record,
    });
    const events = [
      ...STATES,
      tell('planned', fault({ id: 'f3' })),
      tell('skipped', fault({ id: 'f4' })),
      tell('injected', fault({ id: 'f2', injectedAt: START + 9 * MINUTE, serviceRecoveryMs: null })),
      tell('injected', fault({ serviceRecoveryMs: null })),
      tell('recovered', fault()),
      tell('recovered', fault({ id: 'f2', injectedAt: START + 9 * MINUTE, serviceRecoveryMs: 9_000 })),
    ];
    const report = buildReport(input({ events }));
    expect(report.faults.map(({ id, serviceRecoveryMs }) => [id, serviceRecoveryMs])).toEqual([
      ['f1', 4_200],
      ['f2', 9_000],
    ]);
    expect(report.criteria.find(({ name }) => name === 'recovery')).toMatchObject({
      verdict: 'PASS',
      actualValue: 9_000,
    });
    const lasting = buildReport(input({ events, faults: [fault({ serviceRecoveryMs: null })] }));
    expect(lasting.criteria.find(({ name }) => name === 'recovery')?.verdict).toBe('FAIL');
  });

  it('tells segments, alerts, scalings and incidents as spans', () => {
    const decision = {
      from: 10,
      to: 20,
      reason: 'queue',
      mode: 'reactive',
      score: 1,
      reactive: 20,
      predictive: null,
      floor: 10,
      inputs: {},
    };
    const incident = { type: 'alert', severity: 'warning' as const, description: '', resolution: '', duration: 5 };
    const alert = { type: 'alert' as const, name: 'hot', severity: 'warning' as const, actions: ['notify'] };
    const events: ExperimentEvent[] = [
      state(START, 'created', 'running'),
      { type: 'segment', at: START, label: 'steady', ratePerMin: 300 },
      { type: 'scaling', at: START + 1, decision },
      { type: 'scaling', at: START + 2, decision: { ...decision, from: 20 } },
      { ...alert, at: START + 10, state: 'firing', value: 7 },
      { type: 'segment', at: START + 5 * MINUTE, label: 'burst', ratePerMin: 900 },
      { ...alert, at: START + 20, state: 'resolved', value: 1 },
      { ...alert, at: START + 30, state: 'firing', value: 8 },
      { type: 'incident', at: START + 40, incident: { ...incident, timestamp: START + 30 } },
      { type: 'incident', at: START + 50, incident: { ...incident, timestamp: START + 10 } },
      ...STATES.slice(1),
    ];
    const report = buildReport(input({ events }));
    expect(report.segments).toEqual([
      { start: START, end: START + 5 * MINUTE, label: 'steady', ratePerMin: 300 },
      { start: START + 5 * MINUTE, end: START + 20 * MINUTE, label: 'burst', ratePerMin: 900 },
    ]);
    expect(report.scalings).toEqual([{ at: START + 1, decision }]);
    expect(report.alerts).toEqual([
      { name: 'hot', severity: 'warning', firedAt: START + 10, resolvedAt: START + 20, peak: 7, actions: ['notify'] },
      { name: 'hot', severity: 'warning', firedAt: START + 30, resolvedAt: null, peak: 8, actions: ['notify'] },
    ]);
    expect(report.incidents.map(({ timestamp }) => timestamp)).toEqual([START + 10, START + 30]);
    expect(report.states.map(({ to }) => to)).toEqual(['running', 'draining', 'stopped']);
  });

  it('judges linearity where the fleet was stepped, and only there', () => {
    expect(buildReport(input()).linearity).toBeNull();
    const stages = [10, 20, 40].map((agents, i) => ({ startMs: i * 6 * MINUTE, endMs: (i + 1) * 6 * MINUTE, agents }));
    const stepped = experiment({ durationMs: 18 * MINUTE, fleet: { stages } });
    const tally = new Tally(stepped);
    for (const { startMs, endMs, agents } of stages) {
      for (let at = START + startMs + 500; at <= START + endMs; at += 1_000) {
        for (let i = 0; i < agents; i += 1) {
          const task = { index: 0, type: 0, priority: 2 as const, scheduledAt: at };
          tally.submitted(task, true, at);
          tally.completed(task, at, at);
        }
        tally.sample(at + 500, fleetSample(), ledgerCounts(), 0);
      }
    }
    const { linearity } = buildReport(input({ experiment: stepped, tally }));
    expect(linearity?.ratio).toBeCloseTo(1, 2);
    expect(linearity?.points.map(({ agents }) => agents)).toEqual([10, 20, 40]);
    expect(linearity?.points[0]?.perAgent).toBeCloseTo(60, 0);
  });
});

/** Length of a row, min; the last one ends with the run. */
function minutesOf(row: number, bucketMs: number): number {
  return Math.min(bucketMs, END - START - row * bucketMs) / MINUTE;
}
