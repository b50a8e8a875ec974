import { openRoleBoard } from './board/open-board.js';
import type { Role, RunningRole } from './role.js';
import { ScalingKeeper } from './scaling-keeper.js';

/** The last decision is on its way in no time. */
const DRAIN_MS = 2_000;

/** The autoscaler: says how many agents are wanted, while the run is running. */
export const role: Role = {
  async start(host) {
    const { experiment, clock, log } = host;
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the autoscaler goes on');
    };
    const board = openRoleBoard(host, onError);
    const keeper = new ScalingKeeper({ experiment, clock, board, onError });
    await keeper.start();
    const running: RunningRole = {
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        keeper.stop();
        await board.close(DRAIN_MS / 2);
      },
    };
    return running;
  },
};
