import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentJournal } from '../../agents/port.js';

const LINE = z.object({ index: z.number(), attemptId: z.string(), status: z.enum(['success', 'failed']) });

const ENDING = '.ndjson';
/** Bytes read at a time. */
const PIECE = 64 * 1_024;

/**
 * Reads the journals that agent processes write (`AGENT.ndjson`, a line per result): each whole line once, however
 * often it is asked. A line that a killed process has not finished is left out; nobody was told of its result.
 */
export class JournalReader {
  private readonly offsets = new Map<string, number>();

  constructor(private readonly folder: string) {}

  async read(journal: AgentJournal): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names) if (name.endsWith(ENDING)) await this.readFile(name, journal);
  }

  private async readFile(name: string, journal: AgentJournal): Promise<void> {
    const file = await open(join(this.folder, name), 'r');
    try {
      const buffer = Buffer.alloc(PIECE);
      for (;;) {
        const offset = this.offsets.get(name) ?? 0;
        const { bytesRead } = await file.read(buffer, 0, PIECE, offset);
        const whole = buffer.lastIndexOf('\n', bytesRead - 1) + 1;
        if (bytesRead === 0 || whole === 0) return;
        for (const text of buffer.toString('utf8', 0, whole).split('\n')) tell(text, journal);
        this.offsets.set(name, offset + whole);
      }
    } finally {
      await file.close();
    }
  }
}

function tell(text: string, journal: AgentJournal): void {
  if (text === '') return;
  // What began after a line was cut off stands in the same line as its rest.
  const line = LINE.safeParse(json(text) ?? json(text.slice(text.lastIndexOf('{"index"'))));
  if (line.success) journal.result(line.data.index, line.data.attemptId, line.data.status);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
