import { UNANSWERED_MS } from '../../runtime/coordinator/run.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { LedgerCounts } from '../../runtime/queue/port.js';
import { RunKeeper } from '../../runtime/roles/run-keeper.js';
import { experiment } from '../support/experiment.js';
import { MemoryBoard } from '../support/memory-board.js';

const EMPTY: LedgerCounts = {
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, queued: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
};
const spec = experiment({});

/** Leaders of one run, one after the other or at the same time, looked at step by step. */
function stage() {
  const clock = new VirtualClock(1_000_000, new Random(1, 'ties'));
  const board = new MemoryBoard(clock);
  const held = { ...EMPTY };
  const leader = (replica: string, term: number): RunKeeper =>
    new RunKeeper({
      ...{ experiment: spec, replica, clock, board, queue: { counts: () => ({ ...held }) } },
      term: () => term,
      onError: (error) => {
        throw error;
      },
    });
  const note = async () => (await board.read('run'))!.note;
  const load = (exhausted: boolean, obeys: 'running' | 'draining', elapsedMs = spec.durationMs) =>
    board.write('load', {
      ...{ elapsedMs, position: null, exhausted, unanswered: 0, obeys },
      stats: { scheduled: 5, sent: 5, late: 0, dropped: 0 },
    });
  /** Lets virtual time pass. */
  const pass = async (ms: number): Promise<void> => {
    clock.at(clock.now() + ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  return { clock, board, held, leader, note, load, pass };
}

describe('RunKeeper', () => {
  test('carries out commands once, and says why it does not', async () => {
    const { board, leader, note } = stage();
    const first = leader('coordinator-1', 1);
    await board.command({ name: 'pause', by: 'me' });
    await board.command({ name: 'start', by: 'me' });
    await first.look();
    expect(await note()).toMatchObject({ state: 'running', leader: 'coordinator-1', startedAt: 1_000_500 });
    await first.look();
    const told = board.events.map((event) =>
      event.type === 'control' ? `${event.command} ${event.detail}` : event.type,
    );
    expect(told).toEqual(['leader', 'pause refused: cannot pause: the run is created', 'run_state', 'start ']);
  });

  test('a leader that takes over goes on from the note: nothing is repeated, nothing passed over', async () => {
    const { board, leader, note } = stage();
    await board.command({ name: 'start', by: 'me' });
    await leader('coordinator-1', 1).look();
    await board.command({ name: 'pause', by: 'me' });
    const second = leader('coordinator-2', 2);
    await second.look();
    expect(await note()).toMatchObject({ state: 'paused', leader: 'coordinator-2', startedAt: 1_000_500 });
    const states = board.events.flatMap((event) => (event.type === 'run_state' ? [event.to] : []));
    expect(states).toEqual(['running', 'paused']);
    expect(board.events.filter(({ type }) => type === 'leader')).toMatchObject([
      { replica: 'coordinator-1', previous: null },
      { replica: 'coordinator-2', previous: 'coordinator-1' },
    ]);
  });

  test('a deposed leader writes nothing over what the next one has written', async () => {
    const { board, leader, note } = stage();
    const old = leader('coordinator-1', 1);
    await old.look();
    await leader('coordinator-2', 2).look();
    await board.command({ name: 'start', by: 'me' });
    await expect(old.look()).rejects.toThrow();
    expect(await note()).toMatchObject({ state: 'created', leader: 'coordinator-2' });
  });

  test('a pause nobody answers goes on counting under the next leader', async () => {
    const { board, leader, note, pass } = stage();
    await board.command({ name: 'start', by: 'me' });
    await board.command({ name: 'pause', by: 'me' });
    await leader('coordinator-1', 1).look();
    await pass(UNANSWERED_MS - 10);
    const second = leader('coordinator-2', 2);
    await second.look();
    expect((await note()).state).toBe('paused');
    await pass(20);
    await second.look();
    expect((await note()).state).toBe('draining');
  });

  test('a run ends when all was sent and finished, not before the load generator has heard of the drain', async () => {
    const { board, leader, note, load, held } = stage();
    const only = leader('coordinator-1', 1);
    await board.command({ name: 'start', by: 'me' });
    await load(true, 'running');
    await only.look();
    held.submitted = 5;
    held.completed = 4;
    held.leased = 1;
    await only.look();
    expect((await note()).state).toBe('draining');
    held.completed = 5;
    held.leased = 0;
    await only.look();
    await only.look();
    expect((await note()).state).toBe('draining');
    await load(true, 'draining');
    await only.look();
    expect(await note()).toMatchObject({
      state: 'stopped',
      memory: { run: { end: { complete: true, reason: 'planned end' } } },
    });
  });

  test('an emergency stop and a role that sees why the run must not go on both abort it', async () => {
    const { board, leader, note } = stage();
    await board.command({ name: 'abort-because', by: 'monitor', reason: 'the ledger does not add up' });
    await leader('coordinator-1', 1).look();
    expect(await note()).toMatchObject({
      state: 'aborted',
      experimentMode: false,
      reason: 'the ledger does not add up',
    });
  });

  test('what it could not write because Redis was away it writes later', async () => {
    const { board, leader, note } = stage();
    const only = leader('coordinator-1', 1);
    await only.look();
    board.away = true;
    await expect(only.look()).rejects.toThrow('away');
    board.away = false;
    await board.command({ name: 'start', by: 'me' });
    await only.look();
    expect((await note()).state).toBe('running');
  });
});
