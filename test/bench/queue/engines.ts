import { bullmq } from './bullmq.js';
import { ours } from './ours.js';
import type { QueueUnderTest } from './under-test.js';

/** The engines that can be measured, by the names that the result has. */
export const ENGINES: Readonly<Record<string, QueueUnderTest>> = { ours, bullmq };

/** @throws Error when there is no such engine */
export function engineNamed(name: string): QueueUnderTest {
  const engine = ENGINES[name];
  if (engine === undefined) throw new Error(`there is no engine ${name}; there are ${Object.keys(ENGINES).join(', ')}`);
  return engine;
}
