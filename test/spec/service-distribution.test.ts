import { normalTail, serviceDistribution } from '../../runtime/spec/service-distribution.js';
import { sampleExperiment } from './sample-experiment.js';

const mix = sampleExperiment().tasks;

describe('The service time of the mix', () => {
  it('is 38 s on average for the document’s task types', () => {
    expect(serviceDistribution(mix).meanMs).toBeCloseTo(38_000, 6);
  });

  it('scatters by the differences between the types and within them', () => {
    // Σ share·mean² = 1750 s²; (1 + cv²)·1750/38² − 1.
    expect(serviceDistribution(mix).scv).toBeCloseTo((1.25 * 1750) / 38 ** 2 - 1, 12);
    const fixed = serviceDistribution({ ...mix, serviceTime: { distribution: 'fixed', cv: 0.5 } });
    expect(fixed.scv).toBeCloseTo(1750 / 38 ** 2 - 1, 12);
    const exponential = serviceDistribution({ ...mix, serviceTime: { distribution: 'exponential', cv: 0.5 } });
    expect(exponential.scv).toBeCloseTo((2 * 1750) / 38 ** 2 - 1, 12);
  });

  it.each(['fixed', 'exponential', 'lognormal'] as const)(
    'has a %s survival that integrates to the mean',
    (distribution) => {
      const service = serviceDistribution({ ...mix, serviceTime: { distribution, cv: 0.5 } });
      let integral = 0;
      for (let t = 50; t < 2_000_000; t += 100) integral += service.survival(t) * 100;
      expect(integral / service.meanMs).toBeCloseTo(1, 4);
      expect(service.survival(0)).toBe(1);
    },
  );

  it('uses a normal tail that is right far out', () => {
    expect(normalTail(0)).toBeCloseTo(0.5, 7);
    expect(normalTail(1.959964)).toBeCloseTo(0.025, 7);
    expect(normalTail(-1.959964)).toBeCloseTo(0.975, 7);
    expect(normalTail(6) / 9.8659e-10).toBeCloseTo(1, 4);
  });
});
