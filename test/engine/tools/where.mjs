import { findEngines } from './engines.mjs';

/* Prints where the engines are, as JSON: {path: folders to put on PATH, missing: names of those not yet built}. */

const { path, missing } = findEngines();
console.log(JSON.stringify({ path, missing: missing.map(({ binary }) => binary) }));
