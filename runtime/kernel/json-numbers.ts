/** JSON has no NaN; a figure nobody measured must not come back as 0 or null. For `JSON.stringify`. */
export function nanToText(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? `#${value}` : value;
}

/** The way back, for `JSON.parse`. */
export function textToNan(_key: string, value: unknown): unknown {
  if (value === '#NaN') return NaN;
  if (value === '#Infinity') return Infinity;
  return value === '#-Infinity' ? -Infinity : value;
}
