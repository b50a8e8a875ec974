/* What Pulumi starts: its own ts-node finds no `./settings.js` that is written as `./settings.ts`. */
require('./lean.cjs');
module.exports = require('./compiled.cjs')('stacks/index.ts');
