import { Random } from '../../runtime/kernel/random.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import { MergingWindows } from '../../runtime/observe/merging-windows.js';
import { MemoryLeakMonitor } from '../../runtime/observe/memory-leak.js';
import { Monitors, type MonitorFinding } from '../../runtime/observe/monitors.js';
import { sampleData, type SampleChange } from './sample-data.js';

const MIB = 2 ** 20;
const START = 1_767_538_800_000;
const LIMIT = 2_048 * MIB;

interface FleetRules {
  readonly hours: number;
  readonly agents?: number;
  /** Kept after each task. */
  readonly leakBytes: number;
  /** An agent restarts after so many tasks, and is away for 5 s. */
  readonly recycleAfter?: number;
  /** Standard deviation of each reading of the whole fleet's memory. */
  readonly noiseBytes?: number;
  readonly utilization?: (second: number) => number;
}

/** Second by second: agents that run tasks, leak, and are recycled one by one at different times. */
function* fleet({
  hours,
  agents = 50,
  leakBytes,
  recycleAfter = Infinity,
  noiseBytes = 0,
  utilization = () => 0.4,
}: FleetRules): Generator<{ second: number; sample: SampleChange }> {
  const random = new Random(7, 'fleet');
  const tasks = Array.from({ length: agents }, (_, i) =>
    Number.isFinite(recycleAfter) ? Math.floor((i / agents) * recycleAfter) : 0,
  );
  const awayUntil = new Array<number>(agents).fill(-1);
  for (let second = 0; second < hours * 3_600; second += 1) {
    let busySlots = 0;
    let active = 0;
    let bytes = 0;
    for (let i = 0; i < agents; i += 1) {
      if ((awayUntil[i] as number) >= second) continue;
      active += 1;
      const busy = [0, 1, 2, 3].filter(() => random.chance(utilization(second))).length;
      busySlots += busy;
      if (random.chance(busy / 38)) tasks[i] = (tasks[i] as number) + 1;
      if ((tasks[i] as number) >= recycleAfter) {
        tasks[i] = 0;
        awayUntil[i] = second + 5;
      }
      bytes += 300 * MIB + busy * 50 * MIB + (tasks[i] as number) * leakBytes;
    }
    yield {
      second,
      sample: {
        total: agents,
        active,
        error: agents - active,
        busySlots,
        memoryBytes: bytes + noiseBytes * random.normal(),
      },
    };
  }
}

function watch(rules: FleetRules): MemoryLeakMonitor {
  const monitor = new MemoryLeakMonitor(LIMIT);
  for (const { second, sample } of fleet(rules)) monitor.observe(sampleData(START + second * 1_000, sample));
  return monitor;
}

/** 4 slots × 40 % busy × 3,600 s ÷ 38 s, once per second at most. */
const TASKS_PER_HOUR = (4 * 0.4 * 3_600) / 38;

describe('the memory-leak monitor', () => {
  it('measures the leak of a fleet that is never recycled', () => {
    const { state, mibPerHour } = watch({ hours: 2, leakBytes: 64 * 1_024 }).state();
    expect(state).toBe('leak');
    expect(mibPerHour / ((TASKS_PER_HOUR * 64) / 1_024)).toBeCloseTo(1, 1);
  });

  it('sees it through recycling that keeps the total level', () => {
    const rules = { hours: 4, leakBytes: 64 * 1_024, recycleAfter: 60 };
    const first = [...fleet({ ...rules, hours: 0.1 })].at(-1)?.sample.memoryBytes as number;
    const last = [...fleet(rules)].at(-1)?.sample.memoryBytes as number;
    expect(Math.abs(last / first - 1)).toBeLessThan(0.1);

    const { state, mibPerHour } = watch(rules).state();
    expect(state).toBe('leak');
    expect(mibPerHour / ((TASKS_PER_HOUR * 64) / 1_024)).toBeCloseTo(1, 1);
  });

  it('finds none where there is none, recycled or not', () => {
    expect(watch({ hours: 1, leakBytes: 0 }).state()).toMatchObject({ state: 'steady' });
    const recycled = watch({ hours: 2, leakBytes: 0, recycleAfter: 60 }).state();
    expect(recycled.state).toBe('steady');
    expect(Math.abs(recycled.mibPerHour)).toBeLessThan(0.1);
  });

  it('does not take a rising load for a leak', () => {
    const { state, mibPerHour } = watch({
      hours: 2,
      leakBytes: 0,
      utilization: (second) => 0.1 + (0.8 * second) / 7_200,
    }).state();
    expect(state).toBe('steady');
    expect(Math.abs(mibPerHour)).toBeLessThan(0.1);
  });

  it('is not fooled by noisy readings, and finds a leak among them', () => {
    expect(watch({ hours: 3, leakBytes: 0, noiseBytes: 100 * MIB }).state().state).toBe('steady');
    expect(watch({ hours: 3, leakBytes: 128 * 1_024, noiseBytes: 20 * MIB }).state().state).toBe('leak');
  });

  it('foretells when a fresh agent reaches its recycling limit', () => {
    const monitor = watch({ hours: 2, leakBytes: 64 * 1_024 });
    const { mibPerHour, untilRecycleMs } = monitor.state();
    const hours = untilRecycleMs / 3_600_000;
    expect(hours).toBeGreaterThan((2_048 - 400) / mibPerHour);
    expect(hours).toBeLessThan((2_048 - 300) / mibPerHour);
    expect(monitor.finding()).toMatch(
      /^leak: memory grows by \d+(\.\d)? MiB\/h per agent; an agent reaches its recycling limit of 2,048 MiB after \d+ h/,
    );
  });

  it('says nothing before ten minutes, nor without readings', () => {
    expect(watch({ hours: 0.15, leakBytes: 64 * 1_024 }).state().state).toBe('unknown');
    const blind = new MemoryLeakMonitor(LIMIT);
    for (let second = 0; second < 3_600; second += 1)
      blind.observe(sampleData(START + second * 1_000, { memoryBytes: NaN }));
    expect(blind.state().state).toBe('unknown');
  });

  it('survives holes in the data', () => {
    const monitor = new MemoryLeakMonitor(LIMIT);
    let hole = 0;
    for (const { second, sample } of fleet({ hours: 1, leakBytes: 64 * 1_024 })) {
      if (second % 600 === 0) hole += 3_600_000;
      monitor.observe(sampleData(START + second * 1_000 + hole, sample));
    }
    expect(monitor.state().state).not.toBe('unknown');
    expect(monitor.state().mibPerHour / ((TASKS_PER_HOUR * 64) / 1_024)).toBeCloseTo(1, 0);
  });
});

/** Both monitors on samples made by hand. */
class Bench {
  readonly events: ExperimentEvent[] = [];
  readonly monitors = new Monitors(
    { monitors: ['memory_leak', 'connection_pool'], recycleLimitBytes: LIMIT },
    (event) => this.events.push(event),
  );
  second = 0;

  feed(minutes: number, sample: (second: number) => SampleChange): this {
    for (let i = 0; i < minutes * 60; i += 1) {
      this.second += 1;
      this.monitors.observe(sampleData(START + this.second * 1_000, sample(i)));
    }
    return this;
  }

  connections(): MonitorFinding {
    return this.monitors.findings()[1] as MonitorFinding;
  }
}

describe('the connection-pool monitor', () => {
  it('is content with one connection per agent, however the fleet is scaled', () => {
    const bench = new Bench()
      .feed(10, () => ({}))
      .feed(10, (i) => ({ total: 200 + Math.floor(i / 12) }))
      .feed(20, () => ({ total: 100 }));
    expect(bench.connections()).toEqual({
      monitor: 'connection_pool',
      finding: 'steady: 1 connections per agent',
      value: 1,
      unit: 'connections per agent',
      ok: true,
    });
  });

  it('finds connections that grow without agents growing', () => {
    const bench = new Bench().feed(10, () => ({})).feed(60, (i) => ({ connections: 200 + i / 60 }));
    expect(bench.connections()).toMatchObject({ ok: false });
    expect(bench.connections().finding).toMatch(/^leak: 1\.\d+ connections per agent where 1(\.\d+)? are usual$/);
    expect(
      bench.events
        .filter(({ type }) => type === 'monitor')
        .map((event) => (event.type === 'monitor' ? event.finding : '')),
    ).toContainEqual(expect.stringMatching(/^leak/));
  });

  it('finds connections that stay when agents go', () => {
    const bench = new Bench().feed(30, () => ({})).feed(10, () => ({ total: 100, connections: 200 }));
    expect(bench.connections()).toMatchObject({ ok: false, value: 2 });
  });

  it('finds fewer connections than active agents, for a minute', () => {
    const short = new Bench()
      .feed(10, () => ({}))
      .feed(0.9, () => ({ connections: 190 }))
      .feed(5, () => ({}));
    expect(short.connections().ok).toBe(true);
    const long = new Bench()
      .feed(10, () => ({}))
      .feed(2, () => ({ connections: 190 }))
      .feed(5, () => ({}));
    expect(long.connections()).toMatchObject({
      ok: false,
      finding: 'shortage: up to 10 fewer connections than active agents, for 1 min 59 s',
    });
  });

  it('says nothing in the first minutes', () => {
    expect(new Bench().feed(3, () => ({})).connections()).toMatchObject({
      ok: true,
      finding: expect.stringMatching(/^too short to tell/) as string,
    });
  });
});

describe('the monitors', () => {
  it('are those the run asks for', () => {
    const none = new Monitors({ monitors: [], recycleLimitBytes: LIMIT }, () => undefined);
    none.observe(sampleData(START));
    expect(none.findings()).toEqual([]);
    const one = new Monitors({ monitors: ['memory_leak', 'memory_leak'], recycleLimitBytes: LIMIT }, () => undefined);
    expect(one.findings()).toMatchObject([{ monitor: 'memory_leak', value: 0, unit: 'MiB/h per agent', ok: true }]);
  });

  it('leave one event per change of what they find, and none while it stays', () => {
    const bench = new Bench().feed(60, (i) => ({ memoryBytes: 200 * (400 * MIB + i * 100 * 1_024) }));
    const memory = bench.events.filter((event) => event.type === 'monitor' && event.monitor === 'memory_leak');
    expect(memory).toHaveLength(1);
    expect(memory[0]).toMatchObject({ finding: expect.stringMatching(/^leak/) as string });
    expect(bench.monitors.findings()[0]?.ok).toBe(false);
    // 100 KiB a second and agent.
    expect(bench.monitors.findings()[0]?.value).toBeCloseTo((100 * 3_600) / 1_024, 1);
  });
});

describe('merging windows', () => {
  it('keep the sum of everything in bounded memory, the last unfinished window aside', () => {
    const windows = new MergingWindows<number>(8, (a, b) => a + b);
    const full = Array.from({ length: 1_000 }, () => {
      const done = windows.push(1);
      expect(windows.all().length).toBeLessThan(8);
      return done;
    });
    expect(windows.all()).toEqual([128, 128, 128, 128, 128, 128, 128]);
    // Eight of length 1, then four of every length from 2 to 128, of which the last is not full.
    expect(full.filter(Boolean)).toHaveLength(8 + 4 * 7 - 1);
  });
});
