import { leadTimeMs, meanRatePerMin, peakSegment } from '../../runtime/scaling/feed-forward.js';
import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { fleetRules, loadOf, scalingRules } from './rules.js';

const { segments } = loadOf([10 * MINUTE, 500], [2 * MINUTE, 1_500, 'burst'], [8 * MINUTE, 500]);

describe("the run's own schedule", () => {
  test('asks for agents one slow start-up and one evaluation ahead', () => {
    expect(leadTimeMs(scalingRules(), fleetRules())).toBe(135 * SECOND);
    expect(leadTimeMs(scalingRules(), fleetRules({ startupMs: 200 * SECOND }))).toBe(215 * SECOND);
  });

  test.each([
    ['before the burst comes into sight', 0, 9 * MINUTE, 500],
    ['with the burst at the end of the stretch', 8 * MINUTE, 10 * MINUTE, 1_500],
    ['within the burst', 11 * MINUTE, 11.5 * MINUTE, 1_500],
    ['after the burst', 12 * MINUTE, 14 * MINUTE, 500],
    ['over everything', 0, HOUR, 1_500],
  ])('sees the highest rate ahead: %s', (_, from, to, rate) => {
    expect(peakSegment(segments, from, to)?.ratePerMin).toBe(rate);
  });

  test('nothing is ahead after its end', () => {
    expect(peakSegment(segments, 20 * MINUTE, HOUR)).toBeNull();
  });

  test('the mean rate weighs segments by their time, and nothing arrives outside', () => {
    expect(meanRatePerMin(segments, 9 * MINUTE, 11 * MINUTE)).toBe(1_000);
    expect(meanRatePerMin(segments, 19 * MINUTE, 21 * MINUTE)).toBe(250);
    expect(meanRatePerMin(segments, 0, 20 * MINUTE)).toBe(600);
  });
});
