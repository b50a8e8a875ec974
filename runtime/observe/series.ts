import type { FleetSample } from '../agents/port.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import { bucketOf, LogBuckets } from './log-buckets.js';

/** Most rows a report carries. */
export const MOST_ROWS = 2_160;
/** Row lengths that people can read off an axis, s. */
const STEPS = [1, 2, 5, 10, 15, 20, 30, 40, 60, 75, 100, 120, 150, 180, 240, 300, 600, 900, 1_200, 1_800, 3_600];

/** Row length for a run of `durationMs`, with room for its drain at the end. */
export function rowLengthMs(durationMs: number): number {
  const needed = durationMs * 1.02 + 5 * MINUTE;
  const seconds = STEPS.find((step) => step * SECOND * MOST_ROWS >= needed);
  return seconds === undefined ? Math.ceil(needed / MOST_ROWS / (3_600 * SECOND)) * 3_600 * SECOND : seconds * SECOND;
}

/** How two rows become one, and what an empty one holds. */
type Rule = 'sum' | 'largest' | 'smallest' | 'last';
const EMPTY: Readonly<Record<Rule, number>> = { sum: 0, largest: NaN, smallest: NaN, last: NaN };

const COLUMNS = {
  offered: 'sum',
  completed: 'sum',
  failed: 'sum',
  shed: 'sum',
  retried: 'sum',
  p50: 'largest',
  p90: 'largest',
  p99: 'largest',
  completionP99: 'largest',
  queueDepth: 'largest',
  agentsTarget: 'last',
  agentsActive: 'smallest',
  samples: 'sum',
  busySlots: 'sum',
  slots: 'sum',
  cpu: 'sum',
  memory: 'last',
  cost: 'last',
  canaries: 'sum',
  canariesWithin: 'sum',
  dispatchLag: 'largest',
} as const satisfies Record<string, Rule>;

type ColumnName = keyof typeof COLUMNS;
const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];

/** One value per row; NaN = nothing was measured. */
export type SeriesColumns = Readonly<Record<ColumnName, Float64Array>>;

export interface SeriesJson {
  readonly start: number;
  readonly rowMs: number;
  readonly rows: number;
  /** null = nothing was measured. */
  readonly columns: Readonly<Record<string, ReadonlyArray<number | null>>>;
  readonly zones: Readonly<Record<string, ReadonlyArray<number | null>>>;
  readonly response: readonly number[];
  readonly completion: readonly number[];
}

/**
 * The run in rows of equal length: what the report's charts are drawn from. Its size is fixed before the run; when a
 * run takes longer than planned (pauses), pairs of rows are merged and rows become twice as long. Merged percentiles
 * are the higher of the two, since percentiles cannot be averaged.
 */
export class Series {
  private readonly columns: Record<ColumnName, Float64Array> = newColumns();
  private readonly zones = new Map<string, Float64Array>();
  private row = 0;
  private rowEnd: number;
  private response = new LogBuckets();
  private completion = new LogBuckets();

  constructor(
    private readonly start: number,
    private rowMs: number,
    zones: readonly string[],
  ) {
    this.rowEnd = start + rowMs;
    for (const zone of zones) this.zones.set(zone, newColumn('smallest'));
  }

  count(column: 'offered' | 'completed' | 'failed' | 'shed' | 'retried', at: number): void {
    if (at >= this.rowEnd) this.advance(at);
    const data = this.columns[column];
    data[this.row] = (data[this.row] as number) + 1;
  }

  responseLatency(at: number, latencyMs: number): void {
    if (at >= this.rowEnd) this.advance(at);
    this.response.add(bucketOf(latencyMs));
  }

  completionLatency(at: number, latencyMs: number): void {
    if (at >= this.rowEnd) this.advance(at);
    this.completion.add(bucketOf(latencyMs));
  }

  dispatchLag(at: number, lagMs: number): void {
    if (at >= this.rowEnd) this.advance(at);
    keepLargest(this.columns.dispatchLag, this.row, lagMs);
  }

  /** Canaries count for the row in which they were sent. */
  canary(column: 'canaries' | 'canariesWithin', sentAt: number): void {
    if (sentAt >= this.rowEnd) this.advance(sentAt);
    const row = Math.max(0, Math.floor((sentAt - this.start) / this.rowMs));
    const data = this.columns[column];
    data[row] = (data[row] as number) + 1;
  }

  /** A look at the fleet; one taken at the end of a row closes it. */
  sample(now: number, fleet: FleetSample, queueDepth: number, costUsd: number): void {
    if (now > this.rowEnd) this.advance(now);
    const { columns, row } = this;
    keepLargest(columns.queueDepth, row, queueDepth);
    keepSmallest(columns.agentsActive, row, fleet.active);
    columns.agentsTarget[row] = fleet.target;
    columns.memory[row] = fleet.memoryBytes;
    columns.cost[row] = costUsd;
    columns.samples[row] = (columns.samples[row] as number) + 1;
    columns.busySlots[row] = (columns.busySlots[row] as number) + fleet.busySlots;
    columns.slots[row] = (columns.slots[row] as number) + fleet.slots;
    // No agent, no CPU in use.
    columns.cpu[row] = (columns.cpu[row] as number) + (Number.isNaN(fleet.cpu) ? 0 : fleet.cpu);
    for (const [zone, data] of this.zones) keepSmallest(data, row, fleet.byZone[zone] ?? 0);
  }

  /** A copy of what there is so far, the row under way included. */
  snapshot(): { start: number; rowMs: number; columns: SeriesColumns; zones: ReadonlyMap<string, Float64Array> } {
    this.closeQuantiles();
    const rows = this.row + 1;
    const columns = mapColumns((name) => this.columns[name].slice(0, rows));
    const zones = new Map([...this.zones].map(([zone, data]) => [zone, data.slice(0, rows)]));
    return { start: this.start, rowMs: this.rowMs, columns, zones };
  }

  toJSON(): SeriesJson {
    const { start, rowMs, columns, zones } = this.snapshot();
    return {
      start,
      rowMs,
      rows: this.row + 1,
      columns: mapColumns((name) => toNulls(columns[name])),
      zones: Object.fromEntries([...zones].map(([zone, data]) => [zone, toNulls(data)])),
      response: this.response.toJSON(),
      completion: this.completion.toJSON(),
    };
  }

  static fromJSON(json: SeriesJson): Series {
    const series = new Series(json.start, json.rowMs, Object.keys(json.zones));
    series.row = json.rows - 1;
    series.rowEnd = json.start + json.rows * json.rowMs;
    for (const name of COLUMN_NAMES) fromNulls(json.columns[name] ?? [], series.columns[name]);
    for (const [zone, data] of series.zones) fromNulls(json.zones[zone] ?? [], data);
    series.response = LogBuckets.fromJSON(json.response);
    series.completion = LogBuckets.fromJSON(json.completion);
    return series;
  }

  private advance(at: number): void {
    let row = Math.floor((at - this.start) / this.rowMs);
    this.closeQuantiles();
    this.response.clear();
    this.completion.clear();
    while (row >= MOST_ROWS) {
      this.mergePairs();
      row = Math.floor((at - this.start) / this.rowMs);
    }
    this.row = row;
    this.rowEnd = this.start + (row + 1) * this.rowMs;
  }

  private closeQuantiles(): void {
    const { columns, row, response, completion } = this;
    if (response.count > 0) {
      columns.p50[row] = response.quantile(0.5);
      columns.p90[row] = response.quantile(0.9);
      columns.p99[row] = response.quantile(0.99);
    }
    if (completion.count > 0) columns.completionP99[row] = completion.quantile(0.99);
  }

  private mergePairs(): void {
    for (const name of COLUMN_NAMES) mergePairs(this.columns[name], COLUMNS[name]);
    for (const data of this.zones.values()) mergePairs(data, 'smallest');
    this.rowMs *= 2;
  }
}

function newColumn(rule: Rule): Float64Array {
  return new Float64Array(MOST_ROWS).fill(EMPTY[rule]);
}

function newColumns(): Record<ColumnName, Float64Array> {
  return mapColumns((name) => newColumn(COLUMNS[name]));
}

function mapColumns<T>(make: (name: ColumnName) => T): Record<ColumnName, T> {
  return Object.fromEntries(COLUMN_NAMES.map((name) => [name, make(name)])) as Record<ColumnName, T>;
}

function keepLargest(data: Float64Array, row: number, value: number): void {
  if (!((data[row] as number) >= value)) data[row] = value;
}

function keepSmallest(data: Float64Array, row: number, value: number): void {
  if (!((data[row] as number) <= value)) data[row] = value;
}

function mergePairs(data: Float64Array, rule: Rule): void {
  const half = MOST_ROWS / 2;
  for (let row = 0; row < half; row += 1) data[row] = merge(data[2 * row] as number, data[2 * row + 1] as number, rule);
  data.fill(EMPTY[rule], half);
}

function merge(first: number, second: number, rule: Rule): number {
  if (Number.isNaN(first)) return second;
  if (Number.isNaN(second)) return first;
  switch (rule) {
    case 'sum':
      return first + second;
    case 'largest':
      return Math.max(first, second);
    case 'smallest':
      return Math.min(first, second);
    case 'last':
      return second;
  }
}

function toNulls(data: Float64Array): Array<number | null> {
  return Array.from(data, (value) => (Number.isNaN(value) ? null : value));
}

function fromNulls(values: ReadonlyArray<number | null>, into: Float64Array): void {
  values.forEach((value, row) => (into[row] = value ?? NaN));
}
