import { buildEngine, findEngines } from './engines.mjs';

/* Builds what is missing of the real Pulumi engine, once, into the user's cache. Run by `npm run test:engine`. */

const say = (line) => console.error(`engines: ${line}`);

const { path, missing } = findEngines();
if (path.length === 0) say('the installed pulumi and its Node language host are used');
for (const engine of missing) await buildEngine(engine, say);
if (path.length > 0) say(`ready in ${path.join(' and ')}`);
