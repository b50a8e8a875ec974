import { downsample, type Reduction } from '../charts/downsample.js';
import { largest, present } from '../facts.js';

const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * A column of numbers as one line of at most `width` block characters, from 0 at the bottom to `top` (default: the
 * largest value shown). A space stands where nothing was measured.
 */
export function sparkline(
  values: ReadonlyArray<number | null>,
  width: number,
  reduction: Reduction = 'mean',
  top?: number,
): string {
  const points = downsample(values, 1, width, reduction).map(([, value]) => value);
  const highest = top ?? largest(present(points)) ?? 0;
  return points.map((value) => level(value, highest)).join('');
}

/** A bar of at most `width` characters for `value` of `whole`; something that is not nothing has at least one. */
export function textBar(value: number, whole: number, width: number): string {
  if (!(value > 0) || !(whole > 0)) return '';
  return '█'.repeat(Math.min(width, Math.max(1, Math.round((value / whole) * width))));
}

function level(value: number | null, highest: number): string {
  if (value === null) return ' ';
  if (!(highest > 0)) return LEVELS[0] ?? '';
  const index = Math.round((Math.max(value, 0) / highest) * (LEVELS.length - 1));
  return LEVELS[Math.min(index, LEVELS.length - 1)] ?? '';
}
