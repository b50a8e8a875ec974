import { stackFileSchema } from './json-schema.js';

/** A script, not a module: prints schema/experiment.schema.json. Run `npm run schema` after every change of the schema. */
process.stdout.write(`${JSON.stringify(stackFileSchema(), null, 2)}\n`);
