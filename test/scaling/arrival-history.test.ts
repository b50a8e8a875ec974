import { ArrivalHistory } from '../../runtime/scaling/arrival-history.js';
import { DAY, HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { MONDAY } from './rules.js';

const BUCKET = 5 * MINUTE;

function historyOf(lookbackMs = DAY): ArrivalHistory {
  return new ArrivalHistory(BUCKET, lookbackMs);
}

/** Offers `rate` per minute from `from` to `to`. */
function offer(history: ArrivalHistory, from: number, to: number, rate: number): void {
  history.addRecord({ at: from, count: (rate * (to - from)) / MINUTE, overMs: to - from });
}

describe('the history of arrivals', () => {
  test('turns counts into rates per minute', () => {
    const history = historyOf();
    for (let minute = 0; minute < 5; minute += 1) history.add(MONDAY + minute * MINUTE, 100 + minute);
    history.cover(MONDAY, MONDAY + BUCKET);
    expect(history.ratePerMin(history.bucketAt(MONDAY))).toBe(102);
  });

  test('takes a bucket that was half paused for the half that was not', () => {
    const history = historyOf();
    offer(history, MONDAY, MONDAY + 3 * MINUTE, 200);
    expect(history.ratePerMin(history.bucketAt(MONDAY))).toBe(200);
    expect(history.isFull(history.bucketAt(MONDAY))).toBe(false);
  });

  test('has no rate for a bucket that was mostly paused', () => {
    const history = historyOf();
    offer(history, MONDAY, MONDAY + 2 * MINUTE, 200);
    expect(history.ratePerMin(history.bucketAt(MONDAY))).toBeNull();
  });

  test('fills gaps with the day before, or with the bucket before', () => {
    const history = historyOf(7 * DAY);
    offer(history, MONDAY, MONDAY + HOUR, 100);
    offer(history, MONDAY + HOUR, MONDAY + 2 * HOUR, 300);
    offer(history, MONDAY + DAY + HOUR, MONDAY + DAY + 2 * HOUR, 400);
    const series = history.series(history.bucketAt(MONDAY + DAY + 2 * HOUR))?.perMin ?? [];
    expect(series).toHaveLength(26 * 12);
    expect(series[3 * 12]).toBe(300);
    expect(series[24 * 12]).toBe(100);
    expect(series[25 * 12]).toBe(400);
  });

  test('remembers the lookback and no more', () => {
    const history = historyOf(HOUR);
    for (let hour = 0; hour < 50; hour += 1) offer(history, MONDAY + hour * HOUR, MONDAY + (hour + 1) * HOUR, hour);
    expect(history.series(history.bucketAt(MONDAY + 50 * HOUR))?.perMin).toEqual(new Float64Array(12).fill(49));
    expect(history.snapshot().counts.length).toBeLessThanOrEqual(25);
  });

  test('starts anew after a silence longer than the lookback', () => {
    const history = historyOf(DAY);
    offer(history, MONDAY, MONDAY + HOUR, 100);
    offer(history, MONDAY + 30 * DAY, MONDAY + 30 * DAY + HOUR, 200);
    expect(history.series(history.bucketAt(MONDAY + 30 * DAY + HOUR))?.perMin).toEqual(new Float64Array(12).fill(200));
  });

  test('is the same after a snapshot through JSON', () => {
    const history = historyOf();
    offer(history, MONDAY, MONDAY + HOUR, 123);
    const copy = historyOf();
    copy.restore(JSON.parse(JSON.stringify(history.snapshot())) as ReturnType<ArrivalHistory['snapshot']>);
    const end = history.bucketAt(MONDAY + HOUR);
    expect(copy.series(end)).toEqual(history.series(end));
  });
});
