import { setTimeout } from 'node:timers';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Which real engines the tests run on, and how each is built. An engine is a Go program, built as a module of ours
 * (engines/<name>: go.mod, go.sum and a tools.go that imports its main package): `go install` cannot build programs
 * whose module has replace lines.
 */

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, '..', 'engines');

/** The oldest Pulumi CLI the tests are known to work with. */
const OLDEST_PULUMI = [3, 240];

/** How long another process may take to build the same engine before its lock is taken for a leftover, ms. */
const LOCK_STALE_MS = 20 * 60_000;

const ENGINES = {
  pulumi: {
    module: 'pulumi',
    binary: 'pulumi',
    version: '3.250.0',
    main: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
    // Without a version of its own the CLI fails in preview and destroy.
    ldflags: '-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.250.0',
  },
  'language-nodejs': {
    module: 'language-nodejs',
    binary: 'pulumi-language-nodejs',
    // The last version whose Go module holds the language host.
    version: '3.68.0',
    main: 'github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs',
    ldflags: '-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.68.0',
  },
  etcd: {
    module: 'etcd',
    binary: 'etcd',
    version: '3.6.6',
    main: 'go.etcd.io/etcd/server/v3',
    ldflags: '-s -w',
  },
  'kube-apiserver': {
    module: 'kube-apiserver',
    binary: 'kube-apiserver',
    version: '1.34.4',
    main: 'k8s.io/kubernetes/cmd/kube-apiserver',
    // Without a version of its own it takes itself for 1.0 and refuses to emulate anything.
    ldflags: ['gitVersion=v1.34.4', 'gitMajor=1', 'gitMinor=34']
      .map((setting) => ` -X k8s.io/component-base/version.${setting}`)
      .reduce((flags, flag) => flags + flag, '-s -w'),
  },
};

/** Engines an installed Pulumi stands in for. */
const OF_PULUMI = ['pulumi', 'language-nodejs'];

/** Folder that holds the built engine; its name changes with everything that decides what is built. */
function engineFolder(engine) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const recipe = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'tools.go']) recipe.update(readFileSync(join(modules, engine.module, file)));
  recipe.update(JSON.stringify(engine)).update(`${process.platform}-${process.arch}`);
  const name = `${engine.module}-${engine.version}-${recipe.digest('hex').slice(0, 12)}`;
  return join(cache, 'agent-experiment', 'engines', name);
}

/**
 * Folders to put first on PATH so that the engines are found; those of Pulumi only where the installed one does not fit.
 * Says in `missing` which engines have to be built first.
 */
export function findEngines() {
  const installed = installedPulumiFits();
  const engines = Object.entries(ENGINES).flatMap(([name, engine]) =>
    installed && OF_PULUMI.includes(name) ? [] : [engine],
  );
  return {
    path: engines.map(engineFolder),
    missing: engines.filter((engine) => !existsSync(join(engineFolder(engine), engine.binary))),
  };
}

/** A CLI without its language host cannot run our program, and hosts of other versions do not belong to it. */
function installedPulumiFits() {
  const asked = spawnSync('pulumi', ['version'], {
    encoding: 'utf8',
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: '1' },
  });
  if (asked.status !== 0) return false;
  const [, major, minor] = /v?(\d+)\.(\d+)\./.exec(asked.stdout) ?? [];
  const old =
    Number(major) < OLDEST_PULUMI[0] || (Number(major) === OLDEST_PULUMI[0] && Number(minor) < OLDEST_PULUMI[1]);
  if (major === undefined || old) return false;
  return spawnSync('which', ['pulumi-language-nodejs']).status === 0;
}

/** Builds the engine into its folder, all or nothing; waits where another process builds the same one. */
export async function buildEngine(engine, say) {
  const folder = engineFolder(engine);
  mkdirSync(dirname(folder), { recursive: true });
  const release = await lock(`${folder}.lock`, say);
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    if (existsSync(join(folder, engine.binary))) return folder;
    say(`building ${engine.binary} ${engine.version} into ${folder} (some minutes when nothing is cached)`);
    mkdirSync(temporary, { recursive: true });
    const started = performance.now();
    execFileSync(
      'go',
      [
        'build',
        '-mod=readonly',
        '-trimpath',
        '-ldflags',
        engine.ldflags,
        '-o',
        join(temporary, engine.binary),
        engine.main,
      ],
      {
        cwd: join(modules, engine.module),
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, GOWORK: 'off' },
      },
    );
    // A killed build of an earlier time can have left the folder without its binary.
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
    say(`built ${engine.binary} ${engine.version} in ${Math.round((performance.now() - started) / 1000)} s`);
    return folder;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    release();
  }
}

/** A lock file with the holder's process id; a lock whose holder is gone is taken over. */
async function lock(file, say) {
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isLeftover(file)) rmSync(file, { force: true });
    else if (!told) {
      told = true;
      say(`waiting for another build (${file})`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function isLeftover(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > LOCK_STALE_MS) return true;
    const holder = Number(readFileSync(file, 'utf8'));
    if (holder === 0) return false;
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
