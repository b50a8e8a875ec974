import { createHash } from 'node:crypto';
import type { Experiment } from './experiment.js';

/** SHA-256 (hex) of the compiled experiment as canonical JSON: the same experiment, whatever the order of its keys. */
export function specHash(experiment: Experiment): string {
  return createHash('sha256').update(canonicalJson(experiment)).digest('hex');
}

/** JSON with the keys of every object in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
