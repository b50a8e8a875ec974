import { ALL_ZONES, type Experiment, type Injection, type LoadSegment } from './experiment.js';
import { formatCount, formatDuration, formatPercent, formatRate } from './units.js';
import { expectedTasks, meanServiceMs } from './window.js';

/** What the experiment is, in a few lines for people. */
export function describeExperiment(experiment: Experiment): string[] {
  const { title, durationMs, fleet, chaos, scaling, seed } = experiment;
  const lines = [
    `${title}, ${formatDuration(durationMs)}, seed ${seed}`,
    describeFleet(experiment),
    describeLoad(experiment),
    `Scaling: ${scaling.mode === 'off' ? 'off' : `${scaling.mode}, ${fleet.min} to ${fleet.max} agents`}`,
    chaos.enabled && chaos.injections.length > 0
      ? `Chaos: ${chaos.injections.map(describeInjection).join('; ')}`
      : 'Chaos: none',
  ];
  if (experiment.expect !== null) lines.push(`Declared overload: ${experiment.expect}`);
  return lines;
}

function describeFleet({ fleet }: Experiment): string {
  const { agents, slots, zones, reserve, stages } = fleet;
  if (stages.length > 0)
    return `Agents: ${stages.map((stage) => stage.agents).join(', ')} by stage, ${slots} slots each`;
  const kept = reserve === 0 ? '' : `, ${reserve} in reserve`;
  return `Agents: ${formatCount(agents)} × ${slots} slots = ${formatCount(agents * slots)} tasks at a time, in ${zones.length === 1 ? '1 zone' : `${zones.length} zones`}${kept}`;
}

function describeLoad({ load, tasks }: Experiment): string {
  const { segments, steadyRatePerMin, process } = load;
  const bursts = segments.filter(({ label }) => label === 'burst');
  const others = segments.filter(({ label }) => label !== 'burst');
  const rates = others.map(({ ratePerMin }) => ratePerMin);
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  const base =
    rates.length === 0
      ? formatRate(steadyRatePerMin)
      : low === high
        ? formatRate(low)
        : `${formatRate(low)} to ${formatRate(high)}`;
  const total = formatCount(expectedTasks(segments));
  return `Load: ${base}${describeBursts(bursts)}, ${process} arrivals: ${total} tasks of ${formatDuration(meanServiceMs(tasks))} on average`;
}

function describeBursts(bursts: readonly LoadSegment[]): string {
  if (bursts.length === 0) return '';
  const highest = formatRate(Math.max(...bursts.map(({ ratePerMin }) => ratePerMin)));
  return `, ${bursts.length === 1 ? '1 burst' : `${formatCount(bursts.length)} bursts`} to ${highest}`;
}

function describeInjection({ type, everyMs, atMs, share, durationMs, latencyMs, factor, zone }: Injection): string {
  const amounts = [
    ...(share > 0 ? [formatPercent(share)] : []),
    ...(latencyMs > 0 ? [formatDuration(latencyMs)] : []),
    ...(factor > 1 ? [`× ${factor}`] : []),
    ...(zone === null ? [] : [zone === ALL_ZONES ? 'all zones' : zone]),
    ...(durationMs > 0 ? [`for ${formatDuration(durationMs)}`] : []),
  ];
  const times = [
    ...(everyMs === null ? [] : [`every ${formatDuration(everyMs)}`]),
    ...(atMs.length === 0 ? [] : [`at ${atMs.map(formatDuration).join(', ')}`]),
  ];
  return [type, ...amounts, times.join(' and ')].join(' ');
}
