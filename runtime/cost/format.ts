import { formatQuantity, type CostEstimate, type CostPart } from './cost-model.js';

/** The bill as a table for people, at most 100 columns wide, with source and date of every price below it. */
export function formatCost(estimate: CostEstimate, title = 'Cost'): string {
  const sources = [...new Set(estimate.parts.map(sourceOf))];
  const rows = estimate.parts.map((part) => [
    part.part,
    formatQuantity(part.quantity),
    part.price.unit,
    `$${part.price.usd}`,
    marksOf(part),
    money(part.usd),
    `[${sources.indexOf(sourceOf(part)) + 1}]`,
  ]);
  const table = align([['part', 'quantity', 'unit', 'price', '', 'USD', 'source'], ...rows], [1, 3, 5]);
  return [
    `${title} in ${estimate.region}: ${money(estimate.totalUsd)} USD (${money(estimate.perHourUsd)} an hour, ` +
      `${money(estimate.perThousandTasksUsd)} per 1,000 tasks); budget ${money(estimate.budgetUsd)}`,
    '',
    ...table,
    '',
    ...(estimate.assumed ? ["~ assumed: the region has no price in the table, another region's is used"] : []),
    ...(estimate.stale ? ['! older than a year at the start of the run'] : []),
    ...sources.flatMap((source, index) => wrapSource(`[${index + 1}] ${source}`)),
  ].join('\n');
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

function align(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
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
  if (text.length <= 100) return [text];
  const cut = text.lastIndexOf('/', 100);
  const at = cut > 4 ? cut + 1 : 100;
  return [text.slice(0, at), ...wrapSource(`    ${text.slice(at)}`)];
}
