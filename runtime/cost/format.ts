import { formatQuantity, type CostEstimate, type CostPart } from './cost-model.js';
import { assumptionOf } from './price-table.js';

/** Columns of a terminal that are used at most. */
const WIDTH = 100;

/** A second bill, shown part by part beside the first. */
export interface BesideCost {
  /** Heading of its column; short. */
  readonly heading: string;
  readonly estimate: CostEstimate;
}

/**
 * The bill as a table for people, at most 100 columns wide, with source and date of every price below it.
 *
 * @param beside a bill of the same experiment on other machines, as a column of its own.
 */
export function formatCost(estimate: CostEstimate, title = 'Cost', beside: BesideCost | null = null): string {
  const sources = [...new Set(estimate.parts.map(sourceOf))];
  const rows = estimate.parts.map((part) => [
    part.part,
    formatQuantity(part.quantity),
    part.price.unit,
    `$${part.price.usd}`,
    marksOf(part),
    money(part.usd),
    ...(beside === null ? [] : [amountIn(beside, part.part)]),
    `[${sources.indexOf(sourceOf(part)) + 1}]`,
  ]);
  const head = ['part', 'quantity', 'unit', 'price', '', 'USD', ...(beside === null ? [] : [beside.heading]), 'source'];
  const table = align([head, ...rows, ...totals(estimate, beside)], beside === null ? [1, 3, 5] : [1, 3, 5, 6]);
  return [
    `${title} in ${estimate.region}: ${money(estimate.totalUsd)} USD`,
    `${money(estimate.perHourUsd)} an hour, ${money(estimate.perThousandTasksUsd)} per 1,000 tasks; ` +
      `budget ${money(estimate.budgetUsd)}`,
    '',
    ...table,
    '',
    ...footnotes(estimate),
    ...estimate.remarks,
    ...sources.flatMap((source, index) => wrapSource(`[${index + 1}] ${source}`)),
  ].join('\n');
}

/** Parts only the other bill has, and both sums. */
function totals(estimate: CostEstimate, beside: BesideCost | null): string[][] {
  if (beside === null) return [];
  const known = new Set(estimate.parts.map(({ part }) => part));
  const more = beside.estimate.parts.filter(({ part }) => !known.has(part));
  return [
    ...more.map(({ part, usd }) => [part, '', '', '', '', '', money(usd), '']),
    ['total', '', '', '', '', money(estimate.totalUsd), money(beside.estimate.totalUsd), ''],
  ];
}

function amountIn({ estimate }: BesideCost, name: string): string {
  const found = estimate.parts.find(({ part }) => part === name);
  return found === undefined ? '' : money(found.usd);
}

function footnotes({ parts, stale }: CostEstimate): string[] {
  const assumptions = new Set(parts.map(({ price }) => assumptionOf(price)));
  const takenOver = [...assumptions].some((text) => text?.startsWith('price of') === true);
  return [
    ...(takenOver ? ["~ assumed: the region has no price in the table, another region's is used"] : []),
    ...(assumptions.has('no source found') ? ['~ with source «assumed»: no source of the price was found'] : []),
    ...(stale ? ['! older than a year at the start of the run'] : []),
  ];
}

function sourceOf({ price }: CostPart): string {
  return `${price.asOf} ${price.region} ${shortCommit(price.source)}`;
}

/** A commit is told by its first ten digits. */
function shortCommit(source: string): string {
  return source.replace(/@([0-9a-f]{10})[0-9a-f]+$/, '@$1');
}

function marksOf({ price, stale }: CostPart): string {
  return `${price.assumed ? '~' : ''}${stale ? '!' : ''}`;
}

function money(usd: number): string {
  const digits = usd !== 0 && usd < 1 ? 3 : 2;
  return usd.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Pads the cells of a table, row by row; the first row is the head. `right`: columns of figures. */
export function align(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] as number;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function wrapSource(text: string): string[] {
  if (text.length <= WIDTH) return [text];
  const cut = text.lastIndexOf('/', WIDTH);
  const at = cut > 4 ? cut + 1 : WIDTH;
  return [text.slice(0, at), ...wrapSource(`    ${text.slice(at)}`)];
}
