import type { ServerResponse } from 'node:http';
import type { RunControl } from './port.js';

/** A watcher that is this far behind (bytes) gets no further samples until it has caught up; events it always gets. */
const MOST_BEHIND_BYTES = 1024 * 1024;
/** A watcher that is this far behind is gone, whatever it says. */
const GIVEN_UP_BYTES = 16 * MOST_BEHIND_BYTES;

/**
 * Server-sent events of a run: `status` (a RunStatus, at once and with every sample), `event` (an ExperimentEvent),
 * and `end` when there is nothing more to come.
 */
export class EventStream {
  private readonly watchers = new Set<ServerResponse>();

  constructor(private readonly run: RunControl) {
    run.onSample(() => {
      if (this.watchers.size > 0) this.tell('status', run.status(), MOST_BEHIND_BYTES);
    });
    run.onEvent((event) => {
      if (this.watchers.size > 0) this.tell('event', event, GIVEN_UP_BYTES);
    });
  }

  add(watcher: ServerResponse): void {
    watcher.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    watcher.on('close', () => this.watchers.delete(watcher));
    watcher.on('error', () => this.watchers.delete(watcher));
    this.watchers.add(watcher);
    watcher.write(message('status', this.run.status()));
  }

  end(): void {
    for (const watcher of this.watchers) watcher.end(message('end', this.run.status()));
    this.watchers.clear();
  }

  private tell(name: string, data: unknown, mostBehind: number): void {
    const text = message(name, data);
    for (const watcher of this.watchers) {
      if (watcher.writableLength <= mostBehind) watcher.write(text);
      if (watcher.writableLength > GIVEN_UP_BYTES) watcher.destroy();
    }
  }
}

function message(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
