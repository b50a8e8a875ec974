import { augursModels } from '../../runtime/scaling/adapters/augurs.js';
import { Forecaster } from '../../runtime/scaling/forecast.js';
import type { ForecastModel } from '../../runtime/scaling/port.js';
import { DAY, HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { MONDAY, NO_CALENDAR, PREDICTIVE } from './rules.js';

/** Feeds `hours` of arrivals minute by minute, from `fromHour` of the run on. */
function feed(forecaster: Forecaster, rateAt: (hour: number) => number, hours: number, fromHour = 0): number {
  let at = MONDAY + fromHour * HOUR;
  for (let minute = 0; minute < hours * 60; minute += 1) {
    forecaster.add(at, rateAt((at - MONDAY) / HOUR));
    forecaster.cover(at, at + MINUTE);
    at += MINUTE;
    forecaster.advance(at);
  }
  return at;
}

const dayCurve = (hour: number): number => 400 - 300 * Math.cos((2 * Math.PI * hour) / 24);

describe('the forecaster', () => {
  test('says nothing for the first hour and a half', () => {
    const forecaster = new Forecaster(NO_CALENDAR, []);
    expect(forecaster.peakAhead(feed(forecaster, () => 300, 1.45))).toBeNull();
    expect(forecaster.peakAhead(feed(forecaster, () => 300, 0.2, 1.45))?.ratePerMin).toBeCloseTo(300, 9);
  });

  test('plans for the upper bound of the interval, not for the value expected', () => {
    const forecaster = new Forecaster(NO_CALENDAR, []);
    // 300 and 360 in turn, bucket by bucket: after a 360 the rule has been wrong by 60 either way.
    const at = feed(forecaster, (hour) => (Math.floor(hour * 4 + 1e-6) % 2 === 0 ? 300 : 360), 6);
    expect(forecaster.peakAhead(at)?.ratePerMin).toBeCloseTo(420, 6);
  });

  test('on the second day sees the peak of the first one coming, an hour ahead and not more', () => {
    const forecaster = new Forecaster(NO_CALENDAR, []);
    const spike = (hour: number): number => (hour % 24 >= 12 && hour % 24 < 13 ? 900 : 300);
    feed(forecaster, spike, 24 + 10.5);
    expect(forecaster.peakAhead(MONDAY + 34.5 * HOUR)?.ratePerMin).toBeCloseTo(300, 9);
    feed(forecaster, spike, 0.75, 34.5);
    expect(forecaster.peakAhead(MONDAY + 35.25 * HOUR)).toEqual({
      ratePerMin: 900,
      at: MONDAY + 36 * HOUR,
      model: 'seasonal_naive',
    });
  });

  test('the calendar multiplies the arrivals forecast for its hours', () => {
    const forecaster = new Forecaster(PREDICTIVE, []);
    feed(forecaster, () => 300, 7.5);
    expect(forecaster.peakAhead(MONDAY + 7.5 * HOUR)?.ratePerMin).toBeCloseTo(300 * 1.2, 9);
    feed(forecaster, () => 300, 1, 7.5);
    expect(forecaster.peakAhead(MONDAY + 8.5 * HOUR)?.ratePerMin).toBeCloseTo(300 * 1.2 * 1.3, 9);
  });

  test('chooses by backtest: ETS on a rising morning, the day before once that is better', () => {
    const forecaster = new Forecaster(NO_CALENDAR, augursModels());
    feed(forecaster, dayCurve, 9);
    expect(forecaster.report().chosen).toBe('ets');
    feed(forecaster, dayCurve, 24, 9);
    const report = forecaster.report();
    expect(report.chosen).toBe('seasonal_naive');
    expect(report.candidates.map(({ model }) => model)).toEqual(
      expect.arrayContaining(['ets', 'last_value', 'seasonal_naive']),
    );
    expect(report.candidates[0]?.model).toBe('seasonal_naive');
    expect(report.candidates[0]?.error).toBeLessThan(0.001);
  });

  test("takes over earlier runs' arrivals and backtests its candidates on them", () => {
    const forecaster = new Forecaster(NO_CALENDAR, augursModels());
    const records = Array.from({ length: 7 * 96 }, (_, quarter) => ({
      at: MONDAY - 7 * DAY + quarter * 15 * MINUTE,
      count: 15 * dayCurve(quarter / 4),
      overMs: 15 * MINUTE,
    }));
    forecaster.load(records);
    forecaster.advance(MONDAY);
    const report = forecaster.report();
    expect(report.chosen).toBe('seasonal_naive');
    expect(report.candidates.map(({ model }) => model)).toContain('mstl_ets');
    expect(forecaster.peakAhead(MONDAY + 12 * HOUR)).toBeNull();
    expect(forecaster.peakAhead(MONDAY)?.ratePerMin).toBeCloseTo(dayCurve(1), 6);
  });

  test('a pause is a gap, not a load of zero', () => {
    const forecaster = new Forecaster(NO_CALENDAR, []);
    feed(forecaster, () => 300, 2);
    for (let minute = 0; minute < 120; minute += 1) forecaster.advance(MONDAY + 2 * HOUR + minute * MINUTE);
    const at = feed(forecaster, () => 300, 1, 4);
    expect(forecaster.peakAhead(at)?.ratePerMin).toBeCloseTo(300, 6);
    expect(forecaster.report()).toEqual({
      chosen: 'last_value',
      candidates: [{ model: 'last_value', error: expect.closeTo(0, 9) as number }],
      coverage: 1,
    });
  });

  test('hands out each full bucket once', () => {
    const forecaster = new Forecaster(NO_CALENDAR, []);
    forecaster.advance(MONDAY);
    forecaster.add(MONDAY, 1_000);
    forecaster.cover(MONDAY, MONDAY + 17 * MINUTE);
    expect(forecaster.advance(MONDAY + 16 * MINUTE)).toEqual([
      { startMs: MONDAY, endMs: MONDAY + 15 * MINUTE, ratePerMin: 1_000 / 15 },
    ]);
    expect(forecaster.advance(MONDAY + 17 * MINUTE)).toEqual([]);
    expect(forecaster.advance(MONDAY + 30 * MINUTE)).toEqual([]);
  });

  test('fits each model every half hour, on no more than the lookback', () => {
    const lengths: number[] = [];
    const counting: ForecastModel = {
      name: 'counting',
      forecast: (series) => {
        lengths.push(series.perMin.length);
        return null;
      },
    };
    feed(new Forecaster({ ...NO_CALENDAR, lookbackMs: 12 * HOUR }, [counting]), () => 100, 72);
    expect(lengths.length).toBeLessThanOrEqual(2 * 72 + 6);
    expect(Math.max(...lengths)).toBe(48);
  });

  test('goes on from a snapshot as if it had never stopped', () => {
    const original = new Forecaster(NO_CALENDAR, augursModels());
    feed(original, dayCurve, 7.3);
    const copy = new Forecaster(NO_CALENDAR, augursModels());
    copy.restore(JSON.parse(JSON.stringify(original.snapshot())) as ReturnType<Forecaster['snapshot']>);
    const at = feed(original, dayCurve, 3, 7.3);
    feed(copy, dayCurve, 3, 7.3);
    expect(copy.peakAhead(at)).toEqual(original.peakAhead(at));
    expect(copy.report()).toEqual(original.report());
  });
});
