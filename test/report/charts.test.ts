import fc from 'fast-check';

import { niceScale } from '../../runtime/report/charts/axis.js';
import { downsample } from '../../runtime/report/charts/downsample.js';
import { COLORS, placeholder, themed, type ColorName } from '../../runtime/report/charts/palette.js';
import { lanesOf, stripDefinition } from '../../runtime/report/charts/strip.js';
import { SIZES } from '../../runtime/report/charts/svg.js';
import { timePlot } from '../../runtime/report/charts/time-chart.js';
import { labelStep, timelineOf } from '../../runtime/report/charts/timeline.js';
import { translator } from '../../runtime/report/i18n.js';
import { makeReport, START } from './fixture.js';

const columns = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { nil: null }), {
  maxLength: 300,
});

test('drawing extremes keeps the highest and lowest value however long the run', () => {
  fc.assert(
    fc.property(columns, fc.integer({ min: 1, max: 60 }), (values, width) => {
      const drawn = downsample(values, 1, width, 'extremes').map(([, y]) => y);
      const numbers = (list: ReadonlyArray<number | null>): number[] => list.filter((value) => value !== null);
      expect(Math.max(...numbers(drawn))).toBe(Math.max(...numbers(values)));
      expect(Math.min(...numbers(drawn))).toBe(Math.min(...numbers(values)));
      expect(drawn.length).toBeLessThanOrEqual(2 * width + 2);
    }),
  );
});

test('drawn points run forward in time and inside the run', () => {
  fc.assert(
    fc.property(columns, fc.constantFrom('extremes', 'mean', 'median', 'last', 'min', 'max'), (values, reduction) => {
      const xs = downsample(values, 2, 17, reduction as 'mean').map(([x]) => x);
      expect(xs).toEqual([...xs].sort((a, b) => a - b));
      expect(xs.every((x) => x > 0 && x < values.length * 2)).toBe(true);
    }),
  );
});

test('each reduction gives what its name says, and nothing where nothing was measured', () => {
  const values = [1, 5, 2, 9, null, null];
  const of = (reduction: 'mean' | 'median' | 'last' | 'min' | 'max'): Array<number | null> =>
    downsample(values, 1, 2, reduction).map(([, y]) => y);
  expect(of('mean')).toEqual([8 / 3, 9]);
  expect(of('median')).toEqual([2, 9]);
  expect(of('last')).toEqual([2, 9]);
  expect(of('min')).toEqual([1, 9]);
  expect(of('max')).toEqual([5, 9]);
  expect(downsample([null, null], 1, 1, 'mean')).toEqual([[1, null]]);
});

test('an axis has round steps and room for the highest value', () => {
  expect(niceScale(0, 1_040, 4)).toEqual({ interval: 500, max: 1_500 });
  expect(niceScale(0, 100, 4)).toEqual({ interval: 25, max: 100 });
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), fc.integer({ min: 2, max: 6 }), (highest, parts) => {
      const { max, interval } = niceScale(0, highest, parts);
      expect(max).toBeGreaterThanOrEqual(highest * (1 - 1e-6));
      expect(Math.round(max / interval)).toBeLessThanOrEqual(parts);
    }),
  );
  expect(niceScale(0, 0, 4).max).toBeGreaterThan(0);
});

test('every colour becomes a variable and no placeholder is left', () => {
  const names = Object.keys(COLORS) as ColorName[];
  expect(themed(names.map(placeholder).join(' '))).toBe(names.map((name) => `var(--c-${name})`).join(' '));
});

test('colours of words and lines stand out from the ground in both schemes', () => {
  // WCAG 2.2: 4.5 for text, 3 for graphical objects.
  for (const scheme of ['light', 'dark'] as const) {
    const contrastOf = (name: ColorName): number => contrast(COLORS[name][scheme], COLORS.card[scheme]);
    for (const text of ['ink', 'muted'] as const) expect(contrastOf(text)).toBeGreaterThanOrEqual(4.5);
    for (const line of ['blue', 'orange', 'green', 'purple', 'amber', 'grey', 'red'] as const) {
      expect(contrastOf(line)).toBeGreaterThanOrEqual(3);
    }
  }
});

test('what happened is marked in a lane of its own for each kind', () => {
  const timeline = timelineOf(makeReport());
  expect(lanesOf(timeline)).toEqual(['faults', 'scalings', 'alerts', 'pauses']);
  expect(timeline.pauses).toEqual([{ from: 52 * 3_600_000, to: 52.8 * 3_600_000 }]);
  expect(lanesOf(timelineOf(makeReport({ faults: [], states: [] })))).toEqual(['scalings', 'alerts']);
});

test('hundreds of faults are thin ticks in the strip, a few are also lines through the plot', () => {
  const [size] = SIZES;
  if (size === undefined) throw new Error('no size');
  const draw = (count: number): string => {
    const report = makeReport();
    const timeline = timelineOf({ ...report, faults: report.faults.slice(0, count) });
    return stripDefinition(timeline, size, timePlot(timeline, size), translator('en'));
  };
  const ticks = (svg: string): string => /d="([^"]*)" stroke="var\(--c-orange\)" stroke-width/.exec(svg)?.[1] ?? '';
  expect(ticks(draw(291)).match(/M/g)).toHaveLength(291);
  expect(draw(291)).not.toContain('stroke-dasharray="1 3"');
  expect(draw(5)).toContain('stroke-dasharray="1 3"');
});

test('marks stay inside the plot even when their times do not', () => {
  const report = makeReport();
  const alert = {
    name: 'x',
    severity: 'critical',
    firedAt: START - 5_000,
    resolvedAt: START + 1e12,
    peak: 1,
    actions: [],
  };
  expect(timelineOf({ ...report, alerts: [alert] }).alerts).toEqual([
    { from: 0, to: report.metadata.duration, critical: true },
  ]);
});

test.each([
  [72 * 3_600_000, 'h', 12],
  [48 * 3_600_000, 'h', 12],
  [3_600_000, 'min', 10],
  [120_000, 's', 20],
])('a run of %d ms is counted in %s, with labels %d apart', (duration, unit, step) => {
  const report = makeReport();
  const timeline = timelineOf({ ...report, metadata: { ...report.metadata, endTime: START + duration } });
  expect(timeline.unit).toBe(unit);
  expect(labelStep(timeline, 7)).toBe(step);
});

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}
