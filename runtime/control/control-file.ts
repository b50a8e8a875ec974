import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';

const controlFile = z.object({
  pid: z.int().positive(),
  port: z.int().positive().max(65_535),
  token: z.string().min(1),
  experimentId: z.string().min(1),
  /** Epoch ms. */
  startedAt: z.number(),
});

/** `control.json`: how to reach the run in whose folder it lies. Only its owner may read it: it holds the token. */
export type ControlFile = z.infer<typeof controlFile>;

export async function writeControlFile(folder: string, content: ControlFile): Promise<void> {
  await writeWhole(join(folder, RUN_FILES.control), `${JSON.stringify(content, null, 2)}\n`, 0o600);
}

/** Null where there is none, or none that can be read. */
export async function readControlFile(folder: string): Promise<ControlFile | null> {
  try {
    const parsed = controlFile.safeParse(JSON.parse(await readFile(join(folder, RUN_FILES.control), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export async function removeControlFile(folder: string): Promise<void> {
  await rm(join(folder, RUN_FILES.control), { force: true });
}

/** Does the process that wrote the file still live? (Its number may have been given to another one since.) */
export function isAlive({ pid }: Pick<ControlFile, 'pid'>): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
