import { z } from 'zod';
import type { Clock, Timer } from '../../../kernel/clock.js';
import { SECOND } from '../../../kernel/units.js';
import type { SideKeys } from '../../port.js';

/** How often a process looks at its clock. It is told only where that is news. */
const LOOK_MS = 10 * SECOND;
/** By then a few exchanges with Redis have shown where the clock stands. */
const FIRST_LOOK_MS = 2 * SECOND;
/** What is no news: less than the resolution of what is reported, ms. */
const NEWS_MS = 1;

const NAME = 'clocks';

const NOTE = `return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])`;
const ALL = `return redis.call('HVALS', KEYS[1])`;

/** How far a process' clock is from Redis', and how far off that can be; ms. */
export interface ClockRecord {
  readonly offsetMs: number;
  /** The largest so far. */
  readonly boundMs: number;
}

const record = z.object({ offsetMs: z.number(), boundMs: z.number().min(0) });
const records = z.array(
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(record),
);

export interface ClockReporterOptions {
  readonly clock: Clock;
  readonly keys: SideKeys;
  /** Names the process among all of the run. */
  readonly process: string;
  /** Where its clock stands by now; an infinite bound = it is not known. */
  readonly offset: () => { readonly ms: number; readonly boundMs: number };
}

/** Tells the run where this process' clock stands: beside its tasks, for the report. */
export class ClockReporter {
  private readonly timers: Timer[] = [];
  private boundMs = 0;
  private told: ClockRecord = { offsetMs: Infinity, boundMs: 0 };

  constructor(private readonly options: ClockReporterOptions) {}

  start(): void {
    const { clock } = this.options;
    const look = (): void => {
      // What could not be told now is told with the next look.
      clock.spawn(
        () => this.look(),
        () => undefined,
      );
    };
    this.timers.push(clock.after(FIRST_LOOK_MS, look), clock.every(LOOK_MS, look));
  }

  stop(): void {
    for (const timer of this.timers.splice(0)) timer.cancel();
  }

  private async look(): Promise<void> {
    const { keys, process, offset } = this.options;
    const { ms, boundMs } = offset();
    if (!Number.isFinite(boundMs)) return;
    this.boundMs = Math.max(this.boundMs, boundMs);
    const now = { offsetMs: ms, boundMs: this.boundMs };
    const { told } = this;
    if (Math.abs(now.offsetMs - told.offsetMs) < NEWS_MS && now.boundMs - told.boundMs < NEWS_MS) return;
    await keys.run(NOTE, NAME, [NAME], () => [process, JSON.stringify(now)]);
    this.told = now;
  }
}

/**
 * What the processes of a run have told of their clocks, in no order.
 *
 * @throws StoreFailure when there is no answer, ZodError when the key holds something else.
 */
export async function readClocks(keys: SideKeys): Promise<readonly ClockRecord[]> {
  return records.parse(await keys.run(ALL, NAME, [NAME], () => []));
}
