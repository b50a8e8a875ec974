import type { TaskMix } from './experiment.js';

/** How long attempts take, over the whole task mix. */
export interface ServiceDistribution {
  readonly meanMs: number;
  /** Squared coefficient of variation of the mix: differences between the types and within each. */
  readonly scv: number;
  /** P(service time > t), t in ms. */
  survival(afterMs: number): number;
}

/**
 * Service times of a task drawn from the mix. Mean and second moment are the mixture's:
 * E[S] = Σ pᵢmᵢ, E[S²] = Σ pᵢmᵢ²(1 + cvᵢ²). The time-out, which cuts the longest attempts off, is left out of both:
 * it lies far out in any sensible spec, and leaving it out errs on the safe side.
 */
export function serviceDistribution(mix: TaskMix): ServiceDistribution {
  const { distribution } = mix.serviceTime;
  const cv = distribution === 'fixed' ? 0 : distribution === 'exponential' ? 1 : mix.serviceTime.cv;
  const meanMs = mix.types.reduce((sum, type) => sum + type.share * type.meanMs, 0);
  const square = mix.types.reduce((sum, type) => sum + type.share * type.meanMs ** 2 * (1 + cv ** 2), 0);
  return {
    meanMs,
    scv: Math.max(0, square / meanMs ** 2 - 1),
    survival: (afterMs) =>
      mix.types.reduce((sum, type) => sum + type.share * survivalOf(distribution, type.meanMs, cv, afterMs), 0),
  };
}

function survivalOf(
  distribution: TaskMix['serviceTime']['distribution'],
  meanMs: number,
  cv: number,
  afterMs: number,
): number {
  if (afterMs <= 0) return 1;
  if (distribution === 'exponential') return Math.exp(-afterMs / meanMs);
  if (distribution === 'fixed' || cv === 0) return afterMs < meanMs ? 1 : 0;
  // Lognormal with mean m and coefficient of variation cv: σ² = ln(1 + cv²), µ = ln m − σ²/2.
  const variance = Math.log1p(cv ** 2);
  return normalTail((Math.log(afterMs / meanMs) + variance / 2) / Math.sqrt(variance));
}

/**
 * P(Z > z) of the standard normal distribution, with a relative error below 1.2e-7 everywhere (the Chebyshev fit of
 * erfc of Press et al., "Numerical Recipes", 2nd ed. 1992, section 6.2).
 */
export function normalTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const polynomial = ERFC_FIT.reduceRight((sum, coefficient) => coefficient + t * sum, 0);
  const tail = (t * Math.exp(-x * x + polynomial)) / 2;
  return z >= 0 ? tail : 1 - tail;
}

const ERFC_FIT = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];
