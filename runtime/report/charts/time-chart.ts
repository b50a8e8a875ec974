import type * as echarts from 'echarts';

import type { Markup } from '../html/markup.js';
import { niceScale } from './axis.js';
import { downsample, type Point, type Reduction } from './downsample.js';
import { figure, type LegendEntry } from './figure.js';
import { placeholder, type ColorName } from './palette.js';
import { stripHeight, stripReference } from './strip.js';
import { drawSvg, SIZES, type Description, type Plot, type Size } from './svg.js';
import { labelStep, type Timeline } from './timeline.js';

/** One column of the series, and how it is drawn. Lines differ in dash or width as well as in colour. */
export interface ChartLine {
  readonly name: string;
  readonly values: ReadonlyArray<number | null>;
  readonly color: ColorName;
  readonly dash?: readonly number[];
  readonly width?: number;
  /** Filled down to the axis (or to the band below, when stacked). */
  readonly area?: boolean;
  readonly stacked?: boolean;
  readonly step?: boolean;
  /**
   * For lines that are drawn with one point a pixel (stacked, cumulative). Without it a run with more buckets than the
   * chart has pixels gets two drawings: lowest and highest of each pixel, pale, and the typical value of some pixels over it.
   */
  readonly reduction?: Reduction;
  /** What the strong line shows; `mean` for rare events, whose median is 0. Default `median`. */
  readonly typical?: 'median' | 'mean';
}

/** A horizontal line: what the values are held against. */
export interface TargetLine {
  readonly label: string;
  readonly value: number;
}

export interface ValueAxis {
  readonly scale: 'linear' | 'log';
  /** Default 0. */
  readonly min?: number;
  /** Default: room for all values and targets. */
  readonly max?: number;
  readonly format: (value: number) => string;
}

/** A chart over the time of the run. */
export interface TimeChart extends Description {
  readonly unit: string;
  readonly lines: readonly ChartLine[];
  readonly targets: readonly TargetLine[];
  readonly axis: ValueAxis;
}

/** The chart as a figure, drawn once per size. Columns are buckets of `bucketMs`. */
export function timeFigure(chart: TimeChart, timeline: Timeline, bucketMs: number): Markup {
  const svgs = SIZES.map((size) =>
    drawSvg(timeOption(chart, timeline, bucketMs, size), size, chart, stripReference(size)),
  );
  return figure(chart, chart.unit, [...chart.lines, ...chart.targets.map(targetLegend)], svgs);
}

/** The plot of every time chart of a run, so that all of them line up. */
export function timePlot(timeline: Timeline, size: Size): Plot {
  const wide = size.id === 'wide';
  return { left: wide ? 56 : 50, right: wide ? 16 : 12, top: 12, bottom: stripHeight(timeline) + 28 };
}

/** Are there more buckets than pixels, so that lines are drawn pale and strong? */
export function isDense(buckets: number, timeline: Timeline, size: Size): boolean {
  return buckets > pixelsOf(timePlot(timeline, size), size);
}

function pixelsOf(plot: Plot, size: Size): number {
  return size.width - plot.left - plot.right;
}

function timeOption(chart: TimeChart, timeline: Timeline, bucketMs: number, size: Size): echarts.EChartsCoreOption {
  const plot = timePlot(timeline, size);
  const pixels = pixelsOf(plot, size);
  const floor = chart.axis.scale === 'log' ? (chart.axis.min ?? 1) : -Infinity;
  const series = chart.lines.flatMap((line) => lineSeries(line, bucketMs / timeline.unitMs, pixels, floor));
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: { ...plot, outerBoundsMode: 'none' },
    xAxis: timeAxis(timeline, size),
    yAxis: valueAxis(chart.axis, highestOf(chart), size),
    series: series.map((one, index) => (index === 0 ? { ...one, markLine: targetLines(chart.targets) } : one)),
  };
}

function highestOf({ lines, targets }: TimeChart): number {
  const tops = lines.map((line) => line.values.reduce((a: number, b) => (b !== null && b > a ? b : a), 0));
  return Math.max(0, ...tops, ...targets.map((target) => target.value));
}

function timeAxis(timeline: Timeline, size: Size): object {
  const step = labelStep(timeline, size.id === 'wide' ? 7 : 4);
  return {
    type: 'value',
    min: 0,
    max: timeline.durationMs / timeline.unitMs,
    interval: step,
    axisLine: { onZero: false, lineStyle: { color: placeholder('axis') } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: placeholder('grid') } },
    axisLabel: {
      color: placeholder('muted'),
      fontSize: 11,
      margin: stripHeight(timeline) + 9,
      // The last label is the run's end, which need not be a multiple of the step.
      formatter: (value: number) =>
        Math.abs(value / step - Math.round(value / step)) > 1e-6 ? '' : value === 0 ? '0' : `${value} ${timeline.unit}`,
    },
  };
}

/** The axis of values, also for charts that are not over time. */
export function valueAxis(axis: ValueAxis, highest: number, size: Size): object {
  const min = axis.min ?? 0;
  const linear = niceScale(min, axis.max ?? highest * 1.04, size.id === 'wide' ? 4 : 3);
  return {
    ...(axis.scale === 'log' ? { type: 'log', min, max: axis.max } : { type: 'value', min, ...linear }),
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: placeholder('grid') } },
    axisLabel: { color: placeholder('muted'), fontSize: 11, margin: 8, formatter: axis.format },
  };
}

/** Pixels per point of the strong line: wide enough to be calm, narrow enough to follow the load. */
const CALM_PX = 4;

/** One series, or a pale one of extremes under a strong one of typical values. */
function lineSeries(line: ChartLine, step: number, pixels: number, floor: number): object[] {
  const reduced = (columns: number, reduction: Reduction): Point[] =>
    // A logarithm has no zero: what lies below the axis is drawn on it.
    downsample(line.values, step, columns, reduction).map(([x, y]) => [x, y === null ? null : Math.max(y, floor)]);
  const style = {
    type: 'line',
    showSymbol: false,
    silent: true,
    ...(line.step === true ? { step: 'middle' } : {}),
    ...(line.stacked === true ? { stack: 'stack' } : {}),
    itemStyle: { color: placeholder(line.color) },
  };
  const stroke = {
    color: placeholder(line.color),
    width: line.width ?? 1.5,
    ...(line.dash === undefined ? {} : { type: [...line.dash] }),
  };
  const area = { color: placeholder(line.color), opacity: line.stacked === true ? 0.42 : 0.13 };
  const filled = line.area === true ? { areaStyle: area } : {};
  const dense = line.values.length > pixels;
  if (line.reduction !== undefined || !dense) {
    return [{ ...style, ...filled, lineStyle: stroke, data: reduced(pixels, line.reduction ?? 'extremes') }];
  }
  const pale = { color: placeholder(line.color), width: 0.9, opacity: 0.42 };
  return [
    { ...style, lineStyle: pale, data: reduced(pixels / 1.25, 'extremes') },
    { ...style, ...filled, lineStyle: stroke, data: reduced(pixels / CALM_PX, line.typical ?? 'median') },
  ];
}

const TARGET_STROKE = { color: 'ink', dash: [7, 4] } as const;

function targetLegend(target: TargetLine): LegendEntry {
  return { name: target.label, ...TARGET_STROKE, thin: true };
}

function targetLines(targets: readonly TargetLine[]): object {
  return {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: placeholder(TARGET_STROKE.color), type: [...TARGET_STROKE.dash], width: 1.1 },
    data: targets.map((target) => ({ yAxis: target.value })),
  };
}
