import type { PredictiveRules } from '../spec/experiment.js';
import { MINUTE } from '../kernel/units.js';

/** Every time zone's offset and every change to it falls on a quarter of an hour. */
const SLICE_MS = 15 * MINUTE;
/** Some weeks of slices; the cache is emptied beyond. */
const MOST_SLICES = 4_096;
const WEEKDAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Hour (0–23) and day of the week (1 = Monday … 7 = Sunday) in some time zone. */
export interface CalendarTime {
  readonly hour: number;
  readonly day: number;
}

/**
 * Reads the calendar of a time zone (IANA name) at epoch ms. The answers are kept per quarter of an hour, since
 * Intl is slow and the autoscaler asks often.
 */
export function calendarOf(timeZone: string): (at: number) => CalendarTime {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', hour: 'numeric', weekday: 'short' });
  const known = new Map<number, CalendarTime>();
  return (at) => {
    const slice = Math.floor(at / SLICE_MS);
    const cached = known.get(slice);
    if (cached !== undefined) return cached;
    const parts = format.formatToParts(slice * SLICE_MS);
    const part = (type: 'hour' | 'weekday'): string => parts.find((candidate) => candidate.type === type)?.value ?? '';
    const time = { hour: Number(part('hour')), day: WEEKDAYS.indexOf(part('weekday')) + 1 };
    if (known.size >= MOST_SLICES) known.clear();
    known.set(slice, time);
    return time;
  };
}

/**
 * The calendar's factor on forecast arrivals (the document's 5.3): daily peak hours × weekly high days. It is a
 * margin on arrivals, never on agents, so that it passes through the same headroom as everything else.
 */
export function calendarFactor(rules: PredictiveRules): (at: number) => number {
  const calendar = calendarOf(rules.timeZone);
  const peakHours = new Set(rules.daily.peakHours);
  // Both customs of counting Sunday, 0 and 7, mean Sunday.
  const highDays = new Set(rules.weekly.highDays.map((day) => (day === 0 ? 7 : day)));
  return (at) => {
    const { hour, day } = calendar(at);
    return (peakHours.has(hour) ? rules.daily.factor : 1) * (highDays.has(day) ? rules.weekly.factor : 1);
  };
}
