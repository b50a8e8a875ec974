import { SECOND } from '../../runtime/kernel/units.js';
import type { RunNote } from '../../runtime/roles/board/board.js';
import { NO_FLEET } from '../../runtime/roles/board/board.js';
import { ChaosView } from '../../runtime/roles/chaos-view.js';
import { Stage } from '../chaos/stage.js';
import { experiment } from '../support/experiment.js';
import { MemoryBoard } from '../support/memory-board.js';

const SPEC = experiment();

function opened() {
  const stage = new Stage();
  const board = new MemoryBoard(stage.clock);
  const view = new ChaosView(board, stage.clock, SPEC);
  const run = (state: RunNote['state']) =>
    board.write('run', { state, reason: '', startedAt: 0, experimentMode: true, drained: false });
  const load = (elapsedMs: number) =>
    board.write('load', { elapsedMs, position: null, exhausted: false, unanswered: 0, stats: {} });
  const fleet = (active: number) => board.write('fleet', { sample: { ...NO_FLEET, active }, agents: [] });
  const measures = (p99RecentMs: number, errorRate = 0) =>
    board.write('measures', {
      scaling: {
        ...{ queueDepth: 0, avgWaitMs: 0, cpu: 0, errorRate, offeredPerMin: 0, refusedPerMin: 0 },
        ...{ agents: 10, readyAgents: 10, meanServiceMs: 0 },
      },
      ...{ p99RecentMs, samples: 5, errorRate, costUsd: 0 },
    });
  return { stage, view, run, load, fleet, measures };
}

describe('what chaos knows of the run', () => {
  it('is where it stands, also between two looks while it runs', async () => {
    const { stage, view, run, load } = opened();
    const elapsed: number[] = [];
    const may: boolean[] = [];
    stage.spawnAt(0, async () => {
      await view.look();
      elapsed.push(view.elapsedMs());
      may.push(view.mayInject());
      await run('running');
      await load(20 * SECOND);
      await view.look();
    });
    stage.at(700, () => {
      elapsed.push(view.elapsedMs());
      may.push(view.mayInject());
    });
    stage.spawnAt(SECOND, async () => {
      await run('paused');
      await load(20 * SECOND + 900);
      await view.look();
    });
    stage.at(3 * SECOND, () => {
      elapsed.push(view.elapsedMs());
      may.push(view.mayInject());
    });
    await stage.finish();
    expect(elapsed).toEqual([0, 20_700, 20_900]);
    expect(may).toEqual([false, true, false]);
  });

  it('is nothing once nobody has told of it for 5 s', async () => {
    const { stage, view, run, load, fleet, measures } = opened();
    const told: unknown[] = [];
    stage.spawnAt(0, async () => {
      await Promise.all([run('running'), load(0), fleet(10), measures(20)]);
      await view.look();
      told.push(view.steadyState().ok, view.fleetNow().sample.active);
    });
    stage.at(6 * SECOND, () => {
      told.push(view.mayInject(), view.steadyState().reason);
      expect(() => view.fleetNow()).toThrow('nothing has been heard of the fleet of late');
    });
    await stage.finish();
    expect(told).toEqual([true, 10, false, 'nothing has been measured of late']);
  });

  it('is not steady while it answers late, or agents are missing', async () => {
    const { stage, view, fleet, measures } = opened();
    const reasons: string[] = [];
    let health: unknown = null;
    stage.spawnAt(0, async () => {
      await fleet(10);
      await measures(5_001);
      await view.look();
      reasons.push(view.steadyState().reason);
      await measures(NaN, 0.02);
      await fleet(7);
      await view.look();
      reasons.push(view.steadyState().reason);
      health = view.health();
    });
    await stage.finish();
    expect(reasons).toEqual(['P99 of the last 10 s is 5001 ms', '7 of 10 agents are ready']);
    expect(health).toEqual({ errorRate: 0.02, offlineShare: expect.closeTo(0.3) as number });
  });

  it('follows the board by itself', async () => {
    const { stage, view, run } = opened();
    const states: string[] = [];
    stage.at(0, () => view.follow(({ state }) => states.push(state)));
    stage.spawnAt(100, () => run('running'));
    stage.spawnAt(600, () => run('stopped'));
    stage.at(SECOND, () => view.stop());
    await stage.finish();
    expect([...new Set(states)]).toEqual(['running', 'stopped']);
  });
});
