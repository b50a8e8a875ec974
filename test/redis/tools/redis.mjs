import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, provide } from '../../tools/engine-cache.mjs';

/*
 * Redis from the distribution's packages, unpacked into the user's cache: nothing is installed and no root is needed.
 */

/** The oldest version that has what our cluster settings ask for (cluster-port, preferred endpoint types). */
const OLDEST = 7;

export const REDIS_PROGRAMS = ['redis-server', 'redis-cli'];
const PACKAGES = ['redis-server', 'redis-tools'];

const HOW_TO_INSTALL =
  'install Redis 7.0 or newer so that redis-server and redis-cli are on PATH (Debian, Ubuntu: apt-get install ' +
  'redis-server; macOS: brew install redis)';

/** Whether the programs on PATH do. */
export function installedRedisFits() {
  return REDIS_PROGRAMS.every((program) => {
    const asked = spawnSync(program, ['--version'], { encoding: 'utf8' });
    const [, major] = /(?:v=|redis-cli )(\d+)\./.exec(asked.stdout ?? '') ?? [];
    return asked.status === 0 && Number(major) >= OLDEST;
  });
}

export function redisFolder() {
  // This very file is the recipe.
  return join(cacheFolder('redis-packages', [readFileSync(fileURLToPath(import.meta.url))]), 'bin');
}

/** Fetches the packages, and those of the libraries this machine lacks. @throws Error that says what to install. */
export async function fetchRedis(say) {
  const bin = redisFolder();
  await provide(join(bin, '..'), join('bin', 'redis-server'), say, (folder) => {
    if (spawnSync('dpkg-deb', ['--version']).status !== 0) throw new Error(HOW_TO_INSTALL);
    say(`fetching the packages ${PACKAGES.join(' and ')} into ${folder}`);
    const root = join(folder, 'root');
    const apt = new Packages(join(folder, 'packages'));
    for (const name of PACKAGES) apt.unpack(name, root);
    const known = new Set(PACKAGES);
    for (let lacking = librariesLacking(root); lacking.length > 0; lacking = librariesLacking(root)) {
      const next = [...apt.libraries()].filter((name) => !known.has(name));
      if (next.length === 0)
        throw new Error(`Redis needs ${lacking.join(', ')}, which no package of it names; ${HOW_TO_INSTALL}`);
      for (const name of next) {
        known.add(name);
        apt.unpack(name, root);
      }
    }
    apt.remove();
    writeWrappers(folder, root);
  });
  const version = spawnSync(join(bin, 'redis-server'), ['--version'], { encoding: 'utf8' });
  const [, major] = /v=(\d+)\./.exec(version.stdout ?? '') ?? [];
  if (!(Number(major) >= OLDEST)) {
    throw new Error(
      `the distribution's Redis is too old (${(version.stdout || version.stderr).trim()}); ${HOW_TO_INSTALL}`,
    );
  }
}

/** Packages of apt, downloaded into a folder. */
class Packages {
  #folder;
  /** Options that make apt use package lists of our own; none while the system's do. */
  #lists = [];

  constructor(folder) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  unpack(name, root) {
    const before = new Set(this.#files());
    this.#download(name);
    for (const file of this.#files()) {
      if (!before.has(file)) execFileSync('dpkg-deb', ['-x', join(this.#folder, file), root]);
    }
  }

  /** Names of libraries that what was downloaded depends on; the C library is the system's. */
  libraries() {
    const names = this.#files().flatMap((file) =>
      execFileSync('dpkg-deb', ['-f', join(this.#folder, file), 'Depends'], { encoding: 'utf8' })
        .split(/[,|]/)
        .map((dependency) => dependency.trim().split(/[ :(]/)[0] ?? ''),
    );
    return new Set(names.filter((name) => /^(lib|lua)/.test(name) && !/^libc6$/.test(name)));
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }

  #files() {
    return readdirSync(this.#folder).filter((file) => file.endsWith('.deb'));
  }

  #download(name) {
    if (this.#apt(['download', name]).ok) return;
    // The system has no lists, or old ones that name files the mirror no longer has.
    if (this.#lists.length === 0) {
      const state = join(this.#folder, 'state');
      for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(state, part), { recursive: true });
      this.#lists = [`Dir::State::lists=${state}/lists`, `Dir::Cache=${state}/cache`].flatMap((one) => ['-o', one]);
      this.#apt(['update']);
    }
    const { ok, said } = this.#apt(['download', name]);
    if (!ok) throw new Error(`apt-get cannot download ${name}: ${said}\n${HOW_TO_INSTALL}`);
  }

  #apt(args) {
    // As root, apt would otherwise download as a user who may not write here.
    const options = ['-q', '-o', 'APT::Sandbox::User=root', ...this.#lists];
    const { status, stdout, stderr, error } = spawnSync('apt-get', [...options, ...args], {
      cwd: this.#folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return {
      ok: status === 0,
      said: error ? error.message : `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n'),
    };
  }
}

/** Folders below `root` that hold libraries. */
function libraryFolders(root) {
  const parents = ['lib', 'usr/lib'].map((one) => join(root, one)).filter((one) => existsSync(one));
  const inside = parents.flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
      .map((entry) => join(parent, entry.name)),
  );
  return [...inside, ...parents];
}

function librariesLacking(root) {
  const folders = libraryFolders(root).join(':');
  const lacking = REDIS_PROGRAMS.flatMap((program) => {
    const { stdout } = spawnSync('ldd', [join(root, 'usr/bin', program)], {
      encoding: 'utf8',
      env: { ...process.env, LD_LIBRARY_PATH: folders },
    });
    return [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library);
  });
  return [...new Set(lacking)];
}

/** `bin/` holds scripts that find the libraries beside them; they become the program, so that signals reach it. */
function writeWrappers(folder, root) {
  mkdirSync(join(folder, 'bin'));
  // One fixed name for all library folders: the scripts need not know the processor.
  mkdirSync(join(folder, 'lib'));
  for (const libraries of libraryFolders(root)) {
    for (const entry of readdirSync(libraries, { withFileTypes: true })) {
      if (entry.isDirectory() || existsSync(join(folder, 'lib', entry.name))) continue;
      symlinkSync(join('..', libraries.slice(folder.length + 1), entry.name), join(folder, 'lib', entry.name));
    }
  }
  for (const program of REDIS_PROGRAMS) {
    const script = join(folder, 'bin', program);
    writeFileSync(
      script,
      `#!/bin/sh
here=\${0%/*}/..
LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/root/usr/bin/${program}" "$@"
`,
    );
    chmodSync(script, 0o755);
  }
}
