/** Statistics for tests; the seeds are fixed, so a bound that holds once holds for ever. */

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** Unbiased sample variance. */
export function variance(values: readonly number[]): number {
  const center = mean(values);
  return sum(values.map((value) => (value - center) ** 2)) / (values.length - 1);
}

/** Pearson's correlation of two samples of the same length. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const covariance = sum(a.map((value, i) => (value - meanA) * (b[i]! - meanB))) / (a.length - 1);
  return covariance / Math.sqrt(variance(a) * variance(b));
}

/** Pearson's χ² of counts that should all be equal. */
export function chiSquare(counts: readonly number[]): number {
  const expected = mean(counts);
  return sum(counts.map((count) => (count - expected) ** 2 / expected));
}

/** χ² that the given degrees of freedom exceed with a chance of 1 in 10,000 (Wilson and Hilferty 1931). */
export function chiSquareLimit(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 3.719 * Math.sqrt(spread)) ** 3;
}

/** The value below which the share `q` of a sample lies (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}
