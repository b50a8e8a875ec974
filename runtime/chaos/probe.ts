import type { Clock } from '../kernel/clock.js';

/** How long a probe looks, and how often. */
export interface ProbeSpan {
  /** Epoch ms of the last look. */
  readonly untilMs: number;
  readonly everyMs: number;
}

/**
 * Looks until the thing is seen or time is up: at once, then at intervals. A look that fails is a look that has seen
 * nothing. Rejects with Aborted when `signal` aborts between two looks.
 */
export async function probeUntil(
  clock: Clock,
  look: () => Promise<boolean>,
  span: ProbeSpan,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    if (await seen(look)) return true;
    const leftMs = span.untilMs - clock.now();
    if (leftMs <= 0) return false;
    // At least 1 ms: below the resolution of the epoch in a double, time would stand still.
    await clock.sleep(Math.max(1, Math.min(span.everyMs, leftMs)), signal);
  }
}

async function seen(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch {
    return false;
  }
}
