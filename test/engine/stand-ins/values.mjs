import { isDeepStrictEqual } from 'node:util';

/*
 * Values as they travel between engine and providers: plain JSON, in which unknown values are a sentinel and secrets
 * are wrapped. Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
 */

/** Stands for a value that is not known before the cloud has spoken. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const isSecret = (value) => isObject(value) && value[SIGNATURE] === SECRET;

export const secret = (value) => ({ [SIGNATURE]: SECRET, value });

/** Everything as the cloud sees it: no wrapping left. */
export function plain(value) {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Without the properties that are undefined or null: the engine knows no undefined. */
export function pruned(value) {
  if (Array.isArray(value)) return value.map((inner) => (inner === undefined ? null : pruned(inner)));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, pruned(inner)]));
}

/** `over` laid over `base`, objects key by key; a secret replaces what it covers as a whole. */
export function layered(base, over) {
  if (!isObject(base) || !isObject(over) || isSecret(base) || isSecret(over)) return over === undefined ? base : over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) result[key] = layered(base[key], value);
  return result;
}

/** The value at a path such as `spec.template`, undefined where there is none. */
export const at = (value, path) =>
  path.split('.').reduce((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

/** A copy in which the value at the path is another one; undefined removes it. */
export function withAt(value, path, inner) {
  const [key, ...rest] = path.split('.');
  const copy = { ...(isObject(value) ? value : {}) };
  const next = rest.length === 0 ? inner : withAt(copy[key], rest.join('.'), inner);
  if (next === undefined) delete copy[key];
  else copy[key] = next;
  return copy;
}

/**
 * The paths at which two objects differ, as deep as objects go; arrays are compared as a whole.
 *
 * @returns {{path: string, kind: 'add'|'delete'|'update'}[]}
 */
export function differences(olds, news, prefix = '') {
  const keys = [...new Set([...Object.keys(olds ?? {}), ...Object.keys(news ?? {})])].filter(
    (key) => !key.startsWith('__'),
  );
  return keys.flatMap((key) => {
    const [before, after] = [plain(olds?.[key]), plain(news?.[key])];
    const path = `${prefix}${/^[A-Za-z_$][\w$]*$/.test(key) ? key : `["${key}"]`}`.replace('.["', '["');
    if (isDeepStrictEqual(before, after)) return [];
    if (isObject(before) && isObject(after)) return differences(before, after, `${path}.`);
    return [{ path, kind: before === undefined ? 'add' : after === undefined ? 'delete' : 'update' }];
  });
}
