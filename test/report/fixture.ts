import { Random } from '../../runtime/kernel/random.js';
import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { FaultRecord } from '../../runtime/observe/events.js';
import type { ExperimentReport, LatencySummary, ReportSeries } from '../../runtime/report/model.js';

/** Monday 2026-01-05 00:00 JST. */
export const START = Date.UTC(2026, 0, 4, 15);
const DURATION = 72 * HOUR;
const BUCKETS = 2_160;
const BUCKET = DURATION / BUCKETS;
const ZONES = ['A', 'B', 'C', 'D'];
const GIB = 1_024 ** 3;

/**
 * A plausible report of phase 3: 72 h, 144 bursts, a kill of 10 % every 15 min, four pre-emptions, scalings, alerts,
 * one pause. The same every time (and not to be changed in place); `change` replaces top-level parts.
 */
export function makeReport(change: Partial<ExperimentReport> = {}): ExperimentReport {
  base ??= build();
  return { ...base, ...change };
}

let base: ExperimentReport | null = null;

function build(): ExperimentReport {
  const random = new Random(7, 'report-fixture');
  const bursts = burstStarts(random);
  const faults = makeFaults(random);
  const series = makeSeries(random, bursts, faults);
  return {
    metadata: {
      experimentId: 'phase3-rehearsal-2026-01-05-0000',
      phase: 3,
      startTime: START,
      endTime: START + DURATION,
      duration: DURATION,
      title: 'Phase 3: full scale',
      scenario: null,
      target: 'rehearsal',
      plannedDuration: DURATION,
      agents: 200,
      queueBound: 500,
      cutShort: false,
      cutShortReason: null,
    },
    summary: {
      totalTasks: 2_304_120,
      completedTasks: 2_303_816,
      failedTasks: 304,
      successRate: 2_303_816 / 2_304_120,
      shedTasks: 0,
      shedByPriority: [0, 0, 0, 0],
      submittedByPriority: [230_412, 460_824, 1_152_060, 460_824],
      retriedAttempts: 13_201,
      expiredAttempts: 9_120,
      supersededResults: 212,
      unstartedTasks: 0,
      byType: {
        code_generation: { completed: 691_140, failed: 92, meanServiceTime: 45_020 },
        code_review: { completed: 460_762, failed: 61, meanServiceTime: 29_987 },
        test_execution: { completed: 575_950, failed: 75, meanServiceTime: 60_011 },
        documentation: { completed: 345_570, failed: 47, meanServiceTime: 20_003 },
        lightweight: { completed: 230_394, failed: 29, meanServiceTime: 5_001 },
      },
    },
    performance: {
      throughput: { avg: 533.4, min: 488, max: 1_012.5, p50: 500.4, p99: 998.6 },
      latency: latency(31, 0.21, 0.6, 1_240, 4_870),
      completion: latency(38_400, 33_900, 69_700, 124_000, 402_000),
      service: latency(38_010, 33_700, 69_200, 121_700, 398_000),
      dispatchLag: { ...latency(0.02, 0, 0.05, 0.4, 2.1), p999: 1.2 },
      stretch: { p50: 1, p99: 1.62 },
      byPriority: ['P0', 'P1', 'P2', 'P3'].map((priority, index) => ({
        priority,
        latency: latency(20 + index * 8, 0.2, 0.5 + index * 0.1, 900 + index * 240, 3_900 + index * 320),
      })),
      littlesLaw: { L: 337.9, lambdaPerMs: 0.00889, W: 38_002, error: 0.0002 },
    },
    agents: {
      deployed: 212,
      maxActive: 210,
      minActive: 178,
      avgUtilization: 0.4224,
      restarts: 5_760,
      avgCpu: 0.189,
      agentSeconds: 200.4 * 72 * 3_600,
      recycled: 412,
    },
    incidents: makeIncidents(),
    recommendations: [
      'Keep 200 agents: slots were 42 % busy on average and 79 % in bursts; 160 would carry the steady load.',
      'Lower the lease from 4 s to 3 s: it makes up most of the recovery time after a kill.',
      'Measure linearity with the scale_out scenario before going beyond 250 agents.',
    ],
    schemaVersion: 1,
    verdict: 'PASS',
    invalid: [],
    criteria: makeCriteria(),
    availability: { canaries: 259_200, answered: 259_194, withinTarget: 259_181, share: 259_181 / 259_200 },
    ledger: {
      submitted: 2_304_120,
      completed: 2_303_816,
      failed: 304,
      shed: 0,
      queued: 0,
      leased: 0,
      balanced: true,
      lost: 0,
      doubleCounted: 0,
      examples: { lost: [], doubleCounted: [] },
    },
    load: { scheduled: 2_304_120, sent: 2_304_120, late: 12, dropped: 0 },
    steadyWindow: { start: START + 10 * MINUTE, end: START + DURATION - 10 * MINUTE },
    faults,
    scalings: makeScalings(),
    alerts: [
      alert('performance_degradation', 'warning', 20.2, 0.4, 8_420, ['notify', 'investigate']),
      alert('scaling_limit', 'warning', 44.1, 1.2, 242, ['notify', 'review_capacity']),
      alert('cascade_failure', 'critical', 51.9, 0.1, 44, ['emergency_scale']),
    ],
    states: [
      { at: START, from: 'created', to: 'running', reason: 'start' },
      { at: START + 52 * HOUR, from: 'running', to: 'paused', reason: 'operator: looking at zone C' },
      { at: START + 52.8 * HOUR, from: 'paused', to: 'running', reason: 'operator' },
      { at: START + DURATION, from: 'running', to: 'draining', reason: 'end of schedule' },
      { at: START + DURATION, from: 'draining', to: 'stopped', reason: 'drained' },
    ],
    segments: makeSegments(bursts),
    monitors: [
      {
        monitor: 'memory_leak',
        finding: 'memory grows by 0.4 MiB/h per agent, inside noise',
        value: 0.4,
        unit: 'MiB/h',
        ok: true,
      },
      { monitor: 'connection_pool', finding: 'at most 424 connections', value: 424, unit: 'connections', ok: true },
    ],
    forecast: {
      chosen: 'seasonal naive',
      candidates: [
        { model: 'seasonal naive', error: 0.061 },
        { model: 'MSTL + ETS', error: 0.084 },
      ],
      coverage: 0.81,
      feedForwardError: 0.004,
    },
    linearity: null,
    cost: {
      totalUsd: 412.66,
      perHourUsd: 5.73,
      budgetUsd: 500,
      perThousandTasksUsd: 0.179,
      parts: [
        { part: 'agent-pool (Spot)', usd: 232.1, basis: '50 × n2-standard-4, 3,600 node hours' },
        { part: 'coordinator-pool', usd: 83.9, basis: '3 × n2-standard-8, 216 node hours' },
        { part: 'monitoring-pool', usd: 41.95, basis: '3 × n2-standard-4, 216 node hours' },
        { part: 'disks', usd: 36.4, basis: '1,500 GB pd-ssd' },
        { part: 'network', usd: 18.31, basis: '152 GB between zones' },
      ],
      assumed: true,
      stale: false,
    },
    findings: {
      wentWell: [
        'Throughput held 500/min and 144 bursts of 1,000/min without shedding a task.',
        'Every one of 288 agent kills recovered inside 30 s; the slowest took 11.9 s.',
        'The ledger balances: no task lost, none counted twice.',
      ],
      wentWrong: ['P99 response reached 4.87 s in the burst at 20:10 of the first day, 97 % of the target.'],
      change: ['Give burst segments feed-forward scaling; they now live on the slots in reserve.'],
    },
    series,
    latencyHistogram: makeHistogram(),
    provenance: {
      version: '0.1.0',
      commit: '0f4c2b1a9d',
      imageDigest: null,
      schemaVersion: 1,
      specHash: 'b5c1f6d2e8a94f0c7a11',
      seed: 42,
      sinks: [
        { name: 'events.ndjson.gz', records: 4_812, complete: true, note: '' },
        { name: 'metrics.ndjson.gz', records: 259_200, complete: true, note: 'one a second' },
      ],
    },
  };
}

/** A report of another size, for comparisons: everything that grows with the fleet is set, the rest is phase 3's. */
export function makePhase(
  phase: number,
  agents: number,
  throughput: number,
  utilization: number,
  change: Partial<ExperimentReport> = {},
): ExperimentReport {
  const base = makeReport();
  return {
    ...base,
    metadata: { ...base.metadata, phase, agents, experimentId: `phase${phase}`, title: `Phase ${phase}` },
    performance: { ...base.performance, throughput: { ...base.performance.throughput, avg: throughput } },
    agents: { ...base.agents, avgUtilization: utilization, agentSeconds: agents * 72 * 3_600 },
    ...change,
  };
}

function latency(avg: number, p50: number, p90: number, p99: number, max: number): LatencySummary {
  return { avg, p50, p90, p99, max };
}

function burstStarts(random: Random): number[] {
  return Array.from({ length: 144 }, (_, index) => (index + 0.1 + 0.8 * random.next()) * 30 * MINUTE);
}

function makeFaults(random: Random): FaultRecord[] {
  const kills = Array.from({ length: 287 }, (_, index) =>
    makeFault(random, 'agent_kill', (index + 1) * 15 * MINUTE, 20),
  );
  const preemptions = [9.3, 27.1, 40.6, 66.2].map((hours) => makeFault(random, 'preemption', hours * HOUR, 4));
  return [...kills, ...preemptions]
    .sort((a, b) => a.injectedAt - b.injectedAt)
    .map((fault, index) => ({ ...fault, id: `f${index + 1}` }));
}

function makeFault(random: Random, type: string, at: number, hit: number): FaultRecord {
  const recovery = 4_000 + 4_000 * random.next() + (random.chance(0.03) ? 3_900 : 0);
  return {
    id: '',
    type,
    voluntary: type !== 'preemption',
    injectedAt: START + at,
    endedAt: START + at,
    subjects: Array.from({ length: hit }, () => `agent-${String(random.below(200)).padStart(3, '0')}`),
    tasksHeld: Math.round(hit * 1.7 + 6 * random.next()),
    serviceRecoveryMs: recovery,
    capacityRecoveryMs: type === 'preemption' ? 118_000 + 9_000 * random.next() : recovery + 900,
    effectSeen: true,
    endSeen: true,
    detail: type === 'preemption' ? 'node taken back by the cloud' : '10 % of 200 agents',
  };
}

function makeSeries(random: Random, bursts: readonly number[], faults: readonly FaultRecord[]): ReportSeries {
  const rows = Array.from({ length: BUCKETS }, (_, index) => makeRow(random, index, bursts, faults));
  const column = <Key extends keyof Row>(key: Key): Array<Row[Key]> => rows.map((row) => row[key]);
  return {
    bucketMs: BUCKET,
    start: START,
    offered: column('offered'),
    completed: column('completed'),
    failed: column('failed'),
    shed: rows.map(() => 0),
    retried: column('retried'),
    p50: column('p50'),
    p90: column('p90'),
    p99: column('p99'),
    completionP99: rows.map((row) => (row.p99 === null ? null : 120_000 + row.p99)),
    queueDepth: column('queueDepth'),
    agentsTarget: column('agentsTarget'),
    agentsActive: column('agentsActive'),
    agentsByZone: Object.fromEntries(ZONES.map((zone) => [zone, rows.map((row) => row.agentsActive / 4)])),
    utilization: column('utilization'),
    cpu: column('cpu'),
    memory: rows.map((row, index) => (96 + index * 0.004 + row.utilization * 6) * GIB),
    cost: rows.map((_, index) => ((index + 1) / BUCKETS) * 412.66),
    availability: column('availability'),
    dispatchLag: column('dispatchLag'),
  };
}

type Row = ReturnType<typeof makeRow>;

function makeRow(random: Random, index: number, bursts: readonly number[], faults: readonly FaultRecord[]) {
  const from = index * BUCKET;
  const paused = from >= 52 * HOUR && from < 52.8 * HOUR;
  const overlap = bursts.reduce(
    (sum, at) => sum + Math.max(0, Math.min(at + 2 * MINUTE, from + BUCKET) - Math.max(at, from)),
    0,
  );
  const burst = overlap / BUCKET;
  const hit = faults.find((fault) => fault.injectedAt - START >= from && fault.injectedAt - START < from + BUCKET);
  const offered = paused ? 0 : 500 + 500 * burst;
  const utilization = paused ? 0.02 : 0.4 + 0.36 * burst + 0.01 * random.normal();
  const slow = (burst > 0.4 ? 1_200 + 2_600 * random.next() : 2 + 6 * random.next()) + (hit ? 300 * random.next() : 0);
  return {
    offered,
    completed: paused ? 0 : offered + 6 * random.normal(),
    failed: random.chance(0.06) && !paused ? 0.5 : 0,
    retried: paused ? 0 : 2.4 + (hit === undefined ? 0 : 14) + 0.6 * random.next(),
    p50: paused ? null : 0.2,
    p90: paused ? null : 0.5 + burst * 600 * random.next(),
    p99: paused ? null : slow,
    queueDepth: Math.round(burst * 120 * random.next() + (hit ? 20 * random.next() : 0)),
    agentsTarget: from > 44 * HOUR && from < 46 * HOUR ? 242 : 200,
    agentsActive: (from > 44 * HOUR && from < 46 * HOUR ? 240 : 200) - (hit?.subjects.length ?? 0),
    utilization,
    cpu: 0.02 + 0.4 * utilization + 0.004 * random.normal(),
    availability: random.chance(0.01) ? 0.985 : 1,
    dispatchLag: 0.3 + random.exponential(0.4),
  };
}

function makeScalings(): ExperimentReport['scalings'] {
  const steps: Array<[hours: number, from: number, to: number]> = [
    [44, 200, 242],
    [46, 242, 237],
    [46.2, 237, 232],
    [46.4, 232, 200],
    [51.9, 200, 210],
    [53, 210, 200],
  ];
  return steps.map(([hours, from, to]) => ({
    at: START + hours * HOUR,
    decision: {
      from,
      to,
      reason: to > from ? 'queue_depth 131 > 100' : 'all metrics below their lower threshold',
      mode: 'reactive',
      score: to > from ? 1.12 : 0.04,
      reactive: to,
      predictive: null,
      floor: 200,
      inputs: { queue_depth: 131, avg_wait_time: 4_200, cpu_utilization: 0.41, error_rate: 0.0001 },
    },
  }));
}

function alert(
  name: string,
  severity: string,
  hours: number,
  lasted: number,
  peak: number,
  actions: string[],
): ExperimentReport['alerts'][number] {
  const firedAt = START + hours * HOUR;
  return { name, severity, firedAt, resolvedAt: firedAt + lasted * HOUR, peak, actions };
}

function makeIncidents(): ExperimentReport['incidents'] {
  return [
    {
      timestamp: START + 20.2 * HOUR,
      type: 'performance_degradation',
      severity: 'warning',
      description: 'P99 response above 8 s for 10 min while a burst and a kill of 20 agents coincided.',
      resolution: 'Recovered on its own when the burst ended; diagnostics were taken.',
      duration: 24 * MINUTE,
    },
    {
      timestamp: START + 51.9 * HOUR,
      type: 'cascade_failure',
      severity: 'critical',
      description: '44 agents offline: two pre-empted nodes during a kill.',
      resolution: 'Emergency scale from 200 to 210 agents.',
      duration: 6 * MINUTE + 12 * SECOND,
    },
    {
      timestamp: START + 52 * HOUR,
      type: 'pause',
      severity: 'info',
      description: 'Paused by an operator; the arrival schedule stood still.',
      resolution: 'Resumed by an operator.',
      duration: 48 * MINUTE,
    },
  ];
}

function makeSegments(bursts: readonly number[]): ExperimentReport['segments'] {
  const segments: ExperimentReport['segments'] = [];
  let from = 0;
  for (const at of bursts) {
    segments.push({ start: START + from, end: START + at, label: 'steady', ratePerMin: 500 });
    from = at + 2 * MINUTE;
    segments.push({ start: START + at, end: START + from, label: 'burst', ratePerMin: 1_000 });
  }
  segments.push({ start: START + from, end: START + DURATION, label: 'steady', ratePerMin: 500 });
  return segments;
}

function makeHistogram(): ExperimentReport['latencyHistogram'] {
  return Array.from({ length: 44 }, (_, index) => {
    const upToMs = 0.1 * 10 ** (index / 9);
    const bulk = 900_000 * Math.exp(-((Math.log10(upToMs) + 0.6) ** 2) * 9);
    const tail = 2_600 * Math.exp(-((Math.log10(upToMs) - 3.1) ** 2) * 5);
    return { upToMs, count: upToMs > 4_900 ? 0 : Math.round(bulk + tail) };
  });
}

function makeCriteria(): ExperimentReport['criteria'] {
  return [
    [
      'stable',
      '≥ 200 agents for 72 h',
      '72 h',
      DURATION,
      DURATION,
      'PASS',
      true,
      '4,320 minutes, longest dip 12 s after a fault',
    ],
    ['throughput', '≥ 500/min', '533.4/min', 500, 533.4, 'PASS', true, 'tasks scheduled and completed in 71 h 40 min'],
    ['p99_latency', '≤ 5 s', '1.24 s', 5_000, 1_240, 'PASS', true, 'P99 of 2,304,120 first attempts, 0 censored'],
    ['error_rate', '≤ 0.1 %', '0.013 %', 0.001, 0.00013, 'PASS', true, '304 of 2,304,120 finished tasks'],
    ['availability', '≥ 99.9 %', '99.993 %', 0.999, 0.99993, 'PASS', true, '259,200 checks, one a second'],
    ['recovery', '≤ 30 s', '11.9 s', 30_000, 11_900, 'PASS', true, 'worst of 291 faults'],
    [
      'linearity',
      '≥ 0.95',
      '–',
      0.95,
      null,
      'NOT_APPLICABLE',
      false,
      'not judged in this run; throughput per agent at saturation, largest fleet ÷ smallest',
    ],
    ['cpu', '≤ 80 %', '18.9 %', 0.8, 0.189, 'PASS', false, 'mean of the steady window'],
    ['stretch', '≤ 3', '1.62', 3, 1.62, 'PASS', false, 'P99 of completion latency ÷ own service time'],
    [
      'ledger',
      '0 lost, 0 counted twice',
      '0 lost, 0 counted twice',
      0,
      0,
      'PASS',
      true,
      'the generator’s and the agents’ journals against the queue',
    ],
  ].map(([name, target, actual, targetValue, actualValue, verdict, mandatory, basis]) => ({
    name,
    target,
    actual,
    targetValue,
    actualValue,
    verdict,
    mandatory,
    basis,
  })) as ExperimentReport['criteria'];
}
