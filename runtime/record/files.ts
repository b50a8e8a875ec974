import { join } from 'node:path';
import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent } from '../observe/events.js';
import { NdjsonFile } from './ndjson-file.js';
import type { Sink, SinkState } from './port.js';

export const EVENTS_FILE = 'events.ndjson.gz';
export const METRICS_FILE = 'metrics.ndjson.gz';

/** Records a run into its results folder: events and metrics as compressed lines. */
export class FileSink implements Sink {
  readonly name = 'files';
  private readonly events: NdjsonFile;
  private readonly metrics: NdjsonFile;

  constructor(folder: string) {
    this.events = new NdjsonFile(join(folder, EVENTS_FILE));
    this.metrics = new NdjsonFile(join(folder, METRICS_FILE));
  }

  event(event: ExperimentEvent): void {
    this.events.write(JSON.stringify(event));
  }

  sample(data: ExperimentData): void {
    this.metrics.write(JSON.stringify(data, rounded));
  }

  flush(): void {
    this.events.flush();
    this.metrics.flush();
  }

  pressure(): Promise<void> | null {
    return this.metrics.pressure() ?? this.events.pressure();
  }

  async close(): Promise<void> {
    await Promise.all([this.events.close(), this.metrics.close()]);
  }

  get error(): Error | null {
    return this.events.error ?? this.metrics.error;
  }

  state(): SinkState {
    const dropped = this.events.dropped + this.metrics.dropped;
    const { error } = this;
    const lost = dropped === 0 ? '' : `${dropped} records dropped`;
    const note = [error?.message ?? '', lost].filter((part) => part !== '').join('; ');
    const records = this.events.records + this.metrics.records;
    return { name: this.name, records, complete: error === null && dropped === 0, note };
  }
}

/** Figures with more digits than anyone can measure only make the files larger. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 10_000) / 10_000 : value;
}
