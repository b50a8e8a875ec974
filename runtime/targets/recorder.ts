import { join } from 'node:path';
import type { Clock, Eventually } from '../kernel/clock.js';
import type { ExperimentData } from '../observe/data.js';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';
import type { FileSink } from '../record/files.js';
import type { RunRecord } from './observation.js';
import { recordSlices, recordToJson } from './run-record.js';

/** A rehearsal writes this many records, evenly over the run. */
const REHEARSAL_RECORDS = 20;
/** A live run writes one every so many seconds. */
const LIVE_EVERY_S = 30;
/** Characters written without letting tasks through: less than a millisecond's work. */
const BREATHE_AFTER = 8 * 1024;

/** A run as far as it is written down. */
export interface RecordedRun {
  onSample(listener: (data: ExperimentData) => void): void;
  refresh(): Eventually<void>;
  record(cutShort: null): RunRecord;
}

/**
 * Writes down, now and then, all that a report would need if the process were killed: the record of the run so far,
 * and whatever the sinks still hold back.
 */
export class Recorder {
  private samples = 0;
  private writing: Promise<void> | null = null;
  private closed = false;
  private readonly everySamples: number;

  constructor(
    private readonly run: RecordedRun,
    private readonly folder: string,
    private readonly sink: FileSink,
    private readonly clock: Clock,
    private readonly target: 'rehearsal' | 'local',
    durationMs: number,
    private readonly onError: (error: unknown) => void,
  ) {
    this.everySamples =
      target === 'local' ? LIVE_EVERY_S : Math.max(60, Math.ceil(durationMs / 1000 / REHEARSAL_RECORDS));
    run.onSample(() => {
      this.sampled();
    });
  }

  /** Writes the record as it stands. */
  async write(): Promise<void> {
    await this.writing;
    this.writing = this.writeNow().finally(() => {
      this.writing = null;
    });
    await this.writing;
  }

  /** Writes nothing more by itself; resolves when nothing is being written any more. */
  async close(): Promise<void> {
    this.closed = true;
    // Whoever waits for the write itself is told of its failure.
    await this.writing?.catch(() => undefined);
  }

  private async writeNow(): Promise<void> {
    const refreshed = this.run.refresh();
    if (refreshed instanceof Promise) await refreshed;
    this.sink.flush();
    await writeWhole(join(this.folder, RUN_FILES.record), await this.text());
  }

  /** The record as text. A live run's tasks are sent between its pieces: they must not wait for paperwork. */
  private async text(): Promise<string> {
    const record = this.run.record(null);
    if (this.target === 'rehearsal') return recordToJson(record, false);
    const pieces: string[] = [];
    let length = 0;
    for (const piece of recordSlices(record, false)) {
      pieces.push(piece);
      length += piece.length;
      if (length < BREATHE_AFTER) continue;
      length = 0;
      await this.clock.sleep(1);
    }
    return pieces.join('');
  }

  private sampled(): void {
    this.samples += 1;
    if (this.closed || this.writing !== null || this.samples % this.everySamples !== 1) return;
    this.clock.hold(this.write()).catch(this.onError);
  }
}
