import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { NO_FLEET, type MeasuresNote } from '../../runtime/roles/board/board.js';
import { ScalingKeeper } from '../../runtime/roles/scaling-keeper.js';
import { experiment } from '../support/experiment.js';
import { MemoryBoard } from '../support/memory-board.js';

const base = experiment({});
const metrics = [{ name: 'queue_depth' as const, scaleUp: 100, scaleDown: 10, weight: 1, trigger: true }];
const spec = { ...base, scaling: { ...base.scaling, mode: 'reactive' as const, metrics } };

/** Ten agents in a queue that grows. */
const BUSY: MeasuresNote = {
  scaling: {
    ...{ queueDepth: 5_000, avgWaitMs: 60_000, cpu: 0.99, errorRate: 0, offeredPerMin: 50_000, refusedPerMin: 0 },
    ...{ agents: 10, readyAgents: 10, meanServiceMs: 1_000 },
  },
  ...{ p99RecentMs: 60_000, samples: 100, errorRate: 0, costUsd: 0 },
};

async function stage() {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const board = new MemoryBoard(clock);
  const errors: unknown[] = [];
  const start = (): ScalingKeeper => {
    const made = new ScalingKeeper({
      ...{ experiment: spec, clock, board },
      onError: (error) => errors.push(error),
    });
    clock.spawn(
      () => made.start(),
      (error) => errors.push(error),
    );
    return made;
  };
  const pass = async (ms: number): Promise<void> => {
    clock.at(clock.now() + ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  await board.write('run', { state: 'running', reason: '', startedAt: 0, experimentMode: true, drained: false });
  await board.write('fleet', { sample: { ...NO_FLEET, total: 10, target: 10, active: 10 }, agents: [] });
  const wanted = async () => (await board.read('wanted'))?.note ?? null;
  return { clock, board, errors, start, pass, wanted };
}

describe('ScalingKeeper', () => {
  test('wants more agents when the measures say so, and says why; only while the run is running', async () => {
    const { board, start, pass, wanted } = await stage();
    await board.write('run', { state: 'paused', reason: '', startedAt: 0, experimentMode: true, drained: false });
    start();
    await board.write('measures', BUSY);
    await pass(16_000);
    expect(await wanted()).toBeNull();
    await board.write('run', { state: 'running', reason: '', startedAt: 0, experimentMode: true, drained: false });
    for (let i = 0; i < 40; i += 1) {
      await board.write('measures', BUSY);
      await pass(1_000);
    }
    const { agents } = (await wanted())!;
    expect(agents).toBeGreaterThan(10);
    expect(board.events).toMatchObject([{ type: 'scaling', decision: { from: 10, to: agents } }]);
  });

  test('decides nothing on measures that are old, and says so once', async () => {
    const { board, errors, start, pass, wanted } = await stage();
    await board.write('measures', BUSY);
    await pass(11_000);
    start();
    await pass(60_000);
    expect(await wanted()).toBeNull();
    expect(errors.map(String)).toEqual([
      expect.stringContaining('ms old: nothing is decided until there are new ones'),
    ]);
  });

  test('keeps what an operator promised, and one started anew knows when the last decision was', async () => {
    const { board, start, pass, wanted } = await stage();
    const first = start();
    for (let i = 0; i < 16; i += 1) {
      await board.write('measures', BUSY);
      await pass(1_000);
    }
    const { agents } = (await wanted())!;
    await board.write('wanted', { agents, floor: 7 });
    first.stop();
    start();
    for (let i = 0; i < 32; i += 1) {
      await board.write('measures', BUSY);
      await pass(1_000);
    }
    // In the cooldown of the first one's decision.
    expect(await wanted()).toEqual({ agents, floor: 7 });
    expect(board.events).toHaveLength(1);
  });
});
