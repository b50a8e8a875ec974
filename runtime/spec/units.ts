import { DAY, HOUR, MINUTE, SECOND } from '../kernel/units.js';

/**
 * Quantities as people write them, and back. Every parser takes the value as it stands in a config file or a flag,
 * gives a number in the project's own unit and throws {@link QuantityError} for anything else. Units are never
 * guessed: a bare number is refused, except 0, which needs none. Every formatter writes what its parser reads, so a
 * message can be copied into a config.
 */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';

  constructor(
    /** What is allowed: `must be a duration such as 72h`. */
    message: string,
    /** What to write instead, where that can be told. */
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Milliseconds. Units: ms, s, min (or m), h, d, w, y (365 d); they combine, largest first: `1h30min`. */
export function parseDuration(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be a duration such as 72h, 5min, 1h30min, 1.5s or 500ms';
  if (typeof value === 'number') throw new QuantityError(allowed, `give the unit: ${value}s, ${value}min or ${value}h`);
  if (typeof value !== 'string') throw new QuantityError(allowed);
  const text = value.trim();
  if (text.startsWith('-')) throw new QuantityError(`${allowed}; it cannot be negative`);
  if (!/^(\d+(\.\d+)?\s*[a-zA-Z]+\s*)+$/.test(text)) throw new QuantityError(allowed, missingUnitHint(text, 'min'));
  let total = 0;
  let previousMs = Infinity;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zA-Z]+)/g)) {
    const unitMs = DURATION_UNITS.get(String(unit).toLowerCase());
    if (unitMs === undefined)
      throw new QuantityError(allowed, `"${unit}" is no unit of time; use ms, s, min, h, d, w or y`);
    if (unitMs >= previousMs) throw new QuantityError(allowed, 'write each unit once, the largest first: 1h30min');
    previousMs = unitMs;
    total += scaled(String(amount), unitMs);
  }
  return total;
}

/** Tasks per minute. Written per second, minute, hour or day: `500/min`, `2000 tasks/min`, `8/s`. */
export function parseRate(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be a rate such as 500/min, 2000 tasks/min or 8/s';
  if (typeof value === 'number') throw new QuantityError(allowed, `say per what: ${value}/min or ${value}/s`);
  if (typeof value !== 'string') throw new QuantityError(allowed);
  const match = /^(\d+(?:\.\d+)?)\s*(?:tasks?)?\s*(?:\/|per\s)\s*([a-zA-Z]+)$/.exec(value.trim());
  if (match === null) throw new QuantityError(allowed, missingUnitHint(value, '/min'));
  const perUnit = RATE_UNITS.get(String(match[2]).toLowerCase());
  if (perUnit === undefined) throw new QuantityError(allowed, `"/${match[2]}" is unknown; use /s, /min, /h or /d`);
  return scaled(String(match[1]), 1) * (MINUTE / perUnit);
}

/** A share from `0%` to `100%` as a number from 0 to 1. `0.1` is refused: it could mean 10 % or 0.1 %. */
export function parsePercent(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be a percentage such as 99.9%, from 0% to 100%';
  if (typeof value === 'number') throw new QuantityError(allowed, percentHint(value));
  if (typeof value !== 'string') throw new QuantityError(allowed);
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(value.trim());
  if (match === null) {
    const bare = Number(value);
    throw new QuantityError(allowed, value.trim() !== '' && Number.isFinite(bare) ? percentHint(bare) : undefined);
  }
  const share = Number(`${match[1]}e-2`);
  if (share > 1) throw new QuantityError(allowed);
  return share;
}

/** Bytes. `8Gi` counts in 1024s (Ki, Mi, Gi, Ti), `8GB` in 1000s (kB, MB, GB, TB), `512B` are plain bytes. */
export function parseSize(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be a size such as 8Gi, 300Mi, 64Ki or 8GB';
  if (typeof value === 'number') throw new QuantityError(allowed, `give the unit: ${value}B, ${value}Mi or ${value}Gi`);
  if (typeof value !== 'string') throw new QuantityError(allowed);
  const match = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]+)$/.exec(value.trim());
  if (match === null) throw new QuantityError(allowed, missingUnitHint(value, 'Mi'));
  const unitBytes = SIZE_UNITS.find(([unit]) => unit.toLowerCase() === sizeUnit(String(match[2])))?.[1];
  if (unitBytes === undefined)
    throw new QuantityError(allowed, `"${match[2]}" is no unit of size; use B, Ki, Mi, Gi, Ti or kB, MB, GB, TB`);
  return Math.round(scaled(String(match[1]), unitBytes));
}

/** Thousandths of a core: `400m`, `2`, `1.5`. */
export function parseCpu(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be an amount of CPU such as 400m or 2';
  const match = /^(\d+(?:\.\d+)?)\s*(m?)$/.exec(String(value).trim());
  if (match === null || (typeof value !== 'string' && typeof value !== 'number')) throw new QuantityError(allowed);
  const milli = scaled(String(match[1]), match[2] === 'm' ? 1 : 1_000);
  if (!Number.isInteger(milli)) throw new QuantityError(`${allowed}; whole thousandths of a core`);
  return milli;
}

/** US dollars: `$500`, `$1,200.50`. */
export function parseMoney(value: unknown): number {
  if (isZero(value)) return 0;
  const allowed = 'must be an amount in US dollars such as $500';
  if (typeof value === 'number') throw new QuantityError(allowed, `write $${value}`);
  if (typeof value !== 'string') throw new QuantityError(allowed);
  const match = /^\$\s*(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?$/.exec(value.trim());
  if (match === null)
    throw new QuantityError(allowed, /^\d+(\.\d+)?$/.test(value.trim()) ? `write $${value.trim()}` : undefined);
  return Number(`${String(match[1]).replaceAll(',', '')}${match[2] ?? ''}`);
}

/** `72h`, `2h5min`, `1min30s`, `4.52s`, `500ms`, `30d`: exact to the millisecond, finer only below 1 s. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return '0s';
  if (ms < 999.5) return `${trimmed(ms, ms < 1 ? 6 : 3)}ms`;
  let rest = Math.round(ms);
  if (rest < SECOND) return `${rest}ms`;
  if (rest % YEAR === 0) return `${rest / YEAR}y`;
  // People say 72h, not 3d, of a run, and 30d, not 720h, of a retention.
  if (rest % DAY === 0 && rest >= 7 * DAY) return `${rest / DAY}d`;
  let text = '';
  for (const [unit, unitMs] of [
    ['h', HOUR],
    ['min', MINUTE],
  ] as const) {
    const amount = Math.floor(rest / unitMs);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * unitMs;
  }
  return rest === 0 ? text : `${text}${trimmed(rest / SECOND, 3)}s`;
}

/** `500/min`, with at most three decimals. */
export function formatRate(perMin: number): string {
  return Number.isFinite(perMin) ? `${trimmed(perMin, 3)}/min` : 'unknown';
}

/** `99.9%`, with at most four decimals of a percent. */
export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${trimmed(share * 100, 4)}%` : 'unknown';
}

/** `8Gi`, `8GB`: the largest unit the size is a whole number of; otherwise about: `1.2Mi`. */
export function formatSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unknown';
  if (bytes < 0) return `-${formatSize(-bytes)}`;
  if (bytes === 0) return '0B';
  const whole = SIZE_UNITS.find(([unit, unitBytes]) => unit !== 'B' && bytes >= unitBytes && bytes % unitBytes === 0);
  if (whole !== undefined) return `${bytes / whole[1]}${whole[0]}`;
  const [unit, unitBytes] =
    SIZE_UNITS.find(([name, size]) => name.endsWith('i') && bytes >= size) ?? (['B', 1] as const);
  return `${trimmed(bytes / unitBytes, 1)}${unit}`;
}

/** `400m`, `2`. */
export function formatCpu(milli: number): string {
  return milli % 1_000 === 0 ? String(milli / 1_000) : `${milli}m`;
}

/** `$500`, `$1,234.50`; amounts below a dollar with up to four decimals. */
export function formatMoney(usd: number): string {
  if (!Number.isFinite(usd)) return 'unknown';
  if (usd < 0) return `-${formatMoney(-usd)}`;
  if (usd > 0 && usd < 1 && !Number.isInteger(trimmed(usd * 100, 4))) return `$${trimmed(usd, 4)}`;
  const [whole, cents] = usd.toFixed(2).split('.');
  return `$${grouped(String(whole))}${cents === '00' ? '' : `.${cents}`}`;
}

/** `2,320,123`: a count for people. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? grouped(String(Math.round(count))) : 'unknown';
}

/** 365 days, as retention periods are meant. */
const YEAR = 365 * DAY;

const DURATION_UNITS = new Map<string, number>(
  Object.entries({
    ms: 1,
    s: SECOND,
    sec: SECOND,
    m: MINUTE,
    min: MINUTE,
    h: HOUR,
    hour: HOUR,
    hours: HOUR,
    d: DAY,
    day: DAY,
    days: DAY,
    w: 7 * DAY,
    y: YEAR,
  }),
);

const RATE_UNITS = new Map<string, number>(
  Object.entries({
    s: SECOND,
    sec: SECOND,
    second: SECOND,
    min: MINUTE,
    m: MINUTE,
    minute: MINUTE,
    h: HOUR,
    hour: HOUR,
    d: DAY,
    day: DAY,
  }),
);

/** Largest first, each binary unit before the decimal one of its rank. */
const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ['Ti', 1024 ** 4],
  ['TB', 1e12],
  ['Gi', 1024 ** 3],
  ['GB', 1e9],
  ['Mi', 1024 ** 2],
  ['MB', 1e6],
  ['Ki', 1024],
  ['kB', 1e3],
  ['B', 1],
];

function isZero(value: unknown): boolean {
  return value === 0 || value === '0';
}

/** `8GiB` is the same as `8Gi`. */
function sizeUnit(written: string): string {
  return written.toLowerCase().replace(/^([kmgt])ib$/, '$1i');
}

/** `text` × `unit`, without the dust of binary fractions (µs, thousandths). */
function scaled(text: string, unit: number): number {
  const product = Number(text) * unit;
  return Number.isInteger(product) ? product : Math.round(product * 1e6) / 1e6;
}

function trimmed(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

function missingUnitHint(text: string, unit: string): string | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? `give the unit: ${text.trim()}${unit}` : undefined;
}

function percentHint(bare: number): string | undefined {
  if (bare < 0 || bare > 100) return undefined;
  return bare > 1 ? `write ${bare}%` : `write ${trimmed(bare * 100, 6)}% or ${bare}%, whichever is meant`;
}
