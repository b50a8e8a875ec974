import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SubmitOutcome } from '../../queue/port.js';
import type { GeneratorJournal } from '../port.js';

/** A line of a generator's journal: a task was offered, was answered for (null = taken), or got no answer. */
export type OfferLine =
  | { readonly offered: number; readonly scheduledAt: number }
  | { readonly answered: number; readonly refused: 'queue_full' | 'expected_wait' | null; readonly at: number }
  | { readonly unanswered: number };

/**
 * The load generator's journal as a file, beside those of the agents: a line of JSON each, which outlives the process.
 * What a process before this one wrote stays.
 */
export class OfferJournal implements GeneratorJournal {
  private readonly file: number;

  /** @throws what the file system says. */
  constructor(folder: string, id: string) {
    mkdirSync(folder, { recursive: true });
    this.file = openSync(join(folder, `${id}.ndjson`), 'a');
    // A line that was cut off by a kill ends here.
    writeSync(this.file, '\n');
  }

  sent(index: number, scheduledAt: number): void {
    this.write({ offered: index, scheduledAt });
  }

  answered(index: number, outcome: SubmitOutcome): void {
    const line = outcome.accepted ? { refused: null, at: outcome.enqueuedAt } : { refused: outcome.reason, at: 0 };
    this.write({ answered: index, ...line });
  }

  unknown(index: number): void {
    this.write({ unanswered: index });
  }

  close(): void {
    closeSync(this.file);
  }

  private write(line: OfferLine): void {
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
