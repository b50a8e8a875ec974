/** A value axis in round steps. */
export interface Scale {
  readonly max: number;
  readonly interval: number;
}

/**
 * Round steps (1, 2, 2.5 or 5 times a power of ten) from `min` to at least `highest`, about `parts` of them.
 */
export function niceScale(min: number, highest: number, parts: number): Scale {
  const span = highest > min ? highest - min : 1;
  const interval = niceAbove(span / parts);
  // Without the small allowance 0.3 ÷ 0.1 would need four steps.
  return { interval, max: min + Math.ceil(span / interval - 1e-9) * interval };
}

/** The next of 1, 2, 2.5, 5, 10, … (times a power of ten) that is at least `value`, which is above 0. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10) * power;
}
