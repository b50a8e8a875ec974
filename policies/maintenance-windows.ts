/** From start to end, epoch ms. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** When GKE may work on a cluster, as written there; undefined what is not there, or not known. */
export interface MaintenanceWindows {
  /** `03:00`, in UTC: four hours from then on, every day. */
  readonly daily: string | undefined;
  /** A first window, and an RFC 5545 rule of its repetition: `FREQ=WEEKLY;BYDAY=SA,SU`. */
  readonly recurring: {
    readonly start: string | undefined;
    readonly end: string | undefined;
    readonly rule: string | undefined;
  };
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const WEEK = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** The maintenance that falls into the run: how much of it, and when first; undefined when there is none. */
export function maintenanceDuring(
  run: Span,
  windows: MaintenanceWindows,
): { totalMs: number; firstMs: number } | undefined {
  const spans = [...dailySpans(run, windows), ...recurringSpans(run, windows)]
    .map(({ startMs, endMs }) => ({ startMs: Math.max(startMs, run.startMs), endMs: Math.min(endMs, run.endMs) }))
    .filter(({ startMs, endMs }) => endMs > startMs);
  if (spans.length === 0) return undefined;
  return {
    totalMs: spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
    firstMs: Math.min(...spans.map(({ startMs }) => startMs)),
  };
}

function dailySpans(run: Span, { daily }: MaintenanceWindows): Span[] {
  const match = /^(\d{2}):(\d{2})$/.exec(daily ?? '');
  if (match === null) return [];
  const offsetMs = Number(match[1]) * HOUR_MS + Number(match[2]) * 60_000;
  return days(run, 4 * HOUR_MS).map((day) => ({ startMs: day + offsetMs, endMs: day + offsetMs + 4 * HOUR_MS }));
}

function recurringSpans(run: Span, { recurring: { start, end, rule } }: MaintenanceWindows): Span[] {
  const [first, last] = [Date.parse(start ?? ''), Date.parse(end ?? '')];
  if (Number.isNaN(first) || Number.isNaN(last) || rule === undefined) return [];
  const lengthMs = last - first;
  const offsetMs = ((first % DAY_MS) + DAY_MS) % DAY_MS;
  const on = weekdays(rule, first);
  return days(run, lengthMs)
    .map((day) => ({ startMs: day + offsetMs, endMs: day + offsetMs + lengthMs }))
    .filter(({ startMs }) => startMs >= first && on(new Date(startMs).getUTCDay()));
}

/** The days of the week a rule names; a weekly one without days repeats that of its first window. */
function weekdays(rule: string, firstMs: number): (weekday: number) => boolean {
  const named = /BYDAY=([^;]+)/
    .exec(rule)?.[1]
    ?.split(',')
    .map((day) => WEEK.indexOf(day.slice(-2)));
  if (named !== undefined) return (weekday) => named.includes(weekday);
  const own = new Date(firstMs).getUTCDay();
  return (weekday) => !rule.includes('FREQ=WEEKLY') || weekday === own;
}

/** Midnights, UTC, of the days in which a window that touches the run can start. */
function days({ startMs, endMs }: Span, lengthMs: number): number[] {
  const from = Math.floor((startMs - lengthMs) / DAY_MS) - 1;
  const to = Math.floor(endMs / DAY_MS) + 1;
  return Array.from({ length: to - from + 1 }, (_, index) => (from + index) * DAY_MS);
}
