import { join } from 'node:path';
import type { ExperimentData } from '../observe/data.js';
import type { ExperimentEvent } from '../observe/events.js';
import { NdjsonFile } from './ndjson-file.js';
import type { Sink, SinkState } from './port.js';

export const EVENTS_FILE = 'events.ndjson.gz';
const METRICS_FILE = 'metrics.ndjson.gz';

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
    this.metrics.write(JSON.stringify(rounded(data)));
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

/**
 * Figures with more digits than anyone can measure only make the files larger. Written out field by field: a replacer
 * given to JSON.stringify costs half as much again, 259,200 times in a 72 h rehearsal.
 */
function rounded({ timestamp, agents, performance, resources, errors, cost }: ExperimentData): ExperimentData {
  return {
    timestamp: round(timestamp),
    agents,
    performance: {
      throughput: round(performance.throughput),
      latency: roundedQuantiles(performance.latency),
      queueDepth: performance.queueDepth,
      waitTime: round(performance.waitTime),
      completion: roundedQuantiles(performance.completion),
      offered: round(performance.offered),
      shed: round(performance.shed),
      dispatchLag: round(performance.dispatchLag),
      p99Recent: round(performance.p99Recent),
    },
    resources: { ...resources, cpuTotal: round(resources.cpuTotal), networkIO: round(resources.networkIO) },
    errors: { rate: round(errors.rate), byType: errors.byType },
    cost: round(cost),
  };
}

function roundedQuantiles({ p50, p90, p99 }: { p50: number; p90: number; p99: number }) {
  return { p50: round(p50), p90: round(p90), p99: round(p99) };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
