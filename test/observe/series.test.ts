import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { MOST_ROWS, rowLengthMs, Series, type SeriesJson } from '../../runtime/observe/series.js';
import { fleetSample } from './samples.js';

describe('row length', () => {
  it.each([2 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR, 48 * HOUR, 72 * HOUR, 28 * 24 * HOUR, 400 * 24 * HOUR])(
    'leaves a run of %d ms, and its drain, within 2,160 rows',
    (durationMs) => {
      const rows = (durationMs + 5 * MINUTE) / rowLengthMs(durationMs);
      expect(rows).toBeLessThanOrEqual(MOST_ROWS);
      expect(rowLengthMs(durationMs) % SECOND).toBe(0);
    },
  );

  it('is a second for two minutes and at most three minutes for three days', () => {
    expect(rowLengthMs(2 * MINUTE)).toBe(SECOND);
    expect(rowLengthMs(72 * HOUR)).toBeLessThanOrEqual(3 * MINUTE);
  });
});

describe('series', () => {
  it('puts what happens into the row of its time', () => {
    const series = new Series(0, 10_000, ['A', 'B']);
    series.count('offered', 0);
    series.count('offered', 9_999);
    series.count('offered', 10_000);
    series.responseLatency(12_000, 1_000);
    series.sample(20_000, fleetSample({ active: 9, byZone: { A: 4 } }), 7, 1.5);
    series.count('offered', 35_000);
    const { columns, zones } = series.snapshot();
    expect([...columns.offered]).toEqual([2, 1, 0, 1]);
    expect(columns.p99[1]).toBeCloseTo(1_000, -1);
    expect([columns.p99[0], columns.p99[2]]).toEqual([NaN, NaN]);
    expect(columns.agentsActive[1]).toBe(9);
    expect(columns.agentsActive[2]).toBeNaN();
    expect([zones.get('A')?.[1], zones.get('B')?.[1]]).toEqual([4, 0]);
  });

  it('keeps the deepest queue, the fewest agents and the worst lag of a row', () => {
    const series = new Series(0, 10_000, []);
    for (const [second, depth] of [5, 90, 20].entries()) {
      series.sample(second * SECOND, fleetSample({ active: 10 - second, target: 10 + second }), depth, second);
      series.dispatchLag(second * SECOND, depth / 10);
    }
    const { columns } = series.snapshot();
    expect([columns.queueDepth[0], columns.agentsActive[0], columns.dispatchLag[0]]).toEqual([90, 8, 9]);
    expect([columns.agentsTarget[0], columns.cost[0], columns.samples[0]]).toEqual([12, 2, 3]);
  });

  it('gives a late answer to the row its canary was sent in', () => {
    const series = new Series(0, 10_000, []);
    series.canary('canaries', 9_000);
    series.count('offered', 15_000);
    series.canary('canariesWithin', 9_000);
    expect([...series.snapshot().columns.canariesWithin]).toEqual([1, 0]);
  });

  it('makes its rows twice as long when a run outgrows them', () => {
    const series = new Series(0, 1_000, ['A']);
    for (let second = 0; second < 2 * MOST_ROWS; second += 1) {
      series.count('offered', second * SECOND);
      series.responseLatency(second * SECOND, second < 2 ? 100 * (second + 1) : 1);
      series.sample(second * SECOND + 999, fleetSample({ active: second + 1, byZone: { A: second } }), second, second);
    }
    const { rowMs, columns, zones } = series.snapshot();
    expect(rowMs).toBe(2_000);
    expect(columns.offered).toHaveLength(MOST_ROWS);
    expect(columns.offered.every((count) => count === 2)).toBe(true);
    expect(columns.p99[0]).toBeCloseTo(200, -1);
    expect([columns.agentsActive[1], columns.queueDepth[1], columns.cost[1], zones.get('A')?.[1]]).toEqual([
      3, 3, 3, 2,
    ]);
  });

  it('does not change by being looked at', () => {
    const looked = new Series(0, 10_000, ['A']);
    const left = new Series(0, 10_000, ['A']);
    for (let i = 0; i < 100; i += 1) {
      for (const series of [looked, left]) series.responseLatency(i * 300, i < 5 ? 5_000 : 10);
      looked.snapshot();
    }
    expect(looked.toJSON()).toEqual(left.toJSON());
  });

  it('comes back from JSON in the middle of a row, and goes on', () => {
    const series = new Series(0, 10_000, ['A']);
    for (let i = 0; i < 45; i += 1) {
      series.count('completed', i * SECOND);
      series.responseLatency(i * SECOND, i);
      series.completionLatency(i * SECOND, 10 * i);
      series.sample(i * SECOND, fleetSample(), i, i);
    }
    const copy = Series.fromJSON(JSON.parse(JSON.stringify(series)) as SeriesJson);
    for (const each of [series, copy]) {
      for (let i = 45; i < 70; i += 1) each.responseLatency(i * SECOND, i);
    }
    expect(copy.toJSON()).toEqual(series.toJSON());
  });
});
