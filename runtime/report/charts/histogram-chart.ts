import type { Markup } from '../html/markup.js';
import type { Format } from '../format.js';
import { figure } from './figure.js';
import { placeholder } from './palette.js';
import { drawSvg, SIZES, type Description, type Size } from './svg.js';

/** A value marked on the axis: a percentile or a target. */
export interface ValueMark {
  readonly label: string;
  readonly value: number;
  readonly strong: boolean;
}

export interface HistogramChart extends Description {
  readonly unit: string;
  /** Ascending; each bar reaches from the end of the one before it, ms. */
  readonly bars: ReadonlyArray<{ readonly upToMs: number; readonly count: number }>;
  readonly marks: readonly ValueMark[];
}

/** A distribution: bars over a logarithmic axis of durations, counts on a logarithmic axis so that the tail is seen. */
export function histogramFigure(chart: HistogramChart, f: Format): Markup {
  return figure(
    chart,
    chart.unit,
    [],
    SIZES.map((size) => drawSvg(histogramOption(chart, f, size), size, chart, '')),
  );
}

/** Everything faster is one bar at the left end: a logarithmic axis never reaches zero. */
const FIRST_MS = 1;
const FIRST_BAR_FROM_MS = 0.7;

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

function barsOf(bars: HistogramChart['bars']): Bar[] {
  const fast = bars.filter((bar) => bar.upToMs <= FIRST_MS).reduce((sum, bar) => sum + bar.count, 0);
  const slow = bars.flatMap((bar, index) => {
    const from = Math.max(bars[index - 1]?.upToMs ?? 0, FIRST_MS);
    return bar.upToMs <= FIRST_MS ? [] : [{ from, to: bar.upToMs, count: bar.count }];
  });
  return [{ from: FIRST_BAR_FROM_MS, to: FIRST_MS, count: fast }, ...slow].filter((bar) => bar.count > 0);
}

function histogramOption({ bars, marks }: HistogramChart, f: Format, size: Size): Record<string, unknown> {
  const rows = barsOf(bars);
  const last = Math.max(...rows.map((row) => row.to), ...marks.map((mark) => mark.value * 1.3), 10);
  const most = Math.max(...rows.map((row) => row.count));
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: {
      left: size.id === 'wide' ? 56 : 50,
      right: 16,
      top: 14 + marks.length * 14,
      bottom: 30,
      outerBoundsMode: 'none',
    },
    xAxis: {
      type: 'log',
      min: FIRST_BAR_FROM_MS,
      max: last,
      axisLine: { onZero: false, lineStyle: { color: placeholder('axis') } },
      axisTick: { show: false },
      minorTick: { show: false },
      splitLine: { lineStyle: { color: placeholder('grid') } },
      axisLabel: {
        color: placeholder('muted'),
        fontSize: 11,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => f.duration(value),
      },
    },
    yAxis: {
      type: 'log',
      min: 0.8,
      max: 10 ** Math.ceil(Math.log10(most + 1)),
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: placeholder('grid') } },
      axisLabel: {
        color: placeholder('muted'),
        fontSize: 11,
        formatter: (value: number) => (value < 1 ? '' : short(value)),
      },
    },
    series: [
      {
        type: 'custom',
        silent: true,
        data: rows.map((row) => [row.from, row.to, row.count]),
        renderItem: drawBar,
        markLine: valueLines(marks),
      },
    ],
  };
}

/** What echarts gives a custom series to draw with (a part of it). */
interface DrawApi {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
}

function drawBar(_: unknown, api: DrawApi): object {
  const [left, top] = api.coord([api.value(0), api.value(2)]);
  const [right, bottom] = api.coord([api.value(1), 0.8]);
  return {
    type: 'rect',
    shape: { x: left + 0.5, y: top, width: Math.max(right - left - 1, 1), height: Math.max(bottom - top, 0) },
    style: { fill: placeholder('blue'), opacity: 0.8 },
  };
}

function valueLines(marks: readonly ValueMark[]): object {
  return {
    silent: true,
    symbol: 'none',
    data: marks.map((mark, index) => ({
      xAxis: mark.value,
      lineStyle: {
        color: placeholder(mark.strong ? 'ink' : 'orange'),
        type: mark.strong ? [7, 4] : [2, 3],
        width: 1.2,
      },
      label: {
        formatter: mark.label,
        // Percentiles lie close together: their labels stand above each other.
        position: 'end',
        offset: [0, -index * 14],
        distance: 3,
        color: placeholder('ink'),
        fontSize: 11,
        textBorderColor: placeholder('card'),
        textBorderWidth: 3,
      },
    })),
  };
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  if (value >= 1e3) return `${value / 1e3} k`;
  return String(value);
}
