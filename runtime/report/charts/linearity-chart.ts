import { throughputOf } from '../../observe/linearity.js';
import type { Markup } from '../html/markup.js';
import type { ExperimentReport } from '../model.js';
import type { Telling } from '../telling.js';
import { figure, type LegendEntry } from './figure.js';
import { placeholder } from './palette.js';
import { drawSvg, SIZES, type Description, type Size } from './svg.js';
import { valueAxis } from './time-chart.js';

type Linearity = NonNullable<ExperimentReport['linearity']>;

/** Measured points, the straight line through the smallest fleet, and the fitted law. */
export function linearityFigure(told: Telling, linearity: Linearity): Markup {
  const { t, f } = told;
  const about: Description = {
    id: 'chart-linearity',
    title: t('chart.linearity'),
    text: t('chartText.linearity', { ratio: f.share(linearity.ratio) }),
  };
  const legend: LegendEntry[] = [
    { name: t('line.measured'), color: 'blue', dash: [3, 4] },
    { name: t('line.linear'), color: 'grey', dash: [7, 4] },
    ...(linearity.usl === null ? [] : [{ name: t('line.usl'), color: 'orange' } as const]),
  ];
  const svgs = SIZES.map((size) => drawSvg(linearityOption(told, linearity, size), size, about, ''));
  return figure(about, t('chart.tasksPerMin'), legend, svgs);
}

function linearityOption({ f }: Telling, { points, usl }: Linearity, size: Size): Record<string, unknown> {
  const most = Math.max(...points.map((point) => point.agents)) * 1.08;
  const perAgent = points[0]?.perAgent ?? 0;
  const grid = Array.from({ length: 61 }, (_, index) => (index / 60) * most);
  const muted = { color: placeholder('muted'), fontSize: 11 };
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: { left: size.id === 'wide' ? 56 : 50, right: 16, top: 12, bottom: 30, outerBoundsMode: 'none' },
    xAxis: {
      type: 'value',
      min: 0,
      max: most,
      axisLine: { lineStyle: { color: placeholder('axis') } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...muted, showMaxLabel: false },
    },
    yAxis: valueAxis({ scale: 'linear', format: (value) => f.count(value) }, perAgent * most, size),
    series: [
      {
        type: 'line',
        silent: true,
        showSymbol: false,
        lineStyle: { color: placeholder('grey'), type: [7, 4], width: 1.3 },
        data: [
          [0, 0],
          [most, perAgent * most],
        ],
      },
      {
        type: 'line',
        silent: true,
        showSymbol: false,
        lineStyle: { color: placeholder('orange'), width: 1.8 },
        data: usl === null ? [] : grid.map((agents) => [agents, agents === 0 ? 0 : throughputOf(usl, agents)]),
      },
      {
        type: 'scatter',
        silent: true,
        symbol: 'circle',
        symbolSize: 10,
        itemStyle: { color: placeholder('blue'), borderColor: placeholder('card'), borderWidth: 1.5 },
        label: {
          show: true,
          position: 'bottom',
          ...muted,
          formatter: ({ value }: { value: [number, number] }) => f.rate(value[1]),
        },
        data: points.map((point) => [point.agents, point.throughput]),
      },
    ],
  };
}
