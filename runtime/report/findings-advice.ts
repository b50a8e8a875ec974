import { peakAgents } from '../observe/linearity.js';
import { largest, present } from './facts.js';
import {
  agentsForPeak,
  bottleneckOf,
  criterionNamed,
  meanAgents,
  nextPhaseOf,
  plannedCapacityPerMin,
  scalingReversals,
  type NextPhase,
} from './findings-numbers.js';
import { reasonsInWords, valueOf, type Speaker } from './findings-speaker.js';

/** A fleet this much smaller (or less) is worth proposing. */
const WORTH_SHRINKING = 0.9;
/** Changes of direction a day that a quiet autoscaler stays below. */
const RESTLESS_PER_DAY = 12;
/** A predicted share of busy slots from which queues grow. */
const FULL = 0.95;

// ---- what to change -------------------------------------------------------------------------------------------

/** What to change, from what limited the run, what it missed and what it did not need. */
export function changes(speaker: Speaker): string[] {
  return [
    ...limits(speaker),
    ...speaker.report.criteria
      .filter(({ verdict }) => verdict === 'FAIL')
      .flatMap(({ name }) => FIXES[name]?.(speaker) ?? []),
    ...brokenMonitors(speaker),
    ...smallerFleet(speaker),
    ...autoscaler(speaker),
    ...prices(speaker),
  ];
}

function limits({ report, p, f }: Speaker): string[] {
  const { limit, peakUtilization, peakCpu, saturated, intervals } = bottleneckOf(report);
  const utilization = f.share(peakUtilization);
  switch (limit) {
    case 'slots':
      return [
        p['bottleneck.slots']({
          saturated: f.count(saturated),
          intervals: f.count(intervals),
          need: f.count(agentsForPeak(report)),
          agents: f.count(Math.round(meanAgents(report))),
        }),
      ];
    case 'cpu':
      return [
        p['bottleneck.cpu']({
          cpu: f.share(peakCpu),
          target: f.share(criterionNamed(report, 'cpu')?.targetValue ?? null),
        }),
      ];
    case 'dispatch':
      return [p['bottleneck.dispatch']({ utilization, lag: f.duration(report.performance.dispatchLag.p99) })];
    case 'none':
      return Number.isNaN(peakUtilization) ? [] : [p['bottleneck.none']({ utilization, cpu: f.share(peakCpu) })];
  }
}

/** One proposal per missed criterion, where the data point somewhere. */
const FIXES: Readonly<Record<string, (speaker: Speaker) => string[]>> = {
  throughput: ({ report, p, f }) => {
    const criterion = criterionNamed(report, 'throughput');
    const capacity = plannedCapacityPerMin(report);
    if (criterion?.actualValue === null || !Number.isFinite(capacity)) return [];
    return [p['fix.throughput']({ actual: criterion?.actual ?? '', capacity: f.rate(capacity) })];
  },

  p99_latency: ({ report, p, f }) => {
    const deepest = largest(report.series.queueDepth) ?? 0;
    return deepest === 0 ? [] : [p['fix.p99_latency']({ queue: f.count(deepest) })];
  },

  error_rate: ({ report, p, f, name }) => {
    const worst = Object.entries(report.summary.byType)
      .map(([type, { completed, failed }]) => ({ type, failed, share: failed / (completed + failed) }))
      .filter(({ failed }) => failed > 0)
      .sort((a, b) => b.share - a.share || (a.type < b.type ? -1 : 1))[0];
    if (worst === undefined) return [];
    return [
      p['fix.error_rate']({
        type: name('type', worst.type),
        failed: f.count(worst.failed),
        share: f.share(worst.share),
      }),
    ];
  },

  availability: ({ report: { availability }, p, f }) => {
    const missed = availability.canaries - availability.withinTarget;
    return missed <= 0
      ? []
      : [p['fix.availability']({ missed: f.count(missed), canaries: f.count(availability.canaries) })];
  },

  recovery: ({ report, p, f, name }) => {
    // A fault that never recovered is worse than the slowest that did.
    const worst = [...report.faults].sort(
      (a, b) => (b.serviceRecoveryMs ?? Infinity) - (a.serviceRecoveryMs ?? Infinity),
    )[0];
    if (worst === undefined) return [];
    const lasted = worst.serviceRecoveryMs ?? report.metadata.endTime - (worst.endedAt ?? worst.injectedAt);
    return [
      p['fix.recovery']({
        id: worst.id,
        type: name('fault', worst.type),
        held: f.count(worst.tasksHeld),
        worst: `${worst.serviceRecoveryMs === null ? '≥ ' : ''}${f.duration(lasted)}`,
      }),
    ];
  },

  stable: ({ report, p, f }) => {
    const { agents, metadata } = report;
    if (!(agents.minActive < metadata.agents)) return [];
    return [p['fix.stable']({ min: f.count(agents.minActive), agents: f.count(metadata.agents) })];
  },

  linearity: ({ report: { linearity }, p, f }) => {
    if (linearity === null) return [];
    const turn = linearity.usl === null ? Infinity : peakAgents(linearity.usl);
    const peak = Number.isFinite(turn) ? p['linearity.peak']({ agents: f.count(turn) }) : '';
    return [p['fix.linearity']({ ratio: f.decimal(linearity.ratio, 3), peak })];
  },

  cpu: ({ report, p, f }) => [p['fix.cpu']({ cpu: f.share(report.agents.avgCpu) })],

  stretch: ({ report, p, f }) => [
    p['fix.stretch']({
      stretch: f.decimal(report.performance.stretch.p99),
      expired: f.count(report.summary.expiredAttempts),
    }),
  ],
};

function brokenMonitors(speaker: Speaker): string[] {
  return speaker.report.monitors
    .filter(({ ok }) => !ok)
    .flatMap((finding) => {
      const { value } = valueOf(speaker, finding);
      if (finding.monitor === 'memory_leak') return [speaker.p['fix.memory_leak']({ value })];
      return finding.monitor === 'connection_pool' ? [speaker.p['fix.connection_pool']({ value })] : [];
    });
}

/** Only a run that passed says that less would do. */
function smallerFleet({ report, p, f }: Speaker): string[] {
  const need = agentsForPeak(report);
  const agents = Math.round(meanAgents(report));
  if (report.verdict !== 'PASS' || !(need <= agents * WORTH_SHRINKING)) return [];
  const peak = largest(present(report.series.utilization)) ?? NaN;
  return [
    p['fewerAgents']({
      need: f.count(need),
      agents: f.count(agents),
      utilization: f.share(peak),
      idle: f.share(1 - report.agents.avgUtilization),
    }),
  ];
}

function autoscaler({ report, p, f }: Speaker): string[] {
  const { scalings, metadata, agents } = report;
  if (scalings.length === 0) {
    if (metadata.scenario === 'scale_out' || !(agents.avgUtilization > 0)) return [];
    return [p['scaling.idle']({ agents: f.count(metadata.agents), mean: f.share(agents.avgUtilization) })];
  }
  const reversals = scalingReversals(scalings);
  const days = Math.max(1, metadata.duration / 86_400_000);
  if (reversals <= RESTLESS_PER_DAY * days) return [];
  return [p['scaling.restless']({ reversals: f.count(reversals), decisions: f.count(scalings.length) })];
}

function prices({ report: { cost }, p }: Speaker): string[] {
  return [...(cost.assumed ? [p['prices.assumed']()] : []), ...(cost.stale ? [p['prices.stale']()] : [])];
}

// ---- recommendations ------------------------------------------------------------------------------------------

/** What to do next: repeat, put right, go on, and what has not been tried yet. */
export function recommendations(speaker: Speaker): string[] {
  const { report, p, f, name, list } = speaker;
  const { metadata } = report;
  if (report.verdict === 'INVALID') return [p['next.invalid']({ reasons: reasonsInWords(speaker) })];
  if (report.verdict === 'FAIL') {
    const missed = report.criteria.filter(({ mandatory, verdict }) => mandatory && verdict === 'FAIL');
    const names = list(missed.map((criterion) => name('criterion', criterion.name)));
    return [
      metadata.scenario === null
        ? p['next.failed']({ phase: f.count(metadata.phase), names })
        : p['next.failed.scenario']({ names }),
    ];
  }
  if (metadata.scenario !== null) return afterScenario(speaker, metadata.scenario);
  const next = nextPhaseOf(report);
  return [...(next === null ? afterLastPhase(speaker) : beforeNextPhase(speaker, next)), ...notTried(speaker)];
}

function afterScenario({ report, p, f, name }: Speaker, scenario: string): string[] {
  const { shedTasks, totalTasks } = report.summary;
  const capacity = plannedCapacityPerMin(report);
  const passed = p['next.scenario']({ scenario: name('scenario', scenario) });
  if (shedTasks === 0 || !Number.isFinite(capacity)) return [passed];
  return [passed, p['next.overload']({ share: f.share(shedTasks / totalTasks), capacity: f.rate(capacity) })];
}

function beforeNextPhase({ p, f }: Speaker, next: NextPhase): string[] {
  if (!Number.isFinite(next.utilization)) return [];
  const phase = f.count(next.phase);
  const agents = f.count(next.agents);
  const peak = Math.max(next.utilization, next.burstUtilization ?? 0);
  const bursts =
    next.burstPerMin === null || next.burstUtilization === null
      ? ''
      : p['next.bursts']({ rate: f.rate(next.burstPerMin), utilization: f.share(next.burstUtilization) });
  return [
    p['next.go']({ phase, agents, rate: f.rate(next.ratePerMin), utilization: f.share(next.utilization), bursts }),
    ...(peak >= FULL
      ? [
          p['next.tooFew']({
            phase,
            agents,
            need: f.count(next.agentsForPeak),
            rate: f.rate(Math.max(next.ratePerMin, next.burstPerMin ?? 0)),
            utilization: f.share(peak),
          }),
        ]
      : []),
    ...(next.usd > 0 ? [p['next.cost']({ phase, usd: f.usd(next.usd) })] : []),
  ];
}

function afterLastPhase({ report, p, f }: Speaker): string[] {
  const capacity = plannedCapacityPerMin(report);
  if (!Number.isFinite(capacity)) return [];
  return [p['next.done']({ capacity: f.rate(capacity), agents: f.count(Math.round(meanAgents(report))) })];
}

function notTried({ report, p, f }: Speaker): string[] {
  const { faults, linearity, metadata } = report;
  return [
    ...(linearity === null && metadata.phase > 1 ? [p['next.scaleOut']()] : []),
    ...(faults.length === 0 ? [p['next.chaos']({ phase: f.count(metadata.phase) })] : []),
  ];
}
