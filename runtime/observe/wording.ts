import { HOUR, MINUTE, SECOND } from '../kernel/units.js';

/**
 * Numbers as people write them. Independent of the process's locale, so that a report is the same bytes everywhere.
 */

/** How a monitor begins what it says as long as it cannot say anything. */
export const TOO_SHORT = 'too short to tell';

/** `2,320,123`; fractions are cut to `digits`, trailing zeros dropped. */
export function number(value: number, digits = 0): string {
  const fixed = Math.abs(value).toFixed(digits);
  const [whole = '0', fraction = ''] = fixed.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const rest = fraction.replace(/0+$/, '');
  const sign = value < 0 && Number(fixed) !== 0 ? '-' : '';
  return rest === '' ? sign + grouped : `${sign}${grouped}.${rest}`;
}

/** `99.95 %` of a share from 0 to 1. */
export function percent(share: number, digits = 1): string {
  return `${number(share * 100, digits)} %`;
}

/** `501.2/min`. */
export function perMinute(value: number, digits = 1): string {
  return `${number(value, digits)}/min`;
}

/**
 * `72 h`, `1 h 30 min`, `2 min 5 s`, `4.2 s`, `350 ms`. `digits` are those of seconds; from two on, hours and minutes
 * come with seconds and their fractions too.
 */
export function duration(ms: number, digits = 1): string {
  if (ms < 0) return `-${duration(-ms, digits)}`;
  if (ms === 0) return '0 s';
  const fine = digits > 1;
  if (ms < SECOND) return `${number(ms, fine ? digits - 1 : 0)} ms`;
  if (ms < MINUTE) return `${number(ms / SECOND, digits)} s`;
  if (fine) return inUnits(roundTo(ms, SECOND / 10 ** (digits - 2)), digits - 2);
  return inUnits(roundTo(ms, ms < HOUR ? SECOND : MINUTE), 0);
}

/**
 * Renders `value` with as many digits (from `digits` on, at most six more) as are needed for it not to read like
 * `limit` when it is not: 5.0004 s against a limit of 5 s must not be shown as a missed «5 s».
 */
export function besideLimit(
  value: number,
  limit: number,
  digits: number,
  render: (value: number, digits: number) => string,
): string {
  for (let more = digits; more < digits + 6; more += 1) {
    const text = render(value, more);
    if (value === limit || text !== render(limit, more)) return text;
  }
  return render(value, digits + 6);
}

function inUnits(ms: number, digits: number): string {
  const hours = Math.floor(ms / HOUR);
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const seconds = number((ms % MINUTE) / SECOND, digits);
  const parts = [
    hours > 0 ? `${number(hours)} h` : '',
    minutes > 0 ? `${minutes} min` : '',
    seconds === '0' ? '' : `${seconds} s`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function roundTo(ms: number, stepMs: number): number {
  return Math.round(ms / stepMs) * stepMs;
}
