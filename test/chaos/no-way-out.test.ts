import fc from 'fast-check';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import { arbitraryRules, DURATION } from './arbitrary-rules.js';
import { Stage, START } from './stage.js';

const time = fc.integer({ min: 0, max: DURATION });

/** Calls that fail a few times from a certain moment on. */
const failure = fc.record({
  at: time,
  call: fc.constantFrom('apply', 'lift', 'kill', 'killLeader', 'setLinkDelay', 'slow', 'setZone', 'setRateLimit'),
  times: fc.integer({ min: 1, max: 8 }),
});

const scenario = fc.record({
  rules: arbitraryRules,
  seed: fc.nat(),
  stopAt: time,
  off: fc.option(fc.tuple(time, time)),
  unhealthyAt: fc.option(time),
  unsteady: fc.option(fc.tuple(time, time)),
  failures: fc.array(failure, { maxLength: 3 }),
});

describe('whatever is planned, whatever fails and whenever it is stopped', () => {
  test('no fault is left open, and no two of one type are ever open together', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ rules, seed, stopAt, off, unhealthyAt, unsteady, failures }) => {
        const stage = new Stage();
        const ledger = new MemoryFaultLedger();
        const engineer = stage.engineer({ rules, durationMs: DURATION, ledger }, seed);
        if (off !== null) {
          stage.at(Math.min(...off), () => engineer.setEnabled(false));
          stage.at(Math.max(...off), () => engineer.setEnabled(true));
        }
        if (unsteady !== null) {
          stage.at(Math.min(...unsteady), () => (stage.steady = { ok: false, reason: 'drawn' }));
          stage.at(Math.max(...unsteady), () => (stage.steady = { ok: true, reason: '' }));
        }
        if (unhealthyAt !== null) stage.at(unhealthyAt, () => (stage.health = { errorRate: 1, offlineShare: 0 }));
        for (const { at, call, times } of failures) stage.at(at, () => stage.fleet.failing.set(call, times));
        let stopped = -1;
        stage.spawnAt(stopAt, async () => {
          await engineer.stop();
          stopped = stage.clock.now();
          // What could not be undone is in the ledger, and its place ends it.
          const unresolved = ledger.stillOpen().map((entry) => entry.fault.id);
          expect(stage.fleet.leases.open.filter((id) => !unresolved.includes(id))).toEqual([]);
          if (!stage.incidents.includes('fault_not_undone')) expect(unresolved).toEqual([]);
        });
        await stage.play(engineer.run());

        expect(stopped).toBeGreaterThanOrEqual(START + stopAt);
        expect(stage.fleet.unbroken).toBe(true);
        expect(engineer.status.open).toEqual([]);
        expectNoOverlap(stage);
        expectBalanced(stage, ledger);
      }),
      { numRuns: 200 },
    );
  });

  test('an injector may die at any step: its place ends the fault, and the next injector clears the ledger', async () => {
    const death = fc.record({
      rules: arbitraryRules,
      seed: fc.nat(),
      calls: fc.integer({ min: 0, max: 80 }),
      nextAt: time,
    });
    await fc.assert(
      fc.asyncProperty(death, async ({ rules, seed, calls, nextAt }) => {
        const stage = new Stage();
        const ledger = new MemoryFaultLedger();
        stage.doomed({ rules, durationMs: 2 * DURATION, ledger }, calls, seed).run();
        let cleared = false;
        stage.spawnAt(DURATION + nextAt, async () => {
          const rest = { ...rules, enabled: false };
          await stage.engineer({ rules: rest, durationMs: 2 * DURATION, ledger }, seed).recover();
          cleared = ledger.stillOpen().length === 0 && stage.fleet.leases.open.length === 0;
        });
        await stage.finish();
        expect(stage.fleet.unbroken).toBe(true);
        expect(cleared).toBe(true);
      }),
      { numRuns: 120 },
    );
  });

  test('the same seed makes the same events', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRules, fc.nat(), async (rules, seed) => {
        const play = async (): Promise<unknown> => {
          const stage = new Stage();
          await stage.play(stage.engineer({ rules, durationMs: DURATION }, seed).run());
          return stage.events;
        };
        expect(await play()).toEqual(await play());
      }),
      { numRuns: 40 },
    );
  });
});

function expectNoOverlap(stage: Stage): void {
  const openOf = new Map<string, string>();
  for (const event of stage.events) {
    if (event.type !== 'fault' || event.fault.endedAt === event.fault.injectedAt) continue;
    const { type, id } = event.fault;
    if (event.stage === 'injected') {
      expect(openOf.get(type)).toBeUndefined();
      openOf.set(type, id);
    }
    if (event.stage === 'undone') openOf.delete(type);
  }
}

/** Every fault is told once: as injected or as skipped, and every injected one as ended or not undone. */
function expectBalanced(stage: Stage, ledger: MemoryFaultLedger): void {
  const ids = (name: string): string[] => stage.stages.filter(([s]) => s === name).map(([, id]) => id);
  expect([...ids('injected'), ...ids('skipped')].sort()).toEqual(ids('planned').sort());
  const ended = stage.ended.map(({ id }) => id);
  const unresolved = ledger.stillOpen().map((entry) => entry.fault.id);
  expect(ids('injected').filter((id) => !ended.includes(id) && !unresolved.includes(id))).toEqual([]);
  expect(new Set(ended).size).toBe(ended.length);
}
