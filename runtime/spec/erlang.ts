/**
 * Waiting in a system of many servers with one queue, in its steady state. All formulas take the offered load
 * `a = λ·S` (Erlangs: the mean number of busy servers) and the number of servers `c`; times are milliseconds.
 *
 * Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
 * telephone exchanges", 1917 (blocking and delay formulas); R. B. Cooper, "Introduction to Queueing Theory", 2nd ed.
 * 1981, section 3.4 (recursion, distribution of the wait); A. O. Allen, "Probability, Statistics, and Queueing Theory",
 * 2nd ed. 1990, section 5.4 (Allen–Cunneen approximation for general arrivals and service); A. Cobham, "Priority
 * assignment in waiting line problems", 1954 (mean waits of the priorities of M/M/c without pre-emption).
 */

/**
 * Probability that all `servers` are busy when those who find them busy go away (Erlang B).
 * Runs the recursion on 1/B, which only grows, so that it neither overflows nor cancels: with a very light load 1/B
 * becomes Infinity and B is 0, as it is to 300 digits. Time linear in `servers`.
 */
export function erlangB(servers: number, offeredLoad: number): number {
  assertLoad(servers, offeredLoad);
  if (offeredLoad === 0) return servers === 0 ? 1 : 0;
  let inverse = 1;
  for (let n = 1; n <= servers && inverse !== Infinity; n += 1) inverse = 1 + (n / offeredLoad) * inverse;
  return 1 / inverse;
}

/** Probability that an arrival must wait in M/M/c (Erlang C); 1 when the offered load is not below the servers. */
export function erlangC(servers: number, offeredLoad: number): number {
  if (offeredLoad >= servers) return 1;
  const blocked = erlangB(servers, offeredLoad);
  return blocked / (1 - (offeredLoad / servers) * (1 - blocked));
}

/** A stable or overloaded many-server queue in its steady state. */
export interface ManyServerQueue {
  readonly servers: number;
  readonly offeredLoad: number;
  readonly meanServiceMs: number;
  /**
   * Allen–Cunneen's factor (ca² + cs²)/2 from the squared coefficients of variation of the times between arrivals
   * and of the service times; 1 is M/M/c. The mean wait is multiplied by it.
   */
  readonly variability: number;
  /**
   * Shares of the arrivals by priority, the most important first; they sum to 1. `[1]` is first come, first served.
   * A waiting task is overtaken by every more important one.
   */
  readonly shares: readonly number[];
}

/** (ca² + cs²)/2. `uniform` arrivals are evenly spaced (ca² = 0), `poisson` arrivals have ca² = 1. */
export function allenCunneen(process: 'uniform' | 'poisson', serviceScv: number): number {
  return ((process === 'poisson' ? 1 : 0) + serviceScv) / 2;
}

/** Mean wait of all arrivals in ms; Infinity when the load is not below the servers. */
export function meanWaitMs(queue: ManyServerQueue): number {
  const { servers, offeredLoad, meanServiceMs, variability } = queue;
  if (offeredLoad >= servers) return Infinity;
  return (erlangC(servers, offeredLoad) * variability * meanServiceMs) / (servers - offeredLoad);
}

/**
 * P(W > t) of an arrival of the given mix, as a function of t in ms.
 *
 * First come, first served: C·exp(−(cµ − λ)·t/f) with Allen–Cunneen's factor f. With priorities each class has
 * Cobham's mean wait, C·f·S/(c·(1 − σₖ₋₁)(1 − σₖ)), σₖ being the utilisation by class k and the more important ones,
 * and an exponential tail of that mean: exact for the most important class, close for the others (a single class
 * gives the formula above). The whole is the mixture by share.
 */
export function waitTail(queue: ManyServerQueue): (afterMs: number) => number {
  const { servers, offeredLoad, meanServiceMs, variability, shares } = queue;
  if (offeredLoad >= servers) return () => 1;
  const delayed = erlangC(servers, offeredLoad);
  if (variability <= 0) return () => 0;
  const utilisation = offeredLoad / servers;
  const classes: { share: number; decayPerMs: number }[] = [];
  let above = 0;
  for (const share of shares) {
    const upTo = above + share * utilisation;
    classes.push({ share, decayPerMs: (servers * (1 - above) * (1 - upTo)) / (meanServiceMs * variability) });
    above = upTo;
  }
  return (afterMs) =>
    delayed * classes.reduce((sum, { share, decayPerMs }) => sum + share * Math.exp(-decayPerMs * afterMs), 0);
}

/** The wait in ms that the share `q` (0–1) of all arrivals does not exceed; 0 when fewer than 1 − q wait at all. */
export function waitQuantileMs(queue: ManyServerQueue, q: number): number {
  return quantileOfTail(waitTail(queue), q);
}

/** Longest wait that is told apart, ms: 30 days. */
const LONGEST_MS = 2_592_000_000;

/**
 * The x ≥ 0 at which a falling tail P(W > x) reaches 1 − q, by bisection to 0.1 ms or 9 digits; Infinity when it does
 * not get there within 30 days.
 */
export function quantileOfTail(tail: (x: number) => number, q: number): number {
  const beyond = 1 - q;
  if (tail(0) <= beyond) return 0;
  let low = 0;
  let high = 1_000;
  while (tail(high) > beyond) {
    low = high;
    high *= 2;
    if (high > LONGEST_MS) return Infinity;
  }
  while (high - low > Math.max(0.1, high * 1e-9)) {
    const middle = (low + high) / 2;
    if (tail(middle) > beyond) low = middle;
    else high = middle;
  }
  return high;
}

function assertLoad(servers: number, offeredLoad: number): void {
  if (!Number.isInteger(servers) || servers < 0)
    throw new RangeError(`servers must be a whole number ≥ 0, got ${servers}`);
  if (!(offeredLoad >= 0)) throw new RangeError(`the offered load must be ≥ 0, got ${offeredLoad}`);
}
