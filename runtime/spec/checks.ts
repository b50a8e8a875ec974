import { isTimeZone } from './calendar.js';
import { checkExecutor } from './checks-executor.js';
import { checkChaos, checkScenarios } from './checks-plan.js';
import type { Contradiction, Report } from './contradiction.js';
import { machineType, podsPerNode } from './machines.js';
import type { CompleteOptions } from './options.js';
import { phaseShape } from './run-shape.js';
import type { ExperimentOptions } from './schema.js';
import { formatCpu, formatDuration, formatPercent, formatRate, formatSize } from './units.js';
import { meanOfferedPerMin, steadyWindow } from './window.js';

/**
 * Everything that is right by itself but not together.
 *
 * @param options with defaults in, so that a contradiction to a default is found as well.
 * @param written the same before defaults: what nobody wrote is not complained about where it can give way.
 */
export function contradictions(options: CompleteOptions, written: ExperimentOptions): Contradiction[] {
  const found: Contradiction[] = [];
  const report: Report = (path, message, hint, related = []) => {
    found.push({ path, message, related, ...(hint === undefined ? {} : { hint }) });
  };
  checkTasks(options, report);
  checkQueue(options, report);
  checkFleet(options, report);
  checkExecutor(options, report);
  checkScaling(options, written, report);
  checkLoad(options, report);
  checkChaos(options, report);
  checkScenarios(options, written, report);
  checkAlerts(options, report);
  if (found.length === 0) checkThroughputTarget(options, report);
  return found;
}

/** Sums of shares and weights may be off by this much. */
const SUM_TOLERANCE = 1e-6;

function checkTasks({ tasks }: CompleteOptions, report: Report): void {
  const types = Object.entries(tasks.types);
  for (const [name, { mean }] of types) {
    // `mean` is there for the document's types; for any other it must be written.
    if ((mean as number | undefined) === undefined)
      report(`tasks.types.${name}.mean`, 'is missing: this type is not one of the document’s', 'add it: mean: 30s');
  }
  const cutOff = types.filter(([, { mean }]) => mean >= tasks.timeout).map(([name]) => name);
  if (cutOff.length > 0) {
    report(
      'tasks.timeout',
      `${formatDuration(tasks.timeout)} would cut off most tasks of ${cutOff.join(', ')}, which take as long or longer on average`,
      undefined,
      cutOff.map((name) => `tasks.types.${name}.mean`),
    );
  }
  const shares = types.reduce((sum, [, type]) => sum + type.share, 0);
  if (Math.abs(shares - 1) > SUM_TOLERANCE) {
    report(
      'tasks.types',
      `the shares of the task types sum to ${formatPercent(shares)}; they must sum to 100%`,
      'a mix replaces the default one: list every type',
    );
  }
  const priorities = Object.values(tasks.priorities).reduce((sum, share) => sum + share, 0);
  if (Math.abs(priorities - 1) > SUM_TOLERANCE) {
    report('tasks.priorities', `the shares of P0 to P3 sum to ${formatPercent(priorities)}; they must sum to 100%`);
  }
}

function checkQueue({ queue }: CompleteOptions, report: Report): void {
  if (queue.lease <= 2 * queue.beat) {
    report(
      'queue.lease',
      `${formatDuration(queue.lease)} is not more than two beats of ${formatDuration(queue.beat)}: one lost beat would take an agent’s tasks away`,
      `write more than ${formatDuration(2 * queue.beat)}, or shorten queue.beat`,
      ['queue.beat'],
    );
  }
  if (queue.backoff.max < queue.backoff.first) {
    report(
      'queue.backoff.max',
      `${formatDuration(queue.backoff.max)} is below the first wait of ${formatDuration(queue.backoff.first)}`,
      undefined,
      ['queue.backoff.first'],
    );
  }
}

function checkFleet({ fleet, agents, horizontalScaling }: CompleteOptions, report: Report): void {
  const repeated = fleet.zones.find((zone, index) => fleet.zones.indexOf(zone) !== index);
  if (repeated !== undefined)
    report('fleet.zones', `zone "${repeated}" is there twice; each zone needs a name of its own`);
  const machine = machineType(fleet.machineType);
  const { cpu, memory } = fleet.requests;
  if (
    machine !== undefined &&
    podsPerNode(machine, { cpuMilli: cpu, memoryBytes: memory }) < (fleet.agentsPerNode ?? 1)
  ) {
    const fitting = podsPerNode(machine, { cpuMilli: cpu, memoryBytes: memory });
    report(
      fleet.agentsPerNode === null ? 'fleet.requests' : 'fleet.agentsPerNode',
      `${fitting} agents of ${formatCpu(cpu)} CPU and ${formatSize(memory)} fit on a node of ${fleet.machineType}`,
      'lower the requests, take a larger machine, or fewer agents per node',
      ['fleet.requests', 'fleet.machineType', 'fleet.agentsPerNode'],
    );
  }
  const { min } = horizontalScaling.actions.scaleDown;
  const { max } = horizontalScaling.actions.scaleUp;
  const minPath = 'horizontalScaling.actions.scaleDown.min';
  const maxPath = 'horizontalScaling.actions.scaleUp.max';
  if (min !== null && max !== null && min > max)
    report(minPath, `${min} is above the most agents, ${max}`, undefined, [maxPath]);
  else if (min !== null && min > agents)
    report(minPath, `${min} is above the ${agents} agents of the run`, 'lower it, or raise agents', ['agents']);
  else if (max !== null && max < agents)
    report(maxPath, `${max} is below the ${agents} agents of the run`, 'raise it, or lower agents', ['agents']);
}

function checkScaling(
  { horizontalScaling, predictiveScaling }: CompleteOptions,
  written: ExperimentOptions,
  report: Report,
): void {
  const metrics = Object.entries(horizontalScaling.triggerMetrics);
  for (const [name, { scaleUp, scaleDown }] of metrics) {
    const path = `horizontalScaling.triggerMetrics.${name}`;
    if (scaleDown >= scaleUp) {
      report(`${path}.scaleDown`, 'must be below scaleUp, or the fleet would grow and shrink at once', undefined, [
        `${path}.scaleUp`,
      ]);
    }
  }
  const weights = metrics.reduce((sum, [, { weight }]) => sum + weight, 0);
  if (Math.abs(weights - 1) > SUM_TOLERANCE) {
    report('horizontalScaling.triggerMetrics', `the weights sum to ${Number(weights.toFixed(6))}; they must sum to 1`);
  }
  if (written.horizontalScaling?.mode === 'predictive' && !predictiveScaling.enabled) {
    report(
      'horizontalScaling.mode',
      'is predictive, but predictiveScaling.enabled is false',
      'enable it, or write reactive',
      ['predictiveScaling.enabled'],
    );
  }
  const { patterns, mlModel } = predictiveScaling;
  if (!isTimeZone(patterns.timeZone)) {
    report(
      'predictiveScaling.patterns.timeZone',
      'is no time zone; it must be an IANA name such as Asia/Tokyo or Europe/Berlin',
    );
  }
  if (mlModel.forecast > mlModel.lookback) {
    report(
      'predictiveScaling.mlModel.forecast',
      `${formatDuration(mlModel.forecast)} ahead cannot be told from ${formatDuration(mlModel.lookback)} back`,
      'forecast less far than lookback',
      ['predictiveScaling.mlModel.lookback'],
    );
  }
}

function checkLoad({ load, duration }: CompleteOptions, report: Report): void {
  const { bursts, rate } = load;
  if (bursts === null) return;
  if (bursts.duration >= bursts.every) {
    report(
      'load.bursts.duration',
      `${formatDuration(bursts.duration)} is not shorter than the ${formatDuration(bursts.every)} from one burst to the next`,
      undefined,
      ['load.bursts.every'],
    );
  }
  if (bursts.rate <= rate) {
    report(
      'load.bursts.rate',
      `${formatRate(bursts.rate)} is no burst on top of a steady ${formatRate(rate)}`,
      'raise it, or write bursts: null',
      ['load.rate'],
    );
  }
  if (bursts.timing === 'fixed' && bursts.every + bursts.duration > duration) {
    report(
      'load.bursts.every',
      `the first burst, at ${formatDuration(bursts.every)}, does not fit into a run of ${formatDuration(duration)}`,
      'shorten it, or write bursts: null',
      ['load.bursts.duration', 'duration'],
    );
  }
}

function checkAlerts({ alerts }: CompleteOptions, report: Report): void {
  const names = new Set<string>();
  for (const severity of ['critical', 'warning'] as const) {
    for (const [index, { name }] of alerts[severity].entries()) {
      if (names.has(name))
        report(
          `alerts.${severity}[${index}].name`,
          `there is already an alert "${name}"; each needs a name of its own`,
        );
      names.add(name);
    }
  }
}

function checkThroughputTarget(options: CompleteOptions, report: Report): void {
  const { target } = options.successCriteria.throughput;
  if (target === null) return;
  const { segments, durationMs } = phaseShape(options, {}, { seed: options.seed, startAtMs: options.startAt });
  const offered = meanOfferedPerMin(segments, steadyWindow(durationMs));
  if (target > offered * (1 + SUM_TOLERANCE)) {
    report(
      'successCriteria.throughput.target',
      `${formatRate(target)} cannot be met: the load offers ${formatRate(offered)} on average`,
      'leave it out to judge the run on what it offers',
      ['load.rate', 'load.bursts', 'duration'],
    );
  }
}
