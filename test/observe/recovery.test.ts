import fc from 'fast-check';
import type { FaultRecord } from '../../runtime/observe/events.js';
import { RecoveryTracker, type RecoverySample } from '../../runtime/observe/recovery.js';

const START = 1_000_000;
const TARGET_MS = 5_000;
const healthy: RecoverySample = { p99RecentMs: 20, samples: 80, queueDepth: 0, active: 200, target: 200 };

const fault = (id: string, injectedAt: number, change: Partial<FaultRecord> = {}): FaultRecord => ({
  id,
  type: 'agent_kill',
  voluntary: true,
  injectedAt,
  endedAt: injectedAt,
  subjects: ['agent-1'],
  tasksHeld: 0,
  serviceRecoveryMs: null,
  capacityRecoveryMs: null,
  effectSeen: null,
  endSeen: null,
  detail: '',
  ...change,
});

/** A tracker on a clock of whole seconds. */
class Bench {
  readonly recovered: FaultRecord[] = [];
  readonly tracker = new RecoveryTracker(TARGET_MS, (one) => this.recovered.push(one));
  now = START;

  constructor() {
    this.tracker.tick(this.now, healthy);
  }

  feed(seconds: number, change: Partial<RecoverySample> = {}): this {
    for (let i = 0; i < seconds; i += 1) {
      this.now += 1_000;
      this.tracker.tick(this.now, { ...healthy, ...change });
    }
    return this;
  }

  times(id: string): [number | null, number | null] {
    const record = this.tracker.record(id);
    if (record === null) throw new Error(`no fault ${id}`);
    return [record.serviceRecoveryMs, record.capacityRecoveryMs];
  }
}

describe('service recovery', () => {
  it('is when the last held task runs again, to the millisecond, where P99 never left its target', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START + 300), [7, 8, 9]);
    bench.tracker.started(7, START + 3_700);
    bench.tracker.started(9, START + 4_521);
    bench.tracker.started(8, START + 4_100);
    bench.feed(15);
    expect(bench.times('f1')).toEqual([4_221, 0]);
    expect(bench.recovered.map(({ id }) => id)).toEqual(['f1']);
  });

  it('is 0 where nothing was held and P99 never left its target', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.feed(9);
    expect(bench.recovered).toEqual([]);
    bench.feed(1);
    expect(bench.times('f1')).toEqual([0, 0]);
  });

  it('counts a held task that finished without starting again', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), [7]);
    bench.tracker.finished(7, START + 1_500);
    bench.feed(15);
    expect(bench.times('f1')[0]).toBe(1_500);
  });

  it('waits for every held task', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), [7, 8]);
    bench.tracker.started(7, START + 1_000);
    bench.tracker.started(7, START + 2_000);
    bench.tracker.started(99, START + 2_000);
    bench.feed(60);
    expect(bench.times('f1')[0]).toBeNull();
    bench.tracker.started(8, bench.now + 250);
    bench.feed(1);
    expect(bench.times('f1')[0]).toBe(60_250);
  });

  it('is when P99 comes back inside, where that is later', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), [7]);
    bench.tracker.started(7, START + 4_000);
    bench.feed(2).feed(10, { p99RecentMs: 6_000 }).feed(1);
    const backAt = bench.now;
    bench.feed(20);
    expect(bench.times('f1')[0]).toBe(backAt - START);
    expect(backAt - START).toBe(13_000);
  });

  it('is not taken from a P99 that leaves its target only after the held tasks run again', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), [7]);
    bench.tracker.started(7, START + 500);
    bench.feed(8).feed(3, { p99RecentMs: 6_000 }).feed(30);
    expect(bench.times('f1')[0]).toBe(12_000);
  });

  it('is not taken from a P99 that comes back and goes again', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.feed(3, { p99RecentMs: 6_000 }).feed(5).feed(3, { p99RecentMs: 6_000 }).feed(30);
    expect(bench.times('f1')[0]).toBe(12_000);
  });

  it('takes a P99 on its target for inside', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.feed(20, { p99RecentMs: TARGET_MS });
    expect(bench.times('f1')[0]).toBe(0);
  });

  it('takes a standstill with tasks waiting for an outage, and one without for nothing to do', () => {
    const standstill = new Bench();
    standstill.tracker.injected(fault('f1', START), []);
    standstill.feed(5, { p99RecentMs: NaN, samples: 0, queueDepth: 12 }).feed(20);
    expect(standstill.times('f1')[0]).toBe(6_000);

    const quiet = new Bench();
    quiet.tracker.injected(fault('f1', START), []);
    quiet.feed(20, { p99RecentMs: NaN, samples: 0 });
    expect(quiet.times('f1')[0]).toBe(0);
  });

  it('of a lasting fault counts from its end', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START, { type: 'zone_outage', endedAt: null }), [7]);
    bench.feed(60, { p99RecentMs: 9_000, active: 150 });
    expect(bench.times('f1')).toEqual([null, null]);
    bench.tracker.ended('f1', bench.now);
    const end = bench.now;
    bench.tracker.started(7, end + 1_200);
    bench.feed(3, { p99RecentMs: 9_000, active: 150 }).feed(20);
    expect(bench.times('f1')).toEqual([4_000, 4_000]);
    expect(bench.tracker.record('f1')?.endedAt).toBe(end);
  });

  it('of a lasting fault that was over before its end is 0', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START, { type: 'network_delay', endedAt: null }), [7]);
    bench.tracker.started(7, START + 2_000);
    bench.feed(60);
    bench.tracker.ended('f1', bench.now);
    bench.feed(20);
    expect(bench.times('f1')).toEqual([0, 0]);
  });

  it('of a partition waits only for the tasks that were taken from the agents nobody heard', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START, { type: 'network_partition', endedAt: null }), [7, 8]);
    bench.feed(3);
    bench.tracker.requeued(8);
    bench.feed(2);
    bench.tracker.ended('f1', bench.now);
    const end = bench.now;
    bench.feed(30);
    expect(bench.times('f1')[0]).toBeNull();
    bench.tracker.started(8, end + 1_500);
    bench.feed(20);
    // Task 7 is still running where it was.
    expect(bench.times('f1')[0]).toBe(1_500);
  });

  it('waits for a task that several faults hit, for each of them', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), [7]);
    bench.feed(1);
    bench.tracker.injected(fault('f2', START + 1_000), [7, 8]);
    bench.tracker.started(8, START + 2_000);
    bench.tracker.started(7, START + 3_000);
    bench.feed(20);
    expect(bench.times('f1')[0]).toBe(3_000);
    expect(bench.times('f2')[0]).toBe(2_000);
  });
});

describe('capacity recovery', () => {
  it('is when as many agents are ready as were wanted', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.feed(2).feed(4, { active: 180 }).feed(20);
    expect(bench.times('f1')).toEqual([0, 7_000]);
  });

  it('may take longer than service recovery, and the fault is reported when both are there', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('p1', START, { type: 'preemption', voluntary: false }), []);
    bench.feed(120, { active: 196 });
    expect(bench.times('p1')).toEqual([0, null]);
    expect(bench.recovered).toEqual([]);
    bench.feed(11);
    expect(bench.times('p1')).toEqual([0, 121_000]);
    expect(bench.recovered).toHaveLength(1);
  });

  it('does not wait for agents that a scale-up wants beside, nor for those a scale-down no longer wants', () => {
    const up = new Bench();
    up.tracker.injected(fault('f1', START), []);
    up.feed(3, { active: 180, target: 250 }).feed(20, { active: 200, target: 250 });
    expect(up.times('f1')[1]).toBe(4_000);

    const down = new Bench();
    down.tracker.injected(fault('f1', START), []);
    down.feed(20, { active: 180, target: 150 });
    expect(down.times('f1')[1]).toBe(0);
  });
});

describe('the faults of a run', () => {
  it('are summed up: how many, how many not recovered, which was worst', () => {
    const bench = new Bench();
    expect(bench.tracker.summary()).toEqual({ faults: 0, unrecovered: 0, worstMs: null, worstFaultId: null });
    bench.tracker.injected(fault('f1', bench.now), [1]);
    bench.tracker.started(1, bench.now + 3_000);
    bench.feed(20);
    bench.tracker.injected(fault('f2', bench.now), [2]);
    bench.tracker.started(2, bench.now + 6_000);
    bench.feed(20);
    bench.tracker.injected(fault('f3', bench.now), [3]);
    bench.feed(20);
    expect(bench.tracker.summary()).toEqual({ faults: 3, unrecovered: 1, worstMs: 6_000, worstFaultId: 'f2' });
  });

  it('that are back when the run ends count as recovered, the others never did', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', bench.now), [1]);
    bench.tracker.injected(fault('f2', bench.now), [2]);
    bench.tracker.injected(fault('f3', bench.now, { endedAt: null }), []);
    bench.tracker.started(1, bench.now + 2_000);
    bench.feed(3);
    bench.tracker.end();
    expect(bench.times('f1')).toEqual([2_000, 0]);
    expect(bench.times('f2')).toEqual([null, 0]);
    expect(bench.times('f3')).toEqual([null, null]);
    expect(bench.recovered.map(({ id }) => id)).toEqual(['f1']);
    expect(bench.tracker.summary().unrecovered).toBe(2);
  });

  it('whose service is back but not yet their agents when the run ends are reported once, without a capacity recovery', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('p1', bench.now, { type: 'preemption', voluntary: false }), []);
    bench.feed(30, { active: 196 });
    bench.tracker.end();
    bench.tracker.end();
    expect(bench.recovered).toMatchObject([{ id: 'p1', serviceRecoveryMs: 0, capacityRecoveryMs: null }]);
    expect(bench.tracker.summary().unrecovered).toBe(0);
  });

  it('take over what the probes found without losing their recovery times', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.feed(20);
    bench.tracker.noted(fault('f1', START, { effectSeen: true, endSeen: true, detail: 'probed' }));
    expect(bench.tracker.record('f1')).toMatchObject({ effectSeen: true, detail: 'probed', serviceRecoveryMs: 0 });
  });

  it('are told apart by their id: a fault announced twice is one fault', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('f1', START), []);
    bench.tracker.injected(fault('f1', START), [1, 2]);
    bench.feed(20);
    expect(bench.tracker.summary()).toMatchObject({ faults: 1, unrecovered: 0 });
  });

  it('stay bounded in number, and the worst and the unrecovered are kept', () => {
    const bench = new Bench();
    bench.tracker.injected(fault('stuck', bench.now), [-1]);
    bench.tracker.injected(fault('worst', bench.now), [1]);
    bench.tracker.started(1, bench.now + 9_000);
    bench.feed(20);
    for (let i = 0; i < 3_000; i += 1) {
      bench.tracker.injected(fault(`f${i}`, bench.now), []);
      if (i % 100 === 0) bench.feed(11);
    }
    bench.feed(20);
    const ids = bench.tracker.records().map(({ id }) => id);
    expect(ids.length).toBeLessThanOrEqual(2_000);
    expect(ids.slice(0, 2)).toEqual(['stuck', 'worst']);
    expect(ids.at(-1)).toBe('f2999');
    expect(bench.tracker.summary()).toEqual({ faults: 3_002, unrecovered: 1, worstMs: 9_000, worstFaultId: 'worst' });
  });

  it('recover at the last restart of their tasks, whatever the order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 25_000 }), { minLength: 1, maxLength: 20 }), (restarts) => {
        const bench = new Bench();
        bench.tracker.injected(
          fault('f1', START),
          restarts.map((_, task) => task),
        );
        const order = restarts.map((at, task) => ({ at, task })).sort((a, b) => a.at - b.at);
        for (let second = 0; second < 40; second += 1) {
          for (const { at, task } of order) {
            if (at >= second * 1_000 && at < (second + 1) * 1_000) bench.tracker.started(task, START + at);
          }
          bench.feed(1);
        }
        expect(bench.times('f1')).toEqual([Math.max(...restarts), 0]);
      }),
      { numRuns: 100 },
    );
  });
});
