// What Pulumi starts. Its own ts-node finds no `./rule.js` that is written as `./rule.ts`, and checks the types of
// everything at each preview, which takes seconds; the types were checked when the code was.
require('tsx/cjs');
require('./index.ts');
