/** Scripts and forms that terminals show two columns wide (East Asian wide and fullwidth, roughly). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

/** Columns a text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const sign of text) width += widthOf(sign);
  return width;
}

/** The text filled up with spaces to `width` columns, or cut to it with an ellipsis. */
export function padDisplay(text: string, width: number): string {
  const missing = width - displayWidth(text);
  if (missing >= 0) return text + ' '.repeat(missing);
  let kept = '';
  let used = 0;
  for (const sign of text) {
    if (used + widthOf(sign) > width - 1) break;
    kept += sign;
    used += widthOf(sign);
  }
  return `${kept}…${' '.repeat(Math.max(0, width - 1 - used))}`;
}

/** Lines of at most `width` columns, broken at spaces, and inside words (or Japanese) that are longer than a line. */
export function wrapDisplay(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<= )/)) {
    if (displayWidth(line) + displayWidth(word.trimEnd()) <= width) {
      line += word;
      continue;
    }
    if (line !== '') lines.push(line.trimEnd());
    line = '';
    for (const sign of word) {
      if (displayWidth(line) + widthOf(sign) > width) {
        lines.push(line);
        line = '';
      }
      line += sign;
    }
  }
  lines.push(line.trimEnd());
  return lines;
}

function widthOf(sign: string): number {
  return WIDE.test(sign) ? 2 : 1;
}
