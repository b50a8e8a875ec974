import fc from 'fast-check';
import { isLasting, planFaults, type PlannedFault } from '../../runtime/chaos/plan.js';
import { Random } from '../../runtime/kernel/random.js';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import type { ChaosRules } from '../../runtime/spec/experiment.js';
import { arbitraryRules, DURATION } from './arbitrary-rules.js';
import { injection, rules } from './stage.js';

function plan(chaos: ChaosRules, durationMs: number, seed = 1): PlannedFault[] {
  return [...planFaults(chaos, durationMs, new Random(seed, 'chaos'))];
}

describe('the fault plan', () => {
  test('kills agents every 15 minutes of 72 hours, first after one interval, never at the end', () => {
    const faults = plan(rules(injection({ type: 'agent_kill', everyMs: 15 * MINUTE })), 72 * HOUR);
    expect(faults).toHaveLength(287);
    expect(faults[0]?.atMs).toBe(15 * MINUTE);
    expect(faults.at(-1)?.atMs).toBe(72 * HOUR - 15 * MINUTE);
  });

  test('of the chaos scenario has the times of the document', () => {
    const faults = plan(
      rules(
        injection({ type: 'agent_kill', everyMs: 15 * MINUTE }),
        injection({ type: 'network_delay', everyMs: 30 * MINUTE, durationMs: MINUTE, latencyMs: 500 }),
        injection({ type: 'coordinator_failover', atMs: [2 * HOUR] }),
      ),
      4 * HOUR,
    );
    const count = (type: string): number => faults.filter((fault) => fault.type === type).length;
    expect([count('agent_kill'), count('network_delay'), count('coordinator_failover')]).toEqual([15, 7, 1]);
    const together = faults.filter((fault) => fault.atMs === 2 * HOUR).map((fault) => fault.type);
    expect(together).toEqual(['agent_kill', 'network_delay', 'coordinator_failover']);
  });

  test('leaves out a lasting fault that would not end before the run does', () => {
    const delay = injection({ type: 'network_delay', atMs: [8 * MINUTE, 9 * MINUTE], durationMs: MINUTE });
    expect(plan(rules(delay), 10 * MINUTE).map((fault) => fault.atMs)).toEqual([8 * MINUTE]);
  });

  test('leaves out the later of two faults of one type that overlap, touch or coincide', () => {
    const faults = plan(
      rules(
        injection({ type: 'rate_limit', atMs: [0, MINUTE, 3 * MINUTE], durationMs: MINUTE }),
        injection({ type: 'rate_limit', atMs: [3.5 * MINUTE, 5 * MINUTE], durationMs: MINUTE }),
        injection({ type: 'agent_kill', atMs: [MINUTE] }),
        injection({ type: 'agent_kill', atMs: [MINUTE] }),
      ),
      HOUR,
    );
    const times = (type: string): number[] => faults.filter((f) => f.type === type).map((f) => f.atMs / MINUTE);
    expect(times('rate_limit')).toEqual([0, 3, 5]);
    expect(times('agent_kill')).toEqual([1]);
  });

  test('repeats and names single times in one line, in order', () => {
    const faults = plan(rules(injection({ type: 'agent_kill', everyMs: 4, atMs: [9, 2] })), 13);
    expect(faults.map((fault) => fault.atMs)).toEqual([2, 4, 8, 9, 12]);
  });

  test('is empty while chaos is off', () => {
    expect(plan({ ...rules(injection({ type: 'agent_kill', everyMs: 1 })), enabled: false }, HOUR)).toEqual([]);
  });

  test('is a stream: the first faults of an endless run cost nothing more', () => {
    const faults = planFaults(rules(injection({ type: 'agent_kill', everyMs: 1 })), Infinity, new Random(1, 'chaos'));
    expect(faults.next().value).toMatchObject({ atMs: 1 });
    expect(faults.next().value).toMatchObject({ atMs: 2 });
  });

  test('follows from the seed, is in order, ends before the run and never overlaps within a type', () => {
    fc.assert(
      fc.property(arbitraryRules, fc.nat(), (chaos, seed) => {
        const faults = plan(chaos, DURATION, seed);
        expect(plan(chaos, DURATION, seed)).toEqual(faults);
        const endOf = new Map<string, number>();
        let before = 0;
        for (const fault of faults) {
          expect(fault.atMs).toBeGreaterThanOrEqual(before);
          expect(fault.endMs).toBeLessThan(DURATION);
          expect(fault.endMs - fault.atMs).toBe(isLasting(fault.type) ? fault.injection.durationMs : 0);
          expect(fault.atMs).toBeGreaterThan(endOf.get(fault.type) ?? -1);
          before = fault.atMs;
          endOf.set(fault.type, fault.endMs);
        }
      }),
    );
  });

  test('has the same times and other subjects with another seed', () => {
    const chaos = rules(injection({ type: 'agent_kill', everyMs: MINUTE }));
    const [one, other] = [plan(chaos, HOUR, 1), plan(chaos, HOUR, 2)];
    expect(other.map((fault) => fault.atMs)).toEqual(one.map((fault) => fault.atMs));
    expect(other.map((fault) => fault.seed)).not.toEqual(one.map((fault) => fault.seed));
  });
});
