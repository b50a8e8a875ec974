import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { injection, rules, Stage, START } from './stage.js';

/** Digits of toBeCloseTo: within 500 ms, two intervals of the probes. */
const PROBED = -3;

describe('a partition', () => {
  const cut = (zone: string | null) =>
    injection({ type: 'network_partition', atMs: [MINUTE], durationMs: MINUTE, zone });
  const cutMeanwhile = async (zone: string | null): Promise<string[]> => {
    const stage = new Stage();
    let zones: string[] = [];
    stage.at(1.5 * MINUTE, () => (zones = [...stage.fleet.zonesCut].sort()));
    await stage.play(stage.engineer({ rules: rules(cut(zone)), durationMs: HOUR }).run());
    expect(stage.injected[0]?.held).toHaveLength(10 * zones.length);
    expect(stage.fleet.unbroken).toBe(true);
    return zones;
  };

  test('cuts off the zone that is named, one that is drawn, or all', async () => {
    expect(await cutMeanwhile('B')).toEqual(['B']);
    expect(await cutMeanwhile(null)).toHaveLength(1);
    expect(await cutMeanwhile('*')).toEqual(['A', 'B', 'C', 'D']);
  });

  test('of a zone without agents is skipped', async () => {
    const stage = new Stage();
    await stage.play(stage.engineer({ rules: rules(cut('Z')), durationMs: HOUR }).run());
    expect(stage.last('skipped').detail).toBe('there was nothing to hit');
  });
});

describe('a kill', () => {
  test('of a Redis primary sees it gone, and another in its place', async () => {
    const stage = new Stage();
    const primary = injection({ type: 'redis_primary_kill', atMs: [MINUTE] });
    await stage.play(stage.engineer({ rules: rules(primary), durationMs: HOUR }).run());
    const [name] = stage.last('probed').subjects;
    expect(stage.fleet.primaries?.map((one) => one.name)).toContain(`${String(name)}-replica`);
    expect(stage.last('probed')).toMatchObject({ effectSeen: true, endSeen: true, endedAt: START + MINUTE });
    expect(stage.stages.at(-1)?.[2]).toBeCloseTo(MINUTE + 3 * SECOND, PROBED);
  });

  test('of a Redis primary is skipped, with the reason, where there is none', async () => {
    const stage = new Stage();
    stage.fleet.primaries = null;
    const primary = injection({ type: 'redis_primary_kill', atMs: [MINUTE] });
    await stage.play(stage.engineer({ rules: rules(primary), durationMs: HOUR }).run());
    expect(stage.last('skipped').detail).toBe('there is no Redis here whose primaries could be killed');
  });
});
