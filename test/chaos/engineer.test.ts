import { FaultBook } from '../../runtime/chaos/fault-book.js';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import type { FaultSurface } from '../../runtime/chaos/port.js';
import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { injection, rules, Stage, START } from './stage.js';

const delay = injection({ type: 'network_delay', atMs: [MINUTE], durationMs: MINUTE, latencyMs: 500 });
/** Digits of toBeCloseTo: within 500 ms, two intervals of the probes. */
const PROBED = -3;

const kill = injection({ type: 'agent_kill', atMs: [MINUTE] });

describe('a fault that lasts', () => {
  test('is planned, injected, probed, undone and probed again', async () => {
    const stage = new Stage();
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(stage.stages).toEqual([
      ['planned', 'f1', MINUTE],
      ['injected', 'f1', MINUTE],
      ['probed', 'f1', MINUTE],
      ['undone', 'f1', 2 * MINUTE],
      ['probed', 'f1', 2 * MINUTE],
    ]);
    expect(stage.last('probed')).toMatchObject({
      type: 'network_delay',
      voluntary: true,
      injectedAt: START + MINUTE,
      endedAt: START + 2 * MINUTE,
      effectSeen: true,
      endSeen: true,
      tasksHeld: 40,
    });
    expect(stage.ended).toEqual([{ id: 'f1', at: 2 * MINUTE }]);
    expect(stage.incidents).toEqual([]);
    expect(stage.fleet.unbroken).toBe(true);
  });

  test('is on exactly while it lasts', async () => {
    const stage = new Stage();
    const seen: number[] = [];
    for (const at of [MINUTE - 1, MINUTE + 1, 2 * MINUTE - 1, 2 * MINUTE + 1]) {
      stage.at(at, () => seen.push(stage.fleet.linkDelayMs));
    }
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(seen).toEqual([0, 500, 500, 0]);
  });

  test.each([
    ['network_delay', injection({ type: 'network_delay', atMs: [MINUTE], durationMs: MINUTE, latencyMs: 100 })],
    ['network_partition', injection({ type: 'network_partition', atMs: [MINUTE], durationMs: MINUTE })],
    ['zone_outage', injection({ type: 'zone_outage', atMs: [MINUTE], durationMs: MINUTE })],
    ['slow_agents', injection({ type: 'slow_agents', atMs: [MINUTE], durationMs: MINUTE, share: 0.2, factor: 3 })],
    ['rate_limit', injection({ type: 'rate_limit', atMs: [MINUTE], durationMs: MINUTE, share: 0.5 })],
  ])('%s has its effect and its end seen by the probes', async (_name, line) => {
    const stage = new Stage();
    let broken = false;
    stage.at(1.5 * MINUTE, () => (broken = !stage.fleet.unbroken));
    await stage.play(stage.engineer({ rules: rules(line), durationMs: HOUR }).run());
    expect(broken).toBe(true);
    expect(stage.last('probed')).toMatchObject({ effectSeen: true, endSeen: true });
    expect(stage.fleet.unbroken).toBe(true);
    expect(stage.fleet.readyCount).toBe(20);
    expect(stage.incidents).toEqual([]);
  });
});

describe('a kill', () => {
  test('hits 10 % of the ready agents, other ones each time, and tells which tasks they held', async () => {
    const stage = new Stage(40);
    const every = injection({ type: 'agent_kill', everyMs: 15 * MINUTE });
    await stage.play(stage.engineer({ rules: rules(every), durationMs: 2 * HOUR }).run());
    expect(stage.fleet.killed).toHaveLength(7);
    for (const agents of stage.fleet.killed) expect(new Set(agents).size).toBe(4);
    expect(new Set(stage.fleet.killed.map((agents) => agents.join())).size).toBe(7);
    const first = stage.injected[0];
    expect(first?.held).toEqual(stage.fleet.heldBy(stage.fleet.killed[0] as string[]));
    expect(first?.fault).toMatchObject({ tasksHeld: 8, endedAt: START + 15 * MINUTE });
  });

  test('needs no undo, and its end is seen when the agents are back', async () => {
    const stage = new Stage();
    await stage.play(stage.engineer({ rules: rules(kill), durationMs: HOUR }).run());
    expect(stage.stages.map(([name]) => name)).toEqual(['planned', 'injected', 'probed', 'probed']);
    expect(stage.stages.at(-1)?.[2]).toBeCloseTo(MINUTE + 5 * SECOND, PROBED);
    expect(stage.ended).toEqual([{ id: 'f1', at: MINUTE }]);
  });

  test('hits at least one agent, and is skipped when none is ready', async () => {
    const few = new Stage(3);
    await few.play(few.engineer({ rules: rules(kill), durationMs: HOUR }).run());
    expect(few.fleet.killed.map((agents) => agents.length)).toEqual([1]);

    const none = new Stage(0);
    await none.play(none.engineer({ rules: rules(kill), durationMs: HOUR }).run());
    expect(none.last('skipped').detail).toBe('there was nothing to hit');
    expect(none.injected).toEqual([]);
  });

  test('of the leading coordinator sees the successor', async () => {
    const stage = new Stage();
    const failover = injection({ type: 'coordinator_failover', atMs: [MINUTE] });
    await stage.play(stage.engineer({ rules: rules(failover), durationMs: HOUR }).run());
    expect(stage.last('probed')).toMatchObject({
      subjects: ['coordinator-0'],
      effectSeen: true,
      endSeen: true,
      tasksHeld: 0,
    });
    expect(stage.stages.at(-1)?.[2]).toBeCloseTo(MINUTE + 2 * SECOND, PROBED);
  });
});

describe('the steady state', () => {
  test('is waited for before a fault', async () => {
    const stage = new Stage();
    stage.steady = { ok: false, reason: 'P99 is 7 s' };
    stage.at(MINUTE + 19.5 * SECOND, () => (stage.steady = { ok: true, reason: '' }));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(stage.stages[1]).toEqual(['injected', 'f1', MINUTE + 20 * SECOND]);
  });

  test('that does not come skips the fault, with the reason', async () => {
    const stage = new Stage();
    stage.steady = { ok: false, reason: 'P99 is 7 s' };
    await stage.play(stage.engineer({ rules: rules(delay, kill), durationMs: HOUR }).run());
    expect(stage.stages.map(([name, id]) => [name, id])).toEqual([
      ['planned', 'f1'],
      ['skipped', 'f1'],
      ['planned', 'f2'],
      ['skipped', 'f2'],
    ]);
    expect(stage.last('skipped').detail).toBe('not steady: P99 is 7 s');
    expect(stage.fleet.calls).toEqual([]);
  });

  test('that does not come back after a fault is an incident', async () => {
    const stage = new Stage();
    stage.at(90 * SECOND, () => (stage.steady = { ok: false, reason: 'P99 is 7 s' }));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(stage.incidents).toEqual(['steady_state_lost']);
    expect(stage.fleet.unbroken).toBe(true);
  });

  test('includes that the last blow is over, so that coinciding faults come one after the other', async () => {
    const stage = new Stage();
    const failover = injection({ type: 'coordinator_failover', atMs: [MINUTE] });
    await stage.play(stage.engineer({ rules: rules(kill, failover), durationMs: HOUR }).run());
    const injections = stage.stages.filter(([name]) => name === 'injected');
    expect(injections).toEqual([
      ['injected', 'f1', MINUTE],
      ['injected', 'f2', MINUTE + 6 * SECOND],
    ]);
  });

  test('whose check fails skips the fault', async () => {
    const stage = new Stage();
    const steadyState = (): never => {
      throw new Error('no metrics');
    };
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR, steadyState }).run());
    expect(stage.last('skipped').detail).toContain('no metrics');
  });
});

describe('a fault is undone', () => {
  test('when chaos is stopped in the middle of it', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    const engineer = stage.engineer({ rules: rules(delay), durationMs: HOUR, ledger });
    let unbrokenAfterStop = false;
    stage.spawnAt(90 * SECOND, async () => {
      expect(engineer.status.open).toEqual(['f1']);
      await engineer.stop();
      unbrokenAfterStop = stage.fleet.unbroken;
    });
    await stage.play(engineer.run());
    expect(unbrokenAfterStop).toBe(true);
    expect(ledger.stillOpen()).toEqual([]);
    expect(stage.last('undone')).toMatchObject({ endedAt: START + 90 * SECOND });
    expect(stage.last('probed')).toMatchObject({ effectSeen: true, endSeen: true });
    expect(stage.last('undone').detail).toContain('ended early: chaos was stopped');
    expect(stage.clock.now()).toBeLessThan(START + 2 * MINUTE + 3 * SECOND);
  });

  test('when the run is aborted', async () => {
    const stage = new Stage();
    const abort = new AbortController();
    stage.at(90 * SECOND, () => {
      abort.abort();
    });
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run(abort.signal));
    expect(stage.last('undone')).toMatchObject({ endedAt: START + 90 * SECOND });
    expect(stage.fleet.unbroken).toBe(true);
  });

  test('when chaos is switched off, and the plan goes on when it is switched on again', async () => {
    const stage = new Stage();
    const every = injection({ type: 'network_delay', everyMs: 2 * MINUTE, durationMs: MINUTE, latencyMs: 500 });
    const engineer = stage.engineer({ rules: rules(every), durationMs: 9 * MINUTE });
    stage.at(2.5 * MINUTE, () => expect(engineer.setEnabled(false)).toBe(false));
    stage.at(5 * MINUTE, () => expect(engineer.setEnabled(true)).toBe(true));
    await stage.play(engineer.run());
    const times = (name: string): number[] => stage.stages.filter(([s]) => s === name).map(([, , at]) => at / MINUTE);
    expect(times('injected')).toEqual([2, 6]);
    expect(times('undone')).toEqual([2.5, 7]);
    expect(stage.last('undone').detail).toContain('chaos was switched off');
  });

  test('when the injection fails half-way', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    stage.fleet.failing.set('setLinkDelay', 1);
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR, ledger }).run());
    expect(stage.stages.map(([name]) => name)).toEqual(['planned', 'skipped']);
    expect(stage.last('skipped').detail).toContain('setLinkDelay failed');
    expect(stage.fleet.unbroken).toBe(true);
    expect(ledger.stillOpen()).toEqual([]);
  });

  test('when the undo fails at first', async () => {
    const stage = new Stage();
    stage.at(90 * SECOND, () => stage.fleet.failing.set('lift', 3));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(stage.last('undone').endedAt).toBe(START + 2 * MINUTE + 200 + 400 + 600);
    expect(stage.incidents).toEqual([]);
  });

  test('by its place when it cannot be undone, stays in the ledger, and is an incident', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    stage.at(90 * SECOND, () => stage.fleet.failing.set('lift', 1_000));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR, ledger }).run());
    expect(stage.incidents).toEqual(['fault_not_undone']);
    expect(stage.last('undone').endedAt).toBe(START + 2 * MINUTE + 2 * SECOND);
    expect(stage.fleet.unbroken).toBe(true);
    expect(ledger.stillOpen().map((entry) => entry.fault.id)).toEqual(['f1']);
  });

  test('when something else in chaos fails, and that failure is told', async () => {
    const stage = new Stage();
    let broken = false;
    const mayInject = (): boolean => {
      if (broken) throw new Error('no run');
      return true;
    };
    const next = injection({ type: 'agent_kill', atMs: [90 * SECOND] });
    stage.at(80 * SECOND, () => (broken = true));
    const engineer = stage.engineer({ rules: rules(delay, next), durationMs: HOUR, mayInject });
    await expect(stage.play(engineer.run())).rejects.toThrow('no run');
    expect(stage.last('undone')).toMatchObject({ endedAt: START + 90 * SECOND });
    expect(stage.fleet.unbroken).toBe(true);
  });
});

describe('stopping while an injection is on its way', () => {
  test('keeps it from happening, and waits until its entry is cleared', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    const open = ledger.open.bind(ledger);
    const slow = Object.assign(ledger, {
      open: async (...args: Parameters<typeof open>) => {
        open(...args);
        await stage.clock.sleep(SECOND);
      },
    });
    const engineer = stage.engineer({ rules: rules(delay), durationMs: HOUR, ledger: slow });
    stage.spawnAt(MINUTE + 500, async () => {
      expect(ledger.stillOpen()).toHaveLength(1);
      await engineer.stop();
      expect(ledger.stillOpen()).toEqual([]);
      expect(stage.last('skipped').detail).toBe('chaos was stopped');
    });
    await stage.play(engineer.run());
    expect(stage.fleet.calls).not.toContain('apply');
    expect(stage.injected).toEqual([]);
  });
});

test('stopping while a fault is being made ready ends before it is told that it is over', async () => {
  const stage = new Stage();
  const measure = stage.fleet.measure.bind(stage.fleet);
  const surface: FaultSurface = Object.assign(stage.fleet, {
    measure: async (agentIds: readonly string[]) => {
      await stage.clock.sleep(SECOND);
      return measure(agentIds);
    },
  });
  const engineer = stage.engineer({ rules: rules(delay), durationMs: HOUR, surface });
  stage.spawnAt(MINUTE + 500, async () => {
    await engineer.stop();
    expect(stage.last('skipped').detail).toBe('chaos was stopped');
  });
  await stage.play(engineer.run());
  expect(stage.fleet.calls).not.toContain('apply');
});

describe('the stop condition', () => {
  test('undoes what is open, is an incident, and ends chaos for good', async () => {
    const stage = new Stage();
    const every = injection({ type: 'network_delay', everyMs: 2 * MINUTE, durationMs: MINUTE, latencyMs: 500 });
    const engineer = stage.engineer({ rules: rules(every), durationMs: HOUR });
    stage.at(2.5 * MINUTE - 500, () => (stage.health = { errorRate: 0.08, offlineShare: 0 }));
    stage.at(3 * MINUTE, () => {
      stage.health = { errorRate: 0, offlineShare: 0 };
      expect(engineer.setEnabled(true)).toBe(false);
    });
    await stage.play(engineer.run());
    expect(stage.incidents).toEqual(['chaos_stopped']);
    expect(stage.stages.filter(([name]) => name === 'injected')).toHaveLength(1);
    expect(stage.last('undone').endedAt).toBe(START + 2.5 * MINUTE);
    expect(stage.last('undone').detail).toContain('error rate 8.0 % above 5.0 %');
    expect(engineer.status).toMatchObject({ enabled: false, open: [] });
    expect(engineer.status.halted).toContain('stop condition');
    expect(stage.fleet.unbroken).toBe(true);
  });

  test('that is met before a fault keeps it from being injected', async () => {
    const stage = new Stage();
    stage.health = { errorRate: 0, offlineShare: 0.5 };
    await stage.play(stage.engineer({ rules: rules(kill), durationMs: HOUR }).run());
    expect(stage.incidents).toEqual(['chaos_stopped']);
    expect(stage.last('skipped').detail).toContain('50.0 % of the agents offline');
    expect(stage.fleet.killed).toEqual([]);
  });
});

describe('probes', () => {
  test('report a fault without effect as such', async () => {
    const stage = new Stage();
    stage.fleet.ineffective = true;
    await stage.play(stage.engineer({ rules: rules(delay, kill), durationMs: HOUR }).run());
    expect(stage.last('probed', 'f1').effectSeen).toBe(false);
    expect(stage.last('probed', 'f2').effectSeen).toBe(false);
    expect(stage.incidents).toEqual(['fault_without_effect', 'fault_without_effect']);
  });

  test('do not make a short fault last longer', async () => {
    const stage = new Stage();
    stage.fleet.ineffective = true;
    const short = { ...delay, durationMs: 3 * SECOND };
    await stage.play(stage.engineer({ rules: rules(short), durationMs: HOUR }).run());
    expect(stage.last('undone').endedAt).toBe(START + MINUTE + 3 * SECOND);
  });

  test('report a fault whose end they do not see', async () => {
    const stage = new Stage();
    stage.at(90 * SECOND, () => (stage.fleet.ineffective = true));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR }).run());
    expect(stage.last('probed').endSeen).toBe(false);
    expect(stage.incidents).toEqual(['fault_not_ended']);
  });
});

describe('a run that is not running', () => {
  test('gets no fault: the time of the plan stands still with it', async () => {
    const stage = new Stage();
    // Paused from 0:30 to 10:30.
    const pausedMs = (): number => Math.min(Math.max(0, stage.clock.now() - START - 30 * SECOND), 10 * MINUTE);
    const elapsedMs = (): number => stage.clock.now() - START - pausedMs();
    const mayInject = (): boolean => pausedMs() === 0 || pausedMs() === 10 * MINUTE;
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR, elapsedMs, mayInject }).run());
    expect(stage.stages[1]).toEqual(['injected', 'f1', 11 * MINUTE]);
  });

  test('gets no fault late that has missed its time by more than five minutes', async () => {
    const stage = new Stage();
    stage.running = false;
    stage.at(10 * MINUTE - 500, () => (stage.running = true));
    const later = injection({ type: 'agent_kill', atMs: [9 * MINUTE] });
    await stage.play(stage.engineer({ rules: rules(delay, later), durationMs: HOUR }).run());
    expect(stage.last('skipped', 'f1').detail).toBe('its time had passed');
    expect(stage.last('injected', 'f2').injectedAt).toBe(START + 10 * MINUTE);
  });

  test('gets no fault that would now outlast it', async () => {
    const stage = new Stage();
    stage.steady = { ok: false, reason: 'P99 is 7 s' };
    stage.at(MINUTE + 40 * SECOND, () => (stage.steady = { ok: true, reason: '' }));
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: 2.5 * MINUTE }).run());
    expect(stage.last('skipped').detail).toBe('it would outlast the run');
  });
});

describe('an injector that died', () => {
  test('leaves a fault that its place ends when the lease runs out', async () => {
    const stage = new Stage();
    const { die, run } = stage.doomed({ rules: rules(delay), durationMs: HOUR });
    stage.at(90 * SECOND, die);
    const seen: number[] = [];
    for (const at of [2 * MINUTE + SECOND, 2 * MINUTE + 3 * SECOND]) {
      stage.at(at, () => seen.push(stage.fleet.linkDelayMs));
    }
    run();
    await stage.finish();
    expect(seen).toEqual([500, 0]);
    expect(stage.fleet.unbroken).toBe(true);
  });

  test('has its fault undone by the next one, which goes on with the plan and the names', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    const { die, run } = stage.doomed({ rules: rules(delay), durationMs: HOUR, ledger });
    stage.at(70 * SECOND, die);
    run();
    const again = injection({ type: 'network_delay', atMs: [MINUTE, 5 * MINUTE], durationMs: MINUTE, latencyMs: 500 });
    stage.spawnAt(80 * SECOND, async () => {
      expect(stage.fleet.linkDelayMs).toBe(500);
      const next = stage.engineer({ rules: rules(again), durationMs: HOUR, ledger });
      await next.recover();
      expect(stage.fleet.unbroken).toBe(true);
      expect(ledger.stillOpen()).toEqual([]);
      await next.run();
    });
    await stage.finish();
    expect(stage.last('undone', 'f1')).toMatchObject({ endedAt: START + 80 * SECOND });
    expect(stage.last('undone', 'f1').detail).toContain('left open by an injector that died');
    expect(stage.last('probed', 'f1').endSeen).toBe(true);
    expect(stage.stages.filter(([name]) => name === 'injected')).toEqual([
      ['injected', 'f1', MINUTE],
      ['injected', 'f2', 5 * MINUTE],
    ]);
  });

  test('between write-ahead and injection leaves an entry that the next one clears', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    // Its calls: lastNumber, stillOpen, measure, open, agents, heldBy; the next one would be apply.
    const { run } = stage.doomed({ rules: rules(delay), durationMs: HOUR, ledger }, 6);
    run();
    let entries = 0;
    stage.spawnAt(80 * SECOND, async () => {
      entries = ledger.stillOpen().length;
      expect(stage.fleet.calls).toEqual([]);
      await stage.engineer({ rules: rules(), durationMs: HOUR, ledger }).run();
    });
    await stage.finish();
    expect(entries).toBe(1);
    expect(ledger.stillOpen()).toEqual([]);
    expect(stage.last('undone', 'f1').endedAt).toBe(START + 80 * SECOND);
  });
});

describe('the undo', () => {
  test('is written down before anything is broken, and crossed out only when it is mended', async () => {
    const stage = new Stage();
    const log: string[] = [];
    class Watched extends MemoryFaultLedger {
      override open(...args: Parameters<MemoryFaultLedger['open']>): void {
        log.push(`open, ${stage.fleet.unbroken ? 'whole' : 'broken'}`);
        super.open(...args);
      }

      override close(id: string): void {
        log.push(`close, ${stage.fleet.unbroken ? 'whole' : 'broken'}`);
        super.close(id);
      }
    }
    await stage.play(stage.engineer({ rules: rules(delay), durationMs: HOUR, ledger: new Watched() }).run());
    expect(log).toEqual(['open, whole', 'close, whole']);
  });

  test('that cannot be written down keeps the fault from being injected', async () => {
    const stage = new Stage();
    const ledger = new MemoryFaultLedger();
    ledger.open = () => {
      throw new Error('no room on disk');
    };
    await stage.play(stage.engineer({ rules: rules(delay, kill), durationMs: HOUR, ledger }).run());
    expect(stage.last('skipped', 'f1').detail).toContain('no room on disk');
    expect(stage.fleet.calls).toEqual([]);
  });
});

test('the fault book hands recovery on without losing what the probes found', async () => {
  const stage = new Stage();
  const book = new FaultBook(stage.emit);
  await stage.play(stage.engineer({ rules: rules(kill), durationMs: HOUR, book }).run());
  book.recovered('f1', START + 2 * MINUTE, 6_500, 5_000);
  expect(stage.last('recovered')).toMatchObject({
    effectSeen: true,
    endSeen: true,
    serviceRecoveryMs: 6_500,
    capacityRecoveryMs: 5_000,
  });
  expect(book.all()).toEqual([stage.last('recovered')]);
  expect(() => book.recovered('f9', START, null, null)).toThrow('there is no fault f9');
});
