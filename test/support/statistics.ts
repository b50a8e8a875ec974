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

/** An estimate with its 99 % confidence interval: mean ± halfWidth. */
export interface Estimate {
  readonly mean: number;
  readonly halfWidth: number;
}

/** Something measured along with what is to be estimated, and what theory says it is on average. */
export interface Control {
  readonly values: readonly number[];
  readonly expected: number;
}

/** 99 % interval of the mean from batch means, which are nearly independent and normal. */
export function batchMeans(batches: readonly number[]): Estimate {
  return controlledMeans(batches, []);
}

/**
 * 99 % interval from batch means with control variates: what the controls were off by in this run, and what that did to
 * the estimate, is taken out by regression (Lavenberg and Welch, Management Science 27, 1981, section 3). Without
 * controls it is the plain interval.
 */
export function controlledMeans(batches: readonly number[], controls: readonly Control[]): Estimate {
  const n = batches.length;
  const center = mean(batches);
  const rows = controls.map(({ values }) => values.map((value) => value - mean(values)));
  const products = rows.map((row) => rows.map((other) => sum(row.map((value, i) => value * other[i]!))));
  const slopes = solve(
    products,
    rows.map((row) => sum(row.map((value, i) => value * (batches[i]! - center)))),
  );
  const offBy = controls.map(({ values, expected }) => mean(values) - expected);
  const residuals = batches.map((value, i) => value - center - sum(slopes.map((slope, k) => slope * rows[k]![i]!)));
  const degrees = n - 1 - controls.length;
  const spread = sum(residuals.map((residual) => residual ** 2)) / degrees;
  const leverage = 1 / n + sum(solve(products, offBy).map((weight, k) => weight * offBy[k]!));
  return {
    mean: center - sum(slopes.map((slope, k) => slope * offBy[k]!)),
    halfWidth: student99(degrees) * Math.sqrt(spread * leverage),
  };
}

/** Whether the interval holds a value. */
export function holds({ mean: center, halfWidth }: Estimate, value: number): boolean {
  return Math.abs(center - value) <= halfWidth;
}

/** Two-sided 99 % quantile of Student's t, from 20 degrees on to three decimals (Fisher's expansion). */
function student99(degrees: number): number {
  const z = 2.575_829_3;
  const first = (z ** 3 + z) / (4 * degrees);
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3);
  return z + first + second + third;
}

/** Solves a small system of linear equations (Gauss and Jordan, with pivots). */
function solve(matrix: ReadonlyArray<readonly number[]>, right: readonly number[]): number[] {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < n; row += 1) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < n; row += 1) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let k = column; k <= n; k += 1) rows[row]![k]! -= factor * rows[column]![k]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}
