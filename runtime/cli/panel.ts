import type { RunStatus } from '../control/port.js';
import { formatCount, formatMoney, formatRate, formatSize } from '../spec/units.js';
import { bar, clockText, secondsText, shareOf } from './progress.js';

/** Widest panel, in characters. */
const WIDEST = 92;
const BAR = 10;

/** The document's dashboard (6.1) in small: lines of text no wider than `columns`. */
export function statusPanel(status: RunStatus, columns: number): string[] {
  const { latest } = status;
  const lines = [
    ...head(status),
    ...(latest === null ? ['Nothing measured yet.'] : figures(status, latest)),
    ...trouble(status),
  ];
  const width = Math.max(20, Math.min(WIDEST, columns - 1));
  return lines.map((line) => (line.length <= width ? line : `${line.slice(0, width - 1)}…`));
}

function head({ title, experimentId, state, drained, elapsedMs, durationMs, leader }: RunStatus): string[] {
  const share = shareOf({ elapsedMs, durationMs });
  const [now, end] = [clockText(elapsedMs, durationMs), clockText(durationMs, durationMs)];
  return [
    `${title}  (${experimentId})`,
    `${drained ? 'drained' : state}  ${bar(share, 2 * BAR)} ${Math.floor(share * 100)} %  ${now} of ${end}  leader ${leader ?? 'none'}`,
    '',
  ];
}

type Data = NonNullable<RunStatus['latest']>;

function figures({ counts, limits }: RunStatus, { agents, performance, resources, errors, cost }: Data): string[] {
  const { latency } = performance;
  const longest = Math.max(limits.p99LatencyMs, latency.p99);
  const quantile = (name: string, ms: number): string => `${name} ${bar(ms / longest, BAR)} ${secondsText(ms)}`;
  return [
    row(
      'Agents',
      `${agents.active} active, target ${agents.target}`,
      `busy ${percent(agents.busySlots / agents.slots)}`,
    ),
    row(
      'Queue',
      `${formatCount(performance.queueDepth)} waiting, max ${formatCount(limits.queueBound)}`,
      `wait ${secondsText(performance.waitTime)}`,
    ),
    row(
      'Tasks',
      `${(performance.throughput / 60).toFixed(1)}/s, ${rate(performance.throughput)}`,
      `offered ${rate(performance.offered)}, target ${rate(limits.throughputPerMin)}`,
    ),
    row(
      '',
      `${formatCount(counts.completed)} completed, ${formatCount(counts.failed)} failed, ${formatCount(counts.shed)} shed`,
    ),
    row('Response', `${quantile('P50', latency.p50)}   ${quantile('P90', latency.p90)}`),
    row(
      '',
      quantile('P99', latency.p99),
      `target ${secondsText(limits.p99LatencyMs)} ${mark(latency.p99 <= limits.p99LatencyMs)}`,
    ),
    row('Zones', zones(agents)),
    row(
      'Errors',
      percent(errors.rate),
      `threshold ${percent(limits.errorRate)} ${mark(errors.rate <= limits.errorRate)}`,
    ),
    row(
      'CPU',
      `${bar(resources.cpuTotal / 100, BAR)} ${Math.round(resources.cpuTotal)} %`,
      `target ${percent(limits.cpu)} ${mark(resources.cpuTotal <= limits.cpu * 100)}`,
    ),
    row(
      'Memory',
      formatSize(resources.memoryTotal),
      `network ${formatSize(resources.networkIO)}/s, cost ${formatMoney(cost)}`,
    ),
  ];
}

function trouble({ chaos, alertsFiring }: RunStatus): string[] {
  const faults = chaos.open.length === 0 ? 'no fault open' : `open: ${chaos.open.join(', ')}`;
  const chaosText =
    chaos.halted !== null ? `halted: ${chaos.halted}` : chaos.enabled ? `on, ${faults}` : `off, ${faults}`;
  return [row('Chaos', chaosText), row('Alerts', alertsFiring.length === 0 ? 'none' : alertsFiring.join(', '))];
}

function row(name: string, first: string, second = ''): string {
  return `${name.padEnd(9)} ${second === '' ? first : `${first.padEnd(36)}  ${second}`}`;
}

/** `A ██████████ 50/50`, with the share of the target that would be even. */
function zones({ byZone, target }: Data['agents']): string {
  const entries = Object.entries(byZone).sort(([a], [b]) => a.localeCompare(b));
  const each = Math.ceil(target / Math.max(1, entries.length));
  return entries.map(([zone, active]) => `${zone} ${bar(active / Math.max(1, each), BAR / 2)} ${active}`).join('   ');
}

/** The last figure is not known to a millionth. */
function rate(perMin: number): string {
  return Number.isFinite(perMin) ? formatRate(Math.round(perMin)) : '–';
}

function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  return `${Number((share * 100).toFixed(share < 0.01 ? 2 : 1))} %`;
}

function mark(met: boolean): string {
  return met ? '✓' : '✗';
}
