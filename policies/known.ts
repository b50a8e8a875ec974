/**
 * Resources as rules may read them. In a preview some values are not known yet, and Pulumi's own view of a resource
 * throws when such a value is touched: rules read a copy in which it is {@link UNKNOWN}, and pass over it.
 */

/** Stands in a copy for what nobody knows during a preview. */
export const UNKNOWN: unique symbol = Symbol('unknown during preview');

/** Pulumi's marks for unknown values; seen where a value comes without Pulumi's own view of it. */
const MARKS = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  '030794c1-ac77-496b-92df-f27374a8bd58',
  'e48ece36-62e2-4504-bad9-02848725956a',
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
]);

/** A copy in which unknown values, at any depth, are {@link UNKNOWN}. Never throws for an unknown value. */
export function known(value: unknown): unknown {
  if (typeof value === 'string') return MARKS.has(value) ? UNKNOWN : value;
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => read(source, String(index)));
  return Object.fromEntries(Object.keys(source).map((key) => [key, read(source, key)]));
}

function read(source: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return known(source[key]);
  } catch (error) {
    // The package does not export the class it throws.
    if (error instanceof Error && error.constructor.name === 'UnknownValueError') return UNKNOWN;
    throw error;
  }
}

/** Step by step into a copy made by {@link known}: undefined where there is nothing, UNKNOWN below an unknown value. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (here === UNKNOWN) return UNKNOWN;
    if (typeof here !== 'object' || here === null) return undefined;
    here = Object.entries(here).find(([key]) => key === String(step))?.[1];
  }
  return here ?? undefined;
}

/** The text at the path; undefined when it is absent, unknown or no text. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The number at the path; undefined when it is absent, unknown or no number. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

/** The list at the path; empty when it is absent, unknown or no list. Its elements may be UNKNOWN. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** The entries of the object at the path; none when it is absent, unknown or no object. */
export function entriesAt(value: unknown, ...path: readonly (string | number)[]): readonly [string, unknown][] {
  const found = at(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}
