import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { TaskQueue } from '../../runtime/queue/port.js';
import type { RunState } from '../../runtime/observe/events.js';
import { LoadKeeper } from '../../runtime/roles/load-keeper.js';
import { experiment } from '../support/experiment.js';
import { MemoryBoard } from '../support/memory-board.js';

/** Sixty arrivals a minute for a minute. */
const spec = experiment({ durationMs: 60_000, ratePerMin: 60 });

function stage() {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const board = new MemoryBoard(clock);
  const offered: number[] = [];
  const queue = {
    submit: ({ index }: { index: number }) => {
      offered.push(index);
      return { accepted: true, enqueuedAt: clock.now() };
    },
  } as unknown as TaskQueue;
  const start = (): LoadKeeper => {
    const keeper = new LoadKeeper({
      ...{ experiment: spec, clock, board, queue },
      journal: { sent: () => undefined, answered: () => undefined, unknown: () => undefined },
      onError: (error) => {
        throw error;
      },
    });
    keeper.start();
    return keeper;
  };
  const say = (state: RunState): Promise<void> =>
    board.write('run', { state, reason: '', startedAt: 500, experimentMode: true, drained: false });
  const pass = async (ms: number): Promise<void> => {
    clock.at(clock.now() + ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  const note = async () => (await board.read('load'))!.note;
  return { clock, board, offered, start, say, pass, note };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('LoadKeeper', () => {
  test('sends from the time the note says, stands still in a pause, and ends with the run', async () => {
    const { start, say, pass, offered, note } = stage();
    const keeper = start();
    await pass(300);
    expect(offered).toEqual([]);
    await say('running');
    await pass(10_300);
    const sent = offered.length;
    expect(sent).toBeGreaterThan(7);
    await say('paused');
    await pass(30_000);
    expect(offered.length - sent).toBeLessThan(2);
    expect(await note()).toMatchObject({ obeys: 'paused', exhausted: false });
    await say('running');
    await pass(55_000);
    await say('draining');
    await pass(1_000);
    expect(await note()).toMatchObject({
      obeys: 'draining',
      exhausted: true,
      stats: { sent: offered.length, late: 0 },
    });
    await say('stopped');
    await pass(1_000);
    let over = false;
    keeper.finished.then(
      () => (over = true),
      () => undefined,
    );
    await new Promise(setImmediate);
    expect({ over, offered }).toEqual({ over: true, offered: upTo(offered.length) });
  });

  test('one that is started anew offers again what the note does not know of, and what nobody sent; nothing is left out', async () => {
    const { start, say, pass, offered, note } = stage();
    const first = start();
    await say('running');
    await pass(20_200);
    // Without a word.
    first.stop();
    const before = offered.length;
    await pass(5_000);
    expect(offered).toHaveLength(before);
    const second = start();
    await pass(45_000);
    const sorted = [...new Set(offered)].sort((a, b) => a - b);
    expect(sorted).toEqual(upTo(sorted.length));
    expect(offered.length - sorted.length).toBeLessThan(3);
    const { stats, exhausted } = await note();
    expect({ exhausted, sent: stats['sent'] }).toEqual({ exhausted: true, sent: sorted.length });
    expect(stats['late']).toBeGreaterThan(2);
    second.stop();
  });
});
