import { setTimeout } from 'node:timers';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/*
 * Where the real engines of the tests are kept: the user's cache, one folder per engine and recipe. A folder appears
 * when it is complete and never changes; whoever needs one while another process makes it waits.
 */

/** How long another process may take to make the same engine before its lock is taken for a leftover, ms. */
const LOCK_STALE_MS = 20 * 60_000;

/** Folder of an engine; its name changes with everything that decides what is made. `recipe`: texts or buffers. */
export function cacheFolder(name, recipe) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const hash = createHash('sha256');
  for (const part of recipe) hash.update(part);
  hash.update(`${process.platform}-${process.arch}`);
  return join(cache, 'agent-experiment', 'engines', `${name}-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * Makes the folder, all or nothing, unless the file in it exists: `make(temporary)` fills a folder that is then renamed.
 * Waits where another process makes the same one.
 */
export async function provide(folder, file, say, make) {
  mkdirSync(dirname(folder), { recursive: true });
  const release = await lock(`${folder}.lock`, say);
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    if (existsSync(join(folder, file))) return;
    mkdirSync(temporary, { recursive: true });
    await make(temporary);
    // A killed build of an earlier time can have left the folder without its file.
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    release();
  }
}

/**
 * Folder of a Go program. It is built as a module of ours, `modules/<engine.module>` (go.mod, go.sum and a tools.go
 * that imports its main package): `go install` cannot build programs whose module has replace lines.
 */
export function goEngineFolder(engine, modules) {
  const files = ['go.mod', 'go.sum', 'tools.go'].map((file) => readFileSync(join(modules, engine.module, file)));
  return cacheFolder(`${engine.module}-${engine.version}`, [...files, JSON.stringify(engine)]);
}

/** Builds `engine.binary` of a Go program into its folder. */
export async function buildGoEngine(engine, modules, say) {
  const folder = goEngineFolder(engine, modules);
  await provide(folder, engine.binary, say, (temporary) => {
    say(`building ${engine.binary} ${engine.version} into ${folder} (some minutes when nothing is cached)`);
    const started = performance.now();
    const output = join(temporary, engine.binary);
    execFileSync('go', ['build', '-mod=readonly', '-trimpath', '-ldflags', engine.ldflags, '-o', output, engine.main], {
      cwd: join(modules, engine.module),
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, GOWORK: 'off' },
    });
    say(`built ${engine.binary} ${engine.version} in ${Math.round((performance.now() - started) / 1000)} s`);
  });
  return folder;
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
