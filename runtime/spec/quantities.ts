import { z } from 'zod';
import { DAY, SECOND } from '../kernel/units.js';
import {
  formatCpu,
  formatDuration,
  formatMoney,
  formatRate,
  formatSize,
  parseCpu,
  parseDuration,
  parseMoney,
  parsePercent,
  parseRate,
  parseSize,
  QuantityError,
} from './units.js';

/** Limits that hold wherever a quantity of the kind is written: beyond them it is a slip, not a wish. */
export const LIMITS = {
  agents: 100_000,
  ratePerMin: 10_000_000,
  runMs: 30 * DAY,
  shortestRunMs: SECOND,
} as const;

/** Smallest and largest value allowed, in the unit parsed into. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A duration as written, parsed to ms. At least 0, at most 10 years unless said otherwise. */
export const duration = (description: string, bounds: Bounds = {}): z.ZodType<number> =>
  quantity(description, parseDuration, formatDuration, { min: 0, max: 3_650 * DAY, ...bounds }, DURATION_PATTERN);

/** A rate as written, parsed to tasks/min. Above 0. */
export const rate = (description: string): z.ZodType<number> =>
  quantity(
    description,
    parseRate,
    formatRate,
    { min: 0.001, max: LIMITS.ratePerMin },
    '^\\s*[0-9.]+\\s*(tasks?)?\\s*(/|per )\\s*[a-zA-Z]+\\s*$',
  );

/** A percentage as written, parsed to a share of 0 to 1. */
export const share = (description: string, bounds: Bounds = {}): z.ZodType<number> =>
  quantity(
    description,
    parsePercent,
    (value) => `${Number((value * 100).toFixed(4))}%`,
    { min: 0, max: 1, ...bounds },
    PERCENT_PATTERN,
  );

/** Like {@link share}; the document's key `percent: 10` also takes the plain number, as it can mean nothing else. */
export const percent = (description: string): z.ZodType<number> =>
  z
    .unknown()
    .transform((value, context) =>
      parsed(
        context,
        () => parsePercent(typeof value === 'number' && value >= 1 ? `${value}%` : value),
        { min: 1e-6, max: 1 },
        (v) => `${v * 100}%`,
      ),
    )
    .meta({ type: ['string', 'number'], pattern: PERCENT_PATTERN, minimum: 0, maximum: 100, description });

/** A size as written, parsed to bytes. */
export const size = (description: string, bounds: Bounds = {}): z.ZodType<number> =>
  quantity(
    description,
    parseSize,
    formatSize,
    { min: 0, max: 1024 ** 5, ...bounds },
    '^\\s*[0-9.]+\\s*([kKMGT]i?)?B?\\s*$',
  );

/** CPU as written, parsed to thousandths of a core. */
export const cpu = (description: string, bounds: Bounds = {}): z.ZodType<number> =>
  quantity(description, parseCpu, formatCpu, { min: 1, max: 1_000_000, ...bounds }, '^\\s*[0-9.]+\\s*m?\\s*$', [
    'string',
    'number',
  ]);

/** US dollars as written. */
export const money = (description: string): z.ZodType<number> =>
  quantity(description, parseMoney, formatMoney, { min: 0, max: 1e9 }, '^\\s*\\$\\s*[0-9,]+(\\.[0-9]+)?\\s*$');

/** A whole number. */
export const count = (description: string, min: number, max: number): z.ZodType<number> =>
  z.int().min(min).max(max).describe(description);

/** A point in time as ISO 8601 with an offset, parsed to epoch ms. */
export const instant = (description: string): z.ZodType<number> =>
  z
    .unknown()
    .transform((value, context) => {
      const text = typeof value === 'string' ? value.trim() : '';
      const ms = INSTANT_PATTERN.test(text) ? Date.parse(text) : NaN;
      if (!Number.isNaN(ms)) return ms;
      context.addIssue({
        code: 'custom',
        message: 'must be a point in time with its offset from UTC, such as 2026-01-05T00:00:00+09:00',
        params: { hint: /[zZ]|[+-]\d\d:\d\d$/.test(text) ? undefined : 'add the offset: Z, or +09:00 for Japan' },
      });
      return z.NEVER;
    })
    .meta({ type: 'string', pattern: INSTANT_PATTERN.source, description });

const INSTANT_PATTERN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
const DURATION_PATTERN = '^\\s*([0-9.]+\\s*[a-zA-Z]+\\s*)+$|^0$';
const PERCENT_PATTERN = '^\\s*[0-9.]+\\s*%\\s*$|^0$';

function quantity(
  description: string,
  parse: (value: unknown) => number,
  format: (value: number) => string,
  bounds: Bounds,
  pattern: string,
  types: readonly string[] = [],
): z.ZodType<number> {
  // Zero needs no unit, so where it is allowed the schema lets the number 0 through.
  const zero = bounds.min === 0 ? { type: ['string', 'integer'], minimum: 0, maximum: 0 } : { type: 'string' };
  const type = types.length > 0 ? { type: [...types] } : zero;
  return z
    .unknown()
    .transform((value, context) => parsed(context, () => parse(value), bounds, format))
    .meta({ ...type, pattern, description });
}

function parsed(
  context: z.RefinementCtx,
  parse: () => number,
  { min, max }: Bounds,
  format: (value: number) => string,
): number {
  try {
    const value = parse();
    if (min !== undefined && value < min)
      context.addIssue({ code: 'custom', message: `must be at least ${format(min)}` });
    else if (max !== undefined && value > max)
      context.addIssue({ code: 'custom', message: `must be at most ${format(max)}` });
    return value;
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
    return z.NEVER;
  }
}
