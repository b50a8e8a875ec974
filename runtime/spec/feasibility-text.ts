import type { Break, Feasibility, Remedy, SegmentGroup } from './feasibility-model.js';

/** Columns of a terminal that are used at most. */
const WIDTH = 100;

/** A table and sentences for people, at most 100 columns wide; ends without a line break. */
export function formatFeasibility(feasibility: Feasibility): string {
  const lines = [headline(feasibility), '', ...table(feasibility.groups), ''];
  lines.push(...wrap(basis(feasibility)));
  for (const group of feasibility.groups) {
    if (group.verdict === 'overload') lines.push(...wrap(`${group.label}: ${breaksText(group, feasibility)}`, '! '));
  }
  if (feasibility.remedy !== null) lines.push(...wrap(remedyText(feasibility), '→ '));
  for (const note of feasibility.notes) lines.push(...wrap(note));
  return lines.join('\n');
}

/** What is wrong with a group of segments, as the text of a problem entry. */
export function problemText(group: SegmentGroup, feasibility: Feasibility): { value: string; message: string } {
  const { slots, agents, busySlots, utilisation } = group;
  return {
    value: `${rateText(group)}/min`,
    message:
      `keeps ${whole(busySlots)} slots busy, there are ${whole(slots)} (${whole(agents)} agents × ` +
      `${feasibility.slotsPerAgent}), ${percent(utilisation)} busy; ${breaksText(group, feasibility)}`,
  };
}

/** What would make the load fit, in one sentence. */
export function remedyText({ remedy, expect, slotsPerAgent }: Feasibility): string {
  const ways: string[] = [];
  const { agents, slots, maxRatePerMin, feedForward } = remedy ?? NO_REMEDY;
  if (agents !== null) ways.push(`${whole(agents)} agents`);
  if (slots !== null && slots > slotsPerAgent) ways.push(`${slots} slots per agent`);
  if (maxRatePerMin !== null) ways.push(`all rates lowered alike until the highest is ${whole(maxRatePerMin)}/min`);
  if (feedForward) ways.push('feed-forward scaling (scaling.mode)');
  if (expect === null) ways.push('a scenario that declares the overload (expect: backlog or graceful_degradation)');
  return ways.length === 0 ? 'No number of agents was found that would do.' : `It would fit with ${listOf(ways)}.`;
}

const NO_REMEDY: Remedy = { agents: null, slots: null, maxRatePerMin: null, feedForward: false };

function headline({ verdict, expect, groups }: Feasibility): string {
  if (verdict === 'feasible') return 'Feasible: the load fits the fleet.';
  if (verdict === 'infeasible') return 'Infeasible: the load does not fit the fleet.';
  const refused = groups.reduce((sum, group) => sum + group.refused, 0);
  const excess = refused >= 1 ? `about ${whole(refused)} tasks will be refused` : 'tasks will wait';
  return `Overload, declared (expect: ${expect}): ${excess}.`;
}

function basis({ meanServiceMs, serviceCv, attemptsPerTask, targetP99Ms, queueBound }: Feasibility): string {
  const retries = attemptsPerTask > 1 ? `, ${attemptsPerTask.toFixed(3)} attempts per task` : '';
  return (
    `Mean service time ${seconds(meanServiceMs)} (cv ${serviceCv.toFixed(2)})${retries}. Limits: P99 wait ` +
    `${seconds(targetP99Ms)}, ${whole(queueBound)} tasks waiting. M/M/c: Erlang C with the Allen–Cunneen factor; ` +
    'transient: fluid model with normal scatter, for short or overloaded segments; both: transient while a ' +
    'backlog is worked off, M/M/c after it.'
  );
}

function breaksText(group: SegmentGroup, feasibility: Feasibility): string {
  const texts: Record<Break, string> = {
    p99_wait: `the P99 wait is about ${seconds(group.p99WaitMs)}, allowed are ${seconds(feasibility.targetP99Ms)}`,
    queue_bound: `about ${whole(group.refused)} tasks find the queue of ${whole(feasibility.queueBound)} full`,
    admission: `about ${whole(group.refused)} tasks are refused by admission`,
  };
  return group.breaks.map((one) => texts[one]).join('; ');
}

interface Column {
  readonly title: string;
  readonly left?: true;
  text(group: SegmentGroup): string;
}

const COLUMNS: readonly Column[] = [
  {
    title: 'load',
    left: true,
    text: (group) => shorten(group.count > 1 ? `${shorten(group.label, 8)} ×${group.count}` : group.label, 13),
  },
  { title: 'tasks/min', text: (group) => rateText(group) },
  { title: 'agents', text: (group) => cell(group.agents) },
  { title: 'slots', text: (group) => cell(group.slots) },
  { title: 'busy', text: (group) => cell(group.busySlots) },
  { title: 'use', text: (group) => percent(group.utilisation) },
  { title: 'P99 wait', text: (group) => seconds(group.p99WaitMs) },
  { title: 'by', left: true, text: (group) => group.method },
  { title: 'backlog', text: (group) => cell(group.backlogAtEnd) },
  { title: 'refused', text: (group) => cell(group.refused) },
  { title: 'verdict', left: true, text: (group) => group.verdict },
];

function table(groups: readonly SegmentGroup[]): string[] {
  const rows = [
    COLUMNS.map((column) => column.title),
    ...groups.map((group) => COLUMNS.map((column) => column.text(group))),
  ];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => (row[index] as string).length)));
  const needed = widths.reduce((sum, width) => sum + width, 0);
  const gap = needed + 2 * (COLUMNS.length - 1) <= WIDTH ? '  ' : ' ';
  return rows.map((row) =>
    row
      .map((text, index) => padded(text, index, widths))
      .join(gap)
      .trimEnd(),
  );
}

function padded(text: string, column: number, widths: readonly number[]): string {
  const width = widths[column] as number;
  return COLUMNS[column]?.left === true ? text.padEnd(width) : text.padStart(width);
}

function rateText({ ratePerMin: [low, high] }: SegmentGroup): string {
  return low === high ? rate(low) : `${rate(low)}–${rate(high)}`;
}

function rate(perMin: number): string {
  return perMin >= 100 ? cell(perMin) : String(Math.round(perMin * 10) / 10);
}

function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '∞';
}

/** As {@link whole}, but never wider than 6 characters: `439k`, `1.25M`. */
function cell(value: number): string {
  if (!Number.isFinite(value) || value < 99_999.5) return whole(value);
  return value < 999_500 ? `${whole(value / 1e3)}k` : `${Number((value / 1e6).toPrecision(3))}M`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %` : '∞';
}

function seconds(ms: number): string {
  if (!Number.isFinite(ms)) return '> 30 d';
  if (ms === 0) return '0 s';
  return ms < 99_950 ? `${(ms / 1_000).toFixed(1)} s` : `${whole(ms / 1_000)} s`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function listOf(ways: readonly string[]): string {
  return ways.length === 1 ? (ways[0] as string) : `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
}

/** Breaks at spaces so that no line is longer than 100 columns; further lines are indented under the first. */
function wrap(text: string, prefix = ''): string[] {
  const indent = ' '.repeat(prefix.length);
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line !== prefix && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === prefix || line === '' ? line + word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
