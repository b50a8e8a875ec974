/*
 * Loads a TypeScript program the quick way: bundled into one file of JavaScript, which is kept and taken again until
 * one of its sources changes. Loading some hundred files one by one takes four times as long, and a preview does it
 * twice, in the program and in the policy pack. Types are not checked here; `npm run check` does that.
 */
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { join, resolve } = require('node:path');

const REPO = resolve(__dirname, '..');

/** What a bundle is made of besides the sources it names: the packages, and how it is made. */
const RECIPE = ['package-lock.json', 'tsconfig.json', 'stacks/compiled.cjs'];

/** Shared with the process that loads the program: a second copy of the SDK would declare to nobody. */
const SHARED = ['@pulumi/pulumi', '@pulumi/pulumi/*', '@pulumi/policy', '@pulumi/policy/*'];

/** Size and time of change of a file of the repository; null where it is gone. */
function stateOf(file) {
  const found = statSync(join(REPO, file), { throwIfNoEntry: false });
  return found === undefined ? null : `${found.size} ${found.mtimeMs}`;
}

/** The bundle kept from before, where every source is as it was then; null otherwise. */
function keptBundle(index) {
  try {
    const { bundle, sources } = JSON.parse(readFileSync(index, 'utf8'));
    const fresh = Object.entries(sources).every(([file, state]) => stateOf(file) === state);
    return fresh && statSync(bundle, { throwIfNoEntry: false }) !== undefined ? bundle : null;
  } catch {
    // There is none yet, or what says so was cut short: it is made again.
    return null;
  }
}

/** Writes a file whole or not at all, however many do it at once. */
function writeWhole(file, text) {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, text);
  renameSync(part, file);
}

function build(entry) {
  const { buildSync } = require('esbuild');
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: REPO,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: SHARED,
    // Names of classes are printed in messages.
    keepNames: true,
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const sources = [...RECIPE, ...Object.keys(metafile.inputs).filter((file) => !file.startsWith('node_modules/'))];
  return { text: outputFiles[0].text, sources };
}

/**
 * What the TypeScript file exports.
 *
 * @param {string} entry path within the repository: `stacks/index.ts`.
 * @param {string} folder where bundles are kept.
 */
module.exports = function compiled(entry, folder = join(REPO, 'node_modules/.cache/agent-experiment')) {
  const index = join(folder, `${entry.replaceAll('/', '-')}.json`);
  const kept = keptBundle(index);
  if (kept !== null) return require(kept);
  const began = Date.now();
  const { text, sources } = build(entry);
  const bundle = join(folder, `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.cjs`);
  try {
    mkdirSync(folder, { recursive: true });
    writeWhole(bundle, text);
    const states = sources.map((file) => [file, stateOf(file)]);
    // One that changed meanwhile may have been read before or after: next time decides.
    const settled = sources.every((file) => statSync(join(REPO, file)).mtimeMs < began);
    if (settled) writeWhole(index, JSON.stringify({ bundle, sources: Object.fromEntries(states) }));
  } catch {
    // Nowhere to keep it (a folder that cannot be written, a full disk): it is made each time.
  }
  const module = new Module(bundle);
  module.filename = bundle;
  module.paths = Module._nodeModulePaths(REPO);
  module._compile(text, bundle);
  return module.exports;
};
