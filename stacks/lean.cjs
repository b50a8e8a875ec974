/*
 * Takes away what makes a preview slow and serves nothing here. The program and the policy pack begin with it; without
 * it both work the same, a second later.
 */
const Module = require('node:module');

// Pulumi attaches a stack trace to each of its thousands of promises. ts-node, which it loads whether or not it is
// needed, maps every line of each; V8 formats a trace when somebody reads it.
Error.prepareStackTrace = undefined;

// Most of the SDK's loading time is npm's dependency solver and the TypeScript compiler, which it needs for one thing:
// to serialise functions of the program as cloud functions. They are loaded when they are first asked for anything.
const LATER = ['@npmcli/arborist', 'typescript'];
const SDK = /[\\/]@pulumi[\\/]pulumi[\\/]/;

const load = Module._load;
Module._load = function (request, parent, ...rest) {
  if (!LATER.includes(request) || !SDK.test(parent?.filename ?? '')) return load.call(this, request, parent, ...rest);
  let loaded;
  const now = () => (loaded ??= load.call(this, request, parent, ...rest));
  return new Proxy(
    {},
    {
      get: (_, key) => (key === '__esModule' ? true : now()[key]),
      has: (_, key) => key in now(),
    },
  );
};
