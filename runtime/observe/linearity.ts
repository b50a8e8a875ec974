/** Throughput at saturation of a fleet of `agents`, tasks/min. */
export interface ScalePoint {
  readonly agents: number;
  readonly throughput: number;
}

/**
 * Universal Scalability Law: X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), with λ the throughput of one agent, σ the
 * share of work that agents contend for and κ the cost of keeping them coherent
 * (N. J. Gunther, Guerrilla Capacity Planning, 2007).
 */
export interface ScalabilityLaw {
  lambda: number;
  sigma: number;
  kappa: number;
}

/** Same shape as in `report.json`. */
export interface Linearity {
  /** Throughput per agent at the largest fleet ÷ at the smallest; 1 = linear. */
  ratio: number;
  points: Array<{ agents: number; throughput: number; perAgent: number }>;
  /** Null when there are fewer than three fleet sizes to fit it to. */
  usl: ScalabilityLaw | null;
}

/**
 * How throughput grows with the fleet. Points of the same fleet size are averaged. Null when fewer than two sizes
 * were measured, or the smallest fleet finished nothing: then there is no ratio.
 */
export function linearity(points: readonly ScalePoint[]): Linearity | null {
  const measured = bySize(points);
  const smallest = measured[0];
  const largest = measured.at(-1);
  if (smallest === undefined || largest === undefined || measured.length < 2 || smallest.throughput === 0) return null;
  const withShare = measured.map(({ agents, throughput }) => ({ agents, throughput, perAgent: throughput / agents }));
  const ratio = largest.throughput / largest.agents / (smallest.throughput / smallest.agents);
  return { ratio, points: withShare, usl: fitScalabilityLaw(measured) };
}

/** Throughput the law foretells for a fleet of `agents`, tasks/min. */
export function throughputOf({ lambda, sigma, kappa }: ScalabilityLaw, agents: number): number {
  return (lambda * agents) / (1 + sigma * (agents - 1) + kappa * agents * (agents - 1));
}

/** Fleet size beyond which the law says that more agents finish less: √((1 − σ)/κ); Infinity without coherence cost. */
export function peakAgents({ sigma, kappa }: ScalabilityLaw): number {
  return kappa === 0 ? Infinity : Math.sqrt(Math.max(0, 1 - sigma) / kappa);
}

/**
 * Least squares on the law's linear form N/X = a + b(N − 1) + cN(N − 1) with a = 1/λ, b = σ/λ, c = κ/λ and b, c ≥ 0
 * (a negative contention or coherence has no meaning). Rows are weighted by X/N, so that relative deviations of
 * throughput count alike at every size. Null with fewer than three sizes that finished anything.
 */
export function fitScalabilityLaw(points: readonly ScalePoint[]): ScalabilityLaw | null {
  const measured = bySize(points).filter(({ throughput }) => throughput > 0);
  if (measured.length < 3) return null;
  const rows = measured.map(({ agents, throughput }) => {
    const weight = throughput / agents;
    return [weight, weight * (agents - 1), weight * agents * (agents - 1)];
  });
  // Every row's right-hand side is N/X · X/N = 1. With at most two constrained terms, non-negative least squares is
  // the best of the four fits that leave some of them out.
  const fits = [[0, 1, 2], [0, 1], [0, 2], [0]].flatMap((columns) => {
    const solution = leastSquares(rows, columns);
    if (solution === null) return [];
    const [a = 0, b = 0, c = 0] = solution;
    return a > 0 && b >= 0 && c >= 0 ? [{ a, b, c, error: squaredError(rows, [a, b, c]) }] : [];
  });
  const best = fits.reduce<(typeof fits)[number] | null>(
    (least, fit) => (least === null || fit.error < least.error ? fit : least),
    null,
  );
  return best === null ? null : { lambda: 1 / best.a, sigma: best.b / best.a, kappa: best.c / best.a };
}

/** One point per fleet size in ascending order; what is not a number, or no fleet, is left out. */
function bySize(points: readonly ScalePoint[]): ScalePoint[] {
  const sums = new Map<number, { total: number; count: number }>();
  for (const { agents, throughput } of points) {
    if (!(agents > 0) || !(throughput >= 0) || !Number.isFinite(agents + throughput)) continue;
    const sum = sums.get(agents) ?? { total: 0, count: 0 };
    sums.set(agents, { total: sum.total + throughput, count: sum.count + 1 });
  }
  return [...sums]
    .map(([agents, { total, count }]) => ({ agents, throughput: total / count }))
    .sort((a, b) => a.agents - b.agents);
}

/** Minimises Σ(row·x − 1)² over the given columns (others 0); null when they are not independent. */
function leastSquares(rows: readonly number[][], columns: readonly number[]): number[] | null {
  // Columns of unit length first: N(N − 1) is thousands of times 1, and the normal equations square that.
  const lengths = columns.map((column) => Math.hypot(...rows.map((row) => row[column] as number)));
  const scaled = rows.map((row) => columns.map((column, j) => (row[column] as number) / (lengths[j] as number)));
  const solution = orthogonalSolve(scaled, columns.length);
  if (solution === null) return null;
  const result = [0, 0, 0];
  columns.forEach((column, j) => {
    result[column] = (solution[j] as number) / (lengths[j] as number);
  });
  return result;
}

/** Modified Gram–Schmidt on [A | 1]: numerically as good as Householder for so few columns. */
function orthogonalSolve(rows: readonly number[][], width: number): number[] | null {
  const basis = Array.from({ length: width }, (_, j) => rows.map((row) => row[j] as number));
  const rest = rows.map(() => 1);
  const upper = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  const rightHand: number[] = [];
  for (let j = 0; j < width; j += 1) {
    const column = basis[j] as number[];
    const length = Math.hypot(...column);
    if (!(length > 1e-10)) return null;
    (upper[j] as number[])[j] = length;
    const unit = column.map((x) => x / length);
    for (let k = j + 1; k < width; k += 1) (upper[j] as number[])[k] = subtractProjection(basis[k] as number[], unit);
    rightHand.push(subtractProjection(rest, unit));
  }
  const solution = new Array<number>(width).fill(0);
  for (let j = width - 1; j >= 0; j -= 1) {
    let sum = rightHand[j] as number;
    for (let k = j + 1; k < width; k += 1) sum -= ((upper[j] as number[])[k] as number) * (solution[k] as number);
    solution[j] = sum / ((upper[j] as number[])[j] as number);
  }
  return solution;
}

/** Takes out of `vector` its part along `unit`, and returns how much that was. */
function subtractProjection(vector: number[], unit: readonly number[]): number {
  const part = vector.reduce((sum, x, i) => sum + x * (unit[i] as number), 0);
  for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) - part * (unit[i] as number);
  return part;
}

function squaredError(rows: readonly number[][], x: readonly number[]): number {
  return rows.reduce(
    (sum, row) => sum + (row.reduce((dot, value, j) => dot + value * (x[j] as number), 0) - 1) ** 2,
    0,
  );
}
