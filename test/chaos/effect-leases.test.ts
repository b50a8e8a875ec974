import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { Stage, START } from './stage.js';

const until = (ms: number, faultId = 'f1'): { faultId: string; expiresAtMs: number } => ({
  faultId,
  expiresAtMs: START + ms,
});

describe('a leased effect', () => {
  test('ends by itself when its lease runs out', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    const seen: number[] = [];
    stage.spawnAt(0, () => fleet.apply({ kind: 'rate_limit', share: 0.5 }, until(MINUTE)));
    stage.at(MINUTE - 1, () => seen.push(fleet.rateLimitShare));
    stage.at(MINUTE + 1, () => seen.push(fleet.rateLimitShare));
    await stage.finish();
    expect(seen).toEqual([0.5, 0]);
  });

  test('is lifted before, as often as one likes', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    stage.spawnAt(0, async () => {
      await fleet.apply({ kind: 'zone_down', zone: 'B' }, until(MINUTE));
      expect([...fleet.zonesDown]).toEqual(['B']);
      await fleet.lift('f1');
      await fleet.lift('f1');
      await fleet.lift('f2');
      expect(fleet.unbroken).toBe(true);
    });
    await stage.finish();
    expect(fleet.calls.filter((call) => call === 'setZone')).toHaveLength(2);
  });

  test('lasts longer when its lease is renewed', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    const seen: number[] = [];
    stage.spawnAt(0, () => fleet.apply({ kind: 'link_delay', latencyMs: 500 }, until(10 * SECOND)));
    stage.spawnAt(5 * SECOND, () => fleet.apply({ kind: 'link_delay', latencyMs: 500 }, until(20 * SECOND)));
    for (const second of [15, 21]) stage.at(second * SECOND, () => seen.push(fleet.linkDelayMs));
    await stage.finish();
    expect(seen).toEqual([500, 0]);
  });

  test('is refused when its lease has run out already', async () => {
    const stage = new Stage();
    stage.spawnAt(MINUTE, async () => {
      const late = stage.fleet.apply({ kind: 'link_delay', latencyMs: 500 }, until(MINUTE));
      await expect(late).rejects.toThrow('has run out');
    });
    await stage.finish();
    expect(stage.fleet.calls).toEqual(['apply']);
  });

  test('gives way to the stronger of two, which the weaker outlives', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    const [a, b, c] = fleet.table.map((agent) => agent.id) as [string, string, string];
    const slowdowns = (): number[] => fleet.table.slice(0, 3).map((agent) => agent.slowdown);
    stage.spawnAt(0, async () => {
      await fleet.apply({ kind: 'slow', agentIds: [a, b], factor: 2 }, until(MINUTE, 'f1'));
      await fleet.apply({ kind: 'slow', agentIds: [b, c], factor: 5 }, until(MINUTE, 'f2'));
      expect(slowdowns()).toEqual([2, 5, 5]);
      await fleet.lift('f2');
      expect(slowdowns()).toEqual([2, 2, 1]);
    });
    await stage.finish();
    expect(slowdowns()).toEqual([1, 1, 1]);
  });

  test('freezes agents until nobody wants them frozen', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    stage.spawnAt(0, async () => {
      await fleet.apply({ kind: 'freeze', agentIds: ['x', 'y'] }, until(MINUTE, 'f1'));
      await fleet.apply({ kind: 'freeze', agentIds: ['y'] }, until(MINUTE, 'f2'));
      await fleet.lift('f1');
      await fleet.lift('f2');
    });
    await stage.finish();
    const freezes = fleet.calls.filter((call) => call.startsWith('freeze'));
    expect(freezes).toEqual(['freeze x,y true', 'freeze y true', 'freeze y true', 'freeze x false', 'freeze y false']);
  });

  test('whose switch fails on expiry is tried again until it is off', async () => {
    const stage = new Stage();
    const { fleet } = stage;
    stage.spawnAt(0, () => fleet.apply({ kind: 'link_delay', latencyMs: 500 }, until(MINUTE)));
    stage.at(30 * SECOND, () => fleet.failing.set('setLinkDelay', 3));
    const seen: number[] = [];
    for (const second of [62.5, 63.5]) stage.at(second * SECOND, () => seen.push(fleet.linkDelayMs));
    await stage.finish();
    expect(seen).toEqual([500, 0]);
    expect(fleet.unbroken).toBe(true);
  });
});
