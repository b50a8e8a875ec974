/**
 * Makes the files of the image: `npm run bundle`, or `node build/bundle.mjs [FOLDER]` (default: dist).
 *
 *   experiment.cjs      begins: a role that is bundled goes straight there, everything else to the command line
 *   cli/main.cjs        the command line
 *   roles/NAME.cjs      begins one role
 *   roles/NAME.program.cjs   the role itself, with nothing of the others
 *   roles/NAME.cache    that program as this Node compiles it: a start takes a third less. Another Node, or one with
 *                       other flags, does without
 *   node_modules/…      the one package that reads files of its own (the forecast's WebAssembly)
 *
 * Prints the sizes as JSON.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const REPO = resolve(import.meta.dirname, '..');

/** What Node is told when it runs a role; what is compiled under others is not used. */
const NODE_FLAGS = JSON.parse(readFileSync(join(REPO, 'runtime/roles/node-flags.json'), 'utf8'));

const ROLES = ['coordinator', 'agent', 'load-generator', 'autoscaler', 'chaos', 'monitor'];

/** Reads its WebAssembly from its own folder. */
const WITH_FILES = '@bsull/augurs';

/** Begins every process of the image. */
const LAUNCHER = `'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const [, , command, name] = process.argv;
const role = command === 'role' && /^[a-z-]+$/.test(name ?? '') ? join(__dirname, 'roles', name + '.cjs') : null;
if (role !== null && existsSync(role)) {
  process.argv.splice(2, 2);
  require(role);
} else require('./cli/main.cjs');
`;

/** Runs the program beside it, as it was compiled before where that fits. */
const BEGIN = `'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { constants, Script } = require('node:vm');

const name = __filename.slice(0, -'.cjs'.length);
const [filename, cache] = [name + '.program.cjs', name + '.cache'];
const script = new Script(wrap(readFileSync(filename, 'utf8')), {
  filename,
  cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(exports, createRequire(filename), module, filename, __dirname);
`;

/** Runs a role as far as it comes without Redis, and keeps what was compiled until then. */
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
  // What waits for Redis has come as far as it can by then.
  setTimeout(() => process.exit(), 1_000);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename));
`;

/** Answers the compiled experiment that roles are compiled with: any will do. */
const EXPERIMENT = `
  import { readFileSync } from 'node:fs';
  import { loadExperiment } from './runtime/spec/read-yaml.js';
  const file = 'Pulumi.phase1.yaml';
  module.exports = JSON.stringify(loadExperiment(readFileSync(file, 'utf8'), file, {}));`;

/** Parts of a package that nobody here uses, and that load a good part of Node. */
const unused = {
  name: 'unused',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]prom-client[\\/]lib[\\/](pushgateway|cluster|defaultMetrics)\.js$/ }, () => ({
      contents: 'module.exports = {};',
    }));
  },
};

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
    plugins: [englishOnly, unused],
    metafile: true,
    logLevel: 'error',
  });
  return Object.keys(metafile.inputs);
}

/**
 * The bundle of one role: its module and the process around it, in NAME.program.cjs, and what begins it.
 *
 * @param outfile ends with `.cjs`.
 */
export async function bundleRole(name, module, outfile) {
  const contents = `
    import { runAsProcess } from './runtime/roles/main.js';
    import { role } from ${JSON.stringify(module)};
    runAsProcess(${JSON.stringify(name)}, role);`;
  const stdin = { contents, resolveDir: REPO, loader: 'ts', sourcefile: `${name}.ts` };
  const inputs = await bundleOne({ stdin }, programOf(outfile));
  writeFileSync(outfile, BEGIN);
  return inputs;
}

const programOf = (file) => file.replace(/\.cjs$/, '.program.cjs');

/** Keeps the compiled form of a role beside its file, for a start that takes a third less. */
export async function keepCompiled(role, file) {
  const cache = file.replace(/\.cjs$/, '.cache');
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
  try {
    const spec = join(folder, 'spec.json');
    writeFileSync(spec, await anExperiment(folder));
    // Nobody listens at port 1.
    const env = { SPEC_FILE: spec, LOG_LEVEL: 'silent', REDIS_NODES: '127.0.0.1:1' };
    const argv = [...(NODE_FLAGS[role] ?? []), '-e', COMPILE, programOf(file), cache];
    spawnSync(process.execPath, argv, { env, stdio: 'ignore', timeout: 30_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (!existsSync(cache)) throw new Error(`${file} does not run as far as its settings`);
}

async function anExperiment(folder) {
  const file = join(folder, 'experiment.cjs');
  await bundleOne({ stdin: { contents: EXPERIMENT, resolveDir: REPO, loader: 'ts' } }, file);
  const script = 'process.stdout.write(require(process.argv[1]))';
  return execFileSync(process.execPath, ['-e', script, file], { cwd: REPO });
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
    made.set(programOf(file), await bundleRole(name, `./runtime/roles/${name}.js`, file));
    await keepCompiled(name, file);
  }
  writeFileSync(join(folder, 'experiment.cjs'), LAUNCHER);
  cpSync(join(REPO, 'node_modules', WITH_FILES), join(folder, 'node_modules', WITH_FILES), { recursive: true });
  return [...made].map(([file, inputs]) => ({ file: relative(folder, file), bytes: statSync(file).size, inputs }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const made = await bundleAll(resolve(process.argv[2] ?? join(REPO, 'dist')));
  console.log(JSON.stringify(Object.fromEntries(made.map(({ file, bytes }) => [file, bytes]))));
}
