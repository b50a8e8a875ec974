import { ExperimentError } from '../kernel/errors.js';

/** What a snapshot is refused with where the queue cannot be taken up from one. */
export function notTakenUp(): ExperimentError {
  return new ExperimentError('WRONG_STATE', 'cannot snapshot: the queue of this run is in Redis', [
    {
      path: 'snapshot',
      message: 'a run with its queue in Redis cannot be taken up again by another process yet',
      hint: 'let it go on, or end it with drain or stop',
    },
  ]);
}
