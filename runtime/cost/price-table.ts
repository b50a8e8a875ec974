import { z } from 'zod';
import { ExperimentError } from '../kernel/errors.js';
import { DAY } from '../kernel/units.js';
import assumptions from './assumed-prices.json';
import facts from './prices.json';

/** Regions the price table has machine prices for. */
export const PRICED_REGIONS = ['us-central1', 'asia-northeast1', 'europe-west4', 'us-east1'] as const;

/** Whose price is taken over, marked as assumed, where a region has none of its own. */
const REFERENCE_REGION = 'us-central1';
/** Source of a row that nobody has looked up. */
const ASSUMED = 'assumed';
/** A price older than this is shown as stale. */
const STALE_AFTER_MS = 365 * DAY;

const Row = z.strictObject({
  sku: z.string().min(1),
  unit: z.string().min(1),
  usd: z.number().positive(),
  region: z.string().min(1),
  purchase: z.enum(['on-demand', 'spot']).nullable(),
  source: z.string().min(1),
  as_of: z.iso.date(),
  note: z.string().optional(),
});

/** The file's other keys tell where its rows come from and what was left out; nothing is computed from them. */
const File = z.looseObject({ rows: z.array(Row).min(1) });

export type Purchase = 'on-demand' | 'spot';

/** What a price is asked for. `purchase` only where the SKU has it: machines and fees. */
export interface PriceQuery {
  readonly sku: string;
  readonly unit: string;
  readonly region: string;
  readonly purchase?: Purchase;
}

/** A price as found: US dollars per `unit`, and where it is from. */
export interface Price {
  readonly sku: string;
  readonly unit: string;
  readonly usd: number;
  /** Region of the row, which is not the one asked for when `assumed`. */
  readonly region: string;
  readonly purchase: Purchase | null;
  readonly source: string;
  /** The day the price was seen: `2026-08-20`. */
  readonly asOf: string;
  /** Taken over from another region, or (`source` is `assumed`) known from no source at all. */
  readonly assumed: boolean;
}

/** List prices by SKU, region and way of buying. */
export class PriceTable {
  private constructor(private readonly rows: readonly z.infer<typeof Row>[]) {}

  /** Reads the content of a price file; throws CONFIG_INVALID with every wrong row. */
  static parse(content: unknown): PriceTable {
    const result = File.safeParse(content);
    if (result.success) return new PriceTable(result.data.rows);
    const problems = result.error.issues.map((issue) => ({
      path: `prices.${issue.path.join('.')}`,
      message: issue.message,
    }));
    throw new ExperimentError('CONFIG_INVALID', 'The price table cannot be read.', problems);
  }

  /**
   * The region's price; else the one of us-central1, else the only one there is, both marked as assumed. Throws
   * PRICE_UNKNOWN when there is none: an unknown price is never 0.
   */
  lookup({ sku, unit, region, purchase }: PriceQuery): Price {
    const rows = this.rows.filter(
      (row) => row.sku === sku && row.unit === unit && (purchase === undefined || row.purchase === purchase),
    );
    const own = rows.find((row) => row.region === region);
    const row = own ?? rows.find((one) => one.region === REFERENCE_REGION) ?? (rows.length === 1 ? rows[0] : undefined);
    if (row === undefined) throw unknownPrice({ sku, unit, region, ...(purchase === undefined ? {} : { purchase }) });
    const { usd, source, as_of: asOf } = row;
    const assumed = own === undefined || source === ASSUMED;
    return { sku, unit, usd, region: row.region, purchase: row.purchase, source, asOf, assumed };
  }
}

/** The prices that come with the program: the sourced ones, and below them the few that had to be assumed. */
export const PRICES: PriceTable = PriceTable.parse({ rows: [...facts.rows, ...assumptions.rows] });

/** Why a price is not simply the region's own: `price of us-central1`, `no source found`; null when it is. */
export function assumptionOf({ assumed, source, region }: Price): string | null {
  if (!assumed) return null;
  return source === ASSUMED ? 'no source found' : `price of ${region}`;
}

/** Whether a price was more than a year old at `atMs` (epoch ms). */
export function isStale(price: Pick<Price, 'asOf'>, atMs: number): boolean {
  return atMs - Date.parse(price.asOf) > STALE_AFTER_MS;
}

function unknownPrice({ sku, unit, region, purchase }: PriceQuery): ExperimentError {
  return new ExperimentError('PRICE_UNKNOWN', 'The cost cannot be told.', [
    {
      path: 'runtime/cost/prices.json',
      value: sku,
      message: `has no price for ${sku}${purchase === undefined ? '' : ` (${purchase})`} per ${unit} in ${region}`,
      hint: 'add a row with its source and date, or choose a SKU that is in the table',
    },
  ]);
}
