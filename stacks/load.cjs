// What Pulumi starts. Its own ts-node finds no `./settings.js` that is written as `./settings.ts`, and checks the types
// of everything at each preview, which takes seconds; the types were checked when the code was.
require('tsx/cjs');
module.exports = require('./index.ts');
