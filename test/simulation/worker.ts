import { parentPort } from 'node:worker_threads';
import { checkSeed } from './check-seed.js';

/** A thread of `run.ts`: gets seeds, answers with their results. */
parentPort?.on('message', (seed: number) => {
  checkSeed(seed).then(
    (result) => {
      parentPort?.postMessage(result);
    },
    (error: unknown) => {
      parentPort?.postMessage({ seed, problems: [String(error)], events: 0, end: 'none' });
    },
  );
});
