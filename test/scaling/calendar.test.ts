import { calendarFactor, calendarOf } from '../../runtime/scaling/calendar.js';
import { DAY, HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { MONDAY, PREDICTIVE } from './rules.js';

describe('the calendar', () => {
  test('reads hours and weekdays in Japan, where a Monday begins on Sunday 15:00 UTC', () => {
    const calendar = calendarOf('Asia/Tokyo');
    expect(calendar(MONDAY)).toEqual({ hour: 0, day: 1 });
    expect(calendar(MONDAY - 1)).toEqual({ hour: 23, day: 7 });
    expect(calendar(MONDAY + 9 * HOUR)).toEqual({ hour: 9, day: 1 });
  });

  test('follows zones off the full hour, and changes to summer time', () => {
    expect(calendarOf('Asia/Kathmandu')(Date.UTC(2026, 0, 5, 0, 14))).toEqual({ hour: 5, day: 1 });
    expect(calendarOf('Asia/Kathmandu')(Date.UTC(2026, 0, 5, 0, 15))).toEqual({ hour: 6, day: 1 });
    const berlin = calendarOf('Europe/Berlin');
    expect(berlin(Date.UTC(2026, 2, 29, 1) - MINUTE).hour).toBe(1);
    expect(berlin(Date.UTC(2026, 2, 29, 1)).hour).toBe(3);
  });

  test.each([
    ['Monday 08:59', 9 * HOUR - MINUTE, 1.2],
    ['Monday 09:00', 9 * HOUR, 1.56],
    ['Monday 10:59', 11 * HOUR - MINUTE, 1.56],
    ['Monday 11:00', 11 * HOUR, 1.2],
    ['Wednesday 15:30', 2 * DAY + 15.5 * HOUR, 1.56],
    ['Thursday 09:00', 3 * DAY + 9 * HOUR, 1.3],
    ['Sunday 03:00', 6 * DAY + 3 * HOUR, 1],
  ])('%s counts × %d', (_, offset, factor) => {
    expect(calendarFactor(PREDICTIVE)(MONDAY + offset)).toBeCloseTo(factor, 12);
  });

  test('Sunday may be written 0 or 7', () => {
    for (const day of [0, 7]) {
      const factor = calendarFactor({ ...PREDICTIVE, weekly: { highDays: [day], factor: 2 } });
      expect(factor(MONDAY + 6 * DAY)).toBe(2);
    }
  });
});
