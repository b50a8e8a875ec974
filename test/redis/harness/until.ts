import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 25;

/**
 * Waits until `probe` returns something else than false, null or undefined, and returns that. An error of the probe
 * means not yet.
 * @throws Error that says what was waited for and what the last look gave.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | false | null | undefined>,
  state: () => Promise<string> | string = () => '',
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== false && found !== null && found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(`${what}: not within ${timeoutMs} ms\n${await state()}`, { cause: last });
    }
    await sleep(EVERY_MS);
  }
}
