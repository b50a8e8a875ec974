/* What Pulumi starts: its own ts-node finds no `./rules.js` that is written as `./rules.ts`. */
require('../stacks/lean.cjs');
require('../stacks/compiled.cjs')('policies/index.ts');
