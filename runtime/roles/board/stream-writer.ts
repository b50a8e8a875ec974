import type { Clock, Deferred } from '../../kernel/clock.js';
import { whenSettled } from '../../kernel/eventually.js';

/** Entries sent in one script. */
const BATCH = 200;
/** From a failure to the next try, ms. */
const AGAIN_MS = 200;

export interface StreamWriterOptions {
  readonly clock: Clock;
  /** Appends entries, in order; those that are there already are left out. Rejects when the outcome is unknown. */
  readonly append: (entries: ReadonlyArray<{ readonly number: number; readonly text: string }>) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

interface Entry {
  readonly number: number;
  readonly text: string;
  readonly sent: Deferred<null>;
}

/** Sends entries to a stream in order, one batch at a time, each until it is known to be there. */
export class StreamWriter {
  private waiting: Entry[] = [];
  private last = 0;
  private sending = false;
  private failing = false;
  private closed = false;

  constructor(private readonly options: StreamWriterOptions) {}

  /** Resolves when the entry is there; never rejects. `withdraw` leaves out what has not been sent yet. */
  add(text: string): { readonly sent: Promise<null>; readonly withdraw: () => void } {
    this.last += 1;
    const entry: Entry = { number: this.last, text, sent: this.options.clock.deferred<null>() };
    this.waiting.push(entry);
    this.send();
    return {
      sent: entry.sent.promise,
      withdraw: () => {
        this.waiting = this.waiting.filter((other) => other !== entry);
      },
    };
  }

  /** Resolves when all that was added before is there. */
  async flushed(): Promise<void> {
    await this.waiting.at(-1)?.sent.promise;
  }

  close(): void {
    this.closed = true;
  }

  private send(): void {
    if (this.sending || this.closed || this.waiting.length === 0) return;
    this.sending = true;
    const batch = this.waiting.slice(0, BATCH);
    whenSettled(
      this.options.append(batch),
      () => {
        this.sending = false;
        this.failing = false;
        const sent = new Set(batch);
        this.waiting = this.waiting.filter((entry) => !sent.has(entry));
        for (const entry of batch) entry.sent.resolve(null);
        this.send();
      },
      (error) => {
        // Said once, not five times a second.
        if (!this.failing && !this.closed) this.options.onError(error);
        this.failing = true;
        this.options.clock.after(AGAIN_MS, () => {
          this.sending = false;
          this.send();
        });
      },
    );
  }
}
