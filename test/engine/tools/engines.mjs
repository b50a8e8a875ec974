import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoEngine, goEngineFolder } from '../../tools/engine-cache.mjs';

/* Which real engines the tests run on, and how each is built: Go programs, as modules of ours (engines/<name>). */

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, '..', 'engines');

/** The oldest Pulumi CLI the tests are known to work with. */
const OLDEST_PULUMI = [3, 240];

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

const folderOf = (engine) => goEngineFolder(engine, modules);

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
    path: engines.map(folderOf),
    missing: engines.filter((engine) => !existsSync(join(folderOf(engine), engine.binary))),
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

/** Builds the engine into its folder; waits where another process builds the same one. */
export function buildEngine(engine, say) {
  return buildGoEngine(engine, modules, say);
}
