// As in stacks/: types were checked when the code was, not at every run.
require('tsx/cjs');
module.exports = require('./index.ts');
