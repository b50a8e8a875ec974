import { EffectFollower } from '../../runtime/chaos/effect-follower.js';
import type { LastingEffect } from '../../runtime/chaos/port.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { Stage, START } from './stage.js';

const cut: LastingEffect = { kind: 'partition', zones: ['A'] };
const slow: LastingEffect = { kind: 'slow', agentIds: ['agent-001'], factor: 3 };

describe('a place that follows what chaos makes known', () => {
  const opened = (): { stage: Stage; follower: EffectFollower; errors: unknown[] } => {
    const stage = new Stage();
    const errors: unknown[] = [];
    const onError = (error: unknown): void => {
      errors.push(error);
    };
    return { stage, follower: new EffectFollower(stage.clock, stage.fleet.leases, onError), errors };
  };
  const heard = { faultId: 'f1', effect: cut, leftMs: 10 * SECOND };

  test('does as it hears, once, and ends it when it is not named any more', async () => {
    const { stage, follower } = opened();
    const seen: number[] = [];
    for (const at of [0, 1, 2])
      stage.at(at * SECOND, () => follower.heard([{ ...heard, leftMs: (10 - at) * SECOND }], 0));
    stage.at(3 * SECOND, () => {
      seen.push(stage.fleet.zonesCut.size);
      follower.heard([], 0);
    });
    stage.at(3 * SECOND + 1, () => seen.push(stage.fleet.zonesCut.size));
    await stage.finish();
    expect(seen).toEqual([1, 0]);
    expect(stage.fleet.calls).toEqual(['setReachable', 'setReachable']);
  });

  test('ends it by itself when nothing more is heard: the age of the news counts', async () => {
    const { stage, follower } = opened();
    stage.at(0, () => follower.heard([heard], 4 * SECOND));
    const seen: number[] = [];
    for (const at of [5_999, 6_001]) stage.at(at, () => seen.push(stage.fleet.zonesCut.size));
    await stage.finish();
    expect(seen).toEqual([1, 0]);
  });

  test('does not begin with what is over by the time it is heard of', async () => {
    const { stage, follower } = opened();
    stage.at(0, () => follower.heard([heard], 10 * SECOND));
    await stage.finish();
    expect(stage.fleet.calls).toEqual([]);
  });

  test('keeps what is renewed, and changes what is changed', async () => {
    const { stage, follower } = opened();
    const seen: Array<[number, number]> = [];
    const look = (): void => {
      const paced = stage.fleet.table.find(({ id }) => id === 'agent-001');
      seen.push([stage.fleet.zonesCut.size, paced?.slowdown ?? NaN]);
    };
    stage.at(0, () => follower.heard([heard, { faultId: 'f2', effect: slow, leftMs: 10 * SECOND }], 0));
    stage.at(5 * SECOND, () =>
      follower.heard([heard, { faultId: 'f2', effect: { ...slow, factor: 5 }, leftMs: 5 * SECOND }], 0),
    );
    for (const at of [4, 6, 11, 16]) stage.at(at * SECOND, look);
    await stage.finish();
    expect(seen).toEqual([
      [1, 3],
      [1, 5],
      [1, 1],
      [0, 1],
    ]);
  });

  test('tries what failed again with what it hears next', async () => {
    const { stage, follower, errors } = opened();
    stage.fleet.failing.set('setReachable', 1);
    stage.at(0, () => follower.heard([heard], 0));
    stage.at(SECOND, () => follower.heard([{ ...heard, leftMs: 9 * SECOND }], 0));
    let isCut = false;
    stage.at(SECOND + 1, () => (isCut = stage.fleet.zonesCut.has('A')));
    await stage.finish();
    expect(isCut).toBe(true);
    expect(errors).toHaveLength(1);
    expect(stage.clock.now()).toBe(START + 10 * SECOND);
    expect(stage.fleet.unbroken).toBe(true);
  });
});
