import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentJournal } from '../../agents/port.js';
import type { OfferLine } from '../../load/adapters/offer-journal.js';
import type { GeneratorJournal } from '../../load/port.js';

const RESULT = z.object({ index: z.number(), attemptId: z.string(), status: z.enum(['success', 'failed']) });
const OFFER: z.ZodType<OfferLine> = z.union([
  z.object({ offered: z.number(), scheduledAt: z.number() }),
  z.object({ answered: z.number(), refused: z.enum(['queue_full', 'expected_wait']).nullable(), at: z.number() }),
  z.object({ unanswered: z.number() }),
]);

const ENDING = '.ndjson';
/** Bytes read at a time. */
const PIECE = 64 * 1_024;

/**
 * Reads the journals that processes write: those of the agents (`AGENT.ndjson`, a line per result), and the load
 * generator's of what it has offered. Each whole line is told once, however often it is asked. A line that a killed
 * process has not finished is left out; nobody was told of its result.
 */
export class JournalReader {
  private readonly offsets = new Map<string, number>();

  /** @param offers where the load generator's lines go; without, they are passed over. */
  constructor(
    private readonly folder: string,
    private readonly offers: GeneratorJournal | null = null,
  ) {}

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
        for (const text of buffer.toString('utf8', 0, whole).split('\n')) this.tell(text, journal);
        this.offsets.set(name, offset + whole);
      }
    } finally {
      await file.close();
    }
  }

  private tell(text: string, journal: AgentJournal): void {
    if (text === '') return;
    // What began after a line was cut off stands in the same line as its rest.
    const value = json(text) ?? json(text.slice(text.lastIndexOf('{')));
    const result = RESULT.safeParse(value);
    if (result.success) {
      journal.result(result.data.index, result.data.attemptId, result.data.status);
      return;
    }
    const offer = OFFER.safeParse(value);
    if (offer.success && this.offers !== null) tellOffer(offer.data, this.offers);
  }
}

function tellOffer(line: OfferLine, offers: GeneratorJournal): void {
  if ('offered' in line) offers.sent(line.offered, line.scheduledAt);
  else if ('unanswered' in line) offers.unknown(line.unanswered);
  else if (line.refused === null) offers.answered(line.answered, { accepted: true, enqueuedAt: line.at });
  else offers.answered(line.answered, { accepted: false, reason: line.refused });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
