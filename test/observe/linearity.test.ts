import fc from 'fast-check';
import {
  fitScalabilityLaw,
  linearity,
  peakAgents,
  throughputOf,
  type ScalabilityLaw,
} from '../../runtime/observe/linearity.js';

const SIZES = [50, 100, 150, 200];
const pointsOf = (law: ScalabilityLaw, sizes = SIZES): Array<{ agents: number; throughput: number }> =>
  sizes.map((agents) => ({ agents, throughput: throughputOf(law, agents) }));

describe('linearity', () => {
  it('is 1 for a fleet whose throughput doubles with its agents', () => {
    const result = linearity(SIZES.map((agents) => ({ agents, throughput: agents * 6 })));
    expect(result?.ratio).toBeCloseTo(1, 12);
    expect(result?.points.map(({ perAgent }) => perAgent)).toEqual([6, 6, 6, 6]);
    expect(result?.usl?.lambda).toBeCloseTo(6, 9);
    expect(result?.usl?.sigma).toBeCloseTo(0, 9);
    expect(result?.usl?.kappa).toBeCloseTo(0, 9);
  });

  it('compares the largest fleet with the smallest, in whatever order they were measured', () => {
    const result = linearity([
      { agents: 200, throughput: 1_080 },
      { agents: 50, throughput: 300 },
      { agents: 100, throughput: 590 },
    ]);
    expect(result?.ratio).toBeCloseTo(0.9, 12);
    expect(result?.points.map(({ agents }) => agents)).toEqual([50, 100, 200]);
  });

  it('averages what was measured twice at one size', () => {
    const result = linearity([
      { agents: 50, throughput: 290 },
      { agents: 50, throughput: 310 },
      { agents: 200, throughput: 1_200 },
    ]);
    expect(result?.points[0]).toEqual({ agents: 50, throughput: 300, perAgent: 6 });
    expect(result?.usl).toBeNull();
  });

  it.each([
    ['nothing', []],
    ['one size', [{ agents: 50, throughput: 300 }]],
    [
      'one size twice',
      [
        { agents: 50, throughput: 300 },
        { agents: 50, throughput: 300 },
      ],
    ],
    [
      'a smallest fleet that finished nothing',
      [
        { agents: 50, throughput: 0 },
        { agents: 100, throughput: 300 },
      ],
    ],
    [
      'figures that are none',
      [
        { agents: 50, throughput: NaN },
        { agents: 0, throughput: 3 },
        { agents: 100, throughput: 300 },
      ],
    ],
  ])('has no answer for %s', (_what, points) => {
    expect(linearity(points)).toBeNull();
  });
});

describe('the Universal Scalability Law', () => {
  it('gives the closed form: peak at √((1 − σ)/κ)', () => {
    const law = { lambda: 6, sigma: 0.02, kappa: 0.0005 };
    expect(throughputOf(law, 1)).toBe(6);
    const peak = peakAgents(law);
    expect(peak).toBeCloseTo(Math.sqrt(0.98 / 0.0005), 9);
    expect(throughputOf(law, peak)).toBeGreaterThan(throughputOf(law, peak * 1.01));
    expect(throughputOf(law, peak)).toBeGreaterThan(throughputOf(law, peak * 0.99));
    expect(peakAgents({ lambda: 6, sigma: 0.1, kappa: 0 })).toBe(Infinity);
  });

  it('is found again from its own values, for any parameters', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        fc.double({ min: 0, max: 0.001, noNaN: true }),
        (lambda, sigma, kappa) => {
          const law = fitScalabilityLaw(pointsOf({ lambda, sigma, kappa }));
          expect(law?.lambda).toBeCloseTo(lambda, 4);
          expect(law?.sigma).toBeCloseTo(sigma, 5);
          expect(law?.kappa).toBeCloseTo(kappa, 7);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never gets a negative contention or coherence, and still fits better than the plain mean', () => {
    const superlinear = [
      { agents: 50, throughput: 300 },
      { agents: 100, throughput: 620 },
      { agents: 150, throughput: 950 },
      { agents: 200, throughput: 1_300 },
    ];
    const law = fitScalabilityLaw(superlinear);
    expect(law).toMatchObject({ sigma: 0, kappa: 0 });
    expect(law?.lambda).toBeGreaterThan(6);
    expect(law?.lambda).toBeLessThan(6.5);
  });

  it('comes close when the measurement is noisy', () => {
    const noise = [1.004, 0.997, 1.002, 0.996, 1.003, 0.999];
    const points = pointsOf({ lambda: 6, sigma: 0.001, kappa: 0.00001 }, [10, 50, 100, 150, 200, 250]).map(
      (point, i) => ({
        ...point,
        throughput: point.throughput * (noise[i] as number),
      }),
    );
    const law = fitScalabilityLaw(points) as ScalabilityLaw;
    for (const { agents, throughput } of points)
      expect(Math.abs(throughputOf(law, agents) / throughput - 1)).toBeLessThan(0.01);
  });

  it('needs three sizes that finished anything', () => {
    expect(fitScalabilityLaw(pointsOf({ lambda: 6, sigma: 0, kappa: 0 }, [50, 100]))).toBeNull();
    expect(
      fitScalabilityLaw([
        { agents: 50, throughput: 300 },
        { agents: 100, throughput: 600 },
        { agents: 150, throughput: 0 },
      ]),
    ).toBeNull();
  });

  it('holds its numbers together at very large fleets', () => {
    const law = { lambda: 6, sigma: 1e-5, kappa: 1e-9 };
    const found = fitScalabilityLaw(pointsOf(law, [1_000, 5_000, 10_000, 20_000])) as ScalabilityLaw;
    expect(found.lambda / law.lambda).toBeCloseTo(1, 6);
    expect(found.sigma / law.sigma).toBeCloseTo(1, 4);
    expect(found.kappa / law.kappa).toBeCloseTo(1, 4);
  });
});
