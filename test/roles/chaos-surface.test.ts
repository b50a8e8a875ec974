import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EffectFollower } from '../../runtime/chaos/effect-follower.js';
import { SECOND } from '../../runtime/kernel/units.js';
import type { AgentNote, FleetNote } from '../../runtime/roles/board/board.js';
import { ChaosSurface, type ChaosSurfaceOptions } from '../../runtime/roles/chaos-surface.js';
import { Stage, START } from '../chaos/stage.js';
import { MemoryBoard } from '../support/memory-board.js';
import { NO_FLEET } from '../../runtime/roles/board/board.js';

const agent = (id: string, changes: Partial<AgentNote> = {}): AgentNote => ({
  ...{ id, zone: 'A', node: 'A-1', ready: true, incarnation: 1, held: [], pid: null },
  ...changes,
});

/** A surface with everything it has to do with; its effects reach a fake fleet through the board. */
function opened(agents: readonly AgentNote[], changes: Partial<ChaosSurfaceOptions> = {}) {
  const stage = new Stage();
  const { clock } = stage;
  const board = new MemoryBoard(clock);
  const fleet: FleetNote = { sample: NO_FLEET, agents, leader: null };
  const surfaceFor = (): ChaosSurface =>
    new ChaosSurface({
      ...{ board, clock, runId: 'r', fleet: () => fleet, links: null, primaries: null, withDescendants: false },
      rateLimitedShare: () => null,
      ...changes,
    });
  const follower = new EffectFollower(clock, stage.fleet.leases, (error) => {
    throw error;
  });
  const following = board.follow('effects', 250, (found) => {
    if (found !== null) follower.heard(found.note.effects, found.ageMs);
  });
  return { stage, board, surface: surfaceFor(), surfaceFor, following };
}

describe('effects that chaos makes known on the board', () => {
  const lease = { faultId: 'f1', expiresAtMs: START + 10 * SECOND };
  const cut = { kind: 'partition', zones: ['A'] } as const;

  it('begin where they act soon after, and end when they are lifted', async () => {
    const { stage, surface, following } = opened([]);
    const seen: number[] = [];
    stage.spawnAt(SECOND, () => surface.apply(cut, lease));
    for (const at of [1_300, 3_900, 4_300]) stage.at(at, () => seen.push(stage.fleet.zonesCut.size));
    stage.spawnAt(4_000, () => surface.lift('f1'));
    stage.at(5_000, () => following.cancel());
    await stage.finish();
    expect(seen).toEqual([1, 1, 0]);
  });

  it('end with their leases when chaos is gone and the board says nothing new', async () => {
    const { stage, surface, board, following } = opened([]);
    const seen: number[] = [];
    stage.spawnAt(SECOND, () => surface.apply(cut, lease));
    stage.at(2 * SECOND, () => (board.away = true));
    for (const at of [9_900, 10_100]) stage.at(at, () => seen.push(stage.fleet.zonesCut.size));
    stage.at(11 * SECOND, () => following.cancel());
    await stage.finish();
    expect(seen).toEqual([1, 0]);
  });

  it('are lifted by a successor that knows only their names', async () => {
    const { stage, surface, surfaceFor, following } = opened([]);
    const seen: number[] = [];
    stage.spawnAt(SECOND, () => surface.apply(cut, lease));
    stage.spawnAt(3_000, () => surfaceFor().lift('f1'));
    stage.at(3_300, () => seen.push(stage.fleet.zonesCut.size));
    stage.at(4_000, () => following.cancel());
    await stage.finish();
    expect(seen).toEqual([0]);
  });

  it('are refused when the board cannot be reached, or their lease is over', async () => {
    const { stage, surface, board, following } = opened([]);
    const refused: unknown[] = [];
    stage.spawnAt(SECOND, async () => {
      board.away = true;
      await surface.apply(cut, lease).catch((error: unknown) => refused.push(error));
      board.away = false;
      await surface.apply(cut, { ...lease, expiresAtMs: START }).catch((error: unknown) => refused.push(error));
      following.cancel();
    });
    await stage.finish();
    expect(refused).toHaveLength(2);
  });

  it('are named with what is left of their time, and not any more when it is over', async () => {
    const { stage, surface, following } = opened([]);
    const told: unknown[] = [];
    stage.spawnAt(SECOND, () => surface.apply(cut, lease));
    for (const at of [4_000, 10_500]) stage.at(at, () => told.push(surface.note()));
    stage.at(11_000, () => following.cancel());
    await stage.finish();
    expect(told).toEqual([{ effects: [{ faultId: 'f1', effect: cut, leftMs: 6_000 }] }, { effects: [] }]);
  });
});

describe('what chaos knows of the fleet from the board', () => {
  it('is who there is, what they hold, and how fast they work', async () => {
    const { surface } = opened([
      agent('a', { held: [1, 2], stretch: 3 }),
      agent('b', { held: [3], stretch: 1 }),
      agent('c', { zone: 'B', stretch: null }),
    ]);
    expect(surface.agents().map(({ id, zone }) => id + zone)).toEqual(['aA', 'bA', 'cB']);
    expect(surface.heldBy(['a', 'b', 'nobody'])).toEqual([1, 2, 3]);
    expect(await surface.measure(['a', 'b', 'c'])).toMatchObject({ slowdown: 2, cutOffShare: null });
    expect(await surface.measure(['c'])).toMatchObject({ slowdown: null });
    expect(await surface.store()).toBeNull();
  });
});

describe('a process that chaos kills', () => {
  const children: ChildProcess[] = [];
  const started = (env: Record<string, string>): ChildProcess => {
    const child = spawn('sleep', ['30'], { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' });
    children.push(child);
    return child;
  };

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('is the one that was started as this agent of this run', async () => {
    const child = started({ POD_NAME: 'a', RUN_ID: 'r' });
    await once(child, 'spawn');
    const { surface } = opened([agent('a', { pid: child.pid ?? null })]);
    const ended = once(child, 'exit');
    surface.kill(['a']);
    expect(await ended).toEqual([null, 'SIGKILL']);
    // Dead agents are ignored.
    surface.kill(['a']);
  });

  it.each([
    ['of another run', { POD_NAME: 'a', RUN_ID: 'other' }],
    ['of another agent', { POD_NAME: 'b', RUN_ID: 'r' }],
    ["of somebody else's", {}],
  ])('is none %s that has got its number', async (_whose, env) => {
    const child = started(env);
    await once(child, 'spawn');
    const { surface } = opened([agent('a', { pid: child.pid ?? null })]);
    surface.kill(['a']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(child.signalCode).toBeNull();
  });

  it('has a number: an agent elsewhere cannot be killed from here', () => {
    const { surface } = opened([agent('a')]);
    expect(() => surface.kill(['a'])).toThrow('a is no process of this machine');
  });
});
