/**
 * Makes the files of the image: `npm run bundle`, or `node build/bundle.mjs [FOLDER]` (default: dist).
 *
 *   experiment.cjs      begins: a role that is bundled goes straight there, everything else to the command line
 *   cli/main.cjs        the command line
 *   roles/NAME.cjs      one role each, with nothing of the others
 *   roles/NAME.cache    that file as this Node compiles it: a start takes a quarter less. Another Node, or one with other
 *                       flags, does without
 *   node_modules/…      the one package that reads files of its own (the forecast's WebAssembly)
 *
 * Prints the sizes as JSON.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const REPO = resolve(import.meta.dirname, '..');

const ROLES = ['coordinator', 'agent', 'load-generator', 'autoscaler', 'chaos', 'monitor'];

/** Reads its WebAssembly from its own folder. */
const WITH_FILES = '@bsull/augurs';

/** Begins every process of the image. */
const LAUNCHER = `'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { constants, Script } = require('node:vm');

const [, , command, name] = process.argv;
const role = command === 'role' && /^[a-z-]+$/.test(name ?? '') ? join(__dirname, 'roles', name) : null;
if (role !== null && existsSync(role + '.cjs')) {
  process.argv.splice(2, 2);
  const filename = role + '.cjs';
  const cachedData = existsSync(role + '.cache') ? readFileSync(role + '.cache') : undefined;
  const script = new Script(wrap(readFileSync(filename, 'utf8')), {
    filename,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename));
} else require('./cli/main.cjs');
`;

/** Runs a role as far as it comes without an experiment, and keeps what was compiled until then. */
const COMPILE = `
  const { readFileSync, writeFileSync } = require('node:fs');
  const { createRequire, wrap } = require('node:module');
  const { dirname } = require('node:path');
  const { constants, Script } = require('node:vm');
  const [, filename, cache] = process.argv;
  const script = new Script(wrap(readFileSync(filename, 'utf8')), {
    filename,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  process.on('exit', () => writeFileSync(cache, script.createCachedData()));
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename));
`;

/** Messages of zod in sixty languages, of which one is shown. */
const englishOnly = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ }, ({ path }) => ({
      contents: `export { default as en } from './en.js';`,
      resolveDir: dirname(path),
    }));
  },
};

/**
 * One file with all it needs.
 *
 * @param {import('esbuild').BuildOptions} entry `entryPoints` or `stdin`.
 * @returns files of the repository it is made from.
 */
export async function bundleOne(entry, outfile) {
  const { metafile } = await build({
    absWorkingDir: REPO,
    ...entry,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    minify: true,
    // Names of errors and classes are printed in messages.
    keepNames: true,
    legalComments: 'none',
    external: [`${WITH_FILES}/*`],
    plugins: [englishOnly],
    metafile: true,
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs);
}

/** The bundle of one role: its module and the process around it. */
export function bundleRole(name, module, outfile) {
  const contents = `
    import { runAsProcess } from './runtime/roles/main.js';
    import { role } from ${JSON.stringify(module)};
    runAsProcess(${JSON.stringify(name)}, role);`;
  return bundleOne({ stdin: { contents, resolveDir: REPO, loader: 'ts', sourcefile: `${name}.ts` } }, outfile);
}

/** Keeps the compiled form of a role's file beside it. */
function keepCompiled(file) {
  const cache = file.replace(/\.cjs$/, '.cache');
  const env = { SPEC_FILE: `${file}.no-such-file`, LOG_LEVEL: 'silent' };
  spawnSync(process.execPath, ['-e', COMPILE, file, cache], { env, stdio: 'ignore', timeout: 30_000 });
  if (!existsSync(cache)) throw new Error(`${file} does not run as far as its settings`);
}

/** All files; answers their sizes in bytes and what each is made from. */
export async function bundleAll(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const made = new Map();
  const cli = join(folder, 'cli/main.cjs');
  made.set(cli, await bundleOne({ entryPoints: ['runtime/cli/main.ts'] }, cli));
  for (const name of ROLES) {
    if (!existsSync(join(REPO, `runtime/roles/${name}.ts`))) continue;
    const file = join(folder, `roles/${name}.cjs`);
    made.set(file, await bundleRole(name, `./runtime/roles/${name}.js`, file));
    keepCompiled(file);
  }
  writeFileSync(join(folder, 'experiment.cjs'), LAUNCHER);
  cpSync(join(REPO, 'node_modules', WITH_FILES), join(folder, 'node_modules', WITH_FILES), { recursive: true });
  return [...made].map(([file, inputs]) => ({ file: relative(folder, file), bytes: statSync(file).size, inputs }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const made = await bundleAll(resolve(process.argv[2] ?? join(REPO, 'dist')));
  console.log(JSON.stringify(Object.fromEntries(made.map(({ file, bytes }) => [file, bytes]))));
}
