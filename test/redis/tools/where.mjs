import { findEngines } from './engines.mjs';

/* Prints where the engines are, as JSON: {path: folders to put on PATH, missing: names of programs not yet there}. */

const { path, missing } = findEngines();
console.log(JSON.stringify({ path, missing: missing.flatMap(({ programs }) => programs) }));
