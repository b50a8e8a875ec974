import fc from 'fast-check';
import { metricValue, normalise, scoreOf } from '../../runtime/scaling/score.js';
import type { ScalingMetric } from '../../runtime/spec/experiment.js';
import { calmInputs, scalingRules } from './rules.js';
import { MINUTE } from '../../runtime/kernel/units.js';

const { metrics } = scalingRules();
const metric = (name: ScalingMetric['name']): ScalingMetric =>
  metrics.find((candidate) => candidate.name === name) as ScalingMetric;

describe('the normalised score', () => {
  test.each([
    ['queue_depth', 20, 0],
    ['queue_depth', 60, 0.5],
    ['queue_depth', 100, 1],
    ['queue_depth', 500, 2],
    ['queue_depth', 0, 0],
    ['avg_wait_time', 30_000, 1],
    ['avg_wait_time', 42_500, 1.5],
    ['cpu_utilization', 0.3, 0],
    ['cpu_utilization', 0.7, 1],
    ['error_rate', 0.001, 0],
    ['error_rate', 0.05, 1],
  ] as const)('%s of %d counts %d', (name, value, expected) => {
    expect(normalise(value, metric(name))).toBeCloseTo(expected, 12);
  });

  test.each([
    ['all at their lower thresholds', { queueDepth: 20, avgWaitMs: 5_000, cpu: 0.3, errorRate: 0.001 }, 0],
    ['all at their upper thresholds', { queueDepth: 100, avgWaitMs: 30_000, cpu: 0.7, errorRate: 0.05 }, 1],
    [
      'all far beyond',
      { queueDepth: 1e6, avgWaitMs: 1e9, cpu: 1, errorRate: 1 },
      0.4 * 2 + 0.3 * 2 + 0.2 * 1.75 + 0.1 * 2,
    ],
    ['only the queue at its upper threshold', { queueDepth: 100, avgWaitMs: 0, cpu: 0, errorRate: 0 }, 0.4],
    ['only the errors at their upper threshold', { queueDepth: 0, avgWaitMs: 0, cpu: 0, errorRate: 0.05 }, 0.1],
  ])('is the weighted sum: %s', (_, inputs, expected) => {
    expect(scoreOf(metrics, calmInputs(inputs), MINUTE)).toBeCloseTo(expected, 12);
  });

  test('refused tasks of the window count as queued ones', () => {
    expect(metricValue('queue_depth', calmInputs({ queueDepth: 10, refusedPerMin: 300 }), 30_000)).toBe(160);
  });

  test('lies between 0 and 2 and never falls when a metric rises', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const inputs = fc.record({
      queueDepth: fc.double({ min: 0, max: 5_000, noNaN: true }),
      avgWaitMs: fc.double({ min: 0, max: 600_000, noNaN: true }),
      cpu: share,
      errorRate: share,
    });
    fc.assert(
      fc.property(
        inputs,
        fc.constantFrom('queueDepth', 'avgWaitMs', 'cpu', 'errorRate'),
        share,
        (values, name, more) => {
          const score = scoreOf(metrics, calmInputs(values), MINUTE);
          const higher = scoreOf(metrics, calmInputs({ ...values, [name]: values[name] * (1 + more) }), MINUTE);
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(2 + 1e-9);
          expect(higher).toBeGreaterThanOrEqual(score - 1e-12);
        },
      ),
    );
  });
});
