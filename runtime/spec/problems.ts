import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import type { Problem } from '../kernel/errors.js';
import { redact } from '../kernel/redact.js';

/** Keys and list positions from the root of the experiment object. */
export type Path = readonly (string | number)[];

/** Where a value stands in its file, counted from 1. */
interface Location {
  readonly line: number;
  readonly column: number;
}

/** Finds the place of a value, or of the nearest value around it; null where there is no file to point into. */
export type Locate = (path: Path) => Location | null;

/** `fleet.slots`, `load.pattern[2].rate`; the object itself is `(experiment)`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : `${text === '' ? '' : '.'}${step}`;
  return text === '' ? '(experiment)' : text;
}

/** A problem at `path` of `root`, with the value as it was written and, where it can be told, its line. */
export function problemAt(root: unknown, path: Path, message: string, hint?: string, locate?: Locate): Problem {
  const written = writtenValue(valueAt(root, path));
  const line = written === undefined ? null : (locate?.(path)?.line ?? null);
  const value = written === undefined || line === null ? written : `${written}, line ${line}`;
  return {
    path: formatPath(path),
    message,
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Everything zod found wrong, said for people: unknown keys with the nearest valid one, wrong values with what is allowed. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  schema: z.core.$ZodType,
  locate?: Locate,
): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const valid = keysAt(schema, path, root);
      return issue.keys.map((key) => unknownKey(root, [...path, key], valid, locate));
    }
    const { message, hint } = sayIssue(issue, valueAt(root, path));
    return [problemAt(root, path, message, hint, locate)];
  });
}

/** The entry of `valid` that was probably meant by `written`, or null when none is near. Case and `_` do not count. */
export function nearest(written: string, valid: readonly string[]): string | null {
  if (valid.length === 0) return null;
  const plain = (text: string): string => text.toLowerCase().replace(/[_\-\s]/g, '');
  const target = plain(written);
  const same = valid.find((name) => plain(name) === target);
  if (same !== undefined) return same;
  // Two letters swapped are as far as two wrong ones; of names equally far, the one that begins alike was meant.
  const far = (name: string): number => distance(target, plain(name)) - 0.1 * commonStart(target, plain(name));
  const best = valid.reduce((near, name) => (far(name) < far(near) ? name : near));
  const tolerated = Math.max(2, Math.floor(Math.max(target.length, best.length) / 3));
  return distance(target, plain(best)) <= tolerated ? best : null;
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** The value at `path`, or undefined. */
function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === String(step))?.[1];
  }
  return value;
}

const LONGEST_VALUE = 60;

function writtenValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === null) return 'nothing';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  // Whoever writes a key where the name of its variable belongs must not find it in the CI log.
  const text = redact(JSON.stringify(value));
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

function unknownKey(root: unknown, path: Path, valid: readonly string[], locate?: Locate): Problem {
  const key = String(path.at(-1));
  const meant = nearest(key, valid);
  const message = `unknown key; allowed here: ${valid.join(', ')}`;
  return problemAt(root, path, message, meant === null ? 'remove it' : `did you mean "${meant}"?`, locate);
}

function sayIssue(issue: z.core.$ZodIssue, value: unknown): { message: string; hint?: string } {
  switch (issue.code) {
    case 'custom': {
      if (value === undefined) return { message: `is missing: it ${issue.message}` };
      if (value === null) return { message: `is empty: it ${issue.message}`, hint: 'write a value, or remove the key' };
      const hint: unknown = issue.params?.['hint'];
      return typeof hint === 'string' ? { message: issue.message, hint } : { message: issue.message };
    }
    case 'invalid_value':
      return oneOf(issue.values.map(String), value);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? oneOf(issue.options.map(String), value)
        : sayUnion(issue, value);
    case 'too_small':
      return { message: smallest(issue) };
    case 'too_big':
      return { message: `must be ${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}` };
    case 'invalid_type':
      return sayType(issue.expected, value);
    case 'invalid_key':
      return { message: `is no valid name: ${issue.issues[0]?.message ?? issue.message}` };
    default:
      return { message: issue.message };
  }
}

/** A value that may take several forms: what is wrong with it as the form it comes nearest to. */
function sayUnion(issue: z.core.$ZodIssueInvalidUnion, value: unknown): { message: string; hint?: string } {
  const inner = issue.errors.flat()[0];
  return inner === undefined ? { message: issue.message } : sayIssue(inner, value);
}

function oneOf(allowed: readonly string[], value: unknown): { message: string; hint?: string } {
  const message = `${value === undefined ? 'is missing: it ' : ''}must be ${allowed.length === 1 ? '' : 'one of '}${allowed.join(', ')}`;
  const meant = typeof value === 'string' ? nearest(value, allowed) : null;
  return meant === null ? { message } : { message, hint: `did you mean ${meant}?` };
}

function smallest(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === 'array') return `needs at least ${issue.minimum} ${issue.minimum === 1 ? 'entry' : 'entries'}`;
  if (issue.origin === 'string') return 'must not be empty';
  return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`;
}

function sayType(expected: string, value: unknown): { message: string; hint?: string } {
  const kinds: Readonly<Record<string, string>> = {
    int: 'a whole number',
    number: 'a number',
    string: 'text',
    boolean: 'true or false',
    object: 'a block of keys',
    record: 'a block of names',
    array: 'a list',
  };
  const kind = kinds[expected] ?? expected;
  if (value === undefined) return { message: `is missing: it must be ${kind}` };
  if (value === null) return { message: `is empty: it must be ${kind}`, hint: 'write a value, or remove the key' };
  if ((expected === 'int' || expected === 'number') && typeof value === 'string' && /^\s*-?\d/.test(value)) {
    const bare = Number.parseFloat(value);
    return { message: `must be ${kind} without a unit or quotes`, hint: `write ${bare}` };
  }
  return { message: `must be ${kind}` };
}

/** The keys a block may have, found by walking the schema along the path. */
function keysAt(schema: z.core.$ZodType, path: Path, root: unknown): string[] {
  let current = unwrapped(schema, root);
  let value = root;
  for (const step of path) {
    value = valueAt(value, [step]);
    if (current instanceof z.ZodObject) current = unwrapped(current.shape[String(step)] as z.core.$ZodType, value);
    else if (current instanceof z.ZodArray) current = unwrapped(current.element, value);
    else if (current instanceof z.ZodRecord) current = unwrapped(current.valueType, value);
    else return [];
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

/** The schema below optional, nullable, defaults and, by the value's own discriminator, unions. */
function unwrapped(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap(), value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const wanted = valueAt(value, [schema.def.discriminator]);
    return schema.options.find(
      (option) =>
        option instanceof z.ZodObject &&
        (option.shape[schema.def.discriminator] as z.ZodLiteral | undefined)?.value === wanted,
    );
  }
  return schema;
}
