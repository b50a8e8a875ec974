/** How several buckets become the one or two points a chart has room for. */
export type Reduction = 'extremes' | 'min' | 'max' | 'mean' | 'median' | 'last';

export type Point = [x: number, y: number | null];

/**
 * Points of a column of buckets for a chart `columns` pixels wide; `x` of bucket i is `(i + 0.5) · step`.
 * `extremes` keeps the lowest and the highest value of each pixel column in their order, so that no spike is lost
 * however long the run was; the others give one point a column. Columns without a value break the line (`null`).
 */
export function downsample(
  values: ReadonlyArray<number | null>,
  step: number,
  columns: number,
  reduction: Reduction,
): Point[] {
  const perColumn = Math.max(1, Math.ceil(values.length / columns));
  const points: Point[] = [];
  for (let from = 0; from < values.length; from += perColumn) {
    const to = Math.min(from + perColumn, values.length);
    const present = indicesOfNumbers(values, from, to);
    const middle = ((from + to) / 2) * step;
    if (present.length === 0) points.push([middle, null]);
    else if (reduction === 'extremes') points.push(...extremes(values, present, step));
    else
      points.push([
        middle,
        reduce(
          present.map((index) => values[index] as number),
          reduction,
        ),
      ]);
  }
  return points;
}

function indicesOfNumbers(values: ReadonlyArray<number | null>, from: number, to: number): number[] {
  const indices: number[] = [];
  for (let index = from; index < to; index += 1) {
    const value = values[index];
    if (value !== null && value !== undefined && Number.isFinite(value)) indices.push(index);
  }
  return indices;
}

function extremes(values: ReadonlyArray<number | null>, present: readonly number[], step: number): Point[] {
  const at = (index: number): number => values[index] as number;
  const lowest = present.reduce((best, index) => (at(index) < at(best) ? index : best));
  const highest = present.reduce((best, index) => (at(index) > at(best) ? index : best));
  const kept = lowest === highest ? [lowest] : [Math.min(lowest, highest), Math.max(lowest, highest)];
  return kept.map((index) => [(index + 0.5) * step, at(index)]);
}

function reduce(values: readonly number[], reduction: Exclude<Reduction, 'extremes'>): number {
  if (reduction === 'min') return values.reduce((a, b) => Math.min(a, b));
  if (reduction === 'max') return values.reduce((a, b) => Math.max(a, b));
  if (reduction === 'median') return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] as number;
  if (reduction === 'last') return values.at(-1) as number;
  return values.reduce((a, b) => a + b, 0) / values.length;
}
