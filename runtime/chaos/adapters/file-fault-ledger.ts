import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';
import { ExperimentError } from '../../kernel/errors.js';
import { FAULT_TYPES } from '../../spec/experiment.js';
import { MemoryFaultLedger, type FaultLedger, type FaultLedgerEntry } from '../fault-ledger.js';

const agent = z.object({
  id: z.string(),
  zone: z.string(),
  node: z.string(),
  ready: z.boolean(),
  incarnation: z.number(),
});

const fault = z.object({
  id: z.string(),
  type: z.enum(FAULT_TYPES),
  subjects: z.array(z.string()),
  agents: z.array(agent),
  hitsAll: z.boolean(),
  durationMs: z.number(),
  baseline: z.number(),
  strength: z.number(),
  detail: z.string(),
});

const line = z.discriminatedUnion('op', [
  z.object({ op: z.literal('open'), entry: z.object({ fault, openedAt: z.number(), expiresAt: z.number() }) }),
  z.object({ op: z.literal('close'), faultId: z.string(), at: z.number() }),
]);

type LedgerLine =
  | { readonly op: 'open'; readonly entry: FaultLedgerEntry }
  | { readonly op: 'close'; readonly faultId: string; readonly at: number };

/**
 * A fault ledger in a file: one JSON object a line, each forced to the disk (fdatasync) before the call returns. A
 * last line cut short by a crash is dropped: its call never returned, so its fault was never injected.
 */
export class FileFaultLedger implements FaultLedger {
  /** Lines are written one after the other. */
  private tail: Promise<void> = Promise.resolve();

  private constructor(
    private readonly clock: Clock,
    private readonly file: FileHandle,
    private readonly state: MemoryFaultLedger,
    /** Bytes of whole lines. */
    private length: number,
  ) {}

  /**
   * Opens the ledger at `path`, or starts one. Throws {@link ExperimentError} RECORD_UNREADABLE when a whole line
   * cannot be read: a fault that may still be open must not be overlooked.
   */
  static open(path: string, clock: Clock): Promise<FileFaultLedger> {
    const opened = async (): Promise<FileFaultLedger> => {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        const text = await file.readFile('utf8');
        const whole = text.slice(0, text.lastIndexOf('\n') + 1);
        const state = replay(path, whole);
        const length = Buffer.byteLength(whole);
        await file.truncate(length);
        await syncFolder(dirname(path));
        return new FileFaultLedger(clock, file, state, length);
      } catch (error) {
        await file.close();
        throw error;
      }
    };
    return clock.hold(opened());
  }

  async open(entry: FaultLedgerEntry): Promise<void> {
    await this.append({ op: 'open', entry });
    this.state.open(entry);
  }

  async close(faultId: string, at: number): Promise<void> {
    await this.append({ op: 'close', faultId, at });
    this.state.close(faultId);
  }

  stillOpen(): readonly FaultLedgerEntry[] {
    return this.state.stillOpen();
  }

  lastNumber(): number {
    return this.state.lastNumber();
  }

  /** Lets go of the file; what is open in the ledger stays open. */
  async dispose(): Promise<void> {
    await this.clock.hold(this.tail.then(() => this.file.close()));
  }

  private append(record: LedgerLine): Promise<void> {
    const turn = this.tail.then(() => this.write(Buffer.from(`${JSON.stringify(record)}\n`)));
    this.tail = turn.catch(() => undefined);
    return this.clock.hold(turn);
  }

  private async write(bytes: Buffer): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length) {
        const part = await this.file.write(bytes, written, bytes.length - written, this.length + written);
        written += part.bytesWritten;
      }
      await this.file.datasync();
      this.length += bytes.length;
    } catch (error) {
      // Half a line must not run into the next one.
      await this.file.truncate(this.length).catch(() => undefined);
      throw error;
    }
  }
}

function replay(path: string, text: string): MemoryFaultLedger {
  const state = new MemoryFaultLedger();
  text.split('\n').forEach((written, index) => {
    if (written === '') return;
    const record = parseLine(`${path}:${index + 1}`, written);
    if (record.op === 'open') state.open(record.entry);
    else state.close(record.faultId);
  });
  return state;
}

function parseLine(where: string, written: string): LedgerLine {
  try {
    return line.parse(JSON.parse(written));
  } catch (cause) {
    const problem = {
      path: where,
      message: 'is no line of a fault ledger',
      hint: 'see in the fleet whether a fault is still open, end it, then move the file away',
    };
    throw new ExperimentError('RECORD_UNREADABLE', 'The fault ledger cannot be read', [problem], { cause });
  }
}

/** A new file is only there after a crash when its folder has been written too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
