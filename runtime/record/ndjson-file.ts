import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';

/** Lines are handed to the compressor in pieces of about this size (characters). */
const PIECE = 64 * 1024;
/** Held back at most while the disk is behind (characters); beyond that lines are dropped and counted. */
const MOST_HELD = 64 * 1024 * 1024;

/**
 * A gzip file of lines, written so that what was flushed can be read even if the process is killed: every flush ends
 * a deflate block.
 */
export class NdjsonFile {
  private readonly gzip: Gzip;
  private readonly file: WriteStream;
  private piece: string[] = [];
  private pieceLength = 0;
  private waiting: Promise<void> | null = null;
  private relieved: () => void = () => undefined;
  private failure: Error | null = null;
  private closed = false;
  records = 0;
  dropped = 0;

  constructor(readonly path: string) {
    this.gzip = createGzip({ level: 3, chunkSize: 256 * 1024 });
    this.file = createWriteStream(path, { flags: 'wx' });
    const fail = (error: Error): void => {
      this.failure ??= error;
    };
    this.gzip.on('error', fail);
    this.file.on('error', (error) => {
      fail(error);
      // Nobody reads the compressor any more: without this its buffer would fill up and never drain.
      this.gzip.destroy();
    });
    for (const event of ['drain', 'close'] as const) {
      this.gzip.on(event, () => {
        this.relieved();
      });
    }
    this.gzip.pipe(this.file);
  }

  get error(): Error | null {
    return this.failure;
  }

  write(line: string): void {
    if (this.failure !== null || this.closed) {
      this.dropped += 1;
      return;
    }
    if (this.gzip.writableLength > MOST_HELD) {
      this.dropped += 1;
      return;
    }
    this.records += 1;
    this.piece.push(line, '\n');
    this.pieceLength += line.length + 1;
    if (this.pieceLength >= PIECE) this.push();
  }

  /** Makes what was written so far readable in the file, even after a kill -9. */
  flush(): void {
    if (this.failure !== null || this.closed) return;
    this.push();
    this.gzip.flush(constants.Z_SYNC_FLUSH);
  }

  /** A promise while the compressor is behind; null otherwise. */
  pressure(): Promise<void> | null {
    if (this.failure !== null || !this.gzip.writableNeedDrain) return null;
    this.waiting ??= new Promise((resolve) => {
      this.relieved = () => {
        this.waiting = null;
        resolve();
      };
    });
    return this.waiting;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.push();
    this.closed = true;
    if (this.failure !== null) return;
    this.gzip.end();
    await finished(this.file).catch((error: unknown) => {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }

  private push(): void {
    if (this.pieceLength === 0) return;
    this.gzip.write(this.piece.join(''));
    this.piece = [];
    this.pieceLength = 0;
  }
}
