import { createHash } from 'node:crypto';
import type { Experiment } from './experiment.js';

/** SHA-256 (hex) of the compiled experiment as canonical JSON: the same experiment, whatever the order of its keys. */
export function specHash(experiment: Experiment): string {
  const hash = known.get(experiment) ?? createHash('sha256').update(canonicalJson(experiment)).digest('hex');
  known.set(experiment, hash);
  return hash;
}

/** Asked for several times where a process starts, and it takes milliseconds. */
const known = new WeakMap<Experiment, string>();

/** JSON with the keys of every object in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
