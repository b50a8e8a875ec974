import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentJournal } from '../port.js';

/** A line of an agent's journal. */
export interface JournalLine {
  readonly index: number;
  readonly attemptId: string;
  readonly status: 'success' | 'failed';
}

/**
 * An agent's journal as a file, a line of JSON per result, written before the queue is told. It outlives the process
 * (kill -9 loses nothing that was written), and is what the ledger is judged against.
 */
export class FileJournal implements AgentJournal {
  private readonly file: number;

  /** @throws what the file system says. */
  constructor(folder: string, agentId: string) {
    mkdirSync(folder, { recursive: true });
    this.file = openSync(join(folder, `${agentId}.ndjson`), 'a');
  }

  result(index: number, attemptId: string, status: 'success' | 'failed'): void {
    const line: JournalLine = { index, attemptId, status };
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.file);
  }
}
