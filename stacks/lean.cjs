/*
 * Takes away what makes a preview slow and serves nothing here. The program and the policy pack begin with it; without
 * it both work the same, half a second later.
 */
const Module = require('node:module');

// Pulumi attaches a stack trace to each of its thousands of promises. ts-node, which it loads whether or not it is
// needed, maps every line of each; V8 formats a trace when somebody reads it.
Error.prepareStackTrace = undefined;

// Half of the SDK's loading time is npm's dependency solver, which it needs for one thing: to serialise functions of
// the program as cloud functions. It is loaded when it is first asked for anything. (The program's own process has it already by
// now; the pack's has not.)
const LATER = '@npmcli/arborist';
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request !== LATER) return load.call(this, request, ...rest);
  let loaded;
  const now = () => (loaded ??= load.call(this, request, ...rest));
  return new Proxy(
    {},
    {
      get: (_, key) => (key === '__esModule' ? true : now()[key]),
      has: (_, key) => key in now(),
    },
  );
};
