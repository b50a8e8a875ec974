/** Reads the clock on the wall of a time zone: hours since midnight with their fraction, 0 ≤ hour < 24. */
export type WallClock = (epochMs: number) => number;

/**
 * The wall clock of an IANA time zone.
 *
 * @throws RangeError when there is no such time zone.
 */
export function wallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return (epochMs) => {
    const [hours = 0, minutes = 0, seconds = 0] = format.format(epochMs).split(':').map(Number);
    return hours + minutes / 60 + seconds / 3_600;
  };
}

/** Whether the runtime knows the IANA time zone. */
export function isTimeZone(name: string): boolean {
  try {
    wallClock(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** How far load falls off around the peak hours: a bell this wide (standard deviation). */
const BELL_HOURS = 3;

/**
 * How busy people are at an hour of the day, from 0 (far from every peak) to 1 (in a peak hour). The document names
 * peak hours only; in between, load falls off as a bell.
 */
export function activity(hour: number, peakHours: readonly number[]): number {
  const away = Math.min(...peakHours.map((peak) => hoursOutside(hour, peak)));
  return Math.exp(-((away / BELL_HOURS) ** 2) / 2);
}

/** Hours from `hour` to the hour that begins at `peak`, round the clock; 0 inside it. */
function hoursOutside(hour: number, peak: number): number {
  const after = (hour - peak + 24) % 24;
  if (after < 1) return 0;
  return Math.min(after - 1, 24 - after);
}
