import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** What a compressed file of JSON lines still holds. */
export interface ReadLines {
  /** Every whole line from the start on. */
  readonly lines: readonly unknown[];
  /** False where the file ends in the middle, is damaged, or is not there: something may be missing. */
  readonly whole: boolean;
}

/**
 * Reads JSON lines up to where they can be read: the file of a process that was killed ends in the middle of a
 * compressed block.
 */
export async function readNdjson(path: string): Promise<ReadLines> {
  const { text, whole } = await unzip(path);
  const end = text.lastIndexOf('\n') + 1;
  const lines: unknown[] = [];
  for (const line of text.slice(0, end).split('\n')) {
    if (line === '') continue;
    const value = parsed(line);
    if (value === undefined) return { lines, whole: false };
    lines.push(value);
  }
  return { lines, whole: whole && end === text.length };
}

function unzip(path: string): Promise<{ text: string; whole: boolean }> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const gunzip = createGunzip();
    const end = (whole: boolean): void => {
      resolve({ text: Buffer.concat(pieces).toString('utf8'), whole });
    };
    gunzip.on('data', (piece: Buffer) => pieces.push(piece));
    gunzip.on('end', () => {
      // An empty file is no compressed nothing, but one whose first block was never written.
      end(gunzip.bytesWritten > 0);
    });
    gunzip.on('error', () => {
      end(false);
    });
    createReadStream(path)
      .on('error', () => {
        end(false);
      })
      .pipe(gunzip);
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
