import { checkSeed } from './check-seed.js';

/** A process of `run.ts`: gets seeds, answers with their results. */
process.on('message', (seed: number) => {
  checkSeed(seed).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ seed, problems: [String(error)], events: 0, end: 'none' }),
  );
});
