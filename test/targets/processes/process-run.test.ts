import { Random } from '../../../runtime/kernel/random.js';
import { MINUTE, SECOND } from '../../../runtime/kernel/units.js';
import { VirtualClock } from '../../../runtime/kernel/virtual-clock.js';
import { ProcessRun } from '../../../runtime/targets/processes/process-run.js';
import { experiment } from '../../support/experiment.js';
import { MemoryBoard } from '../../support/memory-board.js';

/** The control of a run over a board that can go away, in virtual time. */
function stage() {
  const clock = new VirtualClock(1_000_000, new Random(1, 'ties'));
  const board = new MemoryBoard(clock);
  const told: string[] = [];
  let halts = 0;
  const run = new ProcessRun({
    ...{ experiment: experiment({}), experimentId: 'run-1', clock, board },
    halt: () => {
      halts += 1;
      return Promise.resolve();
    },
    onError: (error) => {
      told.push(error instanceof Error ? error.message : String(error));
    },
  });
  const lost: Array<{ why: string; at: number }> = [];
  run.lost.then(
    (why) => lost.push({ why, at: clock.now() - 1_000_000 }),
    () => undefined,
  );
  /** Lets virtual time pass. */
  const pass = async (ms: number): Promise<void> => {
    clock.at(clock.now() + ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  return { clock, board, run, told, lost, pass, halts: () => halts };
}

describe('the control of a run in many processes', () => {
  test('says that Redis does not answer, and that it answers again', async () => {
    const { board, run, told, lost, pass } = stage();
    run.start();
    await pass(5 * SECOND);
    board.away = true;
    await pass(9 * SECOND);
    expect(told).toEqual([]);
    await pass(80 * SECOND);
    expect(told).toEqual([
      'Redis has not answered for 10 s (Redis is away); the run goes on as soon as it does, and is given up in 110 s',
    ]);
    board.away = false;
    await pass(SECOND);
    expect(told).toEqual([expect.anything(), 'Redis answers again, after 89 s; the run goes on']);
    await pass(5 * MINUTE);
    expect(lost).toEqual([]);
    run.leave();
  });

  test('gives the run up when Redis has been away for two minutes', async () => {
    const { board, run, lost, pass } = stage();
    run.start();
    board.away = true;
    await pass(119 * SECOND);
    expect(lost).toEqual([]);
    await pass(2 * SECOND);
    expect(lost).toEqual([{ why: 'Redis has not answered for 120 s: Redis is away', at: expect.any(Number) }]);
  });

  test('stops in an emergency without Redis: the agents at once, and then the run', async () => {
    const { board, run, lost, pass, halts, clock } = stage();
    run.start();
    await pass(SECOND);
    board.away = true;
    let answeredAt = 0;
    run.emergencyStop('me').then(
      () => {
        answeredAt = clock.now();
      },
      () => undefined,
    );
    expect(halts()).toBe(1);
    const before = clock.now();
    await pass(10 * SECOND);
    expect(answeredAt - before).toBeLessThan(SECOND);
    expect(lost).toEqual([
      { why: 'emergency stop by me; no coordinator confirmed it: Redis is away', at: expect.any(Number) },
    ]);
  });

  test('gives the run up when no coordinator carries out an emergency stop', async () => {
    const { run, lost, pass, board } = stage();
    run.start();
    await run.emergencyStop('me');
    await pass(10 * SECOND);
    expect(board.commands).toEqual([{ name: 'emergency-stop', by: 'me' }]);
    expect(lost[0]?.why).toBe(
      'emergency stop by me; no coordinator confirmed it: "emergency-stop" has not been carried out within 8 s',
    );
  });
});
