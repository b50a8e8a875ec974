import { DAY, HOUR, MINUTE, SECOND } from '../kernel/units.js';
import type { Language } from './i18n.js';

/** What is written where there is no value: NaN, Infinity, null. */
export const NOTHING = '–';

/** Japan has had no daylight saving time since 1951, so the run's zone is a fixed offset. */
const ZONE_OFFSET_MS = 9 * HOUR;
const ZONE = 'JST (UTC+09:00)';
/** The last date ECMAScript knows, less a day. */
const LARGEST_DATE_MS = 8.64e15 - DAY;

/** Numbers, durations, dates and money as a language writes them. Values that are no number become «–». */
export interface Format {
  /** The zone every date is in, with its offset. */
  readonly zone: string;
  /** Whole number with separators: `2,320,123`. */
  readonly count: (value: number) => string;
  /** `digits` decimals at most. */
  readonly decimal: (value: number | null, digits?: number) => string;
  /** A share 0–1 as a percentage that never rounds up to 100 % nor down to 0 %: `99.98 %`. */
  readonly share: (value: number | null) => string;
  /** Tasks per minute without the unit: `501.2`, `1,002`. */
  readonly rate: (value: number) => string;
  /** Milliseconds with two or three significant digits: `0.42 ms`, `4.21 s`, `3 min 20 s`, `72 h`. */
  readonly duration: (ms: number | null) => string;
  /** `2026-01-05 00:00` in the run's zone. */
  readonly dateTime: (epochMs: number) => string;
  /** `01-05 00:00:10`. */
  readonly clock: (epochMs: number) => string;
  /** Time since the start of the run: `+14:23:10`. */
  readonly elapsed: (ms: number) => string;
  /** `$312.40`. */
  readonly usd: (value: number) => string;
  /** `12.4 GiB`. */
  readonly bytes: (value: number) => string;
}

interface DurationUnits {
  readonly ms: string;
  readonly s: string;
  readonly min: string;
  readonly h: string;
  readonly d: string;
}

const UNITS: Readonly<Record<Language, DurationUnits>> = {
  en: { ms: ' ms', s: ' s', min: ' min', h: ' h', d: ' d' },
  ja: { ms: ' ms', s: '秒', min: '分', h: '時間', d: '日' },
};

export function formatFor(language: Language): Format {
  const units = UNITS[language];
  return {
    zone: ZONE,
    count: (value) => decimal(value, 0),
    decimal: (value, digits = 2) => decimal(value, digits),
    share: formatShare,
    rate: (value) => decimal(value, Math.abs(value) < 1_000 ? 1 : 0),
    duration: (ms) => formatDuration(ms, units),
    dateTime: (epochMs) => zoned(epochMs, (iso) => `${iso.slice(0, 10)} ${iso.slice(11, 16)}`),
    clock: (epochMs) => zoned(epochMs, (iso) => `${iso.slice(5, 10)} ${iso.slice(11, 19)}`),
    elapsed: formatElapsed,
    usd: (value) => formatUsd(value),
    bytes: formatBytes,
  };
}

/** Beyond this many decimals a share is only said to be above or below. */
const MOST_PERCENT_DIGITS = 6;

/** Built once: constructing a NumberFormat costs more than a thousand uses of it. */
const DECIMALS = [0, 1, 2, 3, 4, 5, 6].map(
  (digits) => new Intl.NumberFormat('en-US', { maximumFractionDigits: digits, signDisplay: 'negative' }),
);

function decimal(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return NOTHING;
  return (DECIMALS[digits] ?? DECIMALS[6])?.format(value) ?? NOTHING;
}

function formatShare(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NOTHING;
  const percent = value * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  const distance = Math.min(Math.abs(percent), Math.abs(100 - percent));
  for (let digits = distance >= 5 ? 1 : 2; digits <= MOST_PERCENT_DIGITS; digits += 1) {
    const text = percent.toFixed(digits);
    if (Number(text) !== 100 && Number(text) !== 0) return `${text} %`;
  }
  const smallest = (10 ** -MOST_PERCENT_DIGITS).toFixed(MOST_PERCENT_DIGITS);
  if (percent < 0) return `> −${smallest} %`;
  if (percent < 1) return `< ${smallest} %`;
  return percent < 100 ? `> ${(100 - 10 ** -MOST_PERCENT_DIGITS).toFixed(MOST_PERCENT_DIGITS)} %` : '> 100 %';
}

function formatDuration(ms: number | null, units: DurationUnits): string {
  if (ms === null || !Number.isFinite(ms)) return NOTHING;
  if (ms < 0) return `−${formatDuration(-ms, units)}`;
  if (ms === 0) return `0${units.ms}`;
  if (ms < 999.5) return `${decimal(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0)}${units.ms}`;
  if (ms < 59.95 * SECOND) return `${decimal(ms / SECOND, ms < 10 * SECOND ? 2 : 1)}${units.s}`;
  if (ms < HOUR - SECOND / 2) return inTwo(ms, MINUTE, units.min, SECOND, units.s);
  if (ms < 10 * DAY) return inTwo(ms, HOUR, units.h, MINUTE, units.min);
  return inTwo(ms, DAY, units.d, HOUR, units.h);
}

/** Two units at most, the second left out when it is 0: `71 h 30 min`. */
function inTwo(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const smalls = Math.round(ms / small);
  const perLarge = large / small;
  const rest = smalls % perLarge;
  const whole = `${decimal(Math.floor(smalls / perLarge), 0)}${largeName}`;
  if (rest === 0) return whole;
  return `${whole}${largeName.startsWith(' ') ? ' ' : ''}${rest}${smallName}`;
}

function formatElapsed(ms: number): string {
  if (!Number.isFinite(ms)) return NOTHING;
  const seconds = Math.round(Math.abs(ms) / SECOND);
  const two = (value: number): string => String(value).padStart(2, '0');
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map(two);
  return `${ms < 0 ? '−' : '+'}${parts.join(':')}`;
}

function formatUsd(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  // Prices per thousand tasks are fractions of a cent worth seeing.
  const digits = Math.abs(value) < 0.1 && value !== 0 ? 4 : 2;
  const amount = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? '−' : ''}$${amount.format(Math.abs(value))}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

function formatBytes(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const power = value < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  return `${decimal(value / 1_024 ** power, power === 0 ? 0 : 1)} ${BYTE_UNITS[power] ?? 'B'}`;
}

function zoned(epochMs: number, part: (iso: string) => string): string {
  if (!(Math.abs(epochMs) < LARGEST_DATE_MS)) return NOTHING;
  return part(new Date(epochMs + ZONE_OFFSET_MS).toISOString());
}
