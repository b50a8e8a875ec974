import { escapeHtml } from '../html/markup.js';

/** Text that stays text in Markdown: no markup, no HTML, no new line, no end of a table cell. */
export function plain(text: string): string {
  return escapeHtml(text.replace(/\s+/g, ' ').trim())
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replace(/[\\`*_[\]|~]/g, (sign) => `\\${sign}`);
}

/** Inline code of a text that may hold backticks itself. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** A table of cells that are Markdown already. */
export function markdownTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '------|').join('')}`, ...rows.map(line)].join('\n');
}

/** Items as a list; the fallback when there are none. */
export function markdownList(items: readonly string[], fallback: string): string {
  return (items.length === 0 ? [fallback] : items).map((item) => `- ${plain(item)}`).join('\n');
}
