import { markup, when, type Content, type Markup } from './markup.js';

/** A column of a table; numbers are set flush right. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  readonly numeric?: boolean;
  /** Names the row for screen readers; one column per table. */
  readonly heading?: boolean;
}

export interface TableOptions {
  readonly caption: string;
  /** `cards` turns every row into a card on a phone; `scroll` (default) keeps the table and lets it be scrolled. */
  readonly onPhone?: 'cards' | 'scroll';
}

/** A table with a caption for screen readers, header cells with scope, and a way to be read on a phone. */
export function table<Row>(columns: ReadonlyArray<Column<Row>>, rows: readonly Row[], options: TableOptions): Markup {
  const cards = options.onPhone === 'cards';
  return markup`<div class="scroll" role="region" aria-label="${options.caption}" tabindex="0">
<table${when(cards, () => markup` class="cards"`)}>
<caption class="hidden">${options.caption}</caption>
<thead><tr>${columns.map((column) => markup`<th scope="col"${numeric(column)}>${column.title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => markup`<tr>${columns.map((column) => cell(column, row, cards))}</tr>
`,
  )}</tbody>
</table></div>`;
}

/** A table whose rows beyond the first `shown` are folded away; the fold says how many there are. */
export function longTable<Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: readonly Row[],
  options: TableOptions & { readonly shown?: number; readonly more: (count: number) => string },
): Markup {
  const shown = options.shown ?? 20;
  if (rows.length <= shown + 5) return table(columns, rows, options);
  const rest = rows.slice(shown);
  return markup`${table(columns, rows.slice(0, shown), options)}
<details class="more"><summary>${options.more(rest.length)}</summary>${table(columns, rest, options)}</details>`;
}

function cell<Row>(column: Column<Row>, row: Row, cards: boolean): Markup {
  // On a phone the header row is gone and every cell says itself what it is.
  const label = cards ? markup` data-label="${column.title}"` : null;
  if (column.heading === true) return markup`<th scope="row"${label}${numeric(column)}>${column.cell(row)}</th>`;
  const content = cards ? markup`<div>${column.cell(row)}</div>` : column.cell(row);
  return markup`<td${label}${numeric(column)}>${content}</td>`;
}

function numeric<Row>(column: Column<Row>): Markup {
  return when(column.numeric === true, () => markup` class="n"`);
}

/** Pairs of term and value. */
export function facts(pairs: ReadonlyArray<readonly [term: string, value: Content]>): Markup {
  return markup`<dl class="facts">${pairs.map(([term, value]) => markup`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A list, or the sentence that there is nothing to list. */
export function bullets(items: readonly string[], empty: string): Markup {
  if (items.length === 0) return markup`<p class="quiet">${empty}</p>`;
  return markup`<ul>${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}
