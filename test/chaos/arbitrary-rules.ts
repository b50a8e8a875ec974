import fc from 'fast-check';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { FAULT_TYPES, type ChaosRules, type Injection } from '../../runtime/spec/experiment.js';

export const DURATION = 30 * MINUTE;

const seconds = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min, max }).map((value) => value * SECOND);

const arbitraryInjection: fc.Arbitrary<Injection> = fc.record({
  type: fc.constantFrom(...FAULT_TYPES),
  everyMs: fc.option(seconds(30, 900)),
  atMs: fc.array(seconds(0, 1_800), { maxLength: 4 }),
  share: fc.double({ min: 0.05, max: 0.5, noNaN: true }),
  durationMs: seconds(1, 300),
  latencyMs: fc.integer({ min: 50, max: 1_000 }),
  factor: fc.integer({ min: 2, max: 5 }),
  zone: fc.option(fc.constantFrom('A', 'B', 'C', 'D')),
});

/** Chaos rules for a run of {@link DURATION}. */
export const arbitraryRules: fc.Arbitrary<ChaosRules> = fc
  .array(arbitraryInjection, { minLength: 1, maxLength: 5 })
  .map((injections) => ({ enabled: true, injections, stop: { errorRate: 0.05, offlineShare: 0.9 } }));
