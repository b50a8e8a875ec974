import type { RunControl } from '../control/port.js';
import type { Eventually } from '../kernel/clock.js';
import { ExperimentError } from '../kernel/errors.js';

/**
 * What Ctrl-C (or SIGTERM, SIGHUP) does to a run: the first drains it and stops it when that is done, the second
 * aborts it. Both leave a report.
 */
export class Interruption {
  private count = 0;

  constructor(
    private readonly run: RunControl,
    private readonly drainTimeoutMs: number,
    private readonly say: (text: string) => void,
  ) {}

  /** False when there is nothing left to try: the run is aborted already and still does not end. */
  interrupt(signal: string): boolean {
    this.count += 1;
    const by = signal === 'SIGINT' ? 'Ctrl-C' : signal;
    if (this.count === 1) this.drain(by);
    else if (this.count === 2) this.abort(by);
    return this.count <= 2;
  }

  private drain(by: string): void {
    const { state, drained } = this.run.status();
    if (state === 'created') {
      this.abort(by);
      return;
    }
    if (drained) {
      this.give(this.run.stop(by));
      return;
    }
    try {
      this.give(this.run.drain(by, this.drainTimeoutMs, true));
      this.say(`${by}: no new tasks; the run ends when the running ones are finished. Once more aborts it.`);
    } catch (error) {
      if (!(error instanceof ExperimentError)) throw error;
      this.say(`${by}: the run is ${state} already. Once more aborts it.`);
    }
  }

  private abort(by: string): void {
    this.say(`${by}: aborting; the report is written all the same.`);
    this.give(this.run.emergencyStop(by));
  }

  /** What comes of a command that is carried out elsewhere. */
  private give(carriedOut: Eventually<void>): void {
    if (!(carriedOut instanceof Promise)) return;
    carriedOut.catch((error: unknown) => {
      this.say(`${error instanceof Error ? error.message : String(error)} Once more goes one step further.`);
    });
  }
}
