import { findEngines } from './engines.mjs';

/* Gets what is missing of the real engines (Redis, toxiproxy), once, into the user's cache. */

const say = (line) => console.error(`engines: ${line}`);

const { path, missing } = findEngines();
try {
  for (const engine of missing) await engine.get(say);
  say(`ready in ${path.join(' and ')}`);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
