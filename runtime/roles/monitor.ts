import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';
import { Random } from '../kernel/random.js';
import { FileSink } from '../record/files.js';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';
import { Recorder } from '../targets/recorder.js';
import { openRedisRunQueue } from '../targets/redis-run-queue.js';
import { readBasis } from '../targets/run-basis.js';
import { recordToJson } from '../targets/run-record.js';
import type { Board } from './board/board.js';
import { openRoleBoard } from './board/open-board.js';
import { driverOf, openRoleStore } from './open-queue.js';
import type { Role, RoleHost, RunningRole } from './role.js';
import { RunWatch, untilStarted } from './run-watch.js';

/** For the last events, and for a record that is being written. */
const DRAIN_MS = 5_000;

/**
 * The monitor: follows queue and board, measures and judges, sends canaries and alerts, and writes the run's record. It
 * ends with 0 when the record is whole; the report is made from that.
 */
export const role: Role = {
  async start(host) {
    const { log, environment } = host;
    const folder = environment['RESULTS_DIR'] ?? '';
    if (folder === '') {
      const message = 'is not set: the monitor writes the record of the run there';
      throw new ExperimentError('USAGE', 'The environment of this role is not right', [
        { path: 'RESULTS_DIR', message, hint: 'name the folder of the run' },
      ]);
    }
    const onError = (error: unknown): void => {
      log.warn({ err: error }, 'something failed; the monitor goes on');
    };
    const board = openRoleBoard(host, onError);
    const closing = new AbortController();
    const watching = watch(host, { board, folder, signal: closing.signal, onError });
    const running: RunningRole = {
      finished: watching.then(async () => {
        await board.close(DRAIN_MS);
        return 0;
      }),
      drainTimeoutMs: DRAIN_MS,
      async drain() {
        closing.abort();
        await board.close(DRAIN_MS / 2);
      },
    };
    await Promise.resolve();
    return running;
  },
};

interface Place {
  readonly board: Board;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

async function watch(host: RoleHost, { board, folder, signal, onError }: Place): Promise<void> {
  const { experiment, identity, clock, log, journalFolder } = host;
  const basis = await readBasis(folder);
  const startedAt = await untilStarted(board, clock, signal);
  if (startedAt === null) {
    log.info('the run was over before it began');
    return;
  }
  const store = await openRoleStore(host);
  const driver = driverOf(host);
  const draws = new Random(experiment.seed, randomBytes(8).toString('hex'));
  const opened = await openRedisRunQueue({
    ...{ clock, rules: experiment.queue, store, run: identity.runId, driver, onError, keys: store.sideKeys },
    ...{ random: () => draws.next(), redisVersion: store.version, processes: true },
  });
  const sink = new FileSink(folder);
  try {
    const run = new RunWatch({
      ...{ experiment, basis, clock, board, journalFolder, onError },
      ...{ sinks: [sink], startedAt },
    });
    const queue = opened.maker(run.observers);
    const recorder = new Recorder(run, folder, sink, clock, 'local', experiment.durationMs, onError);
    const { input } = await run.watch(queue);
    await recorder.close();
    const { experiment: _experiment, events: _events, ...record } = input;
    await writeWhole(join(folder, RUN_FILES.record), recordToJson(record, true));
    log.info('the record is whole');
  } finally {
    await sink.close();
    await opened.close();
  }
}
