import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';

/** Names of the files in a run's folder. */
export const RUN_FILES = {
  spec: 'spec.json',
  record: 'record.json',
  json: 'report.json',
  markdown: 'report.md',
  html: 'report.html',
  faults: 'faults.ndjson',
  control: 'control.json',
  snapshot: 'snapshot.json',
} as const;

/** Free space a run wants before it starts, bytes: the records of a 72 h run are about a tenth of it. */
export const WANTED_BYTES = 512 * 1024 * 1024;

/**
 * Makes the folder of a run: `out` exactly (it must not exist, or be empty), or the next free name under `results/`.
 * Refuses where there is no room or no right to write, before anything has begun.
 */
export async function createRunFolder(experimentId: string, out: string | null, root = 'results'): Promise<string> {
  const folder = out === null ? await nextFree(resolve(root), experimentId) : await givenFolder(resolve(out), out);
  await assertRoom(folder);
  return folder;
}

/** Writes a file so that it is there as a whole or not at all, whatever happens meanwhile. */
export async function writeWhole(path: string, text: string, mode = 0o666): Promise<void> {
  const temporary = `${path}.part`;
  try {
    await writeFile(temporary, text, { mode });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

/**
 * Writes the first file of a run, and so makes the folder its own: of two that start into one folder at the same
 * time, the second is refused. Where it cannot be written the folder is taken away again.
 */
export async function claim(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, '', { flag: 'wx' });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? notEmpty(dirname(path)) : writeError(path, error);
  }
  try {
    await writeWhole(path, text);
  } catch (error) {
    await rm(path, { force: true });
    await rmdir(dirname(path)).catch(() => undefined);
    throw error;
  }
}

/** What went wrong with writing, told so that it can be put right. */
function writeError(path: string, error: unknown): ExperimentError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ExperimentError(
      'NO_SPACE',
      'there is no room on the disk',
      [{ path, message, hint: 'free some space, or name another folder with --out' }],
      { cause: error },
    );
  }
  return new ExperimentError(
    'FILE_UNREADABLE',
    'a file could not be written',
    [{ path, message, hint: 'check that the folder exists and may be written to, or name another with --out' }],
    { cause: error },
  );
}

async function givenFolder(folder: string, asWritten: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writeError(asWritten, error);
  }
  const entries = await readdir(folder);
  if (entries.length > 0) throw notEmpty(asWritten);
  return folder;
}

function notEmpty(folder: string): ExperimentError {
  return new ExperimentError('OUT_NOT_EMPTY', 'the results folder holds something already', [
    {
      path: '--out',
      value: folder,
      message: 'must not exist, or be empty: nothing recorded is ever overwritten',
      hint: 'name another folder, or leave --out away for the next free name under results/',
    },
  ]);
}

async function nextFree(root: string, experimentId: string): Promise<string> {
  try {
    await mkdir(root, { recursive: true });
    for (let n = 1; ; n += 1) {
      const folder = join(root, n === 1 ? experimentId : `${experimentId}-${n}`);
      try {
        await mkdir(folder);
        return folder;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw writeError(root, error);
  }
}

async function assertRoom(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= WANTED_BYTES) return;
  await rmdir(folder).catch(() => undefined);
  throw new ExperimentError('NO_SPACE', 'there is too little room on the disk to record a run', [
    {
      path: existsSync(folder) ? folder : dirname(folder),
      value: `${Math.round(free / 2 ** 20)} MiB free`,
      message: `${WANTED_BYTES / 2 ** 20} MiB are wanted before a run starts`,
      hint: 'free some space, or name a folder on another disk with --out',
    },
  ]);
}
